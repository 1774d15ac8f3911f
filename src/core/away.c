// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions that are reset behind our back, by AER or DPC, or that are not
 * ready when a reset is over.
 *
 * Such a function is away: nobody touches it, and accesses fail with -EIO,
 * until it answers again and is configured as it was. Taking state_lock
 * configures a function that is back, so that the holder finds the function
 * configured, or away. A work item makes sure that somebody takes it.
 *
 * AER only marks the function, as it walks the bus: holders of state_lock may
 * wait for the lock of that walk. Some kernels do not report that a recovery
 * has failed, even if the link was reset before: a recovery fails if another
 * function there has no driver to ask. So a function also counts as reset if
 * its BARs are lost, and a VF, whose BARs are in its PF, if that has come back.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/pm_runtime.h>
#include <linux/workqueue.h>

#include "core.h"

/*
 * In milliseconds: the time that an announced reset of a link takes; the time
 * in which a function should be ready then (PCIe 6.0, 6.6.1); the longest
 * wait of the PCI core, and so ours; the time between two looks.
 */
#define RESET_MS	1000
#define READY_MS	1000
#define RETURN_MS	75000
#define LOOK_MS		100

/* Milliseconds after which another reset ends an announced one: its recovery has failed. */
#define ANNOUNCED_MS	10000

static bool has_been_away(const struct vfio_latch_device *dev, unsigned int ms)
{
	return time_after(jiffies, READ_ONCE(dev->away_since) + msecs_to_jiffies(ms));
}

/* A VF's PF, if one of our drivers is bound to it; it stays so as long as the VF is bound. */
static struct vfio_latch_device *pf_of(const struct vfio_latch_device *dev)
{
	return dev->is_vf && dev->vf_token ? pci_get_drvdata(dev->physfn) : NULL;
}

/**
 * latch_is_being_reset - whether it is too early even to look at the function
 * @dev: the device
 *
 * For a VF, until its PF is configured: before that it does not exist, and it
 * must not be accessed for 100 ms after (PCIe 6.0, 9.3.3.3.1).
 *
 * Context: any.
 */
bool latch_is_being_reset(const struct vfio_latch_device *dev)
{
	const struct vfio_latch_device *pf = pf_of(dev);

	if (!latch_is_away(dev))
		return false;
	if (pf && latch_is_away(pf))
		return true;
	return !READ_ONCE(dev->is_back) && !has_been_away(dev, RESET_MS);
}

/* How often a VF's PF has come back: a reset of the PF resets the VF. */
static int returns_of_pf(struct vfio_latch_device *dev)
{
	struct vfio_latch_device *pf = pf_of(dev);

	return pf ? atomic_read(&pf->returns) : 0;
}

/**
 * latch_leave - a reset that nobody waits for begins
 * @dev: the device
 * @is_over: it is over, but the function does not answer
 *
 * A reset that is over does not end one that was announced less than ten
 * seconds ago: that is still to come. Not every kernel says when a recovery has
 * failed.
 *
 * Context: process, under any lock, such as that of AER's walk of the bus.
 * Calls for one device exclude each other; those with @is_over also exclude
 * latch_settle().
 */
void latch_leave(struct vfio_latch_device *dev, bool is_over)
{
	bool is_awaited = latch_is_away(dev) && !dev->is_back &&
			  !has_been_away(dev, ANNOUNCED_MS);

	if (!is_over || !is_awaited) {
		WRITE_ONCE(dev->away_since, jiffies);
		WRITE_ONCE(dev->is_back, is_over);
		WRITE_ONCE(dev->pf_returns, returns_of_pf(dev));
	}
	latch_intx_leave(dev);
	mod_delayed_work(system_freezable_wq, &dev->away_work, 0);
}

/**
 * latch_come_back - the PCI core says that the reset is over
 * @dev: the device, away
 *
 * Context: as latch_leave().
 */
void latch_come_back(struct vfio_latch_device *dev)
{
	WRITE_ONCE(dev->is_back, true);
	mod_delayed_work(system_freezable_wq, &dev->away_work, 0);
}

/**
 * latch_wait_ready - wait for a function whose reset is over, as long as it should take
 * @dev: the device
 *
 * The PCI core waits for one function of a bus, or for none.
 *
 * Context: may sleep, up to a second.
 */
void latch_wait_ready(struct vfio_latch_device *dev)
{
	unsigned int ms;

	for (ms = 0; ms < READY_MS && !latch_reads(dev); ms += LOOK_MS)
		msleep(LOOK_MS);
}

static bool pf_has_returned(struct vfio_latch_device *dev)
{
	struct vfio_latch_device *pf = pf_of(dev);

	return pf && !latch_is_away(pf) && atomic_read(&pf->returns) != READ_ONCE(dev->pf_returns);
}

/**
 * latch_has_lost_its_reset - whether a function that does not count as away was reset
 * @dev: the device, whose link was reset
 *
 * AER calls a VF after its PF, which is away then.
 *
 * Context: process, under any lock.
 */
bool latch_has_lost_its_reset(struct vfio_latch_device *dev)
{
	struct vfio_latch_device *pf = pf_of(dev);

	if (latch_is_away(dev))
		return false;
	return pf ? latch_is_away(pf) : latch_reads(dev) && latch_bars_are_lost(dev->pdev);
}

/**
 * latch_is_expected - whether a function is away and should come back
 * @dev: the device
 *
 * Context: any.
 */
bool latch_is_expected(const struct vfio_latch_device *dev)
{
	return latch_is_away(dev) && !has_been_away(dev, RETURN_MS);
}

static bool can_be_configured(struct vfio_latch_device *dev)
{
	if (latch_is_being_reset(dev) || !latch_reads(dev))
		return false;
	return READ_ONCE(dev->is_back) || latch_bars_are_lost(dev->pdev) || pf_has_returned(dev) ||
	       has_been_away(dev, RETURN_MS);
}

/*
 * Restores the function's BARs; the user does the rest, bus mastering included. The state saved
 * last may be that after the reset. The state saved at open, or at probe for a closed function, is
 * right: BARs do not change from probe to remove.
 */
static void configure(struct vfio_latch_device *dev)
{
	struct pci_saved_state *state = dev->pristine ?: dev->initial;
	struct pci_dev *pdev = dev->pdev;

	/* The reset has put it there, whatever state it was in. */
	pci_set_power_state(pdev, PCI_D0);
	pci_load_saved_state(pdev, state);
	latch_state_restore(dev);
	/* The next restore must not put back what was saved before. */
	pci_load_saved_state(pdev, state);
}

/**
 * latch_settle - configure a function that was away, if it is back
 * @dev: the device, awake, its mappings revoked; state_lock is held, access_lock for
 * writing, and the PCI core's configuration access lock
 */
void latch_settle(struct vfio_latch_device *dev)
{
	int resets = atomic_read(&dev->away);
	int n;

	lockdep_assert_held(&dev->state_lock);
	lockdep_assert_held_write(&dev->access_lock);

	if (!resets)
		return;
	if (!can_be_configured(dev))
		return;
	configure(dev);
	/* A reset that has begun meanwhile stays. */
	if (latch_intx_return(dev, resets)) {
		atomic_inc(&dev->returns);
		latch_command_after_reset(dev);
		latch_access_restored(dev);
		if (!dev->pristine)
			latch_decode_end(dev);
	}
	for (n = 0; n < resets && dev->was_reset; n++)
		dev->was_reset(dev);
}

/*
 * The PCI core holds its lock while AER resets the link, however late that is. It takes the lock
 * without a queue, so frequent looks of ours must not starve it. DPC takes no lock; but then
 * the link is down already, and all reads are ones.
 */
static bool begin_to_look(struct vfio_latch_device *dev)
{
	lockdep_assert_held(&dev->state_lock);

	if (latch_is_being_reset(dev))
		return false;
	if (!READ_ONCE(dev->is_back) &&
	    time_before(jiffies, dev->looked_at + msecs_to_jiffies(LOOK_MS)))
		return false;
	dev->looked_at = jiffies;
	return pci_cfg_access_trylock(dev->pdev);
}

static void settle(struct vfio_latch_device *dev)
{
	if (likely(!latch_is_away(dev)))
		return;
	latch_access_lock(dev);
	/* First, as it may wait for other drivers, and those for AER. */
	latch_access_revoke(dev);
	if (begin_to_look(dev)) {
		latch_settle(dev);
		pci_cfg_access_unlock(dev->pdev);
	}
	latch_access_unlock(dev);
}

/**
 * latch_state_lock - take state_lock
 * @dev: the device
 *
 * The holder finds the function configured, or away (latch_answers()).
 *
 * Context: may sleep. Never in a callback that the PCI core makes while it
 * walks a bus, as for AER: the lock's holders may wait for that walk's lock.
 */
void latch_state_lock(struct vfio_latch_device *dev)
{
	mutex_lock(&dev->state_lock);
	settle(dev);
}

/**
 * latch_state_lock_killable - take state_lock, unless the task is being killed
 * @dev: the device
 *
 * Context: as latch_state_lock().
 * Return: 0, or -EINTR with the lock not held.
 */
int latch_state_lock_killable(struct vfio_latch_device *dev)
{
	if (mutex_lock_killable(&dev->state_lock))
		return -EINTR;
	settle(dev);
	return 0;
}

/**
 * latch_state_unlock - release state_lock
 * @dev: the device
 */
void latch_state_unlock(struct vfio_latch_device *dev)
{
	mutex_unlock(&dev->state_lock);
}

/**
 * latch_await_return - configure a function that was away, if it is back
 * @dev: the device, state_lock and access_lock not held
 *
 * Context: process.
 * Return: 0 if it is there, -EIO if it is still away, -EINTR if the task is
 * being killed, or the error that kept it from being woken.
 */
int latch_await_return(struct vfio_latch_device *dev)
{
	int ret;

	lockdep_assert_not_held(&dev->state_lock);
	lockdep_assert_not_held(&dev->access_lock);

	if (latch_is_being_reset(dev))
		return -EIO;
	ret = pm_runtime_resume_and_get(&dev->pdev->dev);
	if (ret)
		return ret;
	ret = latch_state_lock_killable(dev);
	if (!ret) {
		latch_state_unlock(dev);
		ret = latch_is_away(dev) ? -EIO : 0;
	}
	pm_runtime_put(&dev->pdev->dev);
	return ret;
}

/* Without state_lock, whose holder may wait long for others; the reset waits for nobody. */
static void revoke(struct vfio_latch_device *dev)
{
	latch_access_lock(dev);
	if (latch_is_away(dev))
		latch_access_revoke(dev);
	latch_access_unlock(dev);
}

static void settle_awake(struct vfio_latch_device *dev)
{
	revoke(dev);
	/* To wake it up is to touch it. */
	if (latch_is_being_reset(dev))
		return;
	pm_runtime_get_sync(&dev->pdev->dev);
	latch_state_lock(dev);
	latch_state_unlock(dev);
	pm_runtime_put(&dev->pdev->dev);
}

/**
 * latch_wait_back - wait for a function that is away, as long as its return should take
 * @dev: the device, state_lock and access_lock not held
 *
 * For callers that go on in any case. It may still be away: it has died, or its reset has not
 * begun.
 *
 * Context: may sleep, up to two seconds beside the wait for state_lock.
 */
void latch_wait_back(struct vfio_latch_device *dev)
{
	unsigned int ms;

	/* Another error restarts the time, but not the wait. */
	for (ms = 0; ms < RESET_MS + READY_MS; ms += LOOK_MS) {
		if (!latch_is_away(dev) || has_been_away(dev, RESET_MS + READY_MS))
			return;
		msleep(LOOK_MS);
		settle_awake(dev);
	}
}

/*
 * Takes the mappings away at once, and configures the function when it is back; but not while the
 * machine sleeps, and the function with it: the workqueue is frozen then.
 */
static void away_work(struct work_struct *work)
{
	struct vfio_latch_device *dev = container_of(to_delayed_work(work),
						     struct vfio_latch_device, away_work);

	settle_awake(dev);
	if (!latch_is_away(dev))
		return;
	if (has_been_away(dev, RETURN_MS + RESET_MS))
		pci_warn(dev->pdev, "does not come back after a reset\n");
	else
		queue_delayed_work(system_freezable_wq, &dev->away_work, msecs_to_jiffies(LOOK_MS));
}

/**
 * latch_away_register - be ready for resets behind our back
 * @dev: the device; its function is as firmware and the PCI core left it
 *
 * Context: probe.
 * Return: 0, -EIO if the function does not answer, or -ENOMEM.
 */
int latch_away_register(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;
	bool was_reset;

	INIT_DELAYED_WORK(&dev->away_work, away_work);
	dev->looked_at = jiffies;
	if (!latch_reads(dev)) {
		pci_err(pdev, "the device does not answer\n");
		return -EIO;
	}
	/* Its link may have been reset for a neighbour while it had no driver to restore it. */
	was_reset = latch_bars_are_lost(pdev);
	latch_bars_restore(pdev);
	pci_save_state(pdev);
	dev->found = was_reset ? latch_bars_decode_bits(pdev) :
				 pdev->saved_config_space[PCI_COMMAND / 4];
	/* Restored while it is closed: then it does nothing, and has no interrupt handler. */
	pdev->saved_config_space[PCI_COMMAND / 4] &= ~PCI_COMMAND_MASTER;
	pdev->saved_config_space[PCI_COMMAND / 4] |= PCI_COMMAND_INTX_DISABLE;
	/* DPC takes a link down without notice. */
	if (!latch_reads(dev))
		return -EIO;
	dev->initial = pci_store_saved_state(pdev);
	return dev->initial ? 0 : -ENOMEM;
}

/**
 * latch_away_unregister - undo latch_away_register()
 * @dev: the device, closed and locked: nobody marks it as away any more
 *
 * Context: remove, or a failing probe.
 */
void latch_away_unregister(struct vfio_latch_device *dev)
{
	cancel_delayed_work_sync(&dev->away_work);
	/* The next driver gets it configured, if it comes back in time. */
	latch_wait_back(dev);
	/* A neighbour's hot reset configures it as well. */
	latch_leave_set(dev);
	kfree(dev->initial);
	dev->initial = NULL;
}
