// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlx5-vfio-pci: hands a ConnectX or BlueField VF to user space, and moves its
 * state to another host.
 *
 * Everything but migration is the core's. A VF that cannot be migrated is
 * handed out like any other function.
 */
#include <linux/module.h>

#include "../core/device_ops.h"
#include "mlx5.h"

#define DRIVER_NAME	"mlx5_vfio_pci"

static struct vfio_latch_driver driver;
VFIO_LATCH_MODULE_PARAMS(driver.params);

static int init_device(struct vfio_device *vdev)
{
	int ret = vfio_latch_init(vdev);

	if (!ret)
		latch_mlx5_migration_init(latch_mlx5_from_vdev(vdev));
	return ret;
}

static void release_device(struct vfio_device *vdev)
{
	latch_mlx5_migration_exit(latch_mlx5_from_vdev(vdev));
	vfio_latch_release(vdev);
}

static void close_device(struct vfio_device *vdev)
{
	latch_mlx5_migration_close(latch_mlx5_from_vdev(vdev));
	vfio_latch_close(vdev);
}

static int device_feature(struct vfio_device *vdev, u32 flags, void __user *arg, size_t argsz)
{
	int ret = latch_mlx5_migration_feature(latch_mlx5_from_vdev(vdev), flags, arg, argsz);

	return ret == -ENOTTY ? vfio_latch_device_feature(vdev, flags, arg, argsz) : ret;
}

static const struct vfio_device_ops device_ops = {
	.name = DRIVER_NAME,
	.init = init_device,
	.release = release_device,
	.close_device = close_device,
	.device_feature = device_feature,
	VFIO_LATCH_DEVICE_OPS
};

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct latch_mlx5_device *dev;
	int ret;

	dev = vfio_alloc_device(latch_mlx5_device, core.vdev, &pdev->dev, &device_ops);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	latch_mlx5_migration_probe(dev);
	ret = vfio_latch_register(&dev->core, &driver.params);
	if (ret)
		goto migration;
	ret = latch_mlx5_sysfs_add(dev);
	if (ret)
		goto unregister;
	return 0;

unregister:
	vfio_latch_unregister(&dev->core);
migration:
	latch_mlx5_migration_remove(dev);
	vfio_put_device(&dev->core.vdev);
	return ret;
}

static void remove(struct pci_dev *pdev)
{
	struct vfio_latch_device *core = pci_get_drvdata(pdev);
	struct latch_mlx5_device *dev = container_of(core, struct latch_mlx5_device, core);

	latch_mlx5_sysfs_remove(dev);
	vfio_latch_unregister(core);
	latch_mlx5_migration_remove(dev);
	vfio_put_device(&core->vdev);
}

/* Binds nothing by itself, only with driver_override. */
static const struct pci_device_id id_table[] = {
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_VENDOR_ID_MELLANOX, 0x101e) },
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
		.err_handler = &vfio_latch_err_handlers,
		.driver.pm = &vfio_latch_pm_ops,
		.driver_managed_dma = true,
	},
};

static int __init mlx5_vfio_pci_init(void)
{
	return pci_register_driver(&driver.pci);
}

static void __exit mlx5_vfio_pci_exit(void)
{
	pci_unregister_driver(&driver.pci);
}

module_init(mlx5_vfio_pci_init);
module_exit(mlx5_vfio_pci_exit);

MODULE_DESCRIPTION("VFIO driver for ConnectX and BlueField VFs, with live migration");
MODULE_VERSION(VFIO_LATCH_VERSION);
MODULE_LICENSE("GPL");
