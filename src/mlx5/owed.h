/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses that a page tracker has reported as written, and that the user was
 * not told of.
 *
 * A report clears whole pages of the tracker, also pages of which only a part
 * was asked about. The rest of such a page is owed until somebody asks about
 * it. Reports of whole pages owe nothing.
 *
 * There are LATCH_OWED_MAX ranges at most, however many pages a user has split:
 * with one more, all become one, with what lies between them. To report an
 * address that was not written does no harm. So whoever frees or tells what is
 * owed is done soon.
 *
 * The ranges do not overlap. Calls for one struct latch_owed exclude each
 * other.
 */
#ifndef LATCH_MLX5_OWED_H
#define LATCH_MLX5_OWED_H

#include <linux/iova_bitmap.h>
#include <linux/rbtree.h>

#include "ranges.h"

#define LATCH_OWED_MAX	1024

/**
 * struct latch_owed - addresses that are owed
 * @ranges: struct interval_tree_node
 * @nr: how many
 */
struct latch_owed {
	struct rb_root_cached ranges;
	unsigned int nr;
};

void latch_owed_init(struct latch_owed *owed);
void latch_owed_free(struct latch_owed *owed);
int latch_owed_add(struct latch_owed *owed, u64 start, u64 last);
int latch_owed_tell(struct latch_owed *owed, const struct latch_range *asked,
		    struct iova_bitmap *dirty);

/* Sets bits for addresses among those asked about; see latch_range_block(). */
static inline void latch_set_dirty(struct iova_bitmap *dirty, const struct latch_range *asked,
				   u64 start, u64 bytes)
{
	u64 block;

	for (; bytes; start += block, bytes -= block) {
		block = latch_range_block(start - asked->start, bytes);
		iova_bitmap_set(dirty, start, block);
	}
}

#endif
