// SPDX-License-Identifier: GPL-2.0-only
/* Memory for a firmware image: see image.h. */
#include <linux/dma-mapping.h>
#include <linux/mlx5/driver.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "image.h"

/* Large blocks are mapped and copied at once. */
#define BLOCK_BYTES_MAX	SZ_2M

/**
 * struct latch_image_block - contiguous memory
 * @list: in the image's blocks
 * @memory: it, 2^@order pages
 * @order: by which it was allocated
 * @dma: its address for the device while the image is mapped
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

/**
 * latch_image_init - an image without memory
 * @image: the image
 */
void latch_image_init(struct latch_image *image)
{
	memset(image, 0, sizeof(*image));
	INIT_LIST_HEAD(&image->blocks);
}

/**
 * latch_image_free - give an image's memory back
 * @image: the image, not mapped; without memory after this
 */
void latch_image_free(struct latch_image *image)
{
	struct latch_image_block *block, *next;

	list_for_each_entry_safe(block, next, &image->blocks, list) {
		free_pages((unsigned long)block->memory, block->order);
		kfree(block);
	}
	latch_image_init(image);
}

/* As much as @bytes at once, or less where memory is in pieces. */
static struct latch_image_block *alloc_block(u64 bytes)
{
	unsigned int order = get_order(min_t(u64, bytes, BLOCK_BYTES_MAX));
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
 * latch_image_reserve - have memory for so many bytes
 * @image: the image, not mapped
 * @bytes: bytes
 *
 * Memory is zeroed before it is used first: nothing of the host is in it.
 *
 * Return: 0 or -ENOMEM, when there may be more memory than before.
 */
int latch_image_reserve(struct latch_image *image, u64 bytes)
{
	struct latch_image_block *block;

	while (image->capacity < bytes) {
		if (fatal_signal_pending(current))
			return -EINTR;
		block = alloc_block(bytes - image->capacity);
		if (!block)
			return -ENOMEM;
		list_add_tail(&block->list, &image->blocks);
		image->capacity += block_bytes(block);
	}
	return 0;
}

/**
 * latch_image_store - have a few bytes of ours for an image
 * @image: the image, without memory yet
 * @data: the bytes
 * @bytes: how many, a page at most
 *
 * Return: 0 or a negative error.
 */
int latch_image_store(struct latch_image *image, const void *data, size_t bytes)
{
	int ret = latch_image_reserve(image, bytes);

	if (ret)
		return ret;
	memcpy(list_first_entry(&image->blocks, struct latch_image_block, list)->memory, data,
	       bytes);
	image->length = bytes;
	return 0;
}

/**
 * latch_image_rewind - begin to copy at the first byte again
 * @image: the image
 */
void latch_image_rewind(struct latch_image *image)
{
	image->position = 0;
	image->cursor = NULL;
	image->cursor_start = 0;
}

/* The memory at the image's position, and how much of it there is in one piece. */
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
 * latch_image_to_user - copy on from an image's position
 * @image: the image
 * @buf: user memory
 * @count: bytes, not more than the image has left of its length
 *
 * Return: bytes copied, fewer than @count where user memory cannot be written.
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
 * latch_image_from_user - copy on to an image's position
 * @image: the image
 * @buf: user memory
 * @count: bytes, for which the image has memory
 *
 * Return: bytes copied, fewer than @count where user memory cannot be read.
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

static void unmap_blocks(struct latch_image *image, struct device *device)
{
	struct latch_image_block *block;

	list_for_each_entry(block, &image->blocks, list) {
		if (block->dma == DMA_MAPPING_ERROR)
			return;
		dma_unmap_single(device, block->dma, block_bytes(block), image->direction);
	}
}

static int map_blocks(struct latch_image *image, struct device *device)
{
	struct latch_image_block *block;

	list_for_each_entry(block, &image->blocks, list) {
		block->dma = dma_map_single(device, block->memory, block_bytes(block),
					    image->direction);
		if (dma_mapping_error(device, block->dma)) {
			/* Where unmapping ends. */
			block->dma = DMA_MAPPING_ERROR;
			unmap_blocks(image, device);
			return -ENOMEM;
		}
	}
	return 0;
}

/* The largest page that all blocks are made of and aligned to. */
static unsigned int translation_shift(const struct latch_image *image)
{
	const struct latch_image_block *block;
	u64 bits = 0;

	list_for_each_entry(block, &image->blocks, list)
		bits |= block->dma | block_bytes(block);
	return __ffs64(bits);
}

/**
 * latch_image_map - let the firmware write to an image, or read it
 * @image: the image
 * @mdev: the PF
 * @pdn: protection domain that the firmware's key is to be of
 * @direction: DMA_FROM_DEVICE or DMA_TO_DEVICE
 *
 * CREATE_MKEY: a key for all of the image's capacity, with addresses from 0.
 *
 * Context: may sleep.
 * Return: 0 or a negative error.
 */
int latch_image_map(struct latch_image *image, struct mlx5_core_dev *mdev, u32 pdn,
		    enum dma_data_direction direction)
{
	u64 access = direction == DMA_FROM_DEVICE ? MLX5_MTT_PERM_RW : MLX5_MTT_PERM_READ;
	struct latch_image_block *block;
	unsigned int shift;
	u64 pages, offset;
	size_t in_bytes;
	__be64 *mtt;
	void *mkc;
	u32 *in;
	int ret;

	image->direction = direction;
	ret = map_blocks(image, mdev->device);
	if (ret)
		return ret;
	shift = translation_shift(image);
	pages = image->capacity >> shift;
	/* Translations come in pairs. */
	in_bytes = MLX5_ST_SZ_BYTES(create_mkey_in) + round_up(pages, 2) * sizeof(*mtt);
	ret = -ENOMEM;
	in = kvzalloc(in_bytes, GFP_KERNEL);
	if (!in)
		goto unmap;

	MLX5_SET(create_mkey_in, in, translations_octword_actual_size, DIV_ROUND_UP(pages, 2));
	mtt = MLX5_ADDR_OF(create_mkey_in, in, klm_pas_mtt);
	list_for_each_entry(block, &image->blocks, list)
		for (offset = 0; offset < block_bytes(block); offset += 1ULL << shift)
			*mtt++ = cpu_to_be64((block->dma + offset) | access);

	mkc = MLX5_ADDR_OF(create_mkey_in, in, memory_key_mkey_entry);
	MLX5_SET(mkc, mkc, access_mode_1_0, MLX5_MKC_ACCESS_MODE_MTT);
	MLX5_SET(mkc, mkc, lr, 1);
	MLX5_SET(mkc, mkc, lw, direction == DMA_FROM_DEVICE);
	MLX5_SET(mkc, mkc, pd, pdn);
	MLX5_SET(mkc, mkc, qpn, 0xffffff);
	MLX5_SET(mkc, mkc, log_page_size, shift);
	MLX5_SET(mkc, mkc, translations_octword_size, DIV_ROUND_UP(pages, 2));
	MLX5_SET64(mkc, mkc, len, image->capacity);
	ret = mlx5_core_create_mkey(mdev, &image->mkey, in, in_bytes);
	kvfree(in);
	if (ret)
		goto unmap;
	return 0;

unmap:
	unmap_blocks(image, mdev->device);
	return ret;
}

/**
 * latch_image_unmap - undo latch_image_map()
 * @image: the image
 * @mdev: the PF
 *
 * Context: may sleep.
 */
void latch_image_unmap(struct latch_image *image, struct mlx5_core_dev *mdev)
{
	mlx5_core_destroy_mkey(mdev, image->mkey);
	unmap_blocks(image, mdev->device);
}
