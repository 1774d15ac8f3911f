// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm-machine: default
 * vm-drivers: kernel
 */
#include "vmtest.h"

TEST(nothing)
{
	int unused;
}
