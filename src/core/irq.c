// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_SET_IRQS: checks a request and hands it to the file for the
 * interrupt's kind. ERR and REQ, which are no interrupts of the function, are
 * handled here.
 *
 * irq_lock serialises all of it, except AER and unbind, which signal ERR and
 * REQ: signal_lock protects those eventfds.
 */
#include <linux/eventfd.h>
#include <linux/uaccess.h>

#include "core.h"

static void replace_device_trigger(struct vfio_latch_device *dev, struct eventfd_ctx **trigger,
				   struct eventfd_ctx *new)
{
	struct eventfd_ctx *old;

	spin_lock(&dev->signal_lock);
	old = *trigger;
	*trigger = new;
	spin_unlock(&dev->signal_lock);
	if (old)
		eventfd_ctx_put(old);
}

/* The eventfd's waiters are called under signal_lock: they must not set up ERR or REQ. */
static bool signal_trigger(struct vfio_latch_device *dev, struct eventfd_ctx **trigger)
{
	bool is_set;

	spin_lock(&dev->signal_lock);
	is_set = *trigger;
	if (is_set)
		compat_eventfd_signal(*trigger);
	spin_unlock(&dev->signal_lock);
	return is_set;
}

/* ERR and REQ: one eventfd each, which the user may also signal. */
static int set_trigger(struct vfio_latch_device *dev, struct eventfd_ctx **trigger,
		       const struct latch_irq_request *request)
{
	struct eventfd_ctx *new;
	int ret;

	if ((request->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) != VFIO_IRQ_SET_ACTION_TRIGGER)
		return -ENOTTY;

	switch (request->flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_EVENTFD:
		if (!request->count)
			return -EINVAL;
		ret = latch_eventfd_get(*(s32 *)request->data, &new);
		if (!ret)
			replace_device_trigger(dev, trigger, new);
		return ret;
	case VFIO_IRQ_SET_DATA_BOOL:
		if (!request->count)
			return -EINVAL;
		if (*(u8 *)request->data)
			signal_trigger(dev, trigger);
		return 0;
	default:
		if (!*trigger)
			return -EINVAL;
		if (!request->count)
			replace_device_trigger(dev, trigger, NULL);
		else
			signal_trigger(dev, trigger);
		return 0;
	}
}

static int set_irqs(struct vfio_latch_device *dev, const struct latch_irq_request *request)
{
	lockdep_assert_held(&dev->irq_lock);

	switch (request->index) {
	case VFIO_PCI_INTX_IRQ_INDEX:
		return latch_intx_set(dev, request);
	case VFIO_PCI_MSI_IRQ_INDEX:
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return latch_msi_set(dev, request);
	case VFIO_PCI_ERR_IRQ_INDEX:
		return set_trigger(dev, &dev->err_trigger, request);
	default:
		return set_trigger(dev, &dev->req_trigger, request);
	}
}

/**
 * latch_set_irqs - VFIO_DEVICE_SET_IRQS
 * @dev: the device
 * @arg: user address of a struct vfio_irq_set and its data
 *
 * Return: 0; the number of MSI vectors that were available, if fewer than asked
 * for; or a negative error.
 */
int latch_set_irqs(struct vfio_latch_device *dev, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_irq_set, count);
	struct latch_irq_request request;
	struct vfio_irq_set header;
	size_t data_size = 0;
	int ret;

	if (copy_from_user(&header, arg, minsz))
		return -EFAULT;
	ret = vfio_set_irqs_validate_and_prepare(&header, latch_irq_count(dev, header.index),
						 VFIO_PCI_NUM_IRQS, &data_size);
	if (ret)
		return ret;

	request = (struct latch_irq_request){
		.flags = header.flags,
		.index = header.index,
		.start = header.start,
		.count = header.count,
	};
	if (data_size) {
		request.data = memdup_user(arg + minsz, data_size);
		if (IS_ERR(request.data))
			return PTR_ERR(request.data);
	}

	mutex_lock(&dev->irq_lock);
	ret = set_irqs(dev, &request);
	mutex_unlock(&dev->irq_lock);

	kfree(request.data);
	return ret;
}

/**
 * latch_irqs_close - take down all that VFIO_DEVICE_SET_IRQS set up
 * @dev: the device
 *
 * Context: last close; AER and unbind may still signal.
 */
void latch_irqs_close(struct vfio_latch_device *dev)
{
	mutex_lock(&dev->irq_lock);
	if (dev->irq_type == VFIO_PCI_INTX_IRQ_INDEX)
		latch_intx_disable(dev);
	else if (dev->irq_type != VFIO_PCI_NUM_IRQS)
		latch_msi_disable(dev);
	mutex_unlock(&dev->irq_lock);
	replace_device_trigger(dev, &dev->err_trigger, NULL);
	replace_device_trigger(dev, &dev->req_trigger, NULL);
}

/**
 * latch_irq_signal_error - tell the user of an uncorrectable error
 * @dev: the device
 *
 * Context: AER recovery, under locks of the PCI core; takes only a spinlock.
 */
void latch_irq_signal_error(struct vfio_latch_device *dev)
{
	signal_trigger(dev, &dev->err_trigger);
}

/**
 * vfio_latch_request - ask the user to give the device back
 * @vdev: the device
 * @count: how often vfio has asked before
 *
 * It logs no line of the device: journald would read the device's uevent, for
 * which 6.1 takes the device lock, and would wait until the user is gone.
 *
 * Context: unbind, waiting for the last close; takes only a spinlock.
 */
void vfio_latch_request(struct vfio_device *vdev, unsigned int count)
{
	struct vfio_latch_device *dev = vfio_latch_from_vdev(vdev);
	const char *driver = dev_driver_string(&dev->pdev->dev);
	const char *name = pci_name(dev->pdev);

	if (signal_trigger(dev, &dev->req_trigger)) {
		if (!(count % 10))
			pr_notice_ratelimited("%s %s: asking the user to release it (%u)\n", driver,
					      name, count);
	} else if (!count) {
		pr_warn("%s %s: waiting for the user, who offers no way to be asked\n", driver,
			name);
	}
}
EXPORT_SYMBOL_GPL(vfio_latch_request);
