// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel panic fails the test and those that are not reached.
 *
 * vm-machine: default
 * vm-drivers: kernel
 */
#include "vmtest.h"

TEST(before_it)
{
	CHECK(true);
}

TEST(panic)
{
	file_write("/proc/sysrq-trigger", "c");
}

TEST(after_it)
{
	CHECK(true);
}
