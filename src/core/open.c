// SPDX-License-Identifier: GPL-2.0-only
/*
 * First open and last close: give an idle function to a user, and take it back.
 * vfio calls both under the device set's lock.
 */
#include "core.h"

/* Finds the MSI-X table, which stays the host's while the device is open. */
static int open_msix(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;

	dev->msix_size = 0;
	if (!pdev->msix_cap)
		return 0;
	if (!latch_msix_find(dev, &dev->msix_bar, &dev->msix_offset, &dev->msix_size)) {
		dev_err_ratelimited(&pdev->dev, "MSI-X table outside its BAR\n");
		return -ENXIO;
	}
	return 0;
}

/*
 * Does what the PCI core does next, which would log a line for each function that does not decode.
 * A VGA device still decodes what it did when it was closed, as far as the VGA arbiter lets it.
 */
static void begin_decoding(struct vfio_latch_device *dev)
{
	u16 bits = latch_bars_decode_bits(dev->pdev);

	if (!dev->has_vga_client)
		latch_command_update(dev, bits, bits);
}

/* A reset behind our back may have left the function unconfigured. */
static void put_right(struct vfio_latch_device *dev)
{
	if (!latch_bars_are_lost(dev->pdev))
		return;
	pci_load_saved_state(dev->pdev, dev->initial);
	latch_state_restore(dev);
}

/* Saves the state that close restores. */
static int save_pristine(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;

	pci_save_state(pdev);
	/* A reset by others came before the save: this state must not be restored. */
	if (!latch_answers(dev) || latch_bars_are_lost(pdev)) {
		pci_load_saved_state(pdev, dev->initial);
		return -EAGAIN;
	}
	dev->pristine = pci_store_saved_state(pdev);
	return dev->pristine ? 0 : -ENOMEM;
}

/**
 * vfio_latch_open - give an idle function to a user
 * @vdev: the device
 *
 * Context: vfio_device_ops.open_device; may sleep, 100 ms for a reset.
 * Return: 0; -EIO if the function does not answer; -EAGAIN if the device is
 * being unbound or reset, or its link is; or another negative error. After an
 * error everything is undone.
 */
int vfio_latch_open(struct vfio_device *vdev)
{
	struct vfio_latch_device *dev = vfio_latch_from_vdev(vdev);
	struct pci_dev *pdev = dev->pdev;
	bool is_clean;
	int ret;

	lockdep_assert_held(&dev->vdev.dev_set->lock);

	ret = latch_vf_token_open(dev);
	if (ret)
		return ret;
	/* Waking it touches it. */
	ret = -EAGAIN;
	if (latch_is_being_reset(dev))
		goto token;
	latch_clean_open(dev);
	ret = latch_power_open(dev);
	if (ret)
		goto clean;
	/*
	 * Resets by others wait until the unlock, except while latch_reset_at_open() lets them go
	 * first.
	 */
	latch_state_lock(dev);
	if (!latch_answers(dev)) {
		dev_err_ratelimited(&pdev->dev, "the device does not answer\n");
		latch_clean_clear(dev);
		ret = -EIO;
		goto power;
	}
	is_clean = latch_clean_take(dev);
	latch_config_close(dev);
	put_right(dev);

	/* The IOMMU has the new user's mappings; old DMA must not use them. */
	pci_clear_master(pdev);
	begin_decoding(dev);
	ret = pci_enable_device(pdev);
	if (ret)
		goto decode;
	latch_intx_open(dev);
	if (!is_clean) {
		ret = latch_reset_at_open(dev);
		if (ret)
			goto disable;
		/*
		 * A reset by others may have come before ours: it leaves a closed function without
		 * decoding.
		 */
		begin_decoding(dev);
	}
	ret = save_pristine(dev);
	if (ret)
		goto disable;

	latch_info_open(dev);
	latch_igd_restore(dev);
	latch_bars_open(dev);
	latch_vga_open(dev);
	ret = open_msix(dev);
	if (ret)
		goto restore;
	ret = latch_config_open(dev);
	if (ret)
		goto restore;
	ret = latch_igd_add_regions(dev);
	if (ret)
		goto regions;
	/* No function comes back under state_lock: if it answers now, its layout is right. */
	ret = -EAGAIN;
	if (!latch_answers(dev))
		goto regions;
	latch_state_unlock(dev);
	latch_vf_token_opened(dev);
	return 0;

regions:
	latch_regions_free(dev);
	latch_config_close(dev);
restore:
	pci_load_and_free_saved_state(pdev, &dev->pristine);
	if (latch_answers(dev))
		latch_state_restore(dev);
disable:
	pci_disable_device(pdev);
decode:
	latch_decode_end(dev);
power:
	latch_state_unlock(dev);
	latch_power_close(dev);
clean:
	latch_clean_close(dev);
token:
	latch_vf_token_close(dev);
	return ret;
}
EXPORT_SYMBOL_GPL(vfio_latch_open);

/**
 * vfio_latch_close - take a function back from its user
 * @vdev: the device
 *
 * Context: vfio_device_ops.close_device, or open_device when the driver's own
 * part of it fails. May sleep, 100 ms for a reset.
 */
void vfio_latch_close(struct vfio_device *vdev)
{
	struct vfio_latch_device *dev = vfio_latch_from_vdev(vdev);

	lockdep_assert_held(&dev->vdev.dev_set->lock);

	latch_dma_bufs_close(dev);
	/* All of the following touches it. */
	latch_wait_back(dev);
	latch_power_wake(dev);
	/* The interrupt handler still exists; resets by others restore what they saved. */
	latch_state_lock(dev);
	latch_command_update(dev, PCI_COMMAND_MASTER, 0);
	latch_state_unlock(dev);

	latch_irqs_close(dev);
	latch_ioeventfds_free(dev);
	latch_regions_free(dev);
	latch_bars_unmap(dev);

	latch_reset_at_close(dev);
	latch_hot_reset_at_last_close(dev);
	latch_clean_close(dev);
	latch_power_close(dev);
	/* Until now the function reached its user's memory. */
	latch_vf_token_close(dev);
}
EXPORT_SYMBOL_GPL(vfio_latch_close);
