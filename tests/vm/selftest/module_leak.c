// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that cannot be unloaded after a test fails it, and ends the program.
 *
 * vm-machine: default
 * vm-drivers: kernel
 */
#include <sys/mount.h>

#include "vmtest.h"

TEST(driver_left_in_use)
{
	int ready[2];
	char end;

	driver_load(NULL);
	vfio_bind_and_open(vm_bdf("edu0"));
	/* It outlives the test, and the clean-up cannot see what is bound. */
	CHECK_OK(pipe(ready));
	if (!fork()) {
		setsid();
		close(ready[1]);
		pause();
	}
	close(ready[1]);
	CHECK_EQ(read(ready[0], &end, 1), 0);
	CHECK_OK(mount("tmpfs", "/sys/bus/pci/devices", "tmpfs", 0, NULL));
}

TEST(after_it)
{
	CHECK(true);
}
