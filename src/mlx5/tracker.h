/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page tracker of the firmware, which notes what pages a VF writes by DMA.
 * Knows nothing of VFIO devices. Calls for one tracker exclude each other: the
 * device's state_mutex does that.
 *
 * A report brings what was written piece by piece: of each there is a copy, so
 * that the tracker, and that mutex, are not needed while its user is told, which
 * may wait for his memory. The copy, and what is owed (owed.h), are the report's,
 * which each tracker has one of, and which lives on while somebody has it in
 * hands. They are used by one report after the other: the device's log_mutex does
 * that.
 */
#ifndef LATCH_MLX5_TRACKER_H
#define LATCH_MLX5_TRACKER_H

#include <linux/kref.h>
#include <linux/mlx5/driver.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>

#include "owed.h"
#include "ranges.h"

struct iova_bitmap;
struct latch_mlx5_tracker;

/**
 * struct latch_mlx5_tracker_plan - what a tracker of the firmware's will be like
 * @log_page_bytes: of its pages
 * @log_message_bytes: of its messages, at most
 * @max_ranges: that it takes
 * @log_min_space: of the address space that it can have
 * @log_max_space: the same
 */
struct latch_mlx5_tracker_plan {
	unsigned int log_page_bytes;
	unsigned int log_message_bytes;
	unsigned int max_ranges;
	unsigned int log_min_space;
	unsigned int log_max_space;
};

/**
 * struct latch_mlx5_report - what was written, as far as it has come
 * @kref: who has it: the tracker, who reports
 * @asked: the addresses that it is about
 * @page_size: bytes that each address stands for
 * @pages: addresses, in the device's byte order, and a 0; room for a message
 * @count: how many there are
 * @owed: what reports have left out, as nobody had asked about it
 * @error: of telling: what is owed is not known any more
 */
struct latch_mlx5_report {
	struct kref kref;
	struct latch_range asked;
	u64 page_size;
	__be64 *pages;
	unsigned int count;
	struct latch_owed owed;
	int error;
};

bool latch_mlx5_tracker_supported(struct mlx5_core_dev *mdev);
void latch_mlx5_tracker_plan(struct mlx5_core_dev *mdev, u64 page_size,
			     struct latch_mlx5_tracker_plan *plan);
struct latch_mlx5_tracker *latch_mlx5_tracker_alloc(struct mlx5_core_dev *mdev,
						    const struct latch_mlx5_tracker_plan *plan,
						    struct rb_root_cached *ranges, u32 nr_ranges,
						    const struct mutex *not_held);
void latch_mlx5_tracker_free(struct latch_mlx5_tracker *tracker);
int latch_mlx5_tracker_create(struct latch_mlx5_tracker *tracker, u16 vhca_id);
void latch_mlx5_tracker_destroy(struct latch_mlx5_tracker *tracker);
struct latch_mlx5_report *latch_mlx5_report_get(struct latch_mlx5_tracker *tracker);
int latch_mlx5_report_begin(struct latch_mlx5_report *report, struct latch_mlx5_tracker *tracker,
			    unsigned long iova, unsigned long length);
int latch_mlx5_report_next(struct latch_mlx5_report *report, struct latch_mlx5_tracker *tracker);
unsigned int latch_mlx5_report_tell(struct latch_mlx5_report *report, struct iova_bitmap *dirty);
void latch_mlx5_report_put(struct latch_mlx5_report *report);

#endif
