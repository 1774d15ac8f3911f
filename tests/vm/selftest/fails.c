// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests that must be reported as failed, with a passing one after each to show that the others
 * do not suffer.
 *
 * vm-machine: default
 * vm-drivers: kernel
 * vm-seconds: 30
 */
#include <signal.h>

#include "vmtest.h"

TEST(check_that_does_not_hold)
{
	CHECK_EQ(1 + 1, 3);
}

TEST(crash)
{
	raise(SIGSEGV);
}

TEST(wait_forever)
{
	pause();
}

TEST(warning_in_the_log)
{
	kmsg_write("WARNING: CPU: 0 PID: 1 at a/file.c:1");
}

TEST(passes)
{
	CHECK(true);
}

TEST(announced_line_in_the_log)
{
	kmsg_expect("DMAR: .*Present bit");
	kmsg_write("DMAR: [DMA Read] fault: Present bit is clear");
}

TEST(skipped)
{
	SKIP("to see how it looks");
}

TEST(device_left_open_by_a_grandchild)
{
	driver_load(NULL);
	vfio_bind_and_open(vm_bdf("edu0"));
	if (!fork())
		pause();
}
