// SPDX-License-Identifier: GPL-2.0-only
/* BARs, ROM and VGA by read() and write(). */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "compare.h"
#include "vmtest.h"

static unsigned int pick_region(void)
{
	if (random_chance(5))
		return random_below(NR_REGIONS);
	if (session.subject->is_vga && random_chance(20))
		return VFIO_PCI_VGA_REGION_INDEX;
	if (session.subject->bar_size[6] && random_chance(15))
		return VFIO_PCI_ROM_REGION_INDEX;
	for (unsigned int tries = 0; tries < 20; tries++) {
		unsigned int bar = random_below(6);

		if (session.subject->bar_size[bar])
			return bar;
	}
	return 0;
}

static uint64_t region_size(unsigned int region)
{
	if (region < 7)
		return session.subject->bar_size[region];
	return region == VFIO_PCI_VGA_REGION_INDEX ? 0xc0000 : session.subject->config_size;
}

static uint64_t pick_offset(unsigned int region)
{
	uint64_t size = region_size(region);

	if (region == VFIO_PCI_VGA_REGION_INDEX && random_chance(90))
		return random_chance(50) ? 0x3a8 + random_below(0x40) :
					   0x9fff0 + random_below(0x20010);
	if (!size || random_chance(3))
		return RANDOM_OF(0, 1, 0x1000, 0xffffffff, 0xfffffffff8);
	if (random_chance(5))
		return size - 8 + random_below(16);
	if (random_chance(50))
		return random_below(size < 0x400 ? size : 0x400) & ~3ULL;
	return random_below(size) & ~(RANDOM_OF(0, 1, 3, 7));
}

/*
 * A driver may divide an access of 8 bytes. Memory does not mind; registers that refuse one do,
 * so that what happens then is another thing for the device, not for the driver. See
 * docs/differences.md.
 */
static size_t without_quads(unsigned int region, size_t size)
{
	const struct subject *subject = session.subject;

	if (size < 8 || !subject->splits_quads || !kernel_is("6.1") ||
	    region == VFIO_PCI_ROM_REGION_INDEX || (subject->is_vga && !region))
		return size;
	return size % 4 ?: 4;
}

static size_t pick_size(unsigned int region)
{
	size_t size = random_chance(85) ? RANDOM_OF(1, 2, 4, 4, 8) :
		      RANDOM_OF(0, 3, 5, 6, 7, 9, 12, 16, 64, 256, 4096, 4099);

	return without_quads(region, size);
}

/* The bytes of the MSI-X table are the host's: addresses and numbers of its interrupts. */
static void hide_table(unsigned int region, uint64_t offset, size_t size)
{
	const struct subject *subject = session.subject;

	if (!subject->table_size || region != subject->table_bar)
		return;
	for (size_t n = 0; n < size; n++)
		if (offset + n >= subject->table_start &&
		    offset + n < subject->table_start + subject->entries_size)
			session.buffer[n] = PATTERN;
}

static void read_region(unsigned int region, uint64_t offset, size_t size)
{
	ssize_t got;

	memset(session.buffer, PATTERN, size);
	call_is("region %u read %#llx/%zu", region, (unsigned long long)offset, size);
	got = pread(session.fd, session.buffer, size, session.region_offset[region] + offset);
	call_gives(got);
	if (got > 0) {
		hide_table(region, offset, got);
		call_data(session.buffer, got);
	}
}

static void write_region(unsigned int region, uint64_t offset, size_t size)
{
	call_is("region %u write %#llx/%zu", region, (unsigned long long)offset, size);
	call_data(session.buffer, size);
	call_gives(pwrite(session.fd, session.buffer, size,
			  session.region_offset[region] + offset));
	call_events();
}

void call_region_read(void)
{
	unsigned int region = pick_region();
	uint64_t offset = pick_offset(region);

	read_region(region, offset, pick_size(region));
}

/* What may be written of BARs stands in a table; of what has no registers all may be. */
void call_region_write(void)
{
	unsigned int region = pick_region();
	uint64_t offset;
	size_t size;

	if (region < 6 && session.subject->bar_size[region]) {
		call_device_register();
		return;
	}
	offset = pick_offset(region);
	size = pick_size(region);
	for (size_t n = 0; n < size; n++)
		session.buffer[n] = random_bits();
	write_region(region, offset, size);
}

void call_device_register(void)
{
	const struct subject *subject = session.subject;
	const struct writable *writable;
	uint64_t offset, room;
	size_t size;

	if (!subject->nr_writable) {
		call_region_read();
		return;
	}
	writable = &subject->writable[random_below(subject->nr_writable)];
	offset = random_chance(70) ? random_below(writable->length) & ~3ULL :
				     random_below(writable->length);
	room = writable->length - offset;
	size = pick_size(writable->bar);
	if (size > room)
		size = room;
	/* The mask is one of whole registers. */
	if (~writable->mask) {
		offset &= ~3ULL;
		size = 4;
	}
	for (size_t at = 0; at < size; at += 4) {
		uint32_t value = random_value(4) & writable->mask;

		memcpy(session.buffer + at, &value, 4);
	}
	write_region(writable->bar, writable->start + offset, size);
}
