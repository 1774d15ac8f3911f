/* SPDX-License-Identifier: GPL-2.0-only */
/* hex_to_bin(), which newer kernels declare in a header of its own. */
#ifndef LATCH_COMPAT_HEX_H
#define LATCH_COMPAT_HEX_H

#if __has_include("linux/hex.h")
#include <linux/hex.h>
#else
#include <linux/kernel.h>
#endif

#endif
