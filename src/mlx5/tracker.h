/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page tracker of the firmware, which notes which pages a VF writes by DMA.
 * This file knows nothing of VFIO devices. Calls for one tracker exclude each
 * other by the device's state_mutex, but for latch_mlx5_tracker_interrupt().
 *
 * A report comes in pieces, of which each is copied. So the tracker, and
 * state_mutex, are not needed while the user is told, which may wait for user
 * memory. The copy, and what is owed (owed.h), belong to struct
 * latch_mlx5_report, of which each tracker has one, and which lives on while
 * somebody has a reference. Reports use it one after the other, by the device's
 * log_mutex.
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
 * struct latch_mlx5_tracker_plan - the properties of a tracker to be made
 * @log_page_bytes: log2 of the size of its pages
 * @log_message_bytes: log2 of the largest size of its messages
 * @max_ranges: number of ranges that it takes
 * @log_min_space: log2 of the smallest address space that it can have
 * @log_max_space: log2 of the largest one
 */
struct latch_mlx5_tracker_plan {
	unsigned int log_page_bytes;
	unsigned int log_message_bytes;
	unsigned int max_ranges;
	unsigned int log_min_space;
	unsigned int log_max_space;
};

/**
 * struct latch_mlx5_report - a report of written pages, and its current piece
 * @kref: references: the tracker's, and that of a report in progress
 * @asked: the addresses that were asked about
 * @page_size: bytes of a page, of which @pages has the addresses
 * @pages: addresses, in the device's byte order, and a 0 at the end; room for a
 *	message
 * @count: number of @pages
 * @owed: addresses that reports left out, as nobody had asked about them
 * @error: an allocation for @owed has failed, so that it is incomplete
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
void latch_mlx5_tracker_interrupt(struct latch_mlx5_tracker *tracker);
int latch_mlx5_tracker_create(struct latch_mlx5_tracker *tracker, u16 vhca_id);
void latch_mlx5_tracker_destroy(struct latch_mlx5_tracker *tracker);
struct latch_mlx5_report *latch_mlx5_report_get(struct latch_mlx5_tracker *tracker);
int latch_mlx5_report_begin(struct latch_mlx5_report *report, struct latch_mlx5_tracker *tracker,
			    unsigned long iova, unsigned long length);
int latch_mlx5_report_next(struct latch_mlx5_report *report, struct latch_mlx5_tracker *tracker);
unsigned int latch_mlx5_report_tell(struct latch_mlx5_report *report, struct iova_bitmap *dirty);
void latch_mlx5_report_put(struct latch_mlx5_report *report);

#endif
