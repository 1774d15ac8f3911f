// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the PCI core tells us: errors (AER), and resets of the function by
 * whomever: ourselves, sysfs, a neighbour's hot reset.
 *
 * All are called with the device locked, so the driver data stays, and the
 * device may be open or not. From reset_prepare to reset_done state_lock is
 * held, and access_lock for writing: accesses wait, mappings are gone. A hot
 * reset of ours has taken the state_locks of all its functions before, in the
 * order of the bus; the access_locks it takes here.
 */
#include "core.h"

static void tell_driver(struct vfio_latch_device *dev)
{
	lockdep_assert_held_write(&dev->access_lock);
	if (dev->was_reset)
		dev->was_reset(dev);
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
 * mastering included. What was saved last is right for that even where it was restored once since,
 * as for a function that nobody has open: its BARs stay as they are from probe to remove. What else
 * there is in it may be long untrue.
 */
static pci_ers_result_t slot_reset(struct pci_dev *pdev)
{
	struct vfio_latch_device *dev = pci_get_drvdata(pdev);

	latch_clean_clear(dev);
	mutex_lock(&dev->state_lock);
	down_write(&dev->access_lock);
	latch_access_revoke(dev);
	latch_intx_set_quiet(dev, LATCH_QUIET_RESET, true);
	/* That is where the link reset has put it, whatever it was in. */
	pci_set_power_state(pdev, PCI_D0);
	pdev->state_saved = true;
	pci_restore_state(pdev);
	latch_command_update(dev, PCI_COMMAND_MASTER, 0);
	latch_intx_set_quiet(dev, LATCH_QUIET_RESET, false);
	latch_access_restored(dev);
	pci_save_state(pdev);
	tell_driver(dev);
	up_write(&dev->access_lock);
	mutex_unlock(&dev->state_lock);
	return PCI_ERS_RESULT_RECOVERED;
}

/* The state is saved next. What restores it writes the MSI-X table, so the function must decode. */
static void reset_prepare(struct pci_dev *pdev)
{
	struct vfio_latch_device *dev = pci_get_drvdata(pdev);

	latch_clean_clear(dev);
	if (READ_ONCE(dev->reset_owner) != current)
		mutex_lock(&dev->state_lock);
	down_write(&dev->access_lock);
	latch_access_revoke(dev);
	latch_power_up(dev);
	latch_intx_set_quiet(dev, LATCH_QUIET_RESET, true);
	latch_decode_force(dev);
}

static void reset_done(struct pci_dev *pdev)
{
	struct vfio_latch_device *dev = pci_get_drvdata(pdev);

	latch_intx_set_quiet(dev, LATCH_QUIET_RESET, false);
	latch_access_restored(dev);
	tell_driver(dev);
	up_write(&dev->access_lock);
	if (READ_ONCE(dev->reset_owner) != current)
		mutex_unlock(&dev->state_lock);
}

/* For a driver's struct pci_driver. */
const struct pci_error_handlers vfio_latch_err_handlers = {
	.error_detected = error_detected,
	.slot_reset = slot_reset,
	.reset_prepare = reset_prepare,
	.reset_done = reset_done,
};
EXPORT_SYMBOL_GPL(vfio_latch_err_handlers);
