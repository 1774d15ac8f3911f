// SPDX-License-Identifier: GPL-2.0-only
/*
 * Function reset: by ioctl, by configuration space, at open and at close.
 *
 * While a device is open, every reset of it, by us or by others, calls error.c's
 * reset_prepare and reset_done, which keep all accesses out. The user's resets,
 * and those at open and at close, take state_lock before any lock of the PCI
 * core: holders of state_lock may wait long, and AER and others wait for the PCI
 * core's locks. Open and close hold state_lock until they have saved or restored
 * the state, so that no other reset comes in between.
 *
 * A sysfs reset, or the making of VFs, holds the device lock while it waits for
 * state_lock, and others may wait for that device lock. So of all threads of a
 * user that reset a device or look at its ROM, which both take long, only one
 * waits for state_lock: the others wait for reset_lock.
 *
 * All of them take the PCI core's locks by trylock: an unbind holds the device
 * lock while it waits for the user to close. If close could not reset the
 * function for that reason, unbind does. A function that is alone on its bus may
 * be reset by the bridge above it. Then the bridge is locked too, if it can be
 * had, so that nobody writes its configuration space meanwhile.
 *
 * Where a function's own reset fails, the PCI core goes on to that of its slot,
 * and takes a VF for alone there: PF and other VFs would be reset with it,
 * without a word to their drivers. So a VF in a slot is reset here.
 */
#include <linux/delay.h>
#include <linux/pci.h>
#include <linux/pci_hotplug.h>

#include "core.h"

/* An open waits for resets by others. */
#define LOCK_TRIES_OF_OPEN	500

/**
 * latch_reset_begin - a reset of an open function begins
 * @dev: the device; state_lock is held
 *
 * Called before the PCI core's locks are taken: AER waits for those, and drivers
 * that use a part of a BAR for DMA may wait for AER before they let go of it.
 * Accesses and faults go on until reset_prepare.
 *
 * Context: may sleep until other drivers have stopped their devices.
 */
void latch_reset_begin(struct vfio_latch_device *dev)
{
	lockdep_assert_held(&dev->state_lock);

	WRITE_ONCE(dev->reset_owner, current);
	latch_access_lock(dev);
	latch_dma_bufs_revoke(dev);
	latch_access_unlock(dev);
}

/**
 * latch_reset_end - a reset that latch_reset_begin() prepared is over, or has failed
 * @dev: the device; state_lock is held
 *
 * Context: may sleep.
 */
void latch_reset_end(struct vfio_latch_device *dev)
{
	WRITE_ONCE(dev->reset_owner, NULL);
	/* Gives the dma-bufs back. */
	latch_access_lock(dev);
	latch_access_unlock(dev);
}

/*
 * The bridge that may reset the function, or NULL. The PCI core asks the function's slot, if it is
 * the only one there but for VFs, or the bus, if it is the only one there at all. A function with
 * FLR is reset by that first, which may take a minute, and others would wait for the bridge for
 * nothing. If its FLR fails, or root has chosen so, the bridge resets it unlocked.
 */
static struct pci_dev *reset_bridge(struct pci_dev *pdev)
{
	if (pdev->is_virtfn || !pcie_reset_flr(pdev, PCI_RESET_PROBE))
		return NULL;
	if (pdev->slot && !pdev->multifunction)
		return pdev->bus->self;
	/* Others may come and go: then the lock is missing or too much, as in the PCI core. */
	return data_race(list_is_singular(&pdev->bus->devices)) ? pdev->bus->self : NULL;
}

static struct pci_dev *trylock_bridge(struct pci_dev *bridge)
{
	return bridge && pci_dev_trylock(bridge) ? bridge : NULL;
}

static void unlock_bridge(struct pci_dev *bridge)
{
	if (bridge)
		pci_dev_unlock(bridge);
}

/*
 * Locks the function, and the bridge first if it can be had: whoever has locked that may wait for
 * something else below it, as long as a user likes. @locked is for unlock_function().
 */
static bool trylock_once(struct pci_dev *pdev, struct pci_dev **locked)
{
	*locked = trylock_bridge(reset_bridge(pdev));
	if (pci_dev_trylock(pdev))
		return true;
	unlock_bridge(*locked);
	return false;
}

/* An unbind keeps the function locked until the user has closed it: it is not waited for. */
static bool trylock_function(struct vfio_latch_device *dev, unsigned int tries,
			     struct pci_dev **locked)
{
	while (!trylock_once(dev->pdev, locked)) {
		if (!--tries || READ_ONCE(dev->is_leaving))
			return false;
		usleep_range(LATCH_LOCK_US / 2, LATCH_LOCK_US);
	}
	return true;
}

static void unlock_function(struct pci_dev *pdev, struct pci_dev *locked)
{
	pci_dev_unlock(pdev);
	unlock_bridge(locked);
}

static bool has_reset(const struct pci_slot *slot)
{
	const struct hotplug_slot *hotplug = slot ? READ_ONCE(slot->hotplug) : NULL;

	return hotplug && hotplug->ops->reset_slot;
}

/*
 * HiNIC's and Chelsio T4's VFs, for which FLR is not enough. What the PCI core does for them comes
 * first unless root has chosen otherwise, and ends well; but a HiNIC's can refuse before it begins,
 * and then the PCI core goes on.
 */
static bool has_reset_of_its_own(const struct pci_dev *pdev)
{
	return (pdev->vendor == PCI_VENDOR_ID_HUAWEI && pdev->device == 0x375e) ||
	       (pdev->vendor == PCI_VENDOR_ID_CHELSIO && (pdev->device & 0xf000) == 0x4000);
}

static bool may_reset_its_pf(struct vfio_latch_device *dev)
{
	return dev->is_vf && has_reset(dev->pdev->slot) && !has_reset_of_its_own(dev->pdev);
}

/* Root can forbid all resets, and a quirk of the kernel FLR. */
static bool may_be_reset(const struct pci_dev *pdev)
{
	return pdev->reset_methods[0] && !(pdev->dev_flags & PCI_DEV_FLAGS_NO_FLR_RESET);
}

/* All VFs have FLR (PCIe 6.0, 9.2.2.2), if they say so or not. */
static int reset_vf(struct pci_dev *pdev)
{
	if (!may_be_reset(pdev))
		return -ENOTTY;
	return pcie_flr(pdev) ? -EIO : 0;
}

/* pci_reset_function_locked(), but for a VF whose reset must not go on to its slot. */
static int reset_prepared(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;
	int ret;

	if (!may_reset_its_pf(dev))
		return pci_reset_function_locked(pdev);
	if (!may_be_reset(pdev))
		return -ENOTTY;
	vfio_latch_err_handlers.reset_prepare(pdev);
	pci_save_state(pdev);
	pci_write_config_word(pdev, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE);
	ret = reset_vf(pdev);
	pci_restore_state(pdev);
	vfio_latch_err_handlers.reset_done(pdev);
	return ret;
}

static int reset_for_user(struct vfio_latch_device *dev)
{
	struct pci_dev *locked;
	int ret;

	if (!latch_answers(dev))
		return -EIO;
	if (!trylock_function(dev, LATCH_LOCK_TRIES, &locked))
		return -EAGAIN;
	/* AER may have had the lock meanwhile. */
	ret = latch_answers(dev) ? reset_prepared(dev) : -EIO;
	unlock_function(dev->pdev, locked);
	return ret;
}

/**
 * latch_reset - VFIO_DEVICE_RESET, and the reset bits of configuration space
 * @dev: the device, open and awake
 *
 * Context: may sleep, about 100 ms.
 * Return: 0, -EINVAL if the function cannot be reset, -EIO if it does not
 * answer, -EAGAIN if it is being unbound or reset, -EINTR if the caller is
 * being killed.
 */
int latch_reset(struct vfio_latch_device *dev)
{
	int ret;

	if (!dev->reset_works)
		return -EINVAL;
	if (mutex_lock_killable(&dev->reset_lock))
		return -EINTR;
	ret = latch_state_lock_killable(dev);
	if (!ret) {
		latch_reset_begin(dev);
		ret = reset_for_user(dev);
		latch_reset_end(dev);
		latch_state_unlock(dev);
	}
	mutex_unlock(&dev->reset_lock);
	return ret;
}

/**
 * latch_state_restore - restore the function's saved state
 * @dev: the device, awake; state_lock is held
 *
 * Context: may sleep.
 */
void latch_state_restore(struct vfio_latch_device *dev)
{
	pci_restore_state(dev->pdev);
	latch_igd_restore(dev);
}

/*
 * With the device locked. Returns -EIO if it does not answer, or a VF's reset failed, or -ENOTTY if
 * the PCI core cannot reset it.
 */
static int reset_locked(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;
	int ret;

	lockdep_assert_held(&dev->state_lock);

	if (!latch_answers(dev))
		return -EIO;
	pci_save_state(pdev);
	/* It must do nothing while it is reset, and raise no interrupt: that has no handler. */
	pci_write_config_word(pdev, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE);
	if (may_reset_its_pf(dev))
		ret = reset_vf(pdev);
	else
		ret = __pci_reset_function_locked(pdev) ? -ENOTTY : 0;
	/* Not every kernel waits for a function that answers with ones. */
	if (!ret) {
		latch_wait_ready(dev);
		ret = latch_reads(dev) ? 0 : -EIO;
	}
	latch_state_restore(dev);
	return ret;
}

/* Returns -EAGAIN if the device is being unbound or reset, or reset_locked()'s result. */
static int reset_function(struct vfio_latch_device *dev)
{
	struct pci_dev *locked;
	int ret;

	if (!trylock_function(dev, LATCH_LOCK_TRIES, &locked))
		return -EAGAIN;
	ret = reset_locked(dev);
	unlock_function(dev->pdev, locked);
	return ret;
}

/*
 * A reset through sysfs holds the device lock and waits for state_lock, which is released for it
 * here. Otherwise an open would never find the function unlocked while others reset it again and
 * again.
 */
static bool lock_patiently(struct vfio_latch_device *dev, struct pci_dev **locked)
{
	bool is_locked;

	if (trylock_function(dev, 1, locked))
		return true;
	latch_state_unlock(dev);
	is_locked = trylock_function(dev, LOCK_TRIES_OF_OPEN, locked);
	latch_state_lock(dev);
	return is_locked;
}

/**
 * latch_reset_at_open - bring the function into its initial state for a new user
 * @dev: the device, enabled, DisINTx set; state_lock is held, and may be
 * released in between
 *
 * Context: first open of a function that is not clean.
 * Return: 0, also for a function that cannot be reset; -EAGAIN if it is being
 * unbound or reset; or -EIO if it does not answer.
 */
int latch_reset_at_open(struct vfio_latch_device *dev)
{
	struct pci_dev *locked;
	int ret;

	lockdep_assert_held(&dev->state_lock);

	if (!lock_patiently(dev, &locked))
		return -EAGAIN;
	ret = reset_locked(dev);
	unlock_function(dev->pdev, locked);
	if (latch_is_away(dev))
		return -EAGAIN;
	/* Even if it answers again meanwhile: it was not reset. */
	if (ret == -EIO)
		return ret;
	dev->reset_works = !ret;
	return 0;
}

/**
 * latch_reset_at_close - leave nothing of the last user in the function
 * @dev: the device, quiet: no interrupts, no bus mastering, no user
 *
 * The state that the function had at open is put back, DisINTx set: there is
 * no handler. A function that cannot be reset alone is left to
 * latch_hot_reset_at_last_close().
 *
 * Context: last close; takes state_lock.
 */
void latch_reset_at_close(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;
	bool is_reset;

	latch_state_lock(dev);
	dev->needs_reset = true;
	latch_clean_begin(dev);

	if (latch_answers(dev))
		pci_write_config_word(pdev, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE);
	is_reset = dev->reset_works && !reset_function(dev);
	dev->needs_reset = !is_reset;

	/* What the user made of the configuration was not worth saving. */
	pci_load_and_free_saved_state(pdev, &dev->pristine);
	if (latch_answers(dev))
		latch_state_restore(dev);
	pci_disable_device(pdev);
	latch_decode_end(dev);
	latch_intx_restored(dev);
	if (is_reset)
		latch_clean_commit(dev);
	latch_state_unlock(dev);
}

/**
 * latch_unbind_resets - whether an unbind will reset a function that close could not
 * @dev: the device
 *
 * Context: close or remove, with the lock of the device's set.
 * Return: true if it will.
 */
bool latch_unbind_resets(const struct vfio_latch_device *dev)
{
	lockdep_assert_held(&dev->vdev.dev_set->lock);

	return READ_ONCE(dev->is_leaving) && dev->needs_reset && dev->reset_works;
}

/**
 * latch_reset_at_unbind - leave nothing of the last user to the next driver
 * @dev: the device, closed and awake
 *
 * A close that an unbind waits for finds the device locked, and cannot reset it.
 * A function that cannot be reset alone stays as it is.
 *
 * Context: remove, with the device locked.
 */
void latch_reset_at_unbind(struct vfio_latch_device *dev)
{
	struct vfio_device_set *set = dev->vdev.dev_set;
	struct pci_dev *locked;

	device_lock_assert(&dev->pdev->dev);

	mutex_lock(&set->lock);
	if (latch_unbind_resets(dev)) {
		latch_state_lock(dev);
		/* Whoever has locked the bridge may wait for this function. */
		locked = trylock_bridge(reset_bridge(dev->pdev));
		pci_cfg_access_lock(dev->pdev);
		dev->needs_reset = reset_locked(dev);
		pci_cfg_access_unlock(dev->pdev);
		unlock_bridge(locked);
		latch_state_unlock(dev);
	}
	mutex_unlock(&set->lock);
}
