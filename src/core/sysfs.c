// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vfio_pci/ group of a bound device: its latched policy.
 *
 * It exists from before users are offered the device until they have given it
 * back. So every reader finds the policy written, and it does not change
 * (docs/sysfs-abi.txt).
 */
#include <linux/sysfs.h>

#include "core.h"

static ssize_t show_tunable(struct device *dev, char *buf, enum vfio_latch_tunable tunable)
{
	const struct vfio_latch_device *ldev = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%d\n", ldev->policy.value[tunable]);
}

static ssize_t disable_idle_d3_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return show_tunable(dev, buf, VFIO_LATCH_DISABLE_IDLE_D3);
}
static DEVICE_ATTR_RO(disable_idle_d3);

static ssize_t disable_vga_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return show_tunable(dev, buf, VFIO_LATCH_DISABLE_VGA);
}
static DEVICE_ATTR_RO(disable_vga);

static ssize_t nointxmask_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return show_tunable(dev, buf, VFIO_LATCH_NOINTXMASK);
}
static DEVICE_ATTR_RO(nointxmask);

static ssize_t policy_source_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct vfio_latch_device *ldev = dev_get_drvdata(dev);
	int len = 0;
	int n;

	for (n = 0; n < VFIO_LATCH_NR_TUNABLES; n++)
		len += sysfs_emit_at(buf, len, "%s %s\n", vfio_latch_tunable_names[n],
				     ldev->policy.source[n]);
	return len;
}
static DEVICE_ATTR_RO(policy_source);

static struct attribute *latch_attrs[] = {
	&dev_attr_disable_idle_d3.attr,
	&dev_attr_disable_vga.attr,
	&dev_attr_nointxmask.attr,
	&dev_attr_policy_source.attr,
	NULL
};

static const struct attribute_group latch_group = {
	.name = "vfio_pci",
	.attrs = latch_attrs,
};

/**
 * latch_sysfs_add - make the vfio_pci/ group of a device
 * @dev: the device, its policy latched
 *
 * Return: 0 or a negative error.
 */
int latch_sysfs_add(struct vfio_latch_device *dev)
{
	return sysfs_create_group(&dev->pdev->dev.kobj, &latch_group);
}

/**
 * latch_sysfs_remove - remove the vfio_pci/ group of a device
 * @dev: the device; no reader is left when this returns
 */
void latch_sysfs_remove(struct vfio_latch_device *dev)
{
	sysfs_remove_group(&dev->pdev->dev.kobj, &latch_group);
}
