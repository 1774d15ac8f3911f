// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI core's callbacks: errors (AER), and resets of the function by
 * anybody: ourselves, sysfs, a neighbour's hot reset.
 *
 * All are called with the device locked, so the driver data stays, and the
 * device may be open or not. Errors come while the PCI core walks the bus,
 * under a lock that holders of state_lock may wait for. So their callbacks do
 * not wait for state_lock (away.c).
 *
 * From reset_prepare to reset_done state_lock is held, and access_lock for
 * writing: accesses wait, mappings are gone. A hot reset of ours has taken the
 * state_locks of all its functions before, in the order of the bus; the
 * access_locks it takes here.
 */
#include "core.h"

static void tell_driver(struct vfio_latch_device *dev,
			void (*word)(struct vfio_latch_device *dev))
{
	if (word)
		word(dev);
}

/* From here on the link of the function is reset, and may or may not come back. */
static void leave(struct vfio_latch_device *dev)
{
	tell_driver(dev, dev->reset_begins);
	latch_leave(dev, false);
}

static pci_ers_result_t note_error(struct vfio_latch_device *dev, pci_channel_state_t state)
{
	if (state == pci_channel_io_perm_failure) {
		/* Newer kernels report a failed recovery so: no reset will come. */
		if (dev->is_recovering)
			latch_come_back(dev);
		dev->is_recovering = false;
		return PCI_ERS_RESULT_DISCONNECT;
	}
	dev->is_recovering = state == pci_channel_io_frozen;
	if (!dev->is_recovering)
		return PCI_ERS_RESULT_CAN_RECOVER;
	leave(dev);
	/* Only drivers that ask for a reset are told when the link has been reset. */
	return PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct vfio_latch_device *dev = pci_get_drvdata(pdev);
	pci_ers_result_t result;

	latch_clean_clear(dev);
	result = note_error(dev, state);
	/* Last: the eventfd may be an ioeventfd, or unmask, and must find the function away. */
	latch_irq_signal_error(dev);
	return result;
}

/*
 * Another driver may have asked for the reset: if the link did not fail, error_detected() has not
 * announced it. Or the function was reset and configured between the error and this, by root or a
 * neighbour's user.
 */
static pci_ers_result_t slot_reset(struct pci_dev *pdev)
{
	struct vfio_latch_device *dev = pci_get_drvdata(pdev);

	latch_clean_clear(dev);
	if (!dev->is_recovering || latch_has_lost_its_reset(dev))
		leave(dev);
	dev->is_recovering = false;
	latch_come_back(dev);
	return PCI_ERS_RESULT_RECOVERED;
}

/*
 * The PCI core saves the state next. Restoring it writes the MSI-X table, so the function must
 * decode; a closed function has neither MSI-X nor INTx, and stays as it is.
 */
static void reset_prepare(struct pci_dev *pdev)
{
	struct vfio_latch_device *dev = pci_get_drvdata(pdev);

	latch_clean_clear(dev);
	if (READ_ONCE(dev->reset_owner) != current)
		latch_state_lock(dev);
	latch_access_lock(dev);
	tell_driver(dev, dev->reset_begins);
	latch_access_revoke(dev);
	latch_power_up(dev);
	if (dev->pristine) {
		latch_intx_set_quiet(dev, LATCH_QUIET_RESET, true);
		if (latch_answers(dev))
			latch_decode_force(dev);
	}
}

static void reset_done(struct pci_dev *pdev)
{
	struct vfio_latch_device *dev = pci_get_drvdata(pdev);

	/* It may have begun to answer while the PCI core restored it. */
	if (latch_answers(dev) && !latch_bars_are_lost(pdev)) {
		if (dev->pristine) {
			latch_intx_set_quiet(dev, LATCH_QUIET_RESET, false);
			latch_command_after_reset(dev);
		}
		latch_access_restored(dev);
		latch_igd_restore(dev);
		tell_driver(dev, dev->was_reset);
	} else {
		/* The restore failed, or the state was saved while the function was away. */
		latch_leave(dev, true);
		latch_wait_ready(dev);
		latch_settle(dev);
	}
	latch_access_unlock(dev);
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
