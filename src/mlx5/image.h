/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory for a firmware image. It grows block by block. The firmware or a user
 * fills it, and the other one reads it. It belongs to its holder, and has no
 * lock of its own.
 *
 * The firmware knows it by one memory key for all of it. It is used again for
 * as many images as fit: mapping memory and making a key take longer than
 * saving a small image, and a VF may stand still meanwhile.
 *
 * The PF's driver must be there when an image is made, mapped or unmapped, but
 * not when its memory is allocated, copied or freed. An allocation may wait as
 * long as the user's memory cgroup makes it. So it is done without any lock
 * that the PF's driver needs.
 */
#ifndef LATCH_MLX5_IMAGE_H
#define LATCH_MLX5_IMAGE_H

#include <linux/dma-direction.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct mlx5_core_dev;

/**
 * struct latch_image - an image in memory
 * @mdev: the PF whose firmware reads or writes it
 * @block_max: bytes that the DMA API takes at once
 * @not_held: a lock that is not held where memory is allocated
 * @direction: DMA_FROM_DEVICE if the firmware writes it, else DMA_TO_DEVICE
 * @blocks: its memory
 * @capacity: bytes of @blocks
 * @length: bytes in use
 * @position: bytes that were copied out or in
 * @cursor: the block that @position lies in
 * @cursor_start: where @cursor begins in the image
 * @key_command: memory for the command that makes the key
 * @key_capacity: largest @capacity that @key_command has room for
 * @is_mapped: there is a key
 * @is_unanswered: a command has had no answer since there is a key: the firmware may be at work
 *	with the memory
 * @is_lost: the firmware did not let go of the memory: it is never freed
 * @mkey: the firmware's key for all of @capacity, with addresses from 0
 */
struct latch_image {
	struct mlx5_core_dev *mdev;
	const struct mutex *not_held;
	size_t block_max;
	enum dma_data_direction direction;
	struct list_head blocks;
	u64 capacity;
	u64 length;
	u64 position;
	struct latch_image_block *cursor;
	u64 cursor_start;
	void *key_command;
	u64 key_capacity;
	bool is_mapped;
	bool is_unanswered;
	bool is_lost;
	u32 mkey;
};

void latch_image_init(struct latch_image *image, struct mlx5_core_dev *mdev,
		      enum dma_data_direction direction, const struct mutex *not_held);
void latch_image_init_more(struct latch_image *more, const struct latch_image *image,
			   const struct mutex *not_held);
void latch_image_free(struct latch_image *image);
int latch_image_reserve_block(struct latch_image *image, u64 bytes);
int latch_image_reserve(struct latch_image *image, u64 bytes);
int latch_image_reserve_key(struct latch_image *image, u64 capacity);
void latch_image_take_over(struct latch_image *image, struct latch_image *from, u64 bytes);
void latch_image_rewind(struct latch_image *image);
size_t latch_image_to_user(struct latch_image *image, void __user *buf, size_t count);
size_t latch_image_from_user(struct latch_image *image, const void __user *buf, size_t count);
int latch_image_map(struct latch_image *image, u32 pdn);
void latch_image_unmap(struct latch_image *image);
void latch_image_let_go(struct latch_image *image, u64 bytes);
void latch_image_to_device(struct latch_image *image);
void latch_image_to_cpu(struct latch_image *image);

#endif
