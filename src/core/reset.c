// SPDX-License-Identifier: GPL-2.0-only
/*
 * Function reset: by ioctl, by configuration space, at open and at close.
 *
 * While a user has the device, every reset of it, by whomever, comes through
 * error.c's reset_prepare and reset_done, which keep all accesses out. So what
 * resets it here takes no lock of ours, only the PCI core's, by trylock: an
 * unbind holds the device lock while it waits for the user to close.
 */
#include "core.h"

/**
 * latch_reset - VFIO_DEVICE_RESET, and the reset bits of configuration space
 * @dev: the device, open and awake
 *
 * Context: may sleep, about 100 ms.
 * Return: 0, -EINVAL if the function cannot be reset, -EAGAIN if it is being
 * unbound or reset.
 */
int latch_reset(struct vfio_latch_device *dev)
{
	return dev->reset_works ? pci_try_reset_function(dev->pdev) : -EINVAL;
}

/**
 * latch_reset_at_open - have the function in its initial state for a new user
 * @dev: the device, enabled
 *
 * Context: first open of a function that is not clean.
 * Return: 0, also for a function that cannot be reset, or -EAGAIN if it is
 * being unbound or reset.
 */
int latch_reset_at_open(struct vfio_latch_device *dev)
{
	int ret;

	ret = pci_try_reset_function(dev->pdev);
	if (ret == -EAGAIN)
		return ret;
	dev->reset_works = !ret;
	return 0;
}

/**
 * latch_reset_at_close - leave nothing of the last user in the function
 * @dev: the device, quiet: no interrupts, no bus mastering, no user
 *
 * The state that the function had at open is put back. A function that cannot
 * be reset alone is left to latch_hot_reset_at_last_close().
 *
 * Context: last close.
 */
void latch_reset_at_close(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;
	bool is_reset = false;

	dev->needs_reset = true;
	latch_clean_begin(dev);

	/* An interrupt that the reset raises has no handler any more. */
	pci_write_config_word(pdev, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE);

	/*
	 * Not pci_try_reset_function(): that would put back what the user
	 * made of the configuration.
	 */
	if (dev->reset_works && pci_dev_trylock(pdev)) {
		is_reset = !__pci_reset_function_locked(pdev);
		pci_dev_unlock(pdev);
	}
	dev->needs_reset = !is_reset;

	pci_load_and_free_saved_state(pdev, &dev->pristine);
	pci_restore_state(pdev);
	pci_disable_device(pdev);
	if (!dev->has_vga_client)
		latch_decode_off(dev);
	if (is_reset)
		latch_clean_commit(dev);
}
