// SPDX-License-Identifier: GPL-2.0-only
/* Memory for a firmware image: see image.h. */
#include <linux/dma-mapping.h>
#include <linux/lockdep.h>
#include <linux/mlx5/driver.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "firmware.h"
#include "image.h"

/* Large blocks are mapped and copied at once. */
#define BLOCK_BYTES_MAX	SZ_2M

/* The page size of the firmware's keys: known to work, whatever the processor's page size is. */
#define KEY_PAGE_SHIFT	12

/**
 * struct latch_image_block - contiguous memory
 * @list: in the image's blocks
 * @memory: 2^@order pages
 * @order: of the allocation
 * @dma: the device's address of it while the image is mapped
 */
struct latch_image_block {
	struct list_head list;
	void *memory;
	unsigned int order;
	dma_addr_t dma;
};

static size_t block_bytes(const struct latch_image_block *block)
{
	return PAGE_SIZE << block->order;
}

static void init(struct latch_image *image, struct mlx5_core_dev *mdev,
		 enum dma_data_direction direction, const struct mutex *not_held, size_t block_max)
{
	*image = (struct latch_image){
		.mdev = mdev,
		.direction = direction,
		.not_held = not_held,
		.block_max = block_max,
	};
	INIT_LIST_HEAD(&image->blocks);
}

/**
 * latch_image_init - make an image without memory
 * @image: the image
 * @mdev: the PF whose firmware will read or write it
 * @direction: DMA_FROM_DEVICE if the firmware writes it, else DMA_TO_DEVICE
 * @not_held: a lock that is not held where memory is allocated
 */
void latch_image_init(struct latch_image *image, struct mlx5_core_dev *mdev,
		      enum dma_data_direction direction, const struct mutex *not_held)
{
	init(image, mdev, direction, not_held,
	     clamp_t(size_t, dma_max_mapping_size(mdev->device), PAGE_SIZE, BLOCK_BYTES_MAX));
}

/**
 * latch_image_init_more - make an image for memory that another one takes over
 * @more: the image, never mapped
 * @image: the other one
 * @not_held: a lock that is not held where memory is allocated
 */
void latch_image_init_more(struct latch_image *more, const struct latch_image *image,
			   const struct mutex *not_held)
{
	init(more, image->mdev, image->direction, not_held, image->block_max);
}

/**
 * latch_image_free - free an image's memory
 * @image: the image, not mapped; without memory after this
 *
 * Memory that the firmware has not let go of is not freed.
 *
 * Context: may sleep.
 */
void latch_image_free(struct latch_image *image)
{
	struct latch_image_block *block, *next;

	list_for_each_entry_safe(block, next, &image->blocks, list) {
		if (!image->is_lost)
			free_pages((unsigned long)block->memory, block->order);
		kfree(block);
		/* Of fragmented memory an image has a block for each page. */
		cond_resched();
	}
	INIT_LIST_HEAD(&image->blocks);
	kvfree(image->key_command);
	image->key_command = NULL;
	image->key_capacity = 0;
	image->is_lost = false;
	image->capacity = 0;
	image->length = 0;
	latch_image_rewind(image);
}

/*
 * Allocates as large a block as fits into @bytes, or a smaller one if memory is
 * fragmented or the DMA API takes less (swiotlb).
 */
static struct latch_image_block *alloc_block(const struct latch_image *image, u64 bytes)
{
	unsigned int order = ilog2(min_t(u64, PAGE_ALIGN(bytes), image->block_max) >> PAGE_SHIFT);
	gfp_t flags = GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN;
	struct latch_image_block *block;

	block = kzalloc(sizeof(*block), GFP_KERNEL_ACCOUNT);
	if (!block)
		return NULL;
	for (;; order--) {
		block->memory = (void *)__get_free_pages(order ? flags | __GFP_NORETRY : flags,
							 order);
		if (block->memory || !order)
			break;
	}
	if (!block->memory) {
		kfree(block);
		return NULL;
	}
	block->order = order;
	return block;
}

/**
 * latch_image_reserve_block - allocate a part of an image's memory
 * @image: the image, not mapped, with less than @bytes
 * @bytes: that the image shall have in the end
 *
 * Context, and return: as latch_image_reserve().
 */
int latch_image_reserve_block(struct latch_image *image, u64 bytes)
{
	struct latch_image_block *block;

	lockdep_assert_not_held(image->not_held);

	if (image->is_lost)
		return -EIO;
	if (fatal_signal_pending(current))
		return -EINTR;
	block = alloc_block(image, bytes - image->capacity);
	if (!block)
		return -ENOMEM;
	list_add_tail(&block->list, &image->blocks);
	image->capacity += block_bytes(block);
	return 0;
}

/**
 * latch_image_reserve - allocate an image's memory
 * @image: the image, not mapped unless it has that memory
 * @bytes: that the image shall have
 *
 * Whole pages, no more than needed. They are zeroed when they are allocated, so
 * that nothing of the host is in them, and charged to the current memory
 * cgroup.
 *
 * Context: may sleep, as long as that cgroup's limits make it; not with the
 * lock that latch_image_init() was given.
 *
 * Return: 0; -EIO if the firmware has not let go of the old memory; -ENOMEM, or
 * -EINTR if the task is being killed, when there may be more memory than
 * before.
 */
int latch_image_reserve(struct latch_image *image, u64 bytes)
{
	int ret = image->is_lost ? -EIO : 0;

	lockdep_assert_not_held(image->not_held);

	while (!ret && image->capacity < bytes)
		ret = latch_image_reserve_block(image, bytes);
	return ret;
}

static size_t key_command_bytes(u64 capacity)
{
	/* Translations come in pairs. */
	return MLX5_ST_SZ_BYTES(create_mkey_in) +
	       round_up(capacity >> KEY_PAGE_SHIFT, 2) * sizeof(__be64);
}

/**
 * latch_image_reserve_key - allocate the command that makes an image's key
 * @image: the image
 * @capacity: bytes that the image will have when it is mapped next
 *
 * Context: as latch_image_reserve().
 * Return: 0 or -ENOMEM.
 */
int latch_image_reserve_key(struct latch_image *image, u64 capacity)
{
	lockdep_assert_not_held(image->not_held);

	if (image->key_capacity >= capacity)
		return 0;
	kvfree(image->key_command);
	image->key_command = kvzalloc(key_command_bytes(capacity), GFP_KERNEL_ACCOUNT);
	image->key_capacity = image->key_command ? capacity : 0;
	return image->key_command ? 0 : -ENOMEM;
}

/**
 * latch_image_take_over - add memory of another image
 * @image: the image, not mapped
 * @from: the other image, of the same PF and direction, never mapped; keeps
 *	what is not needed
 * @bytes: that @image shall have; it may get as much as a block more
 */
void latch_image_take_over(struct latch_image *image, struct latch_image *from, u64 bytes)
{
	struct latch_image_block *block, *next;

	list_for_each_entry_safe(block, next, &from->blocks, list) {
		if (image->capacity >= bytes)
			break;
		list_move_tail(&block->list, &image->blocks);
		image->capacity += block_bytes(block);
		from->capacity -= block_bytes(block);
	}
	if (from->key_capacity > image->key_capacity) {
		swap(image->key_command, from->key_command);
		swap(image->key_capacity, from->key_capacity);
	}
	latch_image_rewind(image);
}

/**
 * latch_image_rewind - copy from or to the first byte again
 * @image: the image
 */
void latch_image_rewind(struct latch_image *image)
{
	image->position = 0;
	image->cursor = NULL;
	image->cursor_start = 0;
}

/* Returns the memory at the image's position, and sets @bytes to how much is in one piece. */
static void *memory_at_position(struct latch_image *image, size_t *bytes)
{
	if (!image->cursor) {
		image->cursor = list_first_entry(&image->blocks, struct latch_image_block, list);
	} else if (image->position - image->cursor_start == block_bytes(image->cursor)) {
		image->cursor_start += block_bytes(image->cursor);
		image->cursor = list_next_entry(image->cursor, list);
	}
	*bytes = image->cursor_start + block_bytes(image->cursor) - image->position;
	return image->cursor->memory + (image->position - image->cursor_start);
}

/**
 * latch_image_to_user - copy from an image's position, and advance it
 * @image: the image
 * @buf: user memory
 * @count: bytes, not more than the image has left of its length
 *
 * Return: bytes copied, fewer than @count if user memory cannot be written.
 */
size_t latch_image_to_user(struct latch_image *image, void __user *buf, size_t count)
{
	size_t copied = 0, part, missed;
	void *memory;

	while (copied < count) {
		memory = memory_at_position(image, &part);
		part = min(part, count - copied);
		missed = copy_to_user(buf + copied, memory, part);
		image->position += part - missed;
		copied += part - missed;
		if (missed)
			break;
	}
	return copied;
}

/**
 * latch_image_from_user - copy to an image's position, and advance it
 * @image: the image
 * @buf: user memory
 * @count: bytes, for which the image has memory
 *
 * Return: bytes copied, fewer than @count if user memory cannot be read.
 */
size_t latch_image_from_user(struct latch_image *image, const void __user *buf, size_t count)
{
	size_t copied = 0, part, missed;
	void *memory;

	while (copied < count) {
		memory = memory_at_position(image, &part);
		part = min(part, count - copied);
		missed = copy_from_user(memory, buf + copied, part);
		image->position += part - missed;
		copied += part - missed;
		if (missed)
			break;
	}
	return copied;
}

static void unmap_blocks(struct latch_image *image)
{
	struct latch_image_block *block;

	list_for_each_entry(block, &image->blocks, list) {
		if (block->dma == DMA_MAPPING_ERROR)
			return;
		dma_unmap_single(image->mdev->device, block->dma, block_bytes(block),
				 image->direction);
		cond_resched();
	}
}

static int map_blocks(struct latch_image *image)
{
	struct device *device = image->mdev->device;
	struct latch_image_block *block;

	list_for_each_entry(block, &image->blocks, list) {
		block->dma = dma_map_single(device, block->memory, block_bytes(block),
					    image->direction);
		if (dma_mapping_error(device, block->dma)) {
			/* Unmapping ends here. */
			block->dma = DMA_MAPPING_ERROR;
			unmap_blocks(image);
			return -ENOMEM;
		}
		cond_resched();
	}
	return 0;
}

/* The key's context: all rights, as the firmware may use a key in any way. */
static void describe_key(void *mkc, const struct latch_image *image, u32 pdn)
{
	u64 pages = image->capacity >> KEY_PAGE_SHIFT;

	MLX5_SET64(mkc, mkc, len, image->capacity);
	MLX5_SET(mkc, mkc, log_page_size, KEY_PAGE_SHIFT);
	MLX5_SET(mkc, mkc, translations_octword_size, DIV_ROUND_UP(pages, 2));
	MLX5_SET(mkc, mkc, access_mode_1_0, MLX5_MKC_ACCESS_MODE_MTT);
	MLX5_SET(mkc, mkc, pd, pdn);
	MLX5_SET(mkc, mkc, qpn, 0xffffff);
	MLX5_SET(mkc, mkc, rw, 1);
	MLX5_SET(mkc, mkc, rr, 1);
	MLX5_SET(mkc, mkc, lw, 1);
	MLX5_SET(mkc, mkc, lr, 1);
}

/* CREATE_MKEY. */
static int create_key(struct latch_image *image, u32 pdn)
{
	u64 pages = image->capacity >> KEY_PAGE_SHIFT, offset;
	struct latch_image_block *block;
	u32 *in = image->key_command;
	__be64 *mtt;
	int ret;

	if (image->key_capacity < image->capacity)
		return -ENOMEM;
	MLX5_SET(create_mkey_in, in, translations_octword_actual_size, DIV_ROUND_UP(pages, 2));
	mtt = MLX5_ADDR_OF(create_mkey_in, in, klm_pas_mtt);
	list_for_each_entry(block, &image->blocks, list) {
		for (offset = 0; offset < block_bytes(block); offset += BIT(KEY_PAGE_SHIFT))
			*mtt++ = cpu_to_be64(block->dma + offset);
		cond_resched();
	}

	describe_key(MLX5_ADDR_OF(create_mkey_in, in, memory_key_mkey_entry), image, pdn);
	ret = latch_fw_error(mlx5_core_create_mkey(image->mdev, &image->mkey, in,
						   key_command_bytes(image->capacity)));
	/* The command for another capacity must begin with zeros. */
	kvfree(in);
	image->key_command = NULL;
	image->key_capacity = 0;
	return ret;
}

/**
 * latch_image_map - let the firmware write to an image, or read it
 * @image: the image, with memory for its key; nothing to do if it is mapped
 * @pdn: protection domain of the firmware's key
 *
 * Context: may sleep.
 * Return: 0 or a negative error; -EFBIG for more than the firmware's sizes hold.
 */
int latch_image_map(struct latch_image *image, u32 pdn)
{
	int ret;

	if (image->is_mapped)
		return 0;
	if (image->capacity > U32_MAX)
		return -EFBIG;
	ret = map_blocks(image);
	if (ret)
		return ret;
	ret = create_key(image, pdn);
	if (ret)
		unmap_blocks(image);
	image->is_mapped = !ret;
	return ret;
}

/**
 * latch_image_unmap - undo latch_image_map()
 * @image: the image, mapped or not; it is lost if the firmware does not let go
 *	of it
 *
 * Context: may sleep.
 */
void latch_image_unmap(struct latch_image *image)
{
	int error;

	if (!image->is_mapped)
		return;
	error = latch_fw_destroy_key(image->mdev, image->mkey);
	/* The device has failed, and got no command. Without work it does not use the memory. */
	if (error == -ENXIO && !image->is_unanswered)
		error = 0;
	image->is_mapped = false;
	image->is_unanswered = false;
	if (latch_fw_has_let_go(image->mdev, error, image->capacity))
		unmap_blocks(image);
	else
		image->is_lost = true;
}

/**
 * latch_image_let_go - prepare an image for more memory
 * @image: the image, mapped or not; its contents may be lost
 * @bytes: that it will need; a sound image that has them is left alone
 *
 * Context: may sleep.
 */
void latch_image_let_go(struct latch_image *image, u64 bytes)
{
	if (image->capacity < bytes)
		latch_image_unmap(image);
	if (image->is_lost)
		latch_image_free(image);
}

/**
 * latch_image_to_device - give a mapped image's contents to the firmware
 * @image: the image; only the firmware may touch it until latch_image_to_cpu()
 *
 * Covers the first @image->length bytes if a user wrote the image, or all of it
 * if the firmware will write it.
 */
void latch_image_to_device(struct latch_image *image)
{
	u64 left = image->direction == DMA_TO_DEVICE ? image->length : image->capacity;
	struct latch_image_block *block;

	list_for_each_entry(block, &image->blocks, list) {
		dma_sync_single_for_device(image->mdev->device, block->dma,
					   min_t(u64, left, block_bytes(block)), image->direction);
		if (left <= block_bytes(block))
			break;
		left -= block_bytes(block);
		cond_resched();
	}
}

/**
 * latch_image_to_cpu - take a mapped image's contents back from the firmware
 * @image: the image; its first @image->length bytes matter
 */
void latch_image_to_cpu(struct latch_image *image)
{
	struct latch_image_block *block;
	u64 left = image->length;

	list_for_each_entry(block, &image->blocks, list) {
		if (!left)
			break;
		dma_sync_single_for_cpu(image->mdev->device, block->dma,
					min_t(u64, left, block_bytes(block)), image->direction);
		left -= min_t(u64, left, block_bytes(block));
		cond_resched();
	}
}
