// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the PCI core tells us: errors (AER), and resets of the function by
 * whomever: ourselves, sysfs, a neighbour's hot reset.
 *
 * All are called with the device locked, so the driver data stays, and the
 * device may be open or not. Errors come while the PCI core walks the bus, under
 * a lock that holders of state_lock may wait for: nothing waits for them there.
 *
 * From reset_prepare to reset_done state_lock is held, and access_lock for
 * writing: accesses wait, mappings are gone. A hot reset of ours has taken the
 * state_locks of all its functions before, in the order of the bus; the
 * access_locks it takes here.
 */
#include <linux/pm_runtime.h>

#include "core.h"

static void tell_driver(struct vfio_latch_device *dev,
			void (*word)(struct vfio_latch_device *dev))
{
	if (word)
		word(dev);
}

static pci_ers_result_t error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct vfio_latch_device *dev = pci_get_drvdata(pdev);

	latch_clean_clear(dev);
	latch_irq_signal_error(dev);
	if (state == pci_channel_io_perm_failure)
		return PCI_ERS_RESULT_DISCONNECT;
	/* Only who asks for a reset is told when the link has been reset. */
	return state == pci_channel_io_frozen ? PCI_ERS_RESULT_NEED_RESET :
						PCI_ERS_RESULT_CAN_RECOVER;
}

/*
 * The link was reset under the function: it gets its BARs back, the user does the rest, bus
 * mastering included. What was saved last may be what the link reset has left. What was saved at
 * open, or at probe of a function that nobody has open, is right: BARs stay as they are from probe
 * to remove.
 */
static void restore_after_link_resets(struct vfio_latch_device *dev, int nr)
{
	struct pci_dev *pdev = dev->pdev;

	lockdep_assert_held(&dev->state_lock);

	down_write(&dev->access_lock);
	latch_access_revoke(dev);
	latch_intx_set_quiet(dev, LATCH_QUIET_RESET, true);
	/* That is where the link reset has put it, whatever it was in. */
	pci_set_power_state(pdev, PCI_D0);
	pci_load_saved_state(pdev, dev->pristine ?: dev->initial);
	pci_restore_state(pdev);
	latch_command_update(dev, PCI_COMMAND_MASTER, 0);
	if (!dev->pristine && !dev->has_vga_client)
		latch_command_update(dev, latch_command_decode_bits(dev), 0);
	/* Without a user there is no handler either. */
	latch_intx_set_quiet(dev, LATCH_QUIET_RESET, false);
	latch_access_restored(dev);
	pci_save_state(pdev);
	while (nr--)
		tell_driver(dev, dev->was_reset);
	up_write(&dev->access_lock);
}

/**
 * latch_state_lock - take state_lock
 * @dev: the device
 *
 * What a link reset has left to do is done first: whoever has the lock finds
 * the function configured.
 *
 * Context: may sleep. Never in what the PCI core calls while it walks a bus,
 * as for AER: the lock's holders may wait for that walk's lock.
 */
void latch_state_lock(struct vfio_latch_device *dev)
{
	int nr;

	mutex_lock(&dev->state_lock);
	nr = atomic_xchg(&dev->link_resets, 0);
	if (nr)
		restore_after_link_resets(dev, nr);
}

/**
 * latch_state_unlock - release state_lock
 * @dev: the device
 */
void latch_state_unlock(struct vfio_latch_device *dev)
{
	mutex_unlock(&dev->state_lock);
}

/* If nobody has taken the lock since the link reset. */
static void link_work(struct work_struct *work)
{
	struct vfio_latch_device *dev = container_of(work, struct vfio_latch_device, link_work);

	pm_runtime_get_sync(&dev->pdev->dev);
	latch_state_lock(dev);
	latch_state_unlock(dev);
	pm_runtime_put(&dev->pdev->dev);
}

/**
 * latch_error_register - be ready for link resets
 * @dev: the device; its function is as firmware and the PCI core left it
 *
 * Context: probe.
 * Return: 0 or -ENOMEM.
 */
int latch_error_register(struct vfio_latch_device *dev)
{
	INIT_WORK(&dev->link_work, link_work);
	pci_save_state(dev->pdev);
	dev->initial = pci_store_saved_state(dev->pdev);
	return dev->initial ? 0 : -ENOMEM;
}

/**
 * latch_error_unregister - undo latch_error_register()
 * @dev: the device, closed and locked: no more errors come
 *
 * Context: remove, or a failing probe.
 */
void latch_error_unregister(struct vfio_latch_device *dev)
{
	flush_work(&dev->link_work);
	kfree(dev->initial);
	dev->initial = NULL;
}

/* In a walk of the bus: it leaves word, and has it done. */
static pci_ers_result_t slot_reset(struct pci_dev *pdev)
{
	struct vfio_latch_device *dev = pci_get_drvdata(pdev);

	latch_clean_clear(dev);
	tell_driver(dev, dev->reset_begins);
	atomic_inc_return(&dev->link_resets);
	schedule_work(&dev->link_work);
	return PCI_ERS_RESULT_RECOVERED;
}

/*
 * The state is saved next. What restores it writes the MSI-X table, so the function must decode;
 * one that nobody has open has neither MSI-X nor INTx, and stays as it is.
 */
static void reset_prepare(struct pci_dev *pdev)
{
	struct vfio_latch_device *dev = pci_get_drvdata(pdev);

	latch_clean_clear(dev);
	if (READ_ONCE(dev->reset_owner) != current)
		latch_state_lock(dev);
	down_write(&dev->access_lock);
	tell_driver(dev, dev->reset_begins);
	latch_access_revoke(dev);
	latch_power_up(dev);
	if (dev->pristine) {
		latch_intx_set_quiet(dev, LATCH_QUIET_RESET, true);
		latch_decode_force(dev);
	}
}

static void reset_done(struct pci_dev *pdev)
{
	struct vfio_latch_device *dev = pci_get_drvdata(pdev);

	if (dev->pristine)
		latch_intx_set_quiet(dev, LATCH_QUIET_RESET, false);
	latch_access_restored(dev);
	tell_driver(dev, dev->was_reset);
	up_write(&dev->access_lock);
	if (READ_ONCE(dev->reset_owner) != current)
		latch_state_unlock(dev);
}

/* For a driver's struct pci_driver. */
const struct pci_error_handlers vfio_latch_err_handlers = {
	.error_detected = error_detected,
	.slot_reset = slot_reset,
	.reset_prepare = reset_prepare,
	.reset_done = reset_done,
};
EXPORT_SYMBOL_GPL(vfio_latch_err_handlers);
