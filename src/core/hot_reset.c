// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hot reset: a reset of the slot or bus that a function sits on, and of all
 * other functions there.
 *
 * The functions that such a reset affects share a vfio_device_set, whose lock
 * keeps opens, closes and other hot resets out. Every member is a device of
 * ours. A function there with another driver, or none, is no member, and
 * prevents the reset. During the reset the PCI core calls every member's
 * reset_prepare and reset_done (error.c), which keep its accesses out.
 */
#include <linux/file.h>
#include <linux/pm_runtime.h>
#include <linux/uaccess.h>

#include "core.h"

static bool resets_slot(struct pci_dev *pdev)
{
	return !pci_probe_reset_slot(pdev->slot);
}

static bool resets_bus(struct pci_dev *pdev)
{
	return !pci_probe_reset_bus(pdev->bus);
}

/**
 * latch_device_set_id - which device set a device belongs to
 * @dev: the device
 *
 * A VF has a set of its own, so that the users of a PF's VFs do not wait for
 * each other's opens and closes. A reset of the PF's bus resets it, too, but
 * check_one() finds that it is no member: nobody can reset a bus with VFs on
 * it.
 *
 * Return: an address inside the slot, bus or device; never one that the
 * kernel's own VFIO PCI core would take, which casts its sets' members to its
 * own type.
 */
void *latch_device_set_id(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;

	if (pdev->is_virtfn || pci_is_root_bus(pdev->bus))
		return &dev->config_lock;
	if (resets_slot(pdev))
		return &pdev->slot->number;
	if (resets_bus(pdev))
		return &pdev->bus->number;
	return &dev->config_lock;
}

typedef int (*visit_fn)(struct pci_dev *pdev, void *data);

/* What a reset affects: everything below the slot, or below the bus. */
struct walk {
	struct pci_bus *bus;
	struct pci_slot *slot;
	visit_fn visit;
	void *data;
};

/* Whether a function is on the bus behind @bridge, or, without one, where the reset happens. */
static bool is_next(const struct walk *walk, const struct pci_dev *bridge, struct pci_dev *pdev)
{
	if (bridge)
		return pdev->bus->self == bridge;
	return pdev->bus == walk->bus && (!walk->slot || pdev->slot == walk->slot);
}

/*
 * In the order of the PCI core, but without its pci_walk_bus(): AER walks a bus while it waits for
 * the device lock of a function there, which an unbind holds until the last close. With
 * pci_walk_bus() that close would wait for any task that adds a function, and that task for AER. If
 * a function is removed meanwhile, others may be visited twice.
 */
static int visit_behind(const struct walk *walk, const struct pci_dev *bridge)
{
	struct pci_dev *pdev = NULL;
	int ret = 0;

	for_each_pci_dev(pdev) {
		if (!is_next(walk, bridge, pdev))
			continue;
		ret = walk->visit(pdev, walk->data);
		if (!ret && pci_is_bridge(pdev))
			ret = visit_behind(walk, pdev);
		if (ret)
			break;
	}
	/* The loop has put it if it came to its end. */
	pci_dev_put(pdev);
	return ret;
}

static int visit_affected(struct pci_dev *pdev, visit_fn visit, void *data)
{
	const struct walk walk = {
		.bus = pdev->bus,
		.slot = resets_slot(pdev) ? pdev->slot : NULL,
		.visit = visit,
		.data = data,
	};

	return visit_behind(&walk, NULL);
}

static int count_one(struct pci_dev *pdev, void *data)
{
	unsigned int *count = data;

	(*count)++;
	return 0;
}

static struct vfio_latch_device *find_member(struct vfio_device_set *set, struct pci_dev *pdev)
{
	struct vfio_device *vdev;

	lockdep_assert_held(&set->lock);

	list_for_each_entry(vdev, &set->device_list, dev_set_list)
		if (vdev->dev == &pdev->dev)
			return vfio_latch_from_vdev(vdev);
	return NULL;
}

/* The answer to VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, being built. */
struct report {
	struct vfio_latch_device *dev;
	struct vfio_pci_dependent_device *entries;
	unsigned int count;
	unsigned int max;
	u32 flags;
};

static int report_one(struct pci_dev *pdev, void *data)
{
	struct report *report = data;
	struct vfio_pci_dependent_device *entry;
	struct iommu_group *group;

	if (report->count == report->max)
		return -EAGAIN;
	entry = &report->entries[report->count++];
	entry->segment = pci_domain_nr(pdev->bus);
	entry->bus = pdev->bus->number;
	entry->devfn = pdev->devfn;

	if (report->flags & VFIO_PCI_HOT_RESET_FLAG_DEV_ID) {
		struct vfio_latch_device *member =
			find_member(report->dev->vdev.dev_set, pdev);
		int devid = compat_device_id(&report->dev->vdev, member ? &member->vdev : NULL);

		compat_set_devid(entry, devid);
		if (devid == VFIO_PCI_DEVID_NOT_OWNED)
			report->flags &= ~VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
		return 0;
	}
	group = iommu_group_get(&pdev->dev);
	if (!group)
		return -EPERM;
	entry->group_id = iommu_group_id(group);
	iommu_group_put(group);
	return 0;
}

static int make_report(struct report *report)
{
	struct vfio_device_set *set = report->dev->vdev.dev_set;
	int ret;

	mutex_lock(&set->lock);
	if (vfio_device_cdev_opened(&report->dev->vdev))
		report->flags = VFIO_PCI_HOT_RESET_FLAG_DEV_ID |
				VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
	ret = visit_affected(report->dev->pdev, report_one, report);
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
	if (!resets_slot(dev->pdev) && !resets_bus(dev->pdev))
		return -ENODEV;
	room = (header.argsz - minsz) / sizeof(*report.entries);

	visit_affected(dev->pdev, count_one, &report.max);
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

/* The user's proof of owning all affected devices. */
struct proof {
	struct vfio_latch_device *dev;
	struct file **groups;
	unsigned int count;
};

static bool is_owned(const struct proof *proof, struct vfio_latch_device *member)
{
	unsigned int n;

	if (vfio_device_cdev_opened(&proof->dev->vdev))
		return compat_device_id(&proof->dev->vdev, &member->vdev) !=
		       VFIO_PCI_DEVID_NOT_OWNED;
	for (n = 0; n < proof->count; n++)
		if (vfio_file_has_dev(proof->groups[n], &member->vdev))
			return true;
	return false;
}

static int check_one(struct pci_dev *pdev, void *data)
{
	const struct proof *proof = data;
	struct vfio_latch_device *member = find_member(proof->dev->vdev.dev_set, pdev);

	/* Bridges below the slot or bus are reset with their devices. */
	if (pci_is_bridge(pdev))
		return 0;
	return member && is_owned(proof, member) ? 0 : -EINVAL;
}

/* Members that a reset affects, in the order of the bus. */
struct members {
	struct vfio_device_set *set;
	struct vfio_latch_device **devices;
	unsigned int count;
	unsigned int max;
};

static int add_member(struct pci_dev *pdev, void *data)
{
	struct members *members = data;
	struct vfio_latch_device *member = find_member(members->set, pdev);
	unsigned int n;

	for (n = 0; n < members->count; n++)
		if (members->devices[n] == member)
			return 0;
	if (member && members->count < members->max)
		members->devices[members->count++] = member;
	return 0;
}

/*
 * The PCI core prepares one function after the other. The holder of a later one's state_lock may
 * wait for a page fault on the BAR of an earlier one, which waits for the reset. So all state_locks
 * are taken before the first function is prepared, in the order of the PCI core.
 *
 * If no function answers there is nothing to reset. If one does, the reset may bring back the
 * others.
 */
static int reset_with_state_locks(struct vfio_device_set *set, struct pci_dev *pdev)
{
	struct members members = { .set = set };
	struct vfio_device *vdev;
	bool is_there = false;
	int ret = -EIO;
	unsigned int n;

	list_for_each_entry(vdev, &set->device_list, dev_set_list)
		members.max++;
	members.devices = kcalloc(members.max, sizeof(*members.devices), GFP_KERNEL);
	if (!members.devices)
		return -ENOMEM;
	visit_affected(pdev, add_member, &members);

	for (n = 0; n < members.count; n++) {
		latch_state_lock(members.devices[n]);
		is_there |= latch_answers(members.devices[n]);
	}
	for (n = 0; n < members.count; n++)
		latch_reset_begin(members.devices[n]);
	if (is_there)
		ret = pci_reset_bus(pdev);
	for (n = 0; n < members.count; n++) {
		latch_reset_end(members.devices[n]);
		latch_state_unlock(members.devices[n]);
	}
	kfree(members.devices);
	return ret;
}

/* Resets slot or bus, with every member awake. */
static int reset_set(struct vfio_device_set *set, struct pci_dev *pdev)
{
	struct vfio_device *vdev, *failed = NULL;
	int ret = 0;

	lockdep_assert_held(&set->lock);

	list_for_each_entry(vdev, &set->device_list, dev_set_list) {
		ret = pm_runtime_resume_and_get(vdev->dev);
		if (ret) {
			failed = vdev;
			break;
		}
	}
	if (!ret)
		ret = reset_with_state_locks(set, pdev);
	list_for_each_entry(vdev, &set->device_list, dev_set_list) {
		if (vdev == failed)
			break;
		pm_runtime_put(vdev->dev);
	}
	return ret;
}

static int check_and_reset(const struct proof *proof)
{
	struct vfio_latch_device *dev = proof->dev;
	struct vfio_device_set *set = dev->vdev.dev_set;
	int ret;

	mutex_lock(&set->lock);
	ret = visit_affected(dev->pdev, check_one, (void *)proof);
	if (!ret)
		ret = reset_set(set, dev->pdev);
	mutex_unlock(&set->lock);
	return ret;
}

static int get_groups(struct proof *proof, const s32 *fds, unsigned int count)
{
	proof->groups = kcalloc(count, sizeof(*proof->groups), GFP_KERNEL_ACCOUNT);
	if (!proof->groups)
		return -ENOMEM;
	for (; proof->count < count; proof->count++) {
		struct file *file = fget(fds[proof->count]);

		if (!file)
			return -EBADF;
		proof->groups[proof->count] = file;
		if (!vfio_file_is_group(file)) {
			proof->count++;
			return -EINVAL;
		}
	}
	return 0;
}

static void put_groups(struct proof *proof)
{
	while (proof->count)
		fput(proof->groups[--proof->count]);
	kfree(proof->groups);
}

static int reset_with_groups(struct vfio_latch_device *dev, const s32 __user *user_fds,
			     unsigned int count)
{
	struct proof proof = { .dev = dev };
	unsigned int affected = 0;
	s32 *fds;
	int ret;

	/* More groups than devices is an error. */
	visit_affected(dev->pdev, count_one, &affected);
	if (count > affected)
		return -EINVAL;
	fds = memdup_user(user_fds, array_size(count, sizeof(*fds)));
	if (IS_ERR(fds))
		return PTR_ERR(fds);
	ret = get_groups(&proof, fds, count);
	if (!ret)
		ret = check_and_reset(&proof);
	put_groups(&proof);
	kfree(fds);
	return ret;
}

/**
 * latch_hot_reset - VFIO_DEVICE_PCI_HOT_RESET
 * @dev: the device
 * @arg: user address of a struct vfio_pci_hot_reset and its group descriptors
 *
 * Context: may sleep, about a second.
 * Return: 0; -ENODEV if neither slot nor bus can be reset; -EINVAL for bad
 * sizes or flags, descriptors that are no groups, or an affected device that
 * is not the user's; -EBADF; -EAGAIN if a device is being unbound or reset;
 * -EIO if none of them answers; -EFAULT; -ENOMEM.
 */
int latch_hot_reset(struct vfio_latch_device *dev, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_pci_hot_reset, count);
	struct vfio_pci_hot_reset header;

	if (copy_from_user(&header, arg, minsz))
		return -EFAULT;
	if (header.argsz < minsz || header.flags)
		return -EINVAL;
	if (!resets_slot(dev->pdev) && !resets_bus(dev->pdev))
		return -ENODEV;

	if (vfio_device_cdev_opened(&dev->vdev)) {
		struct proof proof = { .dev = dev };

		return header.count ? -EINVAL : check_and_reset(&proof);
	}
	return header.count ? reset_with_groups(dev, arg + minsz, header.count) : -EINVAL;
}

/* Others may use a PF's VFs, which would not survive the reset. */
static int check_member(struct pci_dev *pdev, void *data)
{
	if (pci_is_bridge(pdev))
		return 0;
	return find_member(data, pdev) && !pci_num_vf(pdev) ? 0 : -EBUSY;
}

/**
 * latch_hot_reset_at_last_close - reset functions that cannot be reset alone
 * @dev: the device that is being closed
 *
 * When the last member of the set is closed, one reset serves all that need it.
 * A function that cannot be reset so still needs it.
 *
 * Context: last close; the device set's lock is held.
 */
void latch_hot_reset_at_last_close(struct vfio_latch_device *dev)
{
	struct vfio_device_set *set = dev->vdev.dev_set;
	struct vfio_device *vdev;
	bool is_needed = false;

	lockdep_assert_held(&set->lock);

	list_for_each_entry(vdev, &set->device_list, dev_set_list)
		is_needed |= vfio_latch_from_vdev(vdev)->needs_reset;

	/* The device that is being closed still counts. */
	if (!is_needed || vfio_device_set_open_count(set) > 1 ||
	    (!resets_slot(dev->pdev) && !resets_bus(dev->pdev)) ||
	    visit_affected(dev->pdev, check_member, set) || reset_set(set, dev->pdev))
		return;
	list_for_each_entry(vdev, &set->device_list, dev_set_list)
		vfio_latch_from_vdev(vdev)->needs_reset = false;
}
