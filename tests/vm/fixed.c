// SPDX-License-Identifier: GPL-2.0-only
/*
 * BARs that are not registers: an IDE controller in compatibility mode has fixed ports. Its BARs
 * do not show them.
 *
 * vm-machine: ide
 * vm-drivers: ours kernel
 */
#include "vmtest.h"

TEST(a_function_with_fixed_bars_can_be_opened_again_and_again)
{
	const char *bdf = pci_find(0x8086, 0x7010, 0);
	uint32_t before[4];

	for (int bar = 0; bar < 4; bar++)
		before[bar] = real_cfg(bdf, PCI_BASE_ADDRESS_0 + 4 * bar, 4);
	driver_load(NULL);
	pci_bind(bdf, VFIO_PCI);
	for (int user = 0; user < 2; user++) {
		struct vfio_device *ide = vfio_open(bdf);

		CHECK_EQ(cfg32(ide, PCI_VENDOR_ID), 0x70108086);
		cfg_command(ide, PCI_COMMAND_IO, 0);
		CHECK_NE(real_cfg(bdf, PCI_COMMAND, 2) & PCI_COMMAND_IO, 0);
		vfio_close(ide);
	}
	for (int bar = 0; bar < 4; bar++)
		CHECK_EQ(real_cfg(bdf, PCI_BASE_ADDRESS_0 + 4 * bar, 4), before[bar]);
}
