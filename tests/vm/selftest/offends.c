// SPDX-License-Identifier: GPL-2.0
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
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", bdf);
	fd = CHECK_OK(open(path, O_RDWR | O_CLOEXEC));
	real_cfg_set(bdf, PCI_COMMAND, 0, 2);
	(void)*(volatile uint32_t *)mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
}

TEST(after_it)
{
	CHECK_STR(witness_offences(), "");
}
