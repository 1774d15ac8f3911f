// SPDX-License-Identifier: GPL-2.0-only
/* Calls whose arguments mean nothing, or nearly nothing. */
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fuzz.h"
#include "vmtest.h"

/* Addresses that are none, ends of memory, and some memory. */
static void *pick_address(size_t size)
{
	switch (random_below(12)) {
	case 0:
		return NULL;
	case 1:
		return (void *)RANDOM_OF(1, 0x1000, 0x7ffffffff000, 0x800000000000,
					 0xffff888000000000, 0xfffffffffffffff8);
	case 2 ... 4:
		return session.buffer + BUFFER_SIZE - random_below(size + 1);
	default:
		return session.buffer;
	}
}

/* A structure begins with its size, has small numbers mostly, and is followed by anything. */
static void fill_buffer(size_t size)
{
	uint32_t *word = (uint32_t *)session.buffer;

	for (size_t n = 0; n < BUFFER_SIZE / 4 && n < size / 4 + 16; n++)
		word[n] = random_chance(60) ? random_below(16) : random_value(4);
	if (random_chance(80))
		word[0] = size;
}

/* Of all calls only that of a dma-buf gives a number above 2: a file. */
static void do_ioctl(unsigned long number, void *address)
{
	int ret = ioctl(session.fd, number, address);

	call_gives(ret < 0 ? ret : 0);
	if (ret > 2)
		close(ret);
}

void call_wild_ioctl(void)
{
	static const unsigned int numbers[] = {
		VFIO_DEVICE_GET_INFO, VFIO_DEVICE_GET_REGION_INFO, VFIO_DEVICE_GET_IRQ_INFO,
		VFIO_DEVICE_SET_IRQS, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, VFIO_DEVICE_IOEVENTFD,
		VFIO_DEVICE_FEATURE,
	};
	size_t size = RANDOM_OF(8, 12, 16, 20, 24, 28, 32, 40, 64, 256, 4096);
	unsigned long number = random_chance(80) ? numbers[random_below(7)] :
			       random_chance(50) ? _IO(VFIO_TYPE, random_below(256)) : random_bits();
	void *address = pick_address(size);
	uint32_t *word = (uint32_t *)session.buffer;

	fill_buffer(size);
	/* Writes of the device are those of registers that may be written: see subject.c. */
	if (number == VFIO_DEVICE_IOEVENTFD)
		word[3] = random_below(256) | 0x80;
	if (number == VFIO_DEVICE_FEATURE && random_chance(80))
		word[1] = random_below(16) | random_below(8) << 16;
	if (address != session.buffer && address > (void *)session.buffer &&
	    address < (void *)(session.buffer + BUFFER_SIZE))
		memcpy(address, session.buffer, session.buffer + BUFFER_SIZE - (uint8_t *)address);
	call_is("ioctl %#lx at %p of %zu", number, address, size);
	call_data(session.buffer, 32);
	do_ioctl(number, address);
}

void call_wild_feature(void)
{
	struct vfio_device_feature *feature = (void *)session.buffer;
	size_t size = sizeof(*feature) + RANDOM_OF(0, 4, 8, 16, 24, 32, 64, 128);

	fill_buffer(size);
	feature->argsz = size;
	feature->flags = random_below(16) | (random_chance(50) ? 0x10000u << random_below(3) :
							      random_below(16) << 16);
	call_is("feature %#x argsz %#x", feature->flags, feature->argsz);
	call_data(feature->data, 24);
	do_ioctl(VFIO_DEVICE_FEATURE, feature);
}

/* Reads of all regions, writes of those where a write does no harm: of the client's own view. */
void call_wild_access(void)
{
	unsigned int region = random_chance(40) ? VFIO_PCI_CONFIG_REGION_INDEX : random_below(16);
	uint64_t base = region < NR_REGIONS ? session.region_offset[region] : (uint64_t)region << 40;
	size_t size = RANDOM_OF(1, 2, 4, 8, 15, 64, 255, 256, 1024, 4096, 8192);
	uint64_t offset = random_chance(80) ? random_below(0x1200) :
			  random_chance(80) ? random_bits() & 0xffffffffff : random_bits();
	void *address = pick_address(size);
	bool is_write = random_chance(40) && region >= VFIO_PCI_ROM_REGION_INDEX &&
			region != VFIO_PCI_VGA_REGION_INDEX && offset < 1ULL << 40;

	for (size_t at = 0; is_write && at < size; at += 8) {
		uint64_t value = random_value(8);

		memcpy(session.buffer + at, &value, 8);
	}
	call_is("region %u %s %#llx/%zu at %p", region, is_write ? "write" : "read",
		(unsigned long long)offset, size, address);
	call_gives(is_write ? pwrite(session.fd, address, size, base + offset) :
			      pread(session.fd, address, size, base + offset));
}

/* What a device has beyond the regions that all have. */
void call_further_region(void)
{
	struct vfio_region_info info = {
		.argsz = RANDOM_OF(sizeof(info), sizeof(info), sizeof(info), 64),
		.index = NR_REGIONS + random_below(5),
	};
	struct vfio_region_info *whole = (void *)session.buffer;
	uint64_t offset;
	size_t size;

	memset(session.buffer, 0, 128);
	*whole = info;
	call_is("region info %u argsz %#x", info.index, info.argsz);
	call_gives(ioctl(session.fd, VFIO_DEVICE_GET_REGION_INFO, whole));
	info = *whole;
	/* Of those that there are not nothing is known; the first region lies at 0. */
	if (!info.offset)
		info.offset = (uint64_t)info.index << 40;
	offset = random_chance(70) ? random_below(0x4000) : info.size - 8 + random_below(16);
	size = RANDOM_OF(1, 2, 4, 8, 64, 4096);
	call_is("region %u %#llx/%zu", info.index, (unsigned long long)offset, size);
	call_gives(random_chance(90) ? pread(session.fd, session.buffer, size, info.offset + offset) :
				       pwrite(session.fd, session.buffer, size, info.offset + offset));
}

void call_wake(void)
{
	struct vfio_device_feature feature = {
		.argsz = sizeof(feature),
		.flags = VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
	};

	call_is("wake");
	call_gives(ioctl(session.fd, VFIO_DEVICE_FEATURE, &feature));
}
