// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio-pci: hands any PCI function to user space.
 *
 * A drop-in replacement of the kernel's driver of that name, with the same
 * parameters and additional policy rules.
 */
#include <linux/module.h>

#include "../compat/compat.h"
#include "../core/device_ops.h"
#include "../core/vfio_latch.h"
#include "denylist.h"
#include "ids.h"

#define DRIVER_NAME	"vfio-pci"

static struct vfio_latch_driver driver;
VFIO_LATCH_MODULE_PARAMS(driver.params);

static char *ids = "";
module_param(ids, charp, 0);
MODULE_PARM_DESC(ids, "IDs to bind: VVVV:DDDD[:SVVV[:SDDD[:CLASS[:CLASS_MASK]]]][,...]");

/* Whether sriov_numvfs may be written. It is read at each write, so it is no device's policy. */
static bool enable_sriov;
module_param(enable_sriov, bool, 0644);
MODULE_PARM_DESC(enable_sriov, "Let sriov_numvfs enable VFs of a bound PF (bool, default N)");

static bool disable_denylist;
module_param(disable_denylist, bool, 0444);
MODULE_PARM_DESC(disable_denylist, "Bind devices known to be unsafe, too (bool, default N)");

static const struct vfio_device_ops device_ops = {
	.name = DRIVER_NAME,
	.init = vfio_latch_init,
	.release = vfio_latch_release,
	.close_device = vfio_latch_close,
	.device_feature = vfio_latch_device_feature,
	VFIO_LATCH_DEVICE_OPS
};

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct vfio_latch_device *dev;
	int ret;

	if (!disable_denylist && latch_is_denied(pdev)) {
		pci_warn(pdev, "known to be unsafe in a user's hands, not bound\n");
		return -EINVAL;
	}
	dev = vfio_alloc_device(vfio_latch_device, vdev, &pdev->dev, &device_ops);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	ret = vfio_latch_register(dev, &driver.params);
	if (ret)
		vfio_put_device(&dev->vdev);
	return ret;
}

static void remove(struct pci_dev *pdev)
{
	struct vfio_latch_device *dev = pci_get_drvdata(pdev);

	vfio_latch_unregister(dev);
	vfio_put_device(&dev->vdev);
}

static int sriov_configure(struct pci_dev *pdev, int nr_vfs)
{
	if (nr_vfs && !enable_sriov)
		return -ENOENT;
	return vfio_latch_sriov_configure(pci_get_drvdata(pdev), nr_vfs);
}

/* Binds nothing by itself, only with driver_override. */
static const struct pci_device_id id_table[] = {
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_ANY_ID, PCI_ANY_ID) },
	{}
};
MODULE_DEVICE_TABLE(pci, id_table);

static struct vfio_latch_driver driver = {
	.pci = {
		.name = DRIVER_NAME,
		.id_table = id_table,
		.groups = vfio_latch_driver_groups,
		.probe = probe,
		.remove = remove,
		.sriov_configure = sriov_configure,
		.err_handler = &vfio_latch_err_handlers,
		.driver.pm = &vfio_latch_pm_ops,
		.driver_managed_dma = true,
	},
};

static int __init vfio_pci_init(void)
{
	int ret;

	ret = pci_register_driver(&driver.pci);
	if (ret)
		return ret;
	latch_add_ids(&driver.pci, ids);
	if (disable_denylist)
		pr_warn(DRIVER_NAME ": devices known to be unsafe are bound, too\n");
	return 0;
}

static void __exit vfio_pci_exit(void)
{
	pci_unregister_driver(&driver.pci);
}

module_init(vfio_pci_init);
module_exit(vfio_pci_exit);

MODULE_DESCRIPTION("VFIO driver for any PCI function");
MODULE_VERSION(VFIO_LATCH_VERSION);
MODULE_LICENSE("GPL");
