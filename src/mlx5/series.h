/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a saving session asks of the firmware, in what order.
 *
 * What is to be saved comes in series. While the VF runs each is a single save,
 * which notes what changes after it (set_track): the state, or as much of it as
 * the buffer holds; then, as often as the user asks, what is left or has changed.
 * The last series belongs to the stopped VF: saves without set_track until the
 * firmware has nothing left. Only what begins the state anew is not incremental:
 * the first save of a session, the whole state after the firmware has refused to
 * track the VF, and the clean-up after a session that has not come to its end.
 *
 * Pure logic: it also compiles in user space (tests/unit).
 */
#ifndef LATCH_MLX5_SERIES_H
#define LATCH_MLX5_SERIES_H

#include <linux/types.h>

/* Large chunks are few; what a buffer has then is what the receiver reserves, too. */
#define LATCH_CHUNK_BYTES	(8ULL << 20)

/**
 * struct latch_series - how far a session has come
 * @in_chunks: the firmware fills any buffer, and says what it needs next
 * @is_last: the series at hand, or the next one, is the stopped VF's
 * @is_begun: what is saved next continues what was saved
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
 * enum latch_saved - what came of a save
 * @LATCH_SAVED: an image
 * @LATCH_SAVE_REFUSED: the firmware does not track the VF
 * @LATCH_SAVE_FAILED: whatever else
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
 * latch_series_has_precopy - can anything be saved before the VF is stopped
 * @series: the series
 *
 * Return: whether the firmware may be asked.
 */
static inline bool latch_series_has_precopy(const struct latch_series *series)
{
	return !series->is_last && !series->is_refused;
}

#endif
