// SPDX-License-Identifier: GPL-2.0-only
/* The saves that a saving session asks for: see series.h. */
#include <linux/kernel.h>

#include "series.h"

/**
 * latch_series_init - begin a session
 * @series: the series
 * @in_chunks: the firmware saves in chunks
 * @is_last: the VF is stopped already
 */
void latch_series_init(struct latch_series *series, bool in_chunks, bool is_last)
{
	*series = (struct latch_series){ .in_chunks = in_chunks, .is_last = is_last };
}

/**
 * latch_series_buffer - the size of the buffer for a save
 * @series: the series
 * @required: bytes that the firmware says it needs
 * @total: bytes that it says it has
 * @page: size of a page; a buffer consists of whole ones
 *
 * Without chunks everything must fit, and the state of a VF that runs may grow
 * until it is saved.
 *
 * Return: bytes, at least one page, and at most 4 GiB less a page: the
 * firmware's sizes have 32 bits.
 */
u64 latch_series_buffer(const struct latch_series *series, u64 required, u64 total, u64 page)
{
	const u64 most = (1ULL << 32) - page;
	u64 bytes = required;

	if (series->in_chunks)
		bytes = max(bytes, min(total, LATCH_CHUNK_BYTES));
	else if (!series->is_last)
		bytes += bytes / 10;
	bytes = (bytes + page - 1) & ~(page - 1);
	return min(max(bytes, page), most);
}

/**
 * latch_series_saved - note the result of a save
 * @series: the series
 * @saved: the result; after a refusal nothing more can be saved of a VF that
 *	runs, and after a failure nothing at all
 * @next: bytes that the firmware says it needs next
 *
 * Return: bytes that the series' next save needs at least; 0 at its end.
 */
u32 latch_series_saved(struct latch_series *series, enum latch_saved saved, u32 next)
{
	if (!series->is_last)
		series->is_noting = true;
	series->is_refused |= saved == LATCH_SAVE_REFUSED;
	series->is_begun = saved == LATCH_SAVED;
	if (!series->is_last || saved != LATCH_SAVED)
		return 0;
	series->is_noting = false;
	return series->in_chunks ? next : 0;
}

/**
 * latch_series_cleaned - the firmware was told to stop noting changes
 * @series: the series
 */
void latch_series_cleaned(struct latch_series *series)
{
	series->is_noting = false;
}
