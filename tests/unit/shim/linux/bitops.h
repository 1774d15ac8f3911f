/* SPDX-License-Identifier: GPL-2.0-only */
/* Bits of a word. */
#ifndef SHIM_LINUX_BITOPS_H
#define SHIM_LINUX_BITOPS_H

#include <linux/types.h>

/* The number of the highest bit that is set, counted from 1, or 0. */
static inline int fls64(u64 word)
{
	return word ? 64 - __builtin_clzll(word) : 0;
}

#endif
