/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The firmware's commands for migrating a VF, given to the PF. This file knows
 * nothing of VFIO. All may sleep, for as long as mlx5_core waits for a command
 * (up to a minute).
 *
 * No other file lets an error of mlx5_core's commands in: they go through
 * latch_fw_exec() or latch_fw_destroy(), and those that mlx5_core has functions
 * for through latch_fw_error().
 */
#ifndef LATCH_MLX5_FIRMWARE_H
#define LATCH_MLX5_FIRMWARE_H

#include <linux/mlx5/driver.h>

#include "image.h"

/**
 * struct latch_fw_caps - what the firmware can do for a VF
 * @vhca_id: the VF's number in commands
 * @migratable: it may be migrated
 * @multi_load: several images can be loaded one after the other
 * @tracking: it notes changes while the VF runs
 * @chunks: an image can be saved in parts
 * @state: queries tell whether the state to be saved begins anew
 */
struct latch_fw_caps {
	u16 vhca_id;
	bool migratable;
	bool multi_load;
	bool tracking;
	bool chunks;
	bool state;
};

/**
 * struct latch_fw_size - how much there is to save
 * @required: bytes of the buffer that the next save needs at least; 0 for none
 * @total: bytes of all that is left to save
 * @is_new: what is left begins the state anew
 */
struct latch_fw_size {
	u32 required;
	u64 total;
	bool is_new;
};

int latch_fw_error(int error);
int latch_fw_exec(struct mlx5_core_dev *mdev, void *in, size_t in_bytes, void *out,
		  size_t out_bytes);
int latch_fw_destroy(struct mlx5_core_dev *mdev, void *in, size_t in_bytes, void *out,
		     size_t out_bytes);
int latch_fw_destroy_key(struct mlx5_core_dev *mdev, u32 mkey);
bool latch_fw_has_let_go(struct mlx5_core_dev *mdev, int error, size_t bytes);
bool latch_fw_can_migrate(struct mlx5_core_dev *mdev);
bool latch_fw_is_ethernet(struct mlx5_core_dev *mdev);
int latch_fw_query_caps(struct mlx5_core_dev *mdev, u16 function_id, struct latch_fw_caps *caps);
int latch_fw_suspend(struct mlx5_core_dev *mdev, u16 vhca_id, u16 op_mod);
int latch_fw_resume(struct mlx5_core_dev *mdev, u16 vhca_id, u16 op_mod);
int latch_fw_query_size(struct mlx5_core_dev *mdev, u16 vhca_id, bool incremental, bool chunk,
			struct latch_fw_size *size);
int latch_fw_save(struct mlx5_core_dev *mdev, u16 vhca_id, bool incremental, bool track,
		  struct latch_image *image, u32 *next);
int latch_fw_load(struct mlx5_core_dev *mdev, u16 vhca_id, struct latch_image *image);

#endif
