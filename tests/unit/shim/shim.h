/* SPDX-License-Identifier: GPL-2.0 */
/* shim.h: how a test drives the shim. */
#ifndef SHIM_H
#define SHIM_H

/* Let the NTH allocation from now on fail, 0 the next one; negative for none. */
void shim_fail_allocation(int nth);

#endif
