// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions that are reset behind our back, by AER or DPC, or that are not ready
 * when a reset is over.
 *
 * Such a function is away: nobody touches it, and accesses fail with -EIO, until
 * it answers again and is configured as it was. Whoever takes state_lock sees to
 * that first, so that its holder finds the function configured, or away; a work
 * item sees to it that somebody takes it.
 *
 * AER leaves word only, as it walks the bus: the holders of state_lock may wait
 * for the lock of that walk. And it leaves no more word if a recovery fails,
 * which it does after it has reset the link if another function there has no
 * driver to ask. So a function also counts as reset if its BARs are lost, and a
 * VF, whose BARs are in its PF, if that has come back.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/pm_runtime.h>
#include <linux/workqueue.h>

#include "core.h"

/*
 * Milliseconds: in which a link is reset that the PCI core has said it will; in
 * which a function should be ready then (PCIe 6.0, 6.6.1); the most that the PCI
 * core waits for functions, and is waited here; between two looks.
 */
#define RESET_MS	1000
#define READY_MS	1000
#define RETURN_MS	75000
#define LOOK_MS		100

/* Milliseconds after which another reset ends one that was announced: its recovery has failed. */
#define ANNOUNCED_MS	10000

static bool has_been_away(const struct vfio_latch_device *dev, unsigned int ms)
{
	return time_after(jiffies, READ_ONCE(dev->away_since) + msecs_to_jiffies(ms));
}

/* A VF's PF, if that is one of ours: then it stays so as long as the VF is bound. */
static struct vfio_latch_device *pf_of(const struct vfio_latch_device *dev)
{
	return dev->pdev->is_virtfn && dev->vf_token ? pci_get_drvdata(pci_physfn(dev->pdev)) :
						       NULL;
}

/**
 * latch_is_being_reset - whether even a look at the function is too early
 * @dev: the device
 *
 * At a VF until its PF is configured: there are none before, and none may be
 * asked for 100 ms after (PCIe 6.0, 9.3.3.3.1).
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

/* How often the PF of a VF has come back, whose reset is the VF's own. */
static int returns_of_pf(struct vfio_latch_device *dev)
{
	struct vfio_latch_device *pf = pf_of(dev);

	return pf ? atomic_read(&pf->returns) : 0;
}

/**
 * latch_leave - a reset begins that nobody waits for
 * @dev: the device
 * @is_over: it is over, but for the function's not answering
 *
 * One that is over ends no other that was announced, for ten seconds: that is
 * still to come. Not every kernel says when a recovery has failed.
 *
 * Context: process, under any lock, as AER's walk of the bus; calls for one
 * device exclude each other, and those for one that is over what settles it.
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
 * latch_has_lost_its_reset - whether a function was reset that does not count as away
 * @dev: the device, whose link was reset
 *
 * A VF is told after its PF, which is away then.
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
 * latch_is_expected - whether a function is away that should come back
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
 * The function gets its BARs back, the user does the rest, bus mastering included. What was saved
 * last may be what the reset has left. What was saved at open, or at probe of a function that
 * nobody has open, is right: BARs stay as they are from probe to remove.
 */
static void configure(struct vfio_latch_device *dev)
{
	struct pci_saved_state *state = dev->pristine ?: dev->initial;
	struct pci_dev *pdev = dev->pdev;

	/* That is where the reset has put it, whatever it was in. */
	pci_set_power_state(pdev, PCI_D0);
	pci_load_saved_state(pdev, state);
	pci_restore_state(pdev);
	/* Whoever restores it next shall not put back what was saved before. */
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
	/* One that has begun meanwhile stays. */
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
 * The PCI core holds its lock while AER resets the link, however late that is, and waits for it
 * without a queue: users who look again and again leave it time. DPC takes no lock; the link is
 * down already then, and all reads are ones.
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
	/* First: it may wait for other drivers, and those for AER. */
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
 * Whoever has it finds the function configured, or away (latch_answers()).
 *
 * Context: may sleep. Never in what the PCI core calls while it walks a bus,
 * as for AER: the lock's holders may wait for that walk's lock.
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
 * Return: 0 or -EINTR, the lock then not held.
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
 * latch_await_return - have a function that was away back
 * @dev: the device, state_lock and access_lock not held
 *
 * Context: process.
 * Return: 0 if it is there, -EIO if it is away still, -EINTR if the task is
 * being killed, or why it cannot be woken up.
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

/* Who holds state_lock may wait long for others, and the reset waits for nobody. */
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
 * latch_wait_back - give a function that is away the time that it should take to come back
 * @dev: the device, state_lock and access_lock not held
 *
 * For who is going to touch it in any case. It may be away still: it has died, or its reset has not
 * begun.
 *
 * Context: may sleep, up to two seconds.
 */
void latch_wait_back(struct vfio_latch_device *dev)
{
	unsigned int ms;

	/* Another error begins the time anew, but not the wait. */
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

	INIT_DELAYED_WORK(&dev->away_work, away_work);
	dev->looked_at = jiffies;
	if (!latch_reads(dev)) {
		pci_err(pdev, "the device does not answer\n");
		return -EIO;
	}
	/* It may have had no driver to do it when its link was reset for a neighbour's sake. */
	latch_bars_restore(pdev);
	pci_save_state(pdev);
	/* Put back when nobody has it open: it does nothing, and has no handler. */
	pdev->saved_config_space[PCI_COMMAND / 4] &= ~PCI_COMMAND_MASTER;
	pdev->saved_config_space[PCI_COMMAND / 4] |= PCI_COMMAND_INTX_DISABLE;
	/* DPC takes a link down without a word before. */
	if (!latch_reads(dev))
		return -EIO;
	dev->initial = pci_store_saved_state(pdev);
	return dev->initial ? 0 : -ENOMEM;
}

/**
 * latch_away_unregister - undo latch_away_register()
 * @dev: the device, closed and locked: nobody says any more that it is away
 *
 * Context: remove, or a failing probe.
 */
void latch_away_unregister(struct vfio_latch_device *dev)
{
	cancel_delayed_work_sync(&dev->away_work);
	/* The next driver gets it configured, if it comes back within the time it should take. */
	latch_wait_back(dev);
	kfree(dev->initial);
	dev->initial = NULL;
}
