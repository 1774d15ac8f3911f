// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that dies before its /init is booted again, and has failed in the end.
 *
 * vm-machine: default
 * vm-drivers: kernel
 * vm-cmdline: rdinit=/none
 */
#include "vmtest.h"

TEST(never_begins)
{
	CHECK(true);
}
