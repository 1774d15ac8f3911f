// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_IOEVENTFD: signalling an eventfd writes a register, without a way
 * through user space.
 *
 * The list is under ioeventfd_lock. The write happens in the context that
 * signals, if that is no interrupt and access_lock is free there. Otherwise it
 * is due, and the device's one work item does all that are due: a thousand work
 * items that wait for a lock would block a workqueue.
 *
 * The work item is on a queue of our own: while it writes slow registers, work
 * for others on the same processor does not wait.
 */
#include <linux/eventfd.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "core.h"

/* A bound for the memory that one device can pin. */
#define IOEVENTFDS_MAX	1000

/**
 * struct latch_ioeventfd - one write
 * @node: in the device's list
 * @dev: the device
 * @virqfd: waits for the eventfd
 * @io: the register, mapped
 * @data: what is written, in host byte order
 * @position: the register's file offset
 * @width: bytes
 * @is_memory: the register is in device memory, not a port
 * @is_due: the eventfd was signalled, and the register is not written yet
 */
struct latch_ioeventfd {
	struct list_head node;
	struct vfio_latch_device *dev;
	struct virqfd *virqfd;
	void __iomem *io;
	u64 data;
	u64 position;
	unsigned int width;
	bool is_memory;
	atomic_t is_due;
};

static struct workqueue_struct *queue;

static void write_register(struct latch_ioeventfd *ioeventfd)
{
	struct vfio_latch_device *dev = ioeventfd->dev;

	if (latch_decodes(dev, ioeventfd->is_memory))
		latch_io_write(ioeventfd->io, ioeventfd->data, ioeventfd->width);
}

static bool try_to_write(struct latch_ioeventfd *ioeventfd)
{
	struct vfio_latch_device *dev = ioeventfd->dev;
	bool is_awake;

	if (!down_read_trylock(&dev->access_lock))
		return false;
	is_awake = !dev->low_power;
	if (is_awake)
		write_register(ioeventfd);
	up_read(&dev->access_lock);
	return is_awake;
}

/*
 * The eventfd was signalled, in any context. Returns 0: no work item of the eventfd's own.
 *
 * A write from an interrupt may raise that interrupt again at once: the processor would stay in its
 * handler.
 */
static int signalled(void *opaque, void *unused)
{
	struct latch_ioeventfd *ioeventfd = opaque;

	if (in_interrupt() || !try_to_write(ioeventfd)) {
		atomic_set(&ioeventfd->is_due, true);
		queue_work(queue, &ioeventfd->dev->ioeventfd_work);
	}
	return 0;
}

static void write_if_due(struct latch_ioeventfd *ioeventfd)
{
	int woken;

	if (!atomic_xchg(&ioeventfd->is_due, false))
		return;
	woken = latch_access_begin(ioeventfd->dev);
	if (woken < 0)
		return;
	write_register(ioeventfd);
	latch_access_end(ioeventfd->dev, woken);
}

/**
 * latch_ioeventfd_work - write what is due
 * @work: the device's ioeventfd_work
 */
void latch_ioeventfd_work(struct work_struct *work)
{
	struct vfio_latch_device *dev = container_of(work, struct vfio_latch_device,
						     ioeventfd_work);
	struct latch_ioeventfd *ioeventfd;

	mutex_lock(&dev->ioeventfd_lock);
	list_for_each_entry(ioeventfd, &dev->ioeventfds, node) {
		write_if_due(ioeventfd);
		cond_resched();
	}
	mutex_unlock(&dev->ioeventfd_lock);
}

static struct latch_ioeventfd *find(struct vfio_latch_device *dev, u64 position,
				    unsigned int width, u64 data)
{
	struct latch_ioeventfd *ioeventfd;

	lockdep_assert_held(&dev->ioeventfd_lock);

	list_for_each_entry(ioeventfd, &dev->ioeventfds, node)
		if (ioeventfd->position == position && ioeventfd->width == width &&
		    ioeventfd->data == data)
			return ioeventfd;
	return NULL;
}

static void destroy(struct vfio_latch_device *dev, struct latch_ioeventfd *ioeventfd)
{
	/* Returns when nobody signals it any more. */
	vfio_virqfd_disable(&ioeventfd->virqfd);
	write_if_due(ioeventfd);
	list_del(&ioeventfd->node);
	dev->nr_ioeventfds--;
	kfree(ioeventfd);
}

static int create(struct vfio_latch_device *dev, u64 position, unsigned int width, u64 data,
		  int fd)
{
	unsigned int bar = latch_region_index(position, PCI_STD_NUM_BARS);
	struct latch_ioeventfd *ioeventfd;
	void __iomem *io;
	int ret;

	if (dev->nr_ioeventfds >= IOEVENTFDS_MAX)
		return -ENOSPC;
	io = latch_bar_map(dev, bar);
	if (IS_ERR(io))
		return PTR_ERR(io);

	ioeventfd = kzalloc(sizeof(*ioeventfd), GFP_KERNEL_ACCOUNT);
	if (!ioeventfd)
		return -ENOMEM;
	ioeventfd->dev = dev;
	ioeventfd->io = io + latch_region_offset(position);
	ioeventfd->data = data;
	ioeventfd->position = position;
	ioeventfd->width = width;
	ioeventfd->is_memory = pci_resource_flags(dev->pdev, bar) & IORESOURCE_MEM;

	ret = vfio_virqfd_enable(ioeventfd, signalled, NULL, NULL, &ioeventfd->virqfd, fd);
	if (ret) {
		kfree(ioeventfd);
		return ret;
	}
	list_add(&ioeventfd->node, &dev->ioeventfds);
	dev->nr_ioeventfds++;
	return 0;
}

/* Whether the user could do a write of @width bytes there without the eventfd. */
static int check_register(struct vfio_latch_device *dev, u64 position, unsigned int width)
{
	int bar = latch_region_index(position, PCI_STD_NUM_BARS);
	u64 offset = latch_region_offset(position);
	bool is_memory;

	if (bar < 0 || !IS_ALIGNED(offset, width) || offset >= latch_bar_size(dev, bar) ||
	    width > latch_bar_size(dev, bar) - offset)
		return -EINVAL;
	if (bar == dev->msix_bar && dev->msix_size && offset + width > dev->msix_offset &&
	    offset < (u64)dev->msix_offset + dev->msix_size)
		return -EINVAL;
	is_memory = pci_resource_flags(dev->pdev, bar) & IORESOURCE_MEM;
	return width == 8 && (!is_memory || sizeof(long) < 8) ? -EINVAL : 0;
}

/**
 * latch_ioeventfd - VFIO_DEVICE_IOEVENTFD
 * @dev: the device
 * @arg: user address of a struct vfio_device_ioeventfd
 *
 * Return: 0; -EINVAL for a bad width, place or descriptor; -EEXIST if there is
 * such a write already; -ENODEV if there is none to remove; -ENOSPC beyond 1000
 * of them; -EINTR if the task is being killed; -EFAULT; -ENOMEM; or an error of
 * latch_bar_map().
 */
int latch_ioeventfd(struct vfio_latch_device *dev, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_device_ioeventfd, fd);
	struct vfio_device_ioeventfd request;
	struct latch_ioeventfd *ioeventfd;
	unsigned int width;
	u64 data;
	int ret;

	if (copy_from_user(&request, arg, minsz))
		return -EFAULT;
	width = request.flags & VFIO_DEVICE_IOEVENTFD_SIZE_MASK;
	if (request.argsz < minsz || request.flags & ~VFIO_DEVICE_IOEVENTFD_SIZE_MASK ||
	    hweight32(width) != 1 || request.fd < -1)
		return -EINVAL;
	ret = check_register(dev, request.offset, width);
	if (ret)
		return ret;
	data = width == 8 ? request.data : request.data & (BIT_ULL(width * 8) - 1);

	/* The work item may hold it for as long as a reset takes. */
	if (mutex_lock_killable(&dev->ioeventfd_lock))
		return -EINTR;
	ioeventfd = find(dev, request.offset, width, data);
	if (request.fd >= 0)
		ret = ioeventfd ? -EEXIST : create(dev, request.offset, width, data, request.fd);
	else if (ioeventfd)
		destroy(dev, ioeventfd);
	else
		ret = -ENODEV;
	mutex_unlock(&dev->ioeventfd_lock);
	return ret;
}

/**
 * latch_ioeventfds_free - take away all ioeventfds
 * @dev: the device
 *
 * Context: last close.
 */
void latch_ioeventfds_free(struct vfio_latch_device *dev)
{
	struct latch_ioeventfd *ioeventfd, *next;

	mutex_lock(&dev->ioeventfd_lock);
	list_for_each_entry_safe(ioeventfd, next, &dev->ioeventfds, node)
		destroy(dev, ioeventfd);
	mutex_unlock(&dev->ioeventfd_lock);
	cancel_work_sync(&dev->ioeventfd_work);
}

/**
 * latch_ioeventfds_init - make the queue of the work items
 *
 * Context: the module is loaded.
 * Return: 0 or -ENOMEM.
 */
int __init latch_ioeventfds_init(void)
{
	queue = alloc_workqueue("vfio-latch", WQ_UNBOUND | WQ_FREEZABLE, 0);
	return queue ? 0 : -ENOMEM;
}

/**
 * latch_ioeventfds_exit - undo latch_ioeventfds_init()
 *
 * Context: the module is unloaded.
 */
void latch_ioeventfds_exit(void)
{
	destroy_workqueue(queue);
}
