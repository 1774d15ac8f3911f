// SPDX-License-Identifier: GPL-2.0-only
/*
 * SR-IOV on a PF that a user controls: the host must trust its VFs as little as
 * that user. So driver_override keeps them for our driver.
 */
#include <linux/pm_runtime.h>

#include "core.h"

static int vf_event(struct notifier_block *nb, unsigned long action, void *data)
{
	struct vfio_latch_device *dev = container_of(nb, struct vfio_latch_device, vf_notifier);
	const char *driver = dev->vdev.ops->name;
	struct pci_dev *vf = to_pci_dev(data);

	if (!vf->is_virtfn || pci_physfn(vf) != dev->pdev)
		return NOTIFY_DONE;

	if (action == BUS_NOTIFY_ADD_DEVICE) {
		if (compat_set_driver_override(vf, driver))
			pci_warn(vf, "not kept for %s, out of memory\n", driver);
		else
			pci_info(vf, "kept for %s, as its PF\n", driver);
	} else if (action == BUS_NOTIFY_BOUND_DRIVER && vf->dev.driver &&
		   strcmp(vf->dev.driver->name, driver)) {
		pci_warn(vf, "bound to %s, its PF to %s\n", vf->dev.driver->name, driver);
	}
	return NOTIFY_DONE;
}

/**
 * latch_sriov_register - watch a PF's VFs appear
 * @dev: the device; nothing is done unless it is a PF
 *
 * Context: probe.
 * Return: 0 or a negative error.
 */
int latch_sriov_register(struct vfio_latch_device *dev)
{
	int ret;

	if (!dev->pdev->is_physfn)
		return 0;
	dev->vf_notifier.notifier_call = vf_event;
	ret = bus_register_notifier(&pci_bus_type, &dev->vf_notifier);
	dev->has_vf_notifier = !ret;
	return ret;
}

/**
 * latch_sriov_unregister - undo latch_sriov_register()
 * @dev: the device
 *
 * Context: remove, or a failing probe.
 */
void latch_sriov_unregister(struct vfio_latch_device *dev)
{
	if (dev->has_vf_notifier)
		bus_unregister_notifier(&pci_bus_type, &dev->vf_notifier);
	dev->has_vf_notifier = false;
}

/* Keeps the PF in D0 from before VFs are made until the last one is gone. */
static int keep_awake(struct vfio_latch_device *dev)
{
	int ret;

	ret = pm_runtime_resume_and_get(&dev->pdev->dev);
	if (ret)
		return ret;
	latch_state_lock(dev);
	if (latch_answers(dev)) {
		latch_access_lock(dev);
		latch_power_up(dev);
		latch_access_unlock(dev);
		dev->has_vfs = true;
	} else {
		ret = -EIO;
	}
	latch_state_unlock(dev);
	if (ret)
		pm_runtime_put(&dev->pdev->dev);
	return ret;
}

static void let_sleep(struct vfio_latch_device *dev)
{
	latch_state_lock(dev);
	dev->has_vfs = false;
	latch_state_unlock(dev);
	pm_runtime_put(&dev->pdev->dev);
}

/**
 * latch_sriov_disable - remove a PF's VFs
 * @dev: the PF, with VFs or without
 *
 * Context: the device is locked.
 */
void latch_sriov_disable(struct vfio_latch_device *dev)
{
	device_lock_assert(&dev->pdev->dev);

	if (!pci_num_vf(dev->pdev))
		return;
	pci_disable_sriov(dev->pdev);
	let_sleep(dev);
}

/**
 * vfio_latch_sriov_configure - switch a PF's VFs on or off
 * @dev: the PF
 * @nr_vfs: how many, 0 for none
 *
 * A PF with VFs stays in D0. A PF that is away gets no VFs and keeps those that
 * it has: AER, which has begun, waits for the device lock while it holds the
 * lock that adding and removing functions takes.
 *
 * Context: the device is locked (sriov_numvfs).
 * Return: the number of VFs that exist now; -EIO if the PF is away, or new ones
 * are asked of one that does not answer; or another negative error.
 */
int vfio_latch_sriov_configure(struct vfio_latch_device *dev, int nr_vfs)
{
	struct pci_dev *pdev = dev->pdev;
	int ret;

	device_lock_assert(&pdev->dev);

	if (latch_is_expected(dev))
		return -EIO;
	if (!nr_vfs) {
		latch_sriov_disable(dev);
		return 0;
	}

	ret = keep_awake(dev);
	if (ret)
		return ret;
	ret = pci_enable_sriov(pdev, nr_vfs);
	if (ret) {
		let_sleep(dev);
		return ret;
	}
	return nr_vfs;
}
EXPORT_SYMBOL_GPL(vfio_latch_sriov_configure);
