/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ranges of addresses, made fit for a page tracker.
 *
 * Pure logic: it also compiles in user space (tests/unit).
 */
#ifndef LATCH_MLX5_RANGES_H
#define LATCH_MLX5_RANGES_H

#include <linux/types.h>

/**
 * struct latch_range - addresses
 * @start: the first
 * @last: the last, so that a range may end at the highest address
 */
struct latch_range {
	u64 start;
	u64 last;
};

unsigned int latch_ranges_merge(struct latch_range *ranges, unsigned int nr, unsigned int max,
				u64 page_size);
u64 latch_range_block(u64 offset, u64 bytes);
bool latch_ranges_bytes(const struct latch_range *ranges, unsigned int nr, u64 *bytes);

#endif
