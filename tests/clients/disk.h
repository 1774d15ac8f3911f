/* SPDX-License-Identifier: GPL-2.0-only */
/* disk.h: the emulated NVMe disks, for clients that run on them. */
#ifndef CLIENTS_DISK_H
#define CLIENTS_DISK_H

#include "vmtest.h"

/*
 * QEMU 7.2's model of the controller counts the users of a vector, and drops the interrupts of
 * one that has none. It counts an admin queue only if MSI-X is on when the controller is enabled,
 * and the client under test does that in the other order; a reset with MSI-X on then takes away
 * one user too many. So give the admin queue's vector more users than all tests can take away:
 * each time that the controller is disabled while MSI-X is off leaves one behind.
 */
static inline void charge_vector(const char *bdf)
{
	enum { CC = 0x14 / 4, CSTS = 0x1c / 4, AQA = 0x24 / 4, ASQ = 0x28 / 4, ACQ = 0x30 / 4 };
	const uint32_t enable = 6 << 16 | 4 << 20 | 1;
	volatile uint32_t *regs;
	int msix;

	regs = pci_map_bar(bdf, 0, 0, 4096);
	msix = real_cfg_cap(bdf, PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS;
	pci_attr_set(bdf, "enable", "1");
	regs[CC] = 0;
	regs[AQA] = 0x10001;
	regs[ASQ] = 0x100000;
	regs[ASQ + 1] = 0;
	regs[ACQ] = 0x101000;
	regs[ACQ + 1] = 0;
	for (int i = 0; i < 1000; i++) {
		real_cfg_set(bdf, msix, PCI_MSIX_FLAGS_ENABLE, 2);
		regs[CC] = enable;
		CHECK_EQ(regs[CSTS] & 3, 1);
		real_cfg_set(bdf, msix, 0, 2);
		regs[CC] = 0;
	}
	pci_attr_set(bdf, "enable", "0");
	munmap((void *)regs, 4096);
}

/* A disk on whose interrupts the client can rely, bound to the driver under test. */
static inline void give_disk_to_client(const char *bdf)
{
	char mark[64];

	snprintf(mark, sizeof(mark), "/run/charged-%s", bdf);
	if (!file_exists(mark)) {
		pci_unbind(bdf);
		charge_vector(bdf);
		fclose(fopen(mark, "w"));
	}
	pci_bind(bdf, VFIO_PCI);
}

/* The SHA-256 of a file, in hex, to be freed. */
static inline char *file_digest(const char *name)
{
	char *text = client_run("sha256sum %s", name);

	text[strcspn(text, " ")] = 0;
	return text;
}

#endif
