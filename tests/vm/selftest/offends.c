// SPDX-License-Identifier: GPL-2.0-only
/*
 * A test that checks nothing, and after which a witness has counted something, must be reported as
 * failed; the next one begins from nothing.
 *
 * vm-machine: pairs
 * vm-drivers: kernel
 */
#include "vmtest.h"

TEST(access_that_nobody_may_make)
{
	const char *bdf = vm_bdf("witness0");
	volatile uint32_t *bar = pci_map_bar(bdf, 0, 0, 4096);

	real_cfg_set(bdf, PCI_COMMAND, 0, 2);
	(void)*bar;
}

TEST(after_it)
{
	CHECK_STR(witness_offences(), "");
}
