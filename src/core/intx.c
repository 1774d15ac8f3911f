// SPDX-License-Identifier: GPL-2.0-only
/*
 * INTx: one level-triggered interrupt, masked by the host when it comes in and
 * unmasked by the user when he has handled it.
 *
 * The host masks in the function (PCI 2.3, 6.2.2, the DisINTx bit), so that
 * the line can be shared, or in the interrupt controller where the function
 * cannot, or where the policy nointxmask says so. While INTx is not set up
 * DisINTx stays set: nobody would handle the interrupt.
 *
 * struct latch_intx comes and goes under irq_lock, published under intx_lock.
 * Its state is under intx_lock, which the interrupt handler takes. The line
 * follows the state in update_line() alone. Unmasking never asks whether the
 * interrupt is still asserted: then it comes in again by itself.
 *
 * Eventfds are signalled outside intx_lock, since an eventfd's waiter may be
 * our own unmask handler.
 */
#include <linux/eventfd.h>
#include <linux/interrupt.h>

#include "core.h"

/**
 * struct latch_intx - INTx as the user set it up
 * @dev: the device; constant
 * @trigger: signalled when the interrupt comes in; constant
 * @name: of the interrupt, in /proc/interrupts; constant
 * @irq: the interrupt's number; constant
 * @unmask: unmasks when its eventfd is signalled; under irq_lock
 * @is_masked: it came in, or the user masked it
 * @is_quiet: the device is in low power
 * @is_off: the line, as it is
 */
struct latch_intx {
	struct vfio_latch_device *dev;
	struct eventfd_ctx *trigger;
	char name[LATCH_IRQ_NAME_MAX];
	int irq;
	struct virqfd *unmask;
	bool is_masked;
	bool is_quiet;
	bool is_off;
};

/* The line is on while nobody wants it off. */
static void update_line(struct vfio_latch_device *dev)
{
	struct latch_intx *intx = dev->intx;
	bool off;

	lockdep_assert_held(&dev->intx_lock);

	off = intx->is_masked || intx->is_quiet || dev->intx_disabled;
	if (off == intx->is_off)
		return;
	if (dev->can_mask_intx)
		pci_intx(dev->pdev, !off);
	else if (off)
		disable_irq_nosync(intx->irq);
	else
		enable_irq(intx->irq);
	intx->is_off = off;
}

static void set_masked(struct vfio_latch_device *dev, bool masked)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->intx_lock, flags);
	dev->intx->is_masked = masked;
	update_line(dev);
	spin_unlock_irqrestore(&dev->intx_lock, flags);
}

/* Whether the function asserts the interrupt; if so it is masked now. */
static bool mask_if_asserted(struct vfio_latch_device *dev, struct latch_intx *intx)
{
	lockdep_assert_held(&dev->intx_lock);

	if (intx->is_off)
		return false;
	if (dev->can_mask_intx) {
		if (!pci_check_and_mask_intx(dev->pdev))
			return false;
		intx->is_off = true;
	}
	intx->is_masked = true;
	update_line(dev);
	return true;
}

static irqreturn_t handle_intx(int irq, void *data)
{
	struct latch_intx *intx = data;
	struct vfio_latch_device *dev = intx->dev;
	unsigned long flags;
	bool is_ours;

	spin_lock_irqsave(&dev->intx_lock, flags);
	is_ours = mask_if_asserted(dev, intx);
	spin_unlock_irqrestore(&dev->intx_lock, flags);

	if (!is_ours)
		return IRQ_NONE;
	compat_eventfd_signal(intx->trigger);
	return IRQ_HANDLED;
}

/* The unmask eventfd was signalled, in whatever context. */
static int unmask_from_eventfd(void *opaque, void *unused)
{
	struct latch_intx *intx = opaque;

	set_masked(intx->dev, false);
	return 0;
}

static void publish(struct vfio_latch_device *dev, struct latch_intx *intx)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->intx_lock, flags);
	dev->intx = intx;
	spin_unlock_irqrestore(&dev->intx_lock, flags);
}

static int intx_enable(struct vfio_latch_device *dev, struct eventfd_ctx *trigger)
{
	struct pci_dev *pdev = dev->pdev;
	struct latch_intx *intx;
	unsigned long flags;
	int ret;

	intx = kzalloc(sizeof(*intx), GFP_KERNEL_ACCOUNT);
	if (!intx)
		return -ENOMEM;
	snprintf(intx->name, sizeof(intx->name), "vfio-intx(%s)", pci_name(pdev));
	intx->dev = dev;
	intx->trigger = trigger;
	intx->irq = pdev->irq;
	intx->is_off = true;

	publish(dev, intx);
	ret = request_irq(intx->irq, handle_intx,
			  dev->can_mask_intx ? IRQF_SHARED : IRQF_NO_AUTOEN, intx->name, intx);
	if (ret) {
		publish(dev, NULL);
		kfree(intx);
		return ret;
	}
	dev->irq_type = VFIO_PCI_INTX_IRQ_INDEX;

	spin_lock_irqsave(&dev->intx_lock, flags);
	update_line(dev);
	spin_unlock_irqrestore(&dev->intx_lock, flags);
	return 0;
}

/**
 * latch_intx_disable - take INTx down
 * @dev: the device; irq_lock is held and INTx is set up
 */
void latch_intx_disable(struct vfio_latch_device *dev)
{
	struct latch_intx *intx = dev->intx;

	lockdep_assert_held(&dev->irq_lock);

	/* Returns when no unmasking is under way any more. */
	vfio_virqfd_disable(&intx->unmask);
	set_masked(dev, true);
	free_irq(intx->irq, intx);
	publish(dev, NULL);
	eventfd_ctx_put(intx->trigger);
	kfree(intx);
	dev->irq_type = VFIO_PCI_NUM_IRQS;
}

static int set_trigger_eventfd(struct vfio_latch_device *dev, int fd)
{
	struct eventfd_ctx *trigger;
	int ret;

	ret = latch_eventfd_get(fd, &trigger);
	if (ret)
		return ret;
	if (dev->intx)
		latch_intx_disable(dev);
	if (!trigger)
		return 0;
	ret = intx_enable(dev, trigger);
	if (ret)
		eventfd_ctx_put(trigger);
	return ret;
}

static int set_unmask_eventfd(struct vfio_latch_device *dev, int fd)
{
	struct latch_intx *intx = dev->intx;

	if (fd < -1)
		return -EINVAL;
	if (fd >= 0)
		return vfio_virqfd_enable(intx, unmask_from_eventfd, NULL, NULL, &intx->unmask, fd);
	vfio_virqfd_disable(&intx->unmask);
	return 0;
}

/**
 * latch_intx_set - VFIO_DEVICE_SET_IRQS of INTx
 * @dev: the device; irq_lock is held
 * @request: checked against the number of vectors
 *
 * Return: 0; -EINVAL while INTx is not set up, or another kind is, or count is
 * not 1; -ENOTTY for masking by eventfd; or why an eventfd or the interrupt
 * cannot be had.
 */
int latch_intx_set(struct vfio_latch_device *dev, const struct latch_irq_request *request)
{
	u32 action = request->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	u32 data = request->flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
	bool is_set_up = dev->irq_type == VFIO_PCI_INTX_IRQ_INDEX;

	lockdep_assert_held(&dev->irq_lock);

	if (action == VFIO_IRQ_SET_ACTION_TRIGGER && data == VFIO_IRQ_SET_DATA_NONE &&
	    !request->count && is_set_up) {
		latch_intx_disable(dev);
		return 0;
	}
	if (request->start || request->count != 1)
		return -EINVAL;

	if (data == VFIO_IRQ_SET_DATA_EVENTFD && action == VFIO_IRQ_SET_ACTION_TRIGGER) {
		if (!is_set_up && dev->irq_type != VFIO_PCI_NUM_IRQS)
			return -EINVAL;
		return set_trigger_eventfd(dev, *(s32 *)request->data);
	}
	if (!is_set_up)
		return -EINVAL;
	if (data == VFIO_IRQ_SET_DATA_EVENTFD)
		return action == VFIO_IRQ_SET_ACTION_UNMASK ?
		       set_unmask_eventfd(dev, *(s32 *)request->data) : -ENOTTY;
	if (data == VFIO_IRQ_SET_DATA_BOOL && !*(u8 *)request->data)
		return 0;

	if (action == VFIO_IRQ_SET_ACTION_TRIGGER)
		compat_eventfd_signal(dev->intx->trigger);
	else
		set_masked(dev, action == VFIO_IRQ_SET_ACTION_MASK);
	return 0;
}

/**
 * latch_intx_guest_disable - the user wrote his DisINTx bit
 * @dev: the device; config_lock is held
 * @disabled: its new value
 */
void latch_intx_guest_disable(struct vfio_latch_device *dev, bool disabled)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->intx_lock, flags);
	dev->intx_disabled = disabled;
	if (dev->intx)
		update_line(dev);
	spin_unlock_irqrestore(&dev->intx_lock, flags);
}

/**
 * latch_intx_set_quiet - hold INTx back while the device is in low power
 * @dev: the device, awake
 * @quiet: whether to
 *
 * A function that sleeps cannot be asked whether a shared line is its own.
 */
void latch_intx_set_quiet(struct vfio_latch_device *dev, bool quiet)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->intx_lock, flags);
	if (dev->intx) {
		dev->intx->is_quiet = quiet;
		update_line(dev);
	}
	spin_unlock_irqrestore(&dev->intx_lock, flags);
}
