// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the vfio_pci/ group of a VF has besides the core's.
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

static ssize_t migratable_show(struct device *device, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", from_device(device)->migratable);
}
static DEVICE_ATTR_RO(migratable);

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

/* All VFs have the first; the next come with what a VF can do, in this order. */
static const struct attribute *const attributes[] = {
	&dev_attr_migratable.attr,
	&dev_attr_migration_state.attr,
	&dev_attr_tracker_state.attr,
};

static unsigned int nr_attributes(const struct latch_mlx5_device *dev)
{
	return !dev->migrate_cap ? 1 : !dev->track_cap ? 2 : 3;
}

static const char group[] = "vfio_pci";

static void remove_files(struct latch_mlx5_device *dev, unsigned int nr)
{
	while (nr--)
		sysfs_remove_file_from_group(&dev->core.pdev->dev.kobj, attributes[nr], group);
}

/**
 * latch_mlx5_sysfs_add - show whether a VF can be migrated, and what it is at
 * @dev: the device, registered
 *
 * Return: 0 or a negative error, all being undone.
 */
int latch_mlx5_sysfs_add(struct latch_mlx5_device *dev)
{
	unsigned int n;
	int ret;

	for (n = 0; n < nr_attributes(dev); n++) {
		ret = sysfs_add_file_to_group(&dev->core.pdev->dev.kobj, attributes[n], group);
		if (ret) {
			remove_files(dev, n);
			return ret;
		}
	}
	return 0;
}

/**
 * latch_mlx5_sysfs_remove - undo latch_mlx5_sysfs_add()
 * @dev: the device; no reader is left when this returns
 */
void latch_mlx5_sysfs_remove(struct latch_mlx5_device *dev)
{
	remove_files(dev, nr_attributes(dev));
}
