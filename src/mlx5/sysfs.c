// SPDX-License-Identifier: GPL-2.0-only
/*
 * The attributes of a VF's vfio_pci/ group besides the core's.
 *
 * They are read without state_mutex, which may be held as long as a firmware
 * command takes: the states are one word each, and the costs have a lock of
 * their own.
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

static ssize_t last_migration_show(struct device *device, struct device_attribute *attr, char *buf)
{
	static const char *const commands[] = {
		[LATCH_SUSPEND] = "suspend", [LATCH_RESUME] = "resume",
		[LATCH_SAVE] = "save", [LATCH_LOAD] = "load",
	};
	struct latch_cost cost;
	unsigned int n;
	int length;

	latch_costs_read(&from_device(device)->costs, &cost);
	if (!cost.direction)
		return 0;
	length = sysfs_emit(buf, "direction %s\nend %s\nbytes %llu\nprecopy_bytes %llu\n",
			    cost.direction, cost.end ?: "under-way", cost.bytes,
			    cost.precopy_bytes);
	for (n = 0; n < LATCH_NR_COMMANDS; n++)
		length += sysfs_emit_at(buf, length, "%s_count %u\n%s_us %llu\n", commands[n],
					cost.commands[n].count, commands[n],
					div_u64(cost.commands[n].ns, NSEC_PER_USEC));
	return length;
}
static DEVICE_ATTR_RO(last_migration);

/* All VFs have the first. The others depend on the VF's capabilities, in this order. */
static const struct attribute *const attributes[] = {
	&dev_attr_migratable.attr,
	&dev_attr_migration_state.attr,
	&dev_attr_last_migration.attr,
	&dev_attr_tracker_state.attr,
};

static unsigned int nr_attributes(const struct latch_mlx5_device *dev)
{
	return !dev->migrate_cap ? 1 : ARRAY_SIZE(attributes) - !dev->track_cap;
}

static const char group[] = "vfio_pci";

static void remove_files(struct latch_mlx5_device *dev, unsigned int nr)
{
	while (nr--)
		sysfs_remove_file_from_group(&dev->core.pdev->dev.kobj, attributes[nr], group);
}

/**
 * latch_mlx5_sysfs_add - show whether a VF can be migrated, and its migration state
 * @dev: the device, registered
 *
 * Return: 0, or a negative error with everything undone.
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
