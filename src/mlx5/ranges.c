// SPDX-License-Identifier: GPL-2.0-only
/* Ranges of addresses, made fit for a page tracker: see ranges.h. */
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "ranges.h"

/* Rounds ranges to whole pages, and joins those that touch. */
static unsigned int round_to_pages(struct latch_range *ranges, unsigned int nr, u64 page_size)
{
	unsigned int n, kept = 0;

	for (n = 0; n < nr; n++) {
		u64 start = ranges[n].start & ~(page_size - 1);
		u64 last = ranges[n].last | (page_size - 1);

		if (kept && (start <= ranges[kept - 1].last ||
			     start - ranges[kept - 1].last == 1)) {
			ranges[kept - 1].last = max(last, ranges[kept - 1].last);
			continue;
		}
		ranges[kept].start = start;
		ranges[kept].last = last;
		kept++;
	}
	return kept;
}

static unsigned int before_smallest_gap(const struct latch_range *ranges, unsigned int nr)
{
	unsigned int n, found = 0;
	u64 smallest = U64_MAX;

	for (n = 0; n + 1 < nr; n++) {
		u64 gap = ranges[n + 1].start - ranges[n].last;

		if (gap < smallest) {
			smallest = gap;
			found = n;
		}
	}
	return found;
}

/**
 * latch_ranges_merge - round ranges to whole pages, and limit their number
 * @ranges: the ranges, by ascending start, none of them empty; changed in place
 * @nr: how many there are
 * @max: how many there may be, at least 1
 * @page_size: bytes, a power of two
 *
 * If there are too many, ranges with the smallest gap between them are joined.
 *
 * Return: the number of ranges now.
 */
unsigned int latch_ranges_merge(struct latch_range *ranges, unsigned int nr, unsigned int max,
				u64 page_size)
{
	nr = round_to_pages(ranges, nr, page_size);
	for (; nr > max; nr--) {
		unsigned int n = before_smallest_gap(ranges, nr);

		ranges[n].last = ranges[n + 1].last;
		memmove(&ranges[n + 1], &ranges[n + 2], (nr - n - 2) * sizeof(*ranges));
	}
	return nr;
}

/**
 * latch_range_block - how much of a range a bitmap can be told in one call
 * @offset: of the range, from the address of the bitmap's first bit
 * @bytes: of the range, not 0
 *
 * The block lies within one bit of the bitmap, or is made of whole bits,
 * whatever a bit stands for. A range that ends in the middle of a bit makes
 * iova_bitmap_set() of newer kernels step back at the end of the pages that it
 * has pinned, and begin there again, without an end.
 *
 * Return: the length of the block at its beginning, a power of two.
 */
u64 latch_range_block(u64 offset, u64 bytes)
{
	u64 largest = 1ULL << (fls64(bytes) - 1);

	return offset ? min(largest, offset & -offset) : largest;
}

/**
 * latch_ranges_bytes - count the addresses in ranges
 * @ranges: the ranges
 * @nr: how many
 * @bytes: set to the sum of their lengths
 *
 * Return: false if the sum is 2^64.
 */
bool latch_ranges_bytes(const struct latch_range *ranges, unsigned int nr, u64 *bytes)
{
	unsigned int n;

	*bytes = 0;
	for (n = 0; n < nr; n++)
		*bytes += ranges[n].last - ranges[n].start + 1;
	return !nr || *bytes;
}
