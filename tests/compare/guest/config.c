// SPDX-License-Identifier: GPL-2.0-only
/* Configuration space: every offset and width, and the registers with consequences. */
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "compare.h"
#include "vmtest.h"

static uint64_t config_offset(void)
{
	return session.region_offset[VFIO_PCI_CONFIG_REGION_INDEX];
}

static uint64_t pick_offset(void)
{
	const struct subject *subject = session.subject;

	if (random_chance(60))
		return subject->interesting[random_below(subject->nr_interesting)] +
		       (random_chance(20) ? 1 : 0);
	if (random_chance(85))
		return random_below(subject->config_size);
	if (random_chance(50))
		return subject->config_size - 8 + random_below(16);
	return RANDOM_OF(255, 256, 4095, 4096, 0x10000, 0xffffffff, 0xfffffffff0);
}

static size_t pick_size(void)
{
	if (random_chance(90))
		return RANDOM_OF(1, 2, 4);
	return RANDOM_OF(0, 3, 5, 6, 7, 8, 16, 64, 256, 4096, 4097);
}

static void read_config(uint64_t offset, size_t size)
{
	ssize_t got;

	memset(session.buffer, PATTERN, size);
	call_is("config read %#llx/%zu", (unsigned long long)offset, size);
	got = pread(session.fd, session.buffer, size, config_offset() + offset);
	call_gives(got);
	if (got > 0)
		call_data(session.buffer, got);
}

static void write_config(uint64_t offset, size_t size, const void *data)
{
	call_is("config write %#llx/%zu", (unsigned long long)offset, size);
	call_data(data, size);
	call_gives(pwrite(session.fd, data, size, config_offset() + offset));
	call_events();
}

void call_config_read(void)
{
	uint64_t offset = pick_offset();

	read_config(offset, pick_size());
}

void call_config_write(void)
{
	uint64_t offset = pick_offset();
	size_t size = pick_size();

	for (size_t at = 0; at < size; at += 4) {
		uint32_t value = random_value(4);

		memcpy(session.buffer + at, &value, 4);
	}
	write_config(offset, size, session.buffer);
}

static void write_value(unsigned int offset, unsigned int size, uint32_t value)
{
	write_config(offset, size, &value);
}

/* A power state, or decoding, or whatever makes a difference for other calls. */
void call_power_state(void)
{
	const struct subject *subject = session.subject;

	if (subject->pm)
		write_value(subject->pm + PCI_PM_CTRL, RANDOM_OF(1, 2, 2, 4),
			    RANDOM_OF(0, 0, 0, 1, 2, 3, 3));
	else
		call_config_read();
}

void call_command(void)
{
	write_value(PCI_COMMAND, 2, RANDOM_OF(0, 0x1, 0x2, 0x3, 0x3, 0x3, 0x7, 0x403, 0x407, 0x400));
}

/*
 * What the host sees of registers that have a meaning for it. Not the addresses of MSI: they are
 * the host's, and another each time.
 */
void call_host_view(void)
{
	const struct subject *subject = session.subject;
	static const struct {
		const char *name;
		unsigned int offset, size;
		enum { HEADER, PM, EXP, MSI, MSIX } where;
	} registers[] = {
		{ "command", PCI_COMMAND, 2, HEADER },
		{ "status", PCI_STATUS, 2, HEADER },
		{ "bar0", PCI_BASE_ADDRESS_0, 4, HEADER },
		{ "bar1", PCI_BASE_ADDRESS_1, 4, HEADER },
		{ "rom", PCI_ROM_ADDRESS, 4, HEADER },
		{ "line", PCI_INTERRUPT_LINE, 1, HEADER },
		{ "latency", PCI_CACHE_LINE_SIZE, 2, HEADER },
		{ "pm", PCI_PM_CTRL, 2, PM },
		{ "devctl", PCI_EXP_DEVCTL, 2, EXP },
		{ "devsta", PCI_EXP_DEVSTA, 2, EXP },
		{ "lnkctl", PCI_EXP_LNKCTL, 2, EXP },
		{ "devctl2", PCI_EXP_DEVCTL2, 2, EXP },
		{ "msi", PCI_MSI_FLAGS, 2, MSI },
		{ "msix", PCI_MSIX_FLAGS, 2, MSIX },
	};
	unsigned int n = random_below(sizeof(registers) / sizeof(registers[0]));
	unsigned int base[] = { 0, subject->pm, subject->exp, subject->msi, subject->msix };

	/* Nobody looks at it, and while the function changes its state it must not be asked. */
	if (session.is_quiet)
		return;
	if (registers[n].where != HEADER && !base[registers[n].where])
		n = 0;
	call_is("host %s", registers[n].name);
	call_text(" %x", real_cfg(subject->bdf, base[registers[n].where] + registers[n].offset,
			       registers[n].size));
	call_events();
}
