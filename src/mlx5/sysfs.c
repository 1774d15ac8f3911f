// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the vfio_pci/ group of a VF that can be migrated has besides the core's.
 *
 * Shown without state_mutex, which may be held as long as a firmware command
 * takes: each attribute is one word.
 */
#include <linux/sysfs.h>

#include "mlx5.h"
#include "state.h"

static struct latch_mlx5_device *from_device(struct device *device)
{
	struct vfio_latch_device *core = dev_get_drvdata(device);

	return container_of(core, struct latch_mlx5_device, core);
}

static ssize_t migration_state_show(struct device *device, struct device_attribute *attr,
				    char *buf)
{
	return sysfs_emit(buf, "%s\n", latch_state_name(latch_mlx5_state(from_device(device))));
}
static DEVICE_ATTR_RO(migration_state);

static ssize_t tracker_state_show(struct device *device, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", latch_mlx5_dirty_state(from_device(device)));
}
static DEVICE_ATTR_RO(tracker_state);

static const char group[] = "vfio_pci";

/**
 * latch_mlx5_sysfs_add - show a VF's migration state
 * @dev: the device, registered
 *
 * Return: 0 or a negative error, all being undone.
 */
int latch_mlx5_sysfs_add(struct latch_mlx5_device *dev)
{
	struct kobject *kobj = &dev->core.pdev->dev.kobj;
	int ret;

	if (!dev->migrate_cap)
		return 0;
	ret = sysfs_add_file_to_group(kobj, &dev_attr_migration_state.attr, group);
	if (ret || !dev->track_cap)
		return ret;
	ret = sysfs_add_file_to_group(kobj, &dev_attr_tracker_state.attr, group);
	if (ret)
		sysfs_remove_file_from_group(kobj, &dev_attr_migration_state.attr, group);
	return ret;
}

/**
 * latch_mlx5_sysfs_remove - undo latch_mlx5_sysfs_add()
 * @dev: the device; no reader is left when this returns
 */
void latch_mlx5_sysfs_remove(struct latch_mlx5_device *dev)
{
	struct kobject *kobj = &dev->core.pdev->dev.kobj;

	if (!dev->migrate_cap)
		return;
	if (dev->track_cap)
		sysfs_remove_file_from_group(kobj, &dev_attr_tracker_state.attr, group);
	sysfs_remove_file_from_group(kobj, &dev_attr_migration_state.attr, group);
}
