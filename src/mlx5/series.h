/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The saves that a saving session asks for, and their order.
 *
 * Saves form series. While the VF runs each series is a single save, which
 * makes the firmware note later changes (set_track): first of the state, or as
 * much of it as the buffer holds; then, as often as the user asks, of what is
 * left or has changed. The last series belongs to the stopped VF: saves without
 * set_track until the firmware has nothing left. Only a save that begins the
 * state anew is not incremental: the first save of a session, the whole state
 * after the firmware has refused to track the VF, and the clean-up after a
 * session that did not come to its end.
 *
 * Pure logic: it also compiles in user space (tests/unit).
 */
#ifndef LATCH_MLX5_SERIES_H
#define LATCH_MLX5_SERIES_H

#include <linux/types.h>

/* Large chunks are few. The receiver reserves as much as a buffer has. */
#define LATCH_CHUNK_BYTES	(8ULL << 20)

/**
 * struct latch_series - the progress of a session
 * @in_chunks: the firmware fills any buffer, and says what it needs next
 * @is_last: the series at hand, or the next one, is the stopped VF's
 * @is_begun: the next save continues the last one
 * @is_refused: the firmware does not track the VF: nothing is saved before it is stopped
 * @is_noting: the firmware may note what changes
 */
struct latch_series {
	bool in_chunks;
	bool is_last;
	bool is_begun;
	bool is_refused;
	bool is_noting;
};

/**
 * enum latch_saved - the result of a save
 * @LATCH_SAVED: an image
 * @LATCH_SAVE_REFUSED: the firmware does not track the VF
 * @LATCH_SAVE_FAILED: any other error
 */
enum latch_saved {
	LATCH_SAVED,
	LATCH_SAVE_REFUSED,
	LATCH_SAVE_FAILED,
};

void latch_series_init(struct latch_series *series, bool in_chunks, bool is_last);
u64 latch_series_buffer(const struct latch_series *series, u64 required, u64 total, u64 page);
u32 latch_series_saved(struct latch_series *series, enum latch_saved saved, u32 next);
void latch_series_cleaned(struct latch_series *series);

/**
 * latch_series_has_precopy - whether anything can be saved before the VF is stopped
 * @series: the series
 *
 * Return: true if the firmware may be asked.
 */
static inline bool latch_series_has_precopy(const struct latch_series *series)
{
	return !series->is_last && !series->is_refused;
}

#endif
