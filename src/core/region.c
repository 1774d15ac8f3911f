// SPDX-License-Identifier: GPL-2.0-only
/*
 * read() and write() of a device file: one way for every region.
 *
 * Data goes through a kernel buffer, so that user memory, which may be a
 * device's BAR itself, is never touched under a lock.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "core.h"

#define BUFFER_ON_STACK	64
#define BUFFER_MAX	SZ_64K

/* Bytes of configuration space that are accessed before access_lock is dropped. */
#define CONFIG_AT_ONCE	256

/* Where an access at @offset of a region has to end, or a negative error. */
static s64 region_end(struct vfio_latch_device *dev, unsigned int index, u64 offset)
{
	switch (index) {
	case VFIO_PCI_BAR0_REGION_INDEX ... VFIO_PCI_BAR5_REGION_INDEX:
		return latch_bar_size(dev, index);
	case VFIO_PCI_ROM_REGION_INDEX:
		return latch_rom_region_size(dev);
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return dev->pdev->cfg_size;
	case VFIO_PCI_VGA_REGION_INDEX:
		return latch_vga_range_end(dev, offset);
	default:
		return latch_driver_region(dev, index)->size;
	}
}

/* Returns bytes done, fewer than asked for to let others in, or a negative error. */
static ssize_t region_rw(struct vfio_latch_device *dev, unsigned int index, u8 *buf, size_t count,
			 u64 offset, bool is_write)
{
	const struct latch_region *region;
	int ret;

	switch (index) {
	case VFIO_PCI_CONFIG_REGION_INDEX:
		count = min_t(size_t, count, CONFIG_AT_ONCE);
		ret = is_write ? latch_config_write(dev, buf, count, offset) :
				 latch_config_read(dev, buf, count, offset);
		return ret ?: count;
	case VFIO_PCI_BAR0_REGION_INDEX ... VFIO_PCI_BAR5_REGION_INDEX:
		return latch_bar_rw(dev, index, buf, count, offset, is_write);
	case VFIO_PCI_ROM_REGION_INDEX:
		return is_write ? -EINVAL : latch_rom_read(dev, buf, count, offset);
	case VFIO_PCI_VGA_REGION_INDEX:
		return latch_vga_rw(dev, buf, count, offset, is_write);
	default:
		region = latch_driver_region(dev, index);
		ret = region->ops->rw(dev, region->data, buf, offset, count, is_write);
		return ret ?: count;
	}
}

/* Accesses a whole piece, unless an error or a fatal signal ends it. Returns bytes, or an error. */
static ssize_t rw_piece(struct vfio_latch_device *dev, unsigned int index, u8 *buf, size_t count,
			u64 offset, bool is_write)
{
	size_t done = 0;

	for (;;) {
		ssize_t part = region_rw(dev, index, buf + done, count - done, offset + done,
					 is_write);

		if (part < 0)
			return done ?: part;
		done += part;
		if (done == count || fatal_signal_pending(current))
			return done;
		cond_resched();
	}
}

/* Checks an access and cuts it where it has to end. Returns the bytes to do, or an error. */
static ssize_t check_access(struct vfio_latch_device *dev, unsigned int index, size_t count,
			    u64 offset)
{
	s64 end = region_end(dev, index, offset);

	if (end < 0)
		return end;
	/* Configuration space is accessed whole or not at all. */
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		return offset > end || count > end - offset ? -EFAULT : count;
	if (offset >= end)
		return -EINVAL;
	return min_t(u64, count, end - offset);
}

/* Most registers are 4 bytes wide: a constant size saves the checks that a variable one needs. */
static int get_piece(u8 *buffer, const void __user *user, size_t size)
{
	if (size == sizeof(u32))
		return get_user(*(u32 *)buffer, (const u32 __user *)user);
	return copy_from_user(buffer, user, size) ? -EFAULT : 0;
}

static int put_piece(void __user *user, const u8 *buffer, size_t size)
{
	if (size == sizeof(u32))
		return put_user(*(const u32 *)buffer, (u32 __user *)user);
	return copy_to_user(user, buffer, size) ? -EFAULT : 0;
}

static ssize_t rw_buffered(struct vfio_latch_device *dev, unsigned int index, void __user *user,
			   size_t count, loff_t *ppos, bool is_write, u8 *buffer,
			   size_t buffer_size)
{
	u64 offset = latch_region_offset(*ppos);
	size_t done = 0;
	ssize_t ret = 0;

	while (done < count) {
		/* Pieces end aligned, so that no register is cut in two. */
		size_t piece = min_t(size_t, count - done, buffer_size - (offset & 7));
		ssize_t part;

		ret = is_write ? get_piece(buffer, user + done, piece) : 0;
		if (ret)
			break;
		part = rw_piece(dev, index, buffer, piece, offset, is_write);
		ret = part < 0 ? part : is_write ? 0 : put_piece(user + done, buffer, part);
		if (ret)
			break;
		done += part;
		offset += part;
		if (part < piece)
			break;
	}
	*ppos += done;
	return done ?: ret;
}

static ssize_t region_access(struct vfio_latch_device *dev, void __user *user, size_t count,
			     loff_t *ppos, bool is_write)
{
	int index = latch_region_index(*ppos, latch_nr_regions(dev));
	u8 stack[BUFFER_ON_STACK] __aligned(8);
	ssize_t checked;
	size_t size;
	u8 *buffer;

	if (!count)
		return 0;
	if (index < 0)
		return index;
	checked = check_access(dev, index, count, latch_region_offset(*ppos));
	if (checked <= 0)
		return checked;
	if (checked <= sizeof(stack) / 2)
		return rw_buffered(dev, index, user, checked, ppos, is_write, stack,
				   sizeof(stack));

	size = min_t(size_t, ALIGN(checked, 8) + 8, BUFFER_MAX);
	buffer = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!buffer)
		return -ENOMEM;
	checked = rw_buffered(dev, index, user, checked, ppos, is_write, buffer, size);
	kvfree(buffer);
	return checked;
}

/**
 * vfio_latch_read - read from a region
 * @vdev: the device, open
 * @buf: user memory
 * @count: bytes
 * @ppos: region and offset; advanced by the bytes read
 *
 * Context: may sleep.
 * Return: bytes read, fewer than @count at the region's end or after an error
 * in the middle; -EINVAL beyond the end of a region or for no region, -EFAULT
 * for bad memory or outside configuration space, -EIO while the function does
 * not answer memory accesses.
 */
ssize_t vfio_latch_read(struct vfio_device *vdev, char __user *buf, size_t count, loff_t *ppos)
{
	return region_access(vfio_latch_from_vdev(vdev), buf, count, ppos, false);
}
EXPORT_SYMBOL_GPL(vfio_latch_read);

/**
 * vfio_latch_write - write to a region
 * @vdev: the device, open
 * @buf: user memory
 * @count: bytes
 * @ppos: region and offset; advanced by the bytes written
 *
 * Context: may sleep.
 * Return: as vfio_latch_read(); -EINVAL also for a region that is read-only.
 */
ssize_t vfio_latch_write(struct vfio_device *vdev, const char __user *buf, size_t count,
			 loff_t *ppos)
{
	return region_access(vfio_latch_from_vdev(vdev), (void __user *)buf, count, ppos, true);
}
EXPORT_SYMBOL_GPL(vfio_latch_write);

/**
 * vfio_latch_add_region - add a driver's own region to a device
 * @dev: the device
 * @type: VFIO_REGION_TYPE_*
 * @subtype: VFIO_REGION_SUBTYPE_*, by @type
 * @size: bytes
 * @flags: VFIO_REGION_INFO_FLAG_READ, VFIO_REGION_INFO_FLAG_WRITE
 * @ops: how it is accessed
 * @data: for @ops; released by @ops->release at close
 *
 * Context: open_device, after vfio_latch_open().
 * Return: 0, or -ENOMEM, when @data stays the caller's.
 */
int vfio_latch_add_region(struct vfio_latch_device *dev, u32 type, u32 subtype, u64 size,
			  u32 flags, const struct vfio_latch_region_ops *ops, void *data)
{
	struct latch_region *regions;

	regions = krealloc_array(dev->regions, dev->nr_regions + 1, sizeof(*regions),
				 GFP_KERNEL_ACCOUNT);
	if (!regions)
		return -ENOMEM;
	regions[dev->nr_regions++] = (struct latch_region){
		.type = type,
		.subtype = subtype,
		.size = size,
		.flags = flags,
		.ops = ops,
		.data = data,
	};
	dev->regions = regions;
	return 0;
}
EXPORT_SYMBOL_GPL(vfio_latch_add_region);

/**
 * latch_regions_free - free the regions that were added
 * @dev: the device
 *
 * Context: last close, or a failing open.
 */
void latch_regions_free(struct vfio_latch_device *dev)
{
	while (dev->nr_regions) {
		struct latch_region *region = &dev->regions[--dev->nr_regions];

		region->ops->release(dev, region->data);
	}
	kfree(dev->regions);
	dev->regions = NULL;
}
