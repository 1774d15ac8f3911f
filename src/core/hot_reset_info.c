// SPDX-License-Identifier: GPL-2.0-only
/* VFIO_DEVICE_GET_PCI_HOT_RESET_INFO: which functions a hot reset affects, and whose they are. */
#include <linux/iommu.h>
#include <linux/uaccess.h>

#include "core.h"

/* The answer, being built. */
struct report {
	struct vfio_latch_device *dev;
	struct vfio_pci_dependent_device *entries;
	unsigned int count;
	unsigned int max;
	u32 flags;
};

static int report_devid(struct report *report, struct vfio_pci_dependent_device *entry,
			struct pci_dev *pdev)
{
	struct vfio_device *opened = &report->dev->vdev;
	struct vfio_latch_device *member = latch_find_member(opened->dev_set, pdev);
	int devid = compat_device_id(opened, member ? &member->vdev : NULL);

	compat_set_devid(entry, devid);
	if (devid == VFIO_PCI_DEVID_NOT_OWNED)
		report->flags &= ~VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
	return 0;
}

static int report_group(struct vfio_pci_dependent_device *entry, struct pci_dev *pdev)
{
	struct iommu_group *group = iommu_group_get(&pdev->dev);

	if (!group)
		return -EPERM;
	entry->group_id = iommu_group_id(group);
	iommu_group_put(group);
	return 0;
}

static int report_one(struct pci_dev *pdev, void *data)
{
	struct report *report = data;
	struct vfio_pci_dependent_device *entry;

	if (report->count == report->max)
		return -EAGAIN;
	entry = &report->entries[report->count++];
	entry->segment = pci_domain_nr(pdev->bus);
	entry->bus = pdev->bus->number;
	entry->devfn = pdev->devfn;
	return report->flags & VFIO_PCI_HOT_RESET_FLAG_DEV_ID ?
	       report_devid(report, entry, pdev) : report_group(entry, pdev);
}

static int make_report(struct report *report)
{
	struct vfio_device_set *set = report->dev->vdev.dev_set;
	int ret;

	mutex_lock(&set->lock);
	if (vfio_device_cdev_opened(&report->dev->vdev))
		report->flags = VFIO_PCI_HOT_RESET_FLAG_DEV_ID |
				VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
	ret = latch_visit_affected(report->dev->pdev, report_one, report);
	mutex_unlock(&set->lock);
	return ret;
}

/**
 * latch_hot_reset_info - VFIO_DEVICE_GET_PCI_HOT_RESET_INFO
 * @dev: the device
 * @arg: user address of a struct vfio_pci_hot_reset_info
 *
 * Return: 0; -ENODEV if neither slot nor bus can be reset; -ENOSPC with the
 * number of devices if they do not fit; -EINVAL if argsz is too small; -EPERM
 * for a device without an IOMMU group; -EAGAIN if devices appeared meanwhile;
 * -EFAULT; -ENOMEM.
 */
int latch_hot_reset_info(struct vfio_latch_device *dev, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_pci_hot_reset_info, count);
	struct vfio_pci_hot_reset_info header;
	struct report report = { .dev = dev };
	size_t room;
	int ret;

	if (copy_from_user(&header, arg, minsz))
		return -EFAULT;
	if (header.argsz < minsz)
		return -EINVAL;
	if (!latch_can_hot_reset(dev->pdev))
		return -ENODEV;
	room = (header.argsz - minsz) / sizeof(*report.entries);

	report.max = latch_count_affected(dev->pdev);
	header.flags = 0;
	header.count = report.max;
	if (room < report.max)
		return copy_to_user(arg, &header, minsz) ? -EFAULT : -ENOSPC;

	report.entries = kcalloc(report.max, sizeof(*report.entries), GFP_KERNEL_ACCOUNT);
	if (!report.entries)
		return -ENOMEM;
	ret = make_report(&report);
	if (ret)
		goto free;

	header.flags = report.flags;
	header.count = report.count;
	if (copy_to_user(arg, &header, minsz) ||
	    copy_to_user(arg + minsz, report.entries, report.count * sizeof(*report.entries)))
		ret = -EFAULT;
free:
	kfree(report.entries);
	return ret;
}
