// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power: idle devices in D3, the user's own D-states, and low power on request.
 *
 * Runtime PM usage count, each row balanced by itself:
 *
 *	PCI core	+1 in probe, -1 in remove
 *	idle		-1 in register, +1 in unregister	unless disable_idle_d3
 *	open		+1 at open, -1 at close			unless disable_idle_d3
 *	low power	-1 at entry, +1 at exit
 *	VFs		+1 before they are made, -1 when they are gone
 *
 * disable_idle_d3 is latched, so that a row is whole or absent for a device's
 * whole life. An open device has a count of 1, or 0 in low power; accesses and
 * ioctls then wake it for their time.
 */
#include <linux/eventfd.h>
#include <linux/pm_runtime.h>
#include <linux/uaccess.h>

#include "core.h"

static bool idles_in_d3(struct vfio_latch_device *dev)
{
	return !latch_policy_value(dev, VFIO_LATCH_DISABLE_IDLE_D3);
}

/**
 * latch_power_register - let an idle device go to D3
 * @dev: the device, its policy latched
 *
 * Context: probe.
 */
void latch_power_register(struct vfio_latch_device *dev)
{
	/* Some kernels do not know a function's power state before a driver sets it. */
	pci_set_power_state(dev->pdev, PCI_D0);
	pm_runtime_allow(&dev->pdev->dev);
	if (idles_in_d3(dev))
		pm_runtime_put(&dev->pdev->dev);
}

/**
 * latch_power_unregister - undo latch_power_register()
 * @dev: the device
 *
 * Context: remove, or a failing probe.
 */
void latch_power_unregister(struct vfio_latch_device *dev)
{
	if (idles_in_d3(dev))
		pm_runtime_get_noresume(&dev->pdev->dev);
	pm_runtime_forbid(&dev->pdev->dev);
}

/**
 * latch_power_open - wake the device for a user
 * @dev: the device
 *
 * Context: first open.
 * Return: 0 or a negative error.
 */
int latch_power_open(struct vfio_latch_device *dev)
{
	return idles_in_d3(dev) ? pm_runtime_resume_and_get(&dev->pdev->dev) : 0;
}

/**
 * latch_power_close - let the device idle again
 * @dev: the device, awake
 *
 * Context: last close, or a failing open.
 */
void latch_power_close(struct vfio_latch_device *dev)
{
	if (idles_in_d3(dev))
		pm_runtime_put(&dev->pdev->dev);
}

/* PCI PM 1.2, 5.4.1: without No_Soft_Reset a function comes back reset. */
static bool loses_state_in_d3(struct pci_dev *pdev)
{
	u16 ctrl;

	if (!pdev->pm_cap)
		return false;
	pci_read_config_word(pdev, pdev->pm_cap + PCI_PM_CTRL, &ctrl);
	return !(ctrl & PCI_PM_CTRL_NO_SOFT_RESET);
}

/**
 * latch_power_up - bring the function to D0
 * @dev: the device; state_lock is held, and access_lock for writing
 */
void latch_power_up(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;
	bool was_lost;

	lockdep_assert_held(&dev->state_lock);
	lockdep_assert_held_write(&dev->access_lock);

	if (pdev->current_state == PCI_D0 || latch_is_away(dev))
		return;
	was_lost = pdev->current_state >= PCI_D3hot && loses_state_in_d3(pdev);
	if (!pci_set_power_state(pdev, PCI_D0) && was_lost)
		latch_state_restore(dev);
	latch_access_restored(dev);
}

/* PCI PM 1.2, 5.3: from D0 down to what the function has, and from anywhere to D0. */
static bool can_enter(struct vfio_latch_device *dev, pci_power_t state)
{
	struct pci_dev *pdev = dev->pdev;

	if (!latch_answers(dev))
		return false;
	if (state == PCI_D0)
		return true;
	return state > pdev->current_state && !dev->has_vfs &&
	       (state != PCI_D1 || pdev->d1_support) && (state != PCI_D2 || pdev->d2_support);
}

static void fall_asleep(struct vfio_latch_device *dev, pci_power_t state)
{
	struct pci_dev *pdev = dev->pdev;

	latch_intx_set_quiet(dev, LATCH_QUIET_STATE, true);
	latch_decode_force(dev);
	pci_save_state(pdev);
	pci_set_power_state(pdev, state);
	/* It may have stayed in D0, with an error or, where a quirk wants that, without. */
	if (pdev->current_state == PCI_D0)
		latch_access_restored(dev);
}

/**
 * latch_power_set_state - put the function into a power state
 * @dev: the device, awake; state_lock is held
 * @state: PCI_D0 to PCI_D3hot
 *
 * Nothing changes for a state that the function cannot enter from its current
 * one (PCI PM 1.2, 3.2.4), for any state but D0 of a PF whose VFs need it, and
 * for a function that does not answer.
 */
void latch_power_set_state(struct vfio_latch_device *dev, pci_power_t state)
{
	lockdep_assert_held(&dev->state_lock);

	if (!can_enter(dev, state))
		return;

	latch_access_lock(dev);
	if (state == PCI_D0) {
		latch_power_up(dev);
	} else {
		latch_access_revoke(dev);
		/* AER may have come while accesses ended. */
		if (latch_answers(dev))
			fall_asleep(dev, state);
	}
	latch_access_unlock(dev);
}

static int low_power_enter(struct vfio_latch_device *dev, struct eventfd_ctx *wakeup)
{
	int ret = -EINVAL;

	latch_state_lock(dev);
	latch_access_lock(dev);
	/* The PCI core logs a line each time a dead function is suspended and resumed. */
	if (!latch_answers(dev)) {
		ret = -EIO;
	} else if (!dev->low_power) {
		/* From D0 the PCI core chooses the deepest state. */
		latch_power_up(dev);
		latch_access_revoke(dev);
		latch_intx_set_quiet(dev, LATCH_QUIET_LOW_POWER, true);
		dev->low_power = true;
		dev->wakeup_trigger = wakeup;
		ret = 0;
	}
	latch_access_unlock(dev);
	latch_state_unlock(dev);

	if (!ret)
		pm_runtime_put(&dev->pdev->dev);
	return ret;
}

static void drop_wakeup_trigger(struct vfio_latch_device *dev)
{
	lockdep_assert_held_write(&dev->access_lock);

	if (dev->wakeup_trigger)
		eventfd_ctx_put(dev->wakeup_trigger);
	dev->wakeup_trigger = NULL;
}

/* Under access_lock for writing, with the device awake. */
static void low_power_leave(struct vfio_latch_device *dev)
{
	lockdep_assert_held_write(&dev->access_lock);

	if (!dev->low_power)
		return;
	pm_runtime_get_noresume(&dev->pdev->dev);
	dev->low_power = false;
	drop_wakeup_trigger(dev);
	latch_intx_set_quiet(dev, LATCH_QUIET_LOW_POWER, false);
}

/**
 * latch_power_wake - end low power before the device is taken down
 * @dev: the device
 *
 * Context: last close.
 */
void latch_power_wake(struct vfio_latch_device *dev)
{
	/* A user who closes the device need not be told of the wakeup. */
	latch_access_lock(dev);
	drop_wakeup_trigger(dev);
	latch_access_unlock(dev);

	pm_runtime_get_sync(&dev->pdev->dev);
	latch_state_lock(dev);
	latch_access_lock(dev);
	low_power_leave(dev);
	latch_power_up(dev);
	latch_access_unlock(dev);
	latch_state_unlock(dev);
	pm_runtime_put_noidle(&dev->pdev->dev);
}

/**
 * latch_feature_low_power_entry - VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY
 * @dev: the device
 * @flags: VFIO_DEVICE_FEATURE_*
 * @arg: unused
 * @argsz: unused
 *
 * Return: 0, -EINVAL for a flag that is not SET, or in low power, or -EIO if
 * the function does not answer.
 */
int latch_feature_low_power_entry(struct vfio_latch_device *dev, u32 flags, void __user *arg,
				  size_t argsz)
{
	int ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_SET, 0);

	return ret == 1 ? low_power_enter(dev, NULL) : ret;
}

/**
 * latch_feature_low_power_wakeup - VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP
 * @dev: the device
 * @flags: VFIO_DEVICE_FEATURE_*
 * @arg: user address of a struct vfio_device_low_power_entry_with_wakeup
 * @argsz: bytes of it
 *
 * Return: 0, -EINVAL for a flag that is not SET, a reserved field, or in low
 * power, -EIO if the function does not answer, -EFAULT, or what eventfd says.
 */
int latch_feature_low_power_wakeup(struct vfio_latch_device *dev, u32 flags, void __user *arg,
				   size_t argsz)
{
	struct vfio_device_low_power_entry_with_wakeup entry;
	struct eventfd_ctx *wakeup;
	int ret;

	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_SET, sizeof(entry));
	if (ret != 1)
		return ret;
	if (copy_from_user(&entry, arg, sizeof(entry)))
		return -EFAULT;
	if (entry.wakeup_eventfd < 0 || entry.reserved)
		return -EINVAL;

	ret = latch_eventfd_get(entry.wakeup_eventfd, &wakeup);
	if (ret)
		return ret;
	ret = low_power_enter(dev, wakeup);
	if (ret)
		eventfd_ctx_put(wakeup);
	return ret;
}

/**
 * latch_feature_low_power_exit - VFIO_DEVICE_FEATURE_LOW_POWER_EXIT
 * @dev: the device, awake for the ioctl
 * @flags: VFIO_DEVICE_FEATURE_*
 * @arg: unused
 * @argsz: unused
 *
 * Return: 0, also when not in low power, or -EINVAL for a flag that is not SET.
 */
int latch_feature_low_power_exit(struct vfio_latch_device *dev, u32 flags, void __user *arg,
				 size_t argsz)
{
	int ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_SET, 0);

	if (ret != 1)
		return ret;
	latch_access_lock(dev);
	low_power_leave(dev);
	latch_access_unlock(dev);
	return 0;
}

/*
 * The PCI core has restored the configuration. A wakeup that the user asked to be told of ends low
 * power (uAPI: single shot). So does the function's death, as each further resume would log a line.
 */
static int runtime_resume(struct device *device)
{
	struct vfio_latch_device *dev = dev_get_drvdata(device);

	latch_clean_woken(dev);
	latch_access_lock(dev);
	latch_access_restored(dev);
	if (dev->wakeup_trigger)
		compat_eventfd_signal(dev->wakeup_trigger);
	if (dev->wakeup_trigger || !latch_reads(dev))
		low_power_leave(dev);
	latch_access_unlock(dev);
	return 0;
}

/*
 * The user may have put the function into D3hot after entering low power. The PCI core then leaves
 * it there, does not save, and would restore nothing: what we saved then is right. So is the last
 * saved state of a function that does not answer any more, in case it comes back.
 */
static int runtime_suspend(struct device *device)
{
	struct vfio_latch_device *dev = dev_get_drvdata(device);

	/* Its resume would restore an old state and take it for the current one. */
	if (latch_is_away(dev))
		return -EBUSY;
	down_read(&dev->access_lock);
	if (dev->pdev->current_state != PCI_D0 || !latch_reads(dev))
		dev->pdev->state_saved = true;
	up_read(&dev->access_lock);
	return 0;
}

/* A state saved of a function that does not answer must not be restored. */
static int system_suspend(struct device *device)
{
	struct vfio_latch_device *dev = dev_get_drvdata(device);

	if (!latch_answers(dev))
		pci_load_saved_state(dev->pdev, dev->pristine ?: dev->initial);
	return 0;
}

/* Firmware may do anything to a sleeping machine's devices. Also called for those that sleep on. */
static int system_sleep(struct device *device)
{
	latch_clean_clear(dev_get_drvdata(device));
	return 0;
}

/*
 * The PCI core has brought the function to D0, whatever state the user had it in, and restored it.
 */
static int system_resume(struct device *device)
{
	struct vfio_latch_device *dev = dev_get_drvdata(device);

	/* Its BARs are restored, so they no longer show that it was reset. */
	if (latch_is_away(dev))
		latch_come_back(dev);
	latch_access_lock(dev);
	latch_access_restored(dev);
	latch_access_unlock(dev);
	return 0;
}

/* For a driver's struct pci_driver. */
const struct dev_pm_ops vfio_latch_pm_ops = {
	.prepare = system_sleep,
	.suspend = system_suspend,
	.freeze = system_suspend,
	.poweroff = system_suspend,
	.resume = system_resume,
	.thaw = system_resume,
	.restore = system_resume,
	SET_RUNTIME_PM_OPS(runtime_suspend, runtime_resume, NULL)
};
EXPORT_SYMBOL_GPL(vfio_latch_pm_ops);
