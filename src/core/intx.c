// SPDX-License-Identifier: GPL-2.0-only
/*
 * INTx: one level-triggered interrupt, masked by the host when it comes in and
 * unmasked by the user after handling it.
 *
 * The host masks in the function (PCI 2.3, 6.2.2, the DisINTx bit), so that
 * the line can be shared. It masks in the interrupt controller if the function
 * has no such bit, or if the policy nointxmask says so. Without a handler
 * DisINTx is set: nobody would care for the interrupt.
 *
 * struct latch_intx is created and freed under irq_lock. It is published in the
 * device, under intx_lock, only while its handler is registered: before and
 * after, the line of the interrupt controller belongs to other devices. All
 * state is under intx_lock, which the handler takes. Only drive_line() switches
 * the line: after every change of the state, and after every restore of the
 * function's configuration.
 *
 * Eventfds are signalled outside intx_lock, since an eventfd's waiter may be
 * our own unmask handler. That handler runs in the context of the signal, which
 * may be the interrupt handler. So it leaves an unmask that may raise the
 * interrupt at once to a work item.
 */
#include <linux/eventfd.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/jiffies.h>

#include "core.h"

/*
 * Interrupts after which a function in reset is asked; the host gives the line up at 100,000. In
 * the first 100 ms of a reset nobody may ask (PCIe 6.0, 6.6.1), but a lost line is worse. A reset
 * begins up to 0.7 s after it was announced: the PCI core waits for pending transactions. The host
 * counts interrupts across resets, and gives a line up if fewer than one of a thousand is handled.
 * So one of UNASKED_CLAIMED is reported as handled.
 */
#define UNASKED_CLAIMED		500
#define UNASKED_MAX		100
#define UNASKED_MAX_EARLY	50000
#define EARLY_MS		900

/**
 * struct latch_intx - INTx as the user set it up
 * @dev: the device; constant
 * @name: of the interrupt, in /proc/interrupts; constant
 * @irq: the interrupt's number; constant
 * @unmask: unmasks when its eventfd is signalled; under irq_lock
 * @trigger: signalled when the interrupt comes in; written under irq_lock, too
 * @is_masked: it came in, or the user masked it
 * @is_irq_off: it is masked in the interrupt controller
 * @nr_unasked: interrupts, maybe of this function, while it was in reset and could not be asked
 * @nr_unclaimed: those in resets, over all of them: the host counts across resets
 */
struct latch_intx {
	struct vfio_latch_device *dev;
	char name[LATCH_IRQ_NAME_MAX];
	int irq;
	struct virqfd *unmask;
	struct eventfd_ctx *trigger;
	bool is_masked;
	bool is_irq_off;
	unsigned int nr_unasked;
	unsigned int nr_unclaimed;
};

/* A function with MSI on, whose DisINTx would disable its MSI, too. */
static bool msi_needs_intx(struct pci_dev *pdev)
{
	return pdev->dev_flags & PCI_DEV_FLAGS_MSI_INTX_DISABLE_BUG &&
	       (pdev->msi_enabled || pdev->msix_enabled);
}

/* Whether an interrupt that comes in is not signalled. */
static bool is_held_back(const struct vfio_latch_device *dev, const struct latch_intx *intx)
{
	return intx->is_masked || dev->intx_disabled || dev->intx_quiet;
}

/* The line is on while the interrupt has a handler and nothing holds it back. */
static void drive_line(struct vfio_latch_device *dev)
{
	struct latch_intx *intx = dev->intx;
	bool off, off_in_function;

	lockdep_assert_held(&dev->intx_lock);

	off = !intx || is_held_back(dev, intx);
	if (!intx)
		off_in_function = !msi_needs_intx(dev->pdev);
	else
		off_in_function = dev->intx_quiet || (off && dev->can_mask_intx);
	latch_command_update_locked(dev, PCI_COMMAND_INTX_DISABLE,
				    off_in_function ? PCI_COMMAND_INTX_DISABLE : 0);

	if (!intx || dev->can_mask_intx || off == intx->is_irq_off)
		return;
	intx->is_irq_off = off;
	if (off)
		disable_irq_nosync(intx->irq);
	else
		enable_irq(intx->irq);
}

/* Whether the function may sleep or be in reset: then its line is switched afterwards. */
static bool is_quiet(const struct vfio_latch_device *dev)
{
	return dev->intx_quiet || latch_is_away(dev);
}

static void update_line(struct vfio_latch_device *dev)
{
	if (!is_quiet(dev))
		drive_line(dev);
}

static void set_masked(struct vfio_latch_device *dev, bool masked)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->intx_lock, flags);
	dev->intx->is_masked = masked;
	update_line(dev);
	spin_unlock_irqrestore(&dev->intx_lock, flags);
}

/* Whether the function has the interrupt pending, and whether DisINTx lets it out. */
static bool is_pending(struct vfio_latch_device *dev, bool *is_asserted)
{
	u32 dword;
	bool pending;

	pci_read_config_dword(dev->pdev, PCI_COMMAND, &dword);
	pending = dword & PCI_STATUS_INTERRUPT << 16;
	*is_asserted = pending && !(dword & PCI_COMMAND_INTX_DISABLE);
	return pending;
}

/*
 * Counts an interrupt of a function in reset, or away. Returns whether the function is to be asked
 * about it. @is_reset: the PCI core is at work on it now.
 */
static bool is_to_be_asked(const struct vfio_latch_device *dev, struct latch_intx *intx,
			   bool is_reset)
{
	bool is_early = time_before(jiffies, dev->intx_quiet_since + msecs_to_jiffies(EARLY_MS));

	return !(++intx->nr_unasked % (is_reset && is_early ? UNASKED_MAX_EARLY : UNASKED_MAX));
}

/*
 * The function may be out of a reset, with its line on, before the PCI core sees that. The PCI core
 * holds its configuration access lock meanwhile, for as long as a minute. So after UNASKED_MAX
 * interrupts that no handler takes, the function is asked without that lock; early in a reset after
 * UNASKED_MAX_EARLY, since they may be a neighbour's. The write may then meet the PCI core's
 * restore of COMMAND: see latch_command_after_reset().
 */
static bool take_in_reset(struct vfio_latch_device *dev, struct latch_intx *intx)
{
	bool is_asserted = false, is_locked;

	/* A reset ends every power state but low power, and no handler wakes the function. */
	if (dev->intx_quiet & LATCH_QUIET_LOW_POWER)
		return false;
	if (!latch_is_away(dev) && !(dev->intx_quiet & LATCH_QUIET_RESET))
		return false;
	is_locked = pci_cfg_access_trylock(dev->pdev);
	if (is_to_be_asked(dev, intx, !is_locked))
		is_pending(dev, &is_asserted);
	if (is_asserted)
		latch_command_write_locked(dev, PCI_COMMAND_INTX_DISABLE,
					   PCI_COMMAND_INTX_DISABLE);
	if (is_locked)
		pci_cfg_access_unlock(dev->pdev);
	return is_asserted || (!is_locked && !(++intx->nr_unclaimed % UNASKED_CLAIMED));
}

/*
 * Returns whether the interrupt is this function's, and switches it off. It may
 * be on without our doing, and the host disables a line whose interrupts nobody
 * handles, for all devices that share it.
 */
static bool take_interrupt(struct vfio_latch_device *dev, struct latch_intx *intx)
{
	bool is_asserted;

	lockdep_assert_held(&dev->intx_lock);

	if (dev->can_mask_intx) {
		if (is_quiet(dev))
			return take_in_reset(dev, intx);
		is_pending(dev, &is_asserted);
		if (!is_asserted)
			return false;
		latch_command_update_locked(dev, PCI_COMMAND_INTX_DISABLE,
					    PCI_COMMAND_INTX_DISABLE);
	} else if (!intx->is_irq_off) {
		disable_irq_nosync(intx->irq);
		intx->is_irq_off = true;
	}
	return true;
}

static irqreturn_t handle_intx(int irq, void *data)
{
	struct latch_intx *intx = data;
	struct vfio_latch_device *dev = intx->dev;
	struct eventfd_ctx *trigger = NULL;
	unsigned long flags;
	bool is_ours;

	spin_lock_irqsave(&dev->intx_lock, flags);
	is_ours = take_interrupt(dev, intx);
	if (is_ours && !is_held_back(dev, intx)) {
		intx->is_masked = true;
		trigger = intx->trigger;
	}
	spin_unlock_irqrestore(&dev->intx_lock, flags);

	if (trigger)
		compat_eventfd_signal(trigger);
	return is_ours ? IRQ_HANDLED : IRQ_NONE;
}

/*
 * The unmask eventfd was signalled, in any context. A work item unmasks if the
 * interrupt comes in again at once, or if that is not known: where this eventfd
 * is the trigger, too, the processor would otherwise never leave the interrupt
 * handler.
 */
static int unmask_from_eventfd(void *opaque, void *unused)
{
	struct latch_intx *intx = opaque;
	struct vfio_latch_device *dev = intx->dev;
	bool is_asserted, needs_work;
	unsigned long flags;

	spin_lock_irqsave(&dev->intx_lock, flags);
	needs_work = !is_quiet(dev) && (!dev->can_mask_intx || is_pending(dev, &is_asserted));
	if (!needs_work) {
		intx->is_masked = false;
		update_line(dev);
	}
	spin_unlock_irqrestore(&dev->intx_lock, flags);
	return needs_work;
}

static void unmask_from_work(void *opaque, void *unused)
{
	struct latch_intx *intx = opaque;

	set_masked(intx->dev, false);
}

static void publish(struct vfio_latch_device *dev, struct latch_intx *intx)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->intx_lock, flags);
	dev->intx = intx;
	update_line(dev);
	spin_unlock_irqrestore(&dev->intx_lock, flags);
}

static int intx_enable(struct vfio_latch_device *dev, struct eventfd_ctx *trigger)
{
	/* If another handler does not share the line, the user is told, and not the log. */
	unsigned long flags = IRQF_PROBE_SHARED |
			      (dev->can_mask_intx ? IRQF_SHARED : IRQF_NO_AUTOEN);
	struct pci_dev *pdev = dev->pdev;
	struct latch_intx *intx;
	int ret;

	intx = kzalloc(sizeof(*intx), GFP_KERNEL_ACCOUNT);
	if (!intx)
		return -ENOMEM;
	snprintf(intx->name, sizeof(intx->name), "vfio-intx(%s)", pci_name(pdev));
	intx->dev = dev;
	intx->trigger = trigger;
	intx->irq = pdev->irq;
	intx->is_irq_off = !dev->can_mask_intx;

	ret = request_irq(intx->irq, handle_intx, flags, intx->name, intx);
	if (ret) {
		kfree(intx);
		return ret;
	}
	/* Masking lazily, at the next interrupt, would cost one more interrupt each time. */
	if (!dev->can_mask_intx)
		irq_set_status_flags(intx->irq, IRQ_DISABLE_UNLAZY);
	dev->irq_type = VFIO_PCI_INTX_IRQ_INDEX;
	publish(dev, intx);
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

	/* When this returns, no unmasking is under way. */
	vfio_virqfd_disable(&intx->unmask);
	publish(dev, NULL);
	free_irq(intx->irq, intx);
	eventfd_ctx_put(intx->trigger);
	kfree(intx);
	dev->irq_type = VFIO_PCI_NUM_IRQS;
}

/* The interrupt stays set up, so none is lost. */
static void replace_intx_trigger(struct vfio_latch_device *dev, struct eventfd_ctx *trigger)
{
	struct latch_intx *intx = dev->intx;
	struct eventfd_ctx *old = intx->trigger;
	unsigned long flags;

	spin_lock_irqsave(&dev->intx_lock, flags);
	intx->trigger = trigger;
	spin_unlock_irqrestore(&dev->intx_lock, flags);
	synchronize_irq(intx->irq);
	eventfd_ctx_put(old);
}

static int set_trigger_eventfd(struct vfio_latch_device *dev, int fd)
{
	struct eventfd_ctx *trigger;
	int ret;

	ret = latch_eventfd_get(fd, &trigger);
	if (ret)
		return ret;
	if (dev->intx && trigger) {
		replace_intx_trigger(dev, trigger);
		return 0;
	}
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
		return vfio_virqfd_enable(intx, unmask_from_eventfd, unmask_from_work, NULL,
					  &intx->unmask, fd);
	vfio_virqfd_disable(&intx->unmask);
	return 0;
}

/* With the user's DisINTx set, the function would not raise the interrupt either. */
static void signal_as_function(struct vfio_latch_device *dev)
{
	unsigned long flags;
	bool is_disabled;

	spin_lock_irqsave(&dev->intx_lock, flags);
	is_disabled = dev->intx_disabled;
	spin_unlock_irqrestore(&dev->intx_lock, flags);
	if (!is_disabled)
		compat_eventfd_signal(dev->intx->trigger);
}

/**
 * latch_intx_set - VFIO_DEVICE_SET_IRQS of INTx
 * @dev: the device; irq_lock is held
 * @request: checked against the number of vectors
 *
 * Return: 0; -EINVAL while INTx is not set up, or another kind is, or count is
 * not 1; -ENOTTY for masking by eventfd, or not exactly one action; or the
 * error of an eventfd or of the interrupt.
 */
int latch_intx_set(struct vfio_latch_device *dev, const struct latch_irq_request *request)
{
	u32 action = request->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	u32 data = request->flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
	bool is_set_up = dev->irq_type == VFIO_PCI_INTX_IRQ_INDEX;

	lockdep_assert_held(&dev->irq_lock);

	if (hweight32(action) != 1)
		return -ENOTTY;
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
		signal_as_function(dev);
	else
		set_masked(dev, action == VFIO_IRQ_SET_ACTION_MASK);
	return 0;
}

/**
 * latch_intx_guest_disable - the user wrote DisINTx
 * @dev: the device; state_lock is held
 * @disabled: its new value
 */
void latch_intx_guest_disable(struct vfio_latch_device *dev, bool disabled)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->intx_lock, flags);
	dev->intx_disabled = disabled;
	update_line(dev);
	spin_unlock_irqrestore(&dev->intx_lock, flags);
}

/* Restarts the count of interrupts and the time of the reset. */
static void begin_reset(struct vfio_latch_device *dev)
{
	lockdep_assert_held(&dev->intx_lock);
	dev->intx_quiet_since = jiffies;
	if (dev->intx)
		dev->intx->nr_unasked = 0;
}

/**
 * latch_intx_set_quiet - hold INTx back while the function cannot be asked
 * @dev: the device; the function answers now or is away, and access_lock is
 * held for writing
 * @reason: LATCH_QUIET_*
 * @quiet: whether the reason applies from now on
 *
 * While any reason applies, the function is not touched for INTx, except by the
 * handler amid a reset.
 */
void latch_intx_set_quiet(struct vfio_latch_device *dev, u8 reason, bool quiet)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->intx_lock, flags);
	if (quiet && reason == LATCH_QUIET_RESET)
		begin_reset(dev);
	if (quiet)
		dev->intx_quiet |= reason;
	else
		dev->intx_quiet &= ~reason;
	if (!latch_is_away(dev))
		drive_line(dev);
	spin_unlock_irqrestore(&dev->intx_lock, flags);
}

/**
 * latch_intx_leave - count a function as away, and hold its INTx back
 * @dev: the device
 *
 * Its INTx is switched off in the function, as its reset may come much later. A
 * function that does not answer any more does not raise INTx either.
 *
 * Context: any.
 */
void latch_intx_leave(struct vfio_latch_device *dev)
{
	unsigned long flags;
	bool was_quiet;

	spin_lock_irqsave(&dev->intx_lock, flags);
	was_quiet = is_quiet(dev);
	dev->intx_quiet |= LATCH_QUIET_RESET;
	begin_reset(dev);
	if (dev->intx && !was_quiet)
		drive_line(dev);
	/* Ordered: a reader that sees it away sees since when. */
	atomic_inc_return(&dev->away);
	spin_unlock_irqrestore(&dev->intx_lock, flags);
}

/**
 * latch_intx_return - count a function as back, and switch its line on
 * @dev: the device, configured; access_lock is held for writing
 * @resets: how many resets were over when it was configured
 *
 * In one step: a function that leaves meanwhile either stays away or has its
 * line switched off again. A closed function has no handler, and its line stays
 * off.
 *
 * Return: whether it is back; false if it has left again.
 */
bool latch_intx_return(struct vfio_latch_device *dev, int resets)
{
	unsigned long flags;
	bool is_back;

	spin_lock_irqsave(&dev->intx_lock, flags);
	is_back = !atomic_sub_return(resets, &dev->away);
	if (is_back) {
		dev->intx_quiet &= ~LATCH_QUIET_RESET;
		drive_line(dev);
	}
	spin_unlock_irqrestore(&dev->intx_lock, flags);
	return is_back;
}

/**
 * latch_intx_restored - set DisINTx as INTx needs it
 * @dev: the device; the function answers now, or MSI was taken down
 *
 * For latch_access_restored(), and after MSI was set up or taken down, where
 * the PCI core switches INTx. It does so also in a function that is away, whose
 * interrupts nobody handles.
 */
void latch_intx_restored(struct vfio_latch_device *dev)
{
	unsigned long flags;

	if (latch_is_away(dev) && !msi_needs_intx(dev->pdev)) {
		spin_lock_irqsave(&dev->intx_lock, flags);
		latch_command_write_locked(dev, PCI_COMMAND_INTX_DISABLE, PCI_COMMAND_INTX_DISABLE);
		spin_unlock_irqrestore(&dev->intx_lock, flags);
	}
	latch_intx_set_quiet(dev, LATCH_QUIET_STATE, dev->pdev->current_state != PCI_D0);
}

/* Intel NICs that raise INTx without its status bit, masked or not: they cannot share a line. */
static bool has_broken_intx(struct pci_dev *pdev)
{
	if (pdev->vendor != PCI_VENDOR_ID_INTEL)
		return false;

	switch (pdev->device) {
	case 0x1563:			/* X550 */
	case 0x1572:			/* X710 and its family, from here on */
	case 0x1574:
	case 0x1580 ... 0x1581:
	case 0x1583 ... 0x158b:
	case 0x37d0 ... 0x37d2:
		return true;
	default:
		return false;
	}
}

/**
 * latch_intx_open - decide how INTx is masked, and switch it off until it is set up
 * @dev: the device, enabled
 *
 * Context: first open.
 */
void latch_intx_open(struct vfio_latch_device *dev)
{
	bool at_controller = latch_policy_value(dev, VFIO_LATCH_NOINTXMASK);
	struct pci_dev *pdev = dev->pdev;
	unsigned long flags;

	/* A line masked at the interrupt controller, and not shared, needs no status bit. */
	dev->hide_intx = (has_broken_intx(pdev) && !at_controller) || !pdev->irq ||
			 pdev->irq == IRQ_NOTCONNECTED;
	dev->can_mask_intx = pci_intx_mask_supported(pdev) && !dev->hide_intx && !at_controller;

	spin_lock_irqsave(&dev->intx_lock, flags);
	dev->intx_disabled = false;
	dev->intx_quiet = 0;
	drive_line(dev);
	spin_unlock_irqrestore(&dev->intx_lock, flags);
}
