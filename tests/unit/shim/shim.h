/* SPDX-License-Identifier: GPL-2.0-only */
/* shim.h: how a test drives the shim. */
#ifndef SHIM_H
#define SHIM_H

#include <stdbool.h>

/*
 * Convert byte orders the wrong way round: a field that comes out unchanged then is one that is
 * not converted, or converted twice.
 */
void shim_swap_byte_order(bool swap);

/* Let the NTH allocation from now on fail, 0 the next one; negative for none. */
void shim_fail_allocation(int nth);

#endif
