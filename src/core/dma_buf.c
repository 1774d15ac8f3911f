// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parts of BARs as dma-bufs, which the drivers of other devices map for DMA.
 *
 * A buffer can be mapped while user space could map the BAR:
 * latch_access_revoke() takes both kinds of mappings away, and
 * latch_access_unlock() gives the buffers back once the function answers memory
 * accesses again. Close takes them away for good. The file may outlive the
 * device; it keeps the module, not the device.
 *
 * Taking a mapping away means to tell its driver, under the buffer's
 * reservation lock, and to wait until the driver has stopped its device: for
 * the fences, then for the unmapping. Both end in bounded time
 * (dma_buf_invalidate_mappings()), and neither may depend on a page fault,
 * since faults may take reservation locks. So we can wait for them under
 * access_lock.
 *
 * All drivers are told before we wait for the first, and we wait for the fences
 * that their buffers have then. A driver adds none for a mapping that it was
 * told to let go, but whoever has the file can add any, at any time
 * (DMA_BUF_IOCTL_IMPORT_SYNC_FILE): such a fence prolongs nothing.
 */
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/module.h>
#include <linux/pci-p2pdma.h>
#include <linux/wait.h>

#include "../compat/phys_vec.h"
#include "core.h"

/* A reset waits for all buffers of a device. */
#define MAX_BUFFERS	1000

/*
 * Each mapping has a table of them, which nobody is charged for. udmabuf has the same limit, and
 * QEMU makes the buffers of its virtio-gpu with either.
 */
#define MAX_RANGES	1024

/* The flags that dma_buf_export() and dma_buf_fd() accept. */
#define OPEN_FLAGS	(O_ACCMODE | O_NONBLOCK | O_CLOEXEC)

/**
 * struct latch_dma_buf - ranges of a BAR that other devices may access
 * @node: in the device's list, until it is closed; under list_lock
 * @dmabuf: the buffer
 * @provider: the PCI core's name for the memory's owner; valid while in the
 *	list
 * @fences: those at its revocation, until we have waited for them; under the
 *	device's access_lock
 * @waiters: wait for the end of the last mapping, or of the last pin
 * @nr_pins: walks through the list that are at this buffer; under list_lock
 * @nr_mappings: changed under the reservation lock
 * @is_revoked: changed under the reservation lock and the device's access_lock
 * @nr_ranges: number of @ranges
 * @ranges: their physical addresses
 */
struct latch_dma_buf {
	struct list_head node;
	struct dma_buf *dmabuf;
	struct p2pdma_provider *provider;
	struct dma_fence *fences;
	wait_queue_head_t waiters;
	unsigned int nr_pins;
	unsigned int nr_mappings;
	bool is_revoked;
	unsigned int nr_ranges;
	struct phys_vec ranges[] __counted_by(nr_ranges);
};

/* Protects the lists of all devices: a buffer may be released after its device is gone. */
static DEFINE_SPINLOCK(list_lock);

static bool can_be_mapped(struct vfio_latch_device *dev)
{
	return !READ_ONCE(dev->reset_owner) && latch_can_be_mapped(dev);
}

/* Accepts only drivers that handle addresses without memory behind, and let go when told to. */
static int attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment)
{
	const struct latch_dma_buf *buf = dmabuf->priv;

	if (!attachment->peer2peer || !dma_buf_attach_revocable(attachment))
		return -EOPNOTSUPP;
	return READ_ONCE(buf->is_revoked) ? -ENODEV : 0;
}

static struct sg_table *map(struct dma_buf_attachment *attachment, enum dma_data_direction dir)
{
	struct latch_dma_buf *buf = attachment->dmabuf->priv;
	struct sg_table *table;

	dma_resv_assert_held(buf->dmabuf->resv);

	if (buf->is_revoked)
		return ERR_PTR(-ENODEV);
	table = latch_phys_vec_to_sgt(attachment, buf->provider, buf->ranges, buf->nr_ranges,
				      buf->dmabuf->size, dir);
	if (!IS_ERR(table))
		buf->nr_mappings++;
	return table;
}

static void unmap(struct dma_buf_attachment *attachment, struct sg_table *table,
		  enum dma_data_direction dir)
{
	struct latch_dma_buf *buf = attachment->dmabuf->priv;

	dma_resv_assert_held(buf->dmabuf->resv);

	dma_buf_free_sgt(attachment, table, dir);
	WRITE_ONCE(buf->nr_mappings, buf->nr_mappings - 1);
	wake_up(&buf->waiters);
}

/*
 * The last reference is gone: no device has the buffer mapped. A walk over the
 * list may still be at it, for a short time. No lock of another driver is held:
 * fput() defers this call.
 */
static void release(struct dma_buf *dmabuf)
{
	struct latch_dma_buf *buf = dmabuf->priv;

	spin_lock(&list_lock);
	wait_event_cmd(buf->waiters, !buf->nr_pins,
		       spin_unlock(&list_lock), spin_lock(&list_lock));
	list_del(&buf->node);
	spin_unlock(&list_lock);
	dma_fence_put(buf->fences);
	kfree(buf);
}

static const struct dma_buf_ops dma_buf_ops = {
	.attach = attach,
	.map_dma_buf = map,
	.unmap_dma_buf = unmap,
	.release = release,
};

/*
 * The next buffer after @buf, or the first one, pinned: it stays in the list,
 * and is not freed. Unpins @buf.
 */
static struct latch_dma_buf *next_buffer(struct vfio_latch_device *dev, struct latch_dma_buf *buf)
{
	struct latch_dma_buf *next;

	lockdep_assert_held_write(&dev->access_lock);

	spin_lock(&list_lock);
	next = list_prepare_entry(buf, &dev->dma_bufs, node);
	next = list_next_entry(next, node);
	if (list_entry_is_head(next, &dev->dma_bufs, node))
		next = NULL;
	else
		next->nr_pins++;
	if (buf) {
		buf->nr_pins--;
		wake_up(&buf->waiters);
	}
	spin_unlock(&list_lock);
	return next;
}

/*
 * Some fences signal only if somebody waits for them, so we begin with it. Without memory for the
 * fences we wait here: nobody can add one under the lock.
 */
static void take_fences(struct latch_dma_buf *buf)
{
	struct dma_resv *resv = buf->dmabuf->resv;

	dma_resv_assert_held(resv);

	if (dma_resv_get_singleton(resv, DMA_RESV_USAGE_BOOKKEEP, &buf->fences))
		dma_resv_wait_timeout(resv, DMA_RESV_USAGE_BOOKKEEP, false, MAX_SCHEDULE_TIMEOUT);
	else if (buf->fences)
		dma_fence_wait_timeout(buf->fences, false, 0);
}

/* wait_for_drivers() must follow. */
static void revoke(struct latch_dma_buf *buf)
{
	struct dma_resv *resv = buf->dmabuf->resv;
	bool was_mapped;

	if (buf->is_revoked)
		return;
	dma_resv_lock(resv, NULL);
	WRITE_ONCE(buf->is_revoked, true);
	was_mapped = buf->nr_mappings;
	dma_buf_invalidate_mappings(buf->dmabuf);
	/* Anybody can add a fence; it means nothing if nobody had the buffer mapped. */
	if (was_mapped)
		take_fences(buf);
	dma_resv_unlock(resv);
}

static void wait_for_drivers(struct latch_dma_buf *buf)
{
	if (buf->fences)
		dma_fence_wait(buf->fences, false);
	dma_fence_put(buf->fences);
	buf->fences = NULL;
	wait_event(buf->waiters, !READ_ONCE(buf->nr_mappings));
}

/* Tells drivers that were refused meanwhile that they can map it again. */
static void give_back(struct latch_dma_buf *buf)
{
	if (!buf->is_revoked)
		return;
	dma_resv_lock(buf->dmabuf->resv, NULL);
	WRITE_ONCE(buf->is_revoked, false);
	dma_buf_invalidate_mappings(buf->dmabuf);
	dma_resv_unlock(buf->dmabuf->resv);
}

/**
 * latch_dma_bufs_register - be ready to give BARs to other devices
 * @dev: the device
 *
 * The PCI core frees its part of it when the driver is unbound.
 *
 * Context: probe.
 * Return: 0, also where the device's BARs cannot be given away, or -ENOMEM.
 */
int latch_dma_bufs_register(struct vfio_latch_device *dev)
{
	int ret = pcim_p2pdma_init(dev->pdev);

	return ret == -EOPNOTSUPP ? 0 : ret;
}

/**
 * latch_dma_bufs_revoke - take away all mappings of the function's BARs that other devices have
 * @dev: the device; access_lock is held for writing
 *
 * Context: may sleep until other drivers have stopped their devices.
 */
void latch_dma_bufs_revoke(struct vfio_latch_device *dev)
{
	struct latch_dma_buf *buf = NULL;

	while ((buf = next_buffer(dev, buf)))
		revoke(buf);
	while ((buf = next_buffer(dev, buf)))
		wait_for_drivers(buf);
}

/**
 * latch_dma_bufs_give_back - let other devices map the function's BARs again, if it answers
 * @dev: the device; access_lock is held for writing
 *
 * Context: may sleep.
 */
void latch_dma_bufs_give_back(struct vfio_latch_device *dev)
{
	struct latch_dma_buf *buf = NULL;

	if (list_empty_careful(&dev->dma_bufs) || !can_be_mapped(dev))
		return;
	while ((buf = next_buffer(dev, buf)))
		give_back(buf);
}

/**
 * latch_dma_bufs_close - take the function's BARs from other devices for good
 * @dev: the device
 *
 * Context: last close; may sleep.
 */
void latch_dma_bufs_close(struct vfio_latch_device *dev)
{
	struct latch_dma_buf *buf, *next;

	latch_access_lock(dev);
	latch_dma_bufs_revoke(dev);
	spin_lock(&list_lock);
	list_for_each_entry_safe(buf, next, &dev->dma_bufs, node)
		list_del_init(&buf->node);
	spin_unlock(&list_lock);
	latch_access_unlock(dev);
}

static int read_ranges(struct latch_dma_buf *buf, struct pci_dev *pdev, unsigned int bar,
		       const struct vfio_region_dma_range __user *ranges, size_t *size)
{
	u64 bar_size = pci_resource_len(pdev, bar);
	struct vfio_region_dma_range range;
	unsigned int n;

	for (n = 0; n < buf->nr_ranges; n++) {
		if (copy_from_user(&range, &ranges[n], sizeof(range)))
			return -EFAULT;
		if (!range.length || !PAGE_ALIGNED(range.offset | range.length) ||
		    range.offset >= bar_size || range.length > bar_size - range.offset)
			return -EINVAL;
		/* A mapping's tables are charged to nobody, so they need a bound. */
		*size += range.length;
		if (*size > bar_size)
			return -EINVAL;
		buf->ranges[n].paddr = pci_resource_start(pdev, bar) + range.offset;
		buf->ranges[n].len = range.length;
	}
	return 0;
}

/* Makes the buffer's file, which then owns it. The device does not know the buffer yet. */
static int export_buffer(struct latch_dma_buf *buf, size_t size, int flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);

	info.ops = &dma_buf_ops;
	info.size = size;
	info.flags = flags;
	info.priv = buf;
	buf->dmabuf = dma_buf_export(&info);
	return PTR_ERR_OR_ZERO(buf->dmabuf);
}

static struct latch_dma_buf *new_buffer(struct vfio_latch_device *dev,
					const struct vfio_device_feature_dma_buf *request,
					const struct vfio_region_dma_range __user *ranges)
{
	int bar = latch_user_index(request->region_index, PCI_STD_NUM_BARS);
	struct p2pdma_provider *provider;
	struct latch_dma_buf *buf;
	size_t size = 0;
	int ret;

	if (bar < 0 || !latch_bar_size(dev, bar) || latch_bar_hold(dev, bar))
		return ERR_PTR(-ENODEV);
	provider = pcim_p2pdma_provider(dev->pdev, bar);
	if (!provider || !latch_bar_can_mmap(dev, bar) ||
	    request->nr_ranges > MAX_RANGES)
		return ERR_PTR(-EINVAL);

	buf = kzalloc(struct_size(buf, ranges, request->nr_ranges),
		      GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&buf->node);
	init_waitqueue_head(&buf->waiters);
	buf->provider = provider;
	buf->nr_ranges = request->nr_ranges;
	ret = read_ranges(buf, dev->pdev, bar, ranges, &size);
	if (!ret)
		ret = export_buffer(buf, size, request->open_flags);
	if (!ret)
		return buf;
	kfree(buf);
	return ERR_PTR(ret);
}

/* From here on the device revokes the buffer and gives it back. */
static int add_buffer(struct vfio_latch_device *dev, struct latch_dma_buf *buf)
{
	int ret = -ENOSPC;

	if (down_read_killable(&dev->access_lock))
		return -EINTR;
	WRITE_ONCE(buf->is_revoked, !can_be_mapped(dev));
	spin_lock(&list_lock);
	if (list_count_nodes(&dev->dma_bufs) < MAX_BUFFERS) {
		list_add_tail(&buf->node, &dev->dma_bufs);
		ret = 0;
	}
	spin_unlock(&list_lock);
	up_read(&dev->access_lock);
	return ret;
}

/**
 * latch_feature_dma_buf - VFIO_DEVICE_FEATURE_DMA_BUF
 * @dev: the device, open
 * @flags: VFIO_DEVICE_FEATURE_*
 * @arg: user address of a struct vfio_device_feature_dma_buf and its ranges
 * @argsz: bytes of it
 *
 * A buffer can be made while the function does not answer memory accesses, and
 * mapped when it does.
 *
 * Return: a file descriptor; 0 for PROBE; -EINVAL for a flag that is not GET or
 * is unknown, for ports, a BAR that cannot be mapped, no range or more than 1024,
 * one that is not of whole pages inside the BAR, or more than the BAR has in
 * all; -ENODEV for an index that is no BAR, or a BAR that somebody else has;
 * -ENOSPC if the device has 1000 buffers; -EFAULT, -ENOMEM, -EINTR, or an error
 * of the file table.
 */
int latch_feature_dma_buf(struct vfio_latch_device *dev, u32 flags, void __user *arg,
			  size_t argsz)
{
	struct vfio_device_feature_dma_buf request;
	struct latch_dma_buf *buf;
	int ret;

	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_GET, sizeof(request));
	if (ret != 1)
		return ret;
	if (copy_from_user(&request, arg, sizeof(request)))
		return -EFAULT;
	if (!request.nr_ranges || request.flags || request.open_flags & ~OPEN_FLAGS)
		return -EINVAL;

	buf = new_buffer(dev, &request, arg + sizeof(request));
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	ret = add_buffer(dev, buf);
	if (!ret)
		ret = dma_buf_fd(buf->dmabuf, request.open_flags);
	if (ret < 0)
		dma_buf_put(buf->dmabuf);
	return ret;
}

MODULE_IMPORT_NS("DMA_BUF");
