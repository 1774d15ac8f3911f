// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the hardware can be touched: the users of access_lock.
 *
 * Configuration and BAR accesses, page faults and ioeventfds hold access_lock
 * for reading. Resets, power transitions and the switching of memory decoding
 * hold it for writing. A reset takes it in reset_prepare, behind the PCI core's
 * configuration access lock; so who holds access_lock uses pci_read_config_*(),
 * never an accessor that waits for that lock.
 *
 * Runtime PM is never resumed with access_lock held: the resume callback takes
 * it for writing.
 */
#include <linux/pm_runtime.h>

#include "core.h"

/**
 * latch_memory_enabled - whether the function answers memory accesses
 * @dev: the device; access_lock is held
 */
bool latch_memory_enabled(struct vfio_latch_device *dev)
{
	lockdep_assert_held(&dev->access_lock);

	return !dev->in_d3 &&
	       (dev->pdev->no_command_memory ||
		latch_config_dword(dev->config, PCI_COMMAND)->shadow & PCI_COMMAND_MEMORY);
}

/**
 * latch_access_begin - make the function accessible for a while
 * @dev: the device
 *
 * Takes access_lock for reading. A device in low power is woken up first.
 *
 * Context: process, without access_lock.
 * Return: a value >= 0 for latch_access_end(), or a negative error, the lock
 * then not held.
 */
int latch_access_begin(struct vfio_latch_device *dev)
{
	int ret;

	down_read(&dev->access_lock);
	if (likely(!dev->low_power))
		return 0;
	up_read(&dev->access_lock);

	ret = pm_runtime_resume_and_get(&dev->pdev->dev);
	if (ret)
		return ret;
	down_read(&dev->access_lock);
	return 1;
}

/**
 * latch_access_end - end what latch_access_begin() began
 * @dev: the device
 * @woken: what latch_access_begin() returned
 */
void latch_access_end(struct vfio_latch_device *dev, int woken)
{
	up_read(&dev->access_lock);
	if (woken)
		pm_runtime_put(&dev->pdev->dev);
}

/**
 * latch_access_revoke - take away all mappings of the function's BARs
 * @dev: the device; access_lock is held for writing
 *
 * The next access through a mapping faults, and waits for access_lock.
 */
void latch_access_revoke(struct vfio_latch_device *dev)
{
	lockdep_assert_held_write(&dev->access_lock);

	unmap_mapping_range(dev->mapping, 0, (loff_t)PCI_STD_NUM_BARS << LATCH_REGION_SHIFT, 1);
}

/**
 * latch_decode_force - have the function decode memory, whatever its user wants
 * @dev: the device; access_lock is held for writing
 *
 * For the host's own accesses, to the MSI-X table and the ROM.
 *
 * Return: what latch_decode_restore() puts back.
 */
u16 latch_decode_force(struct vfio_latch_device *dev)
{
	u16 command;

	lockdep_assert_held_write(&dev->access_lock);

	pci_read_config_word(dev->pdev, PCI_COMMAND, &command);
	if (!(command & PCI_COMMAND_MEMORY))
		pci_write_config_word(dev->pdev, PCI_COMMAND, command | PCI_COMMAND_MEMORY);
	return command;
}

/**
 * latch_decode_restore - undo latch_decode_force()
 * @dev: the device; access_lock is held for writing
 * @command: what latch_decode_force() returned
 */
void latch_decode_restore(struct vfio_latch_device *dev, u16 command)
{
	u16 now;

	lockdep_assert_held_write(&dev->access_lock);

	if (command & PCI_COMMAND_MEMORY)
		return;
	/* The PCI core may have changed other bits: MSI switches INTx off. */
	pci_read_config_word(dev->pdev, PCI_COMMAND, &now);
	pci_write_config_word(dev->pdev, PCI_COMMAND, now & ~PCI_COMMAND_MEMORY);
}

/**
 * latch_decode_off - have the function answer no memory or port access
 * @dev: the device
 *
 * Context: last close; nobody else touches the function.
 */
void latch_decode_off(struct vfio_latch_device *dev)
{
	u16 command;

	pci_read_config_word(dev->pdev, PCI_COMMAND, &command);
	command &= ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	pci_write_config_word(dev->pdev, PCI_COMMAND, command);
}
