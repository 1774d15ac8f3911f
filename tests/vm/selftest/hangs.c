// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that says nothing any more is given up.
 *
 * vm-machine: default
 * vm-drivers: kernel
 * vm-timeout: 15
 */
#include "vmtest.h"

TEST(silence)
{
	pause();
}
