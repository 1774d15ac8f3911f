// SPDX-License-Identifier: GPL-2.0-only
/* What a device has, from sysfs and its configuration space. */
#include <fcntl.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compare.h"
#include "vmtest.h"

/* edu: the inverting register, whether to raise an interrupt, raising and acknowledging one */
static const struct writable edu[] = {
	{ 0, 0x04, 4, ~0u }, { 0, 0x20, 4, ~0u }, { 0, 0x60, 4, ~0u }, { 0, 0x64, 4, ~0u },
};

/* Interrupt masks, configuration without the enable bit, addresses of the admin queues */
static const struct writable nvme[] = {
	{ 0, 0x0c, 4, ~0u }, { 0, 0x10, 4, ~0u }, { 0, 0x14, 4, ~1u }, { 0, 0x24, 4, ~0u },
	{ 0, 0x28, 8, ~0u }, { 0, 0x30, 8, ~0u },
};

/*
 * The multicast table, the interrupt mask's clear register. Not the address of the port BAR's
 * window, which no reset clears: it would tell of earlier episodes. Not what raises interrupts:
 * QEMU ends when MSI-X is enabled while a timer throttles others.
 */
static const struct writable e1000e[] = {
	{ 0, 0x5200, 0x200, ~0u }, { 0, 0xd8, 4, ~0u },
};

/* The frame buffer; size and bank of the screen */
static const struct writable vga[] = {
	{ 0, 0, 16 << 20, ~0u }, { 0, 0, 4096, ~0u }, { 2, 0x504, 12, 0x7ff07ff },
};

/* The witness: all but its DMA engine */
static const struct writable witness[] = {
	{ 0, 0x04, 4, ~0u }, { 0, 0x08, 8, ~0u }, { 0, 0x10, 4, 7 }, { 0, 0x14, 4, ~0u },
	{ 0, 0x1000, 0x1000, ~0u }, { 2, 0x04, 4, ~0u }, { 2, 0x08, 8, ~0u }, { 2, 0x14, 4, ~0u },
};

static const struct {
	uint16_t vendor, device;
	const struct writable *writable;
	unsigned int nr_writable;
	bool splits_quads;
} known[] = {
	{ 0x1234, 0x11e8, edu, sizeof(edu) / sizeof(edu[0]), true },
	{ 0x1b36, 0x0010, nvme, sizeof(nvme) / sizeof(nvme[0]), false },
	{ 0x8086, 0x10d3, e1000e, sizeof(e1000e) / sizeof(e1000e[0]), true },
	{ 0x1234, 0x7717, witness, sizeof(witness) / sizeof(witness[0]), true },
	{ 0x1234, 0x7718, witness, 5, true },
	{ 0x1234, 0x1111, vga, sizeof(vga) / sizeof(vga[0]), true },
};

static unsigned int get16(const struct subject *subject, unsigned int offset)
{
	return subject->config[offset] | subject->config[offset + 1] << 8;
}

static uint32_t get32(const struct subject *subject, unsigned int offset)
{
	return get16(subject, offset) | (uint32_t)get16(subject, offset + 2) << 16;
}

static void add_interesting(struct subject *subject, unsigned int start, unsigned int length)
{
	for (unsigned int at = start; at < start + length; at += 2)
		if (subject->nr_interesting <
		    sizeof(subject->interesting) / sizeof(subject->interesting[0]))
			subject->interesting[subject->nr_interesting++] = at;
}

static void read_capability(struct subject *subject, unsigned int at)
{
	uint32_t table;

	switch (subject->config[at]) {
	case PCI_CAP_ID_PM:
		subject->pm = at;
		add_interesting(subject, at, 8);
		return;
	case PCI_CAP_ID_VPD:
		subject->vpd = at;
		break;
	case PCI_CAP_ID_MSI:
		subject->msi = at;
		subject->vectors[VFIO_PCI_MSI_IRQ_INDEX] =
			1 << ((get16(subject, at + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_QMASK) >> 1);
		add_interesting(subject, at, 24);
		return;
	case PCI_CAP_ID_MSIX:
		subject->msix = at;
		subject->vectors[VFIO_PCI_MSIX_IRQ_INDEX] =
			(get16(subject, at + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1;
		table = get32(subject, at + PCI_MSIX_TABLE);
		subject->table_bar = table & PCI_MSIX_TABLE_BIR;
		subject->table_start = table & PCI_MSIX_TABLE_OFFSET;
		subject->table_size = subject->vectors[VFIO_PCI_MSIX_IRQ_INDEX] * 16;
		subject->entries_size = subject->table_size;
		add_interesting(subject, at, 12);
		return;
	case PCI_CAP_ID_EXP:
		subject->exp = at;
		add_interesting(subject, at, 0x3c);
		return;
	}
	add_interesting(subject, at, 8);
}

static void read_extended_capability(struct subject *subject, unsigned int at)
{
	switch (PCI_EXT_CAP_ID(get32(subject, at))) {
	case PCI_EXT_CAP_ID_DLF:
		subject->hidden = at;
		break;
	case 0x7f:	/* the witness's */
		subject->unknown = at;
		break;
	}
	add_interesting(subject, at, 16);
}

static void read_capabilities(struct subject *subject)
{
	unsigned int at = subject->config[PCI_CAPABILITY_LIST] & ~3u;

	if (get16(subject, PCI_STATUS) & PCI_STATUS_CAP_LIST)
		for (; at; at = subject->config[at + PCI_CAP_LIST_NEXT] & ~3u)
			read_capability(subject, at);
	if (subject->config_size < 4096)
		return;
	for (at = 256; at && get32(subject, at); at = PCI_EXT_CAP_NEXT(get32(subject, at)))
		read_extended_capability(subject, at);
}

static void read_bars(struct subject *subject)
{
	char *text = pci_attr(subject->bdf, "resource"), *line = text;

	for (int bar = 0; bar < 7; bar++) {
		unsigned long long start, end, flags;

		if (sscanf(line, "%llx %llx %llx", &start, &end, &flags) != 3)
			FAIL("%s has no resource %d", subject->bdf, bar);
		subject->bar_size[bar] = end ? end - start + 1 : 0;
		if (bar < 6)
			subject->bar_is_port[bar] = flags & 0x100;	/* IORESOURCE_IO */
		line = strchr(line, '\n') + 1;
	}
	free(text);
}

void subject_read(struct subject *subject, const char *bdf)
{
	unsigned int vendor = pci_attr_number(bdf, "vendor");
	unsigned int device = pci_attr_number(bdf, "device");
	char path[PATH_MAX];
	int fd;

	memset(subject, 0, sizeof(*subject));
	subject->bdf = bdf;
	subject->words = bdf;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", bdf);
	fd = CHECK_OK(open(path, O_RDONLY | O_CLOEXEC));
	subject->config_size = CHECK_OK(pread(fd, subject->config, sizeof(subject->config), 0));
	close(fd);

	add_interesting(subject, 0, PCI_STD_HEADER_SIZEOF);
	subject->vectors[VFIO_PCI_INTX_IRQ_INDEX] = !!subject->config[PCI_INTERRUPT_PIN];
	read_capabilities(subject);
	subject->vectors[VFIO_PCI_ERR_IRQ_INDEX] = 1;
	subject->vectors[VFIO_PCI_REQ_IRQ_INDEX] = 1;
	subject->is_vga = pci_attr_number(bdf, "class") == 0x030000;
	read_bars(subject);
	for (unsigned int n = 0; n < sizeof(known) / sizeof(known[0]); n++) {
		if (known[n].vendor != vendor || known[n].device != device)
			continue;
		subject->writable = known[n].writable;
		subject->nr_writable = known[n].nr_writable;
		/* Of a VF that nobody has brought online QEMU's NVMe answers one register of 4 bytes. */
		subject->splits_quads = known[n].splits_quads || pci_attr_exists(bdf, "physfn");
		/* A VF of QEMU's NVMe has its PF's table, of which it uses the first entries. */
		if (pci_attr_exists(bdf, "physfn"))
			subject->entries_size = 7 * 16;
	}
}

const char *subject_nvme_vf(const char *pf)
{
	module_load("base", "nvme", NULL);
	pci_bind(pf, "nvme");
	pci_attr_set(pf, "sriov_drivers_autoprobe", "0");
	pci_set_vfs(pf, 1);
	driver_load(NULL);
	return pci_vf(pf, 0);
}
