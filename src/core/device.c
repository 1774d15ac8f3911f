// SPDX-License-Identifier: GPL-2.0-only
/* A device from probe to remove. */
#include <linux/module.h>

#include "core.h"

/**
 * vfio_latch_init - prepare a device's structure
 * @vdev: the device, zeroed but for what vfio set
 *
 * Context: vfio_device_ops.init.
 * Return: 0 or a negative error.
 */
int vfio_latch_init(struct vfio_device *vdev)
{
	struct vfio_latch_device *dev = vfio_latch_from_vdev(vdev);

	dev->pdev = to_pci_dev(vdev->dev);
	dev->physfn = pci_physfn(dev->pdev);
	dev->is_vf = dev->physfn != dev->pdev;
	dev->always_decodes = dev->pdev->no_command_memory;
	dev->mapping = compat_mapping_get(vdev);
	if (IS_ERR(dev->mapping))
		return PTR_ERR(dev->mapping);

	dev->irq_type = VFIO_PCI_NUM_IRQS;
	mutex_init(&dev->irq_lock);
	mutex_init(&dev->config_lock);
	mutex_init(&dev->reset_lock);
	mutex_init(&dev->bar_lock);
	mutex_init(&dev->ioeventfd_lock);
	spin_lock_init(&dev->intx_lock);
	spin_lock_init(&dev->signal_lock);
	xa_init_flags(&dev->vectors, XA_FLAGS_ACCOUNT);
	INIT_LIST_HEAD(&dev->dma_bufs);
	INIT_LIST_HEAD(&dev->ioeventfds);
	INIT_WORK(&dev->ioeventfd_work, latch_ioeventfd_work);

	/* A hot reset holds the locks of several devices: lockdep gets a class for each device. */
	mutex_init(&dev->state_lock);
	lockdep_register_key(&dev->state_lock_key);
	lockdep_set_class(&dev->state_lock, &dev->state_lock_key);
	init_rwsem(&dev->access_lock);
	lockdep_register_key(&dev->access_lock_key);
	lockdep_set_class(&dev->access_lock, &dev->access_lock_key);
	return 0;
}
EXPORT_SYMBOL_GPL(vfio_latch_init);

/**
 * vfio_latch_release - undo vfio_latch_init()
 * @vdev: the device; nobody uses it any more, and it is gone after this
 *
 * Context: vfio_device_ops.release.
 */
void vfio_latch_release(struct vfio_device *vdev)
{
	struct vfio_latch_device *dev = vfio_latch_from_vdev(vdev);

	latch_config_close(dev);
	lockdep_unregister_key(&dev->access_lock_key);
	mutex_destroy(&dev->state_lock);
	lockdep_unregister_key(&dev->state_lock_key);
	mutex_destroy(&dev->ioeventfd_lock);
	mutex_destroy(&dev->bar_lock);
	mutex_destroy(&dev->reset_lock);
	mutex_destroy(&dev->config_lock);
	mutex_destroy(&dev->irq_lock);
	compat_mapping_put(dev->mapping);
	compat_free_device(vdev);
}
EXPORT_SYMBOL_GPL(vfio_latch_release);

/*
 * Devices we cannot serve: bridges, and PFs that have VFs already, of whose
 * users we know nothing.
 */
static int check_function(struct pci_dev *pdev)
{
	if (pdev->hdr_type != PCI_HEADER_TYPE_NORMAL)
		return -EINVAL;
	if (pci_num_vf(pdev)) {
		pci_warn(pdev, "has %d VFs, which its new driver could not answer for\n",
			 pci_num_vf(pdev));
		return -EBUSY;
	}
	return 0;
}

/**
 * vfio_latch_register - latch a device's policy and offer it to users
 * @dev: the device, allocated by vfio_alloc_device()
 * @params: the policy input of its driver
 *
 * @dev becomes the driver data of the function: the PCI core's callbacks need
 * it.
 *
 * Context: probe; takes the parameter lock of the driver's module.
 * Return: 0, or a negative error with everything undone.
 */
int vfio_latch_register(struct vfio_latch_device *dev, const struct vfio_latch_params *params)
{
	struct pci_dev *pdev = dev->pdev;
	int ret;

	ret = check_function(pdev);
	if (ret)
		return ret;
	latch_policy(&dev->policy, pdev, params);
	ret = latch_dma_bufs_register(dev);
	if (ret)
		return ret;
	pci_set_drvdata(pdev, dev);
	latch_igd_latch(dev);
	ret = latch_vf_token_init(dev);
	if (ret)
		goto drvdata;
	ret = latch_away_register(dev);
	if (ret)
		goto vf_token;
	ret = latch_sriov_register(dev);
	if (ret)
		goto away;
	ret = latch_vga_register(dev);
	if (ret)
		goto sriov;
	latch_clean_register(dev);
	ret = latch_sysfs_add(dev);
	if (ret)
		goto clean;
	latch_power_register(dev);
	/* From here on a neighbour's hot reset finds it. */
	ret = vfio_assign_device_set(&dev->vdev, latch_device_set_id(dev));
	if (ret)
		goto power;
	ret = vfio_register_group_dev(&dev->vdev);
	if (ret)
		goto power;
	latch_debugfs_add(dev);
	return 0;

power:
	latch_power_unregister(dev);
	latch_sysfs_remove(dev);
clean:
	latch_clean_unregister(dev);
	latch_vga_unregister(dev);
sriov:
	latch_sriov_unregister(dev);
away:
	latch_away_unregister(dev);
vf_token:
	latch_vf_token_free(dev);
drvdata:
	pci_set_drvdata(pdev, NULL);
	return ret;
}
EXPORT_SYMBOL_GPL(vfio_latch_register);

/**
 * vfio_latch_unregister - take a device from its users
 * @dev: the device
 *
 * Waits until the last user has closed it, and leaves none of the user's state
 * in it. VFs of a PF are removed first.
 *
 * Context: remove; may sleep.
 */
void vfio_latch_unregister(struct vfio_latch_device *dev)
{
	/* The close that this may wait for finds the device locked. */
	WRITE_ONCE(dev->is_leaving, true);
	latch_sriov_disable(dev);
	vfio_unregister_group_dev(&dev->vdev);
	latch_reset_at_unbind(dev);
	latch_power_unregister(dev);
	latch_decode_return(dev);
	latch_igd_unlatch(dev);
	latch_sysfs_remove(dev);
	latch_clean_unregister(dev);
	latch_vga_unregister(dev);
	latch_sriov_unregister(dev);
	latch_away_unregister(dev);
	latch_vf_token_free(dev);
	pci_set_drvdata(dev->pdev, NULL);
}
EXPORT_SYMBOL_GPL(vfio_latch_unregister);

static int __init vfio_latch_module_init(void)
{
	return latch_ioeventfds_init();
}
module_init(vfio_latch_module_init);

static void __exit vfio_latch_module_exit(void)
{
	latch_ioeventfds_exit();
}
module_exit(vfio_latch_module_exit);

MODULE_DESCRIPTION("VFIO PCI core that latches policy per device");
MODULE_VERSION(VFIO_LATCH_VERSION);
MODULE_LICENSE("GPL");
