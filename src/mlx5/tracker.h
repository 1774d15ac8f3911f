/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page tracker of the firmware, which notes what pages a VF writes by DMA.
 * Knows nothing of VFIO devices. Calls for one tracker exclude each other: the
 * device's state_mutex does that.
 */
#ifndef LATCH_MLX5_TRACKER_H
#define LATCH_MLX5_TRACKER_H

#include <linux/mlx5/driver.h>
#include <linux/rbtree.h>

struct iova_bitmap;
struct latch_mlx5_tracker;

bool latch_mlx5_tracker_supported(struct mlx5_core_dev *mdev);
struct latch_mlx5_tracker *latch_mlx5_tracker_create(struct mlx5_core_dev *mdev, u16 vhca_id,
						     struct rb_root_cached *ranges, u32 nr_ranges,
						     u64 *page_size);
void latch_mlx5_tracker_destroy(struct latch_mlx5_tracker *tracker);
int latch_mlx5_tracker_report(struct latch_mlx5_tracker *tracker, unsigned long iova,
			      unsigned long length, struct iova_bitmap *dirty);

#endif
