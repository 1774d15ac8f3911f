/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory, which a test can let run out: see shim.h. */
#ifndef SHIM_LINUX_SLAB_H
#define SHIM_LINUX_SLAB_H

#include <linux/types.h>

typedef unsigned int gfp_t;

#define GFP_KERNEL 0U
#define GFP_KERNEL_ACCOUNT 1U

#define struct_size(ptr, member, count) \
	(sizeof(*(ptr)) + (count) * sizeof((ptr)->member[0]))

void *kzalloc(size_t size, gfp_t flags);
void *kcalloc(size_t n, size_t size, gfp_t flags);
void *kvzalloc(size_t size, gfp_t flags);
void kfree(const void *memory);
void kvfree(const void *memory);

#endif
