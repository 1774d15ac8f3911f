// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hot reset: a reset of the slot or bus that a function sits on, and of all
 * other functions there (device_set.c).
 *
 * A function there that is no member of the device set prevents the reset.
 * During the reset the PCI core calls every member's reset_prepare and
 * reset_done (error.c), which keep its accesses out.
 */
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/pm_runtime.h>
#include <linux/uaccess.h>

#include "core.h"

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

/*
 * Bridges below the slot or bus are reset with the functions behind them. One beside @own that
 * leads to none is the host's.
 */
static bool may_be_reset_with(struct pci_dev *own, struct pci_dev *pdev)
{
	if (!latch_is_prepared(own, pdev))
		return false;
	return !pci_is_bridge(pdev) || pdev->bus != own->bus || latch_has_functions_behind(pdev);
}

static int check_one(struct pci_dev *pdev, void *data)
{
	const struct proof *proof = data;
	struct pci_dev *own = proof->dev->pdev;
	struct vfio_latch_device *member = latch_find_member(proof->dev->vdev.dev_set, pdev);

	if (!may_be_reset_with(own, pdev))
		return -EINVAL;
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
	struct vfio_latch_device *member = latch_find_member(members->set, pdev);
	unsigned int n;

	for (n = 0; n < members->count; n++)
		if (members->devices[n] == member)
			return 0;
	if (member && members->count < members->max)
		members->devices[members->count++] = member;
	return 0;
}

/*
 * The PCI core locks all functions, or none. Whoever reads some files of sysfs has a lock for an
 * instant; an unbind has it until the user has closed the function.
 *
 * If no function answers there is nothing to reset. If one does, the reset may bring back the
 * others.
 */
static int reset_bus(struct pci_dev *pdev, const struct members *members)
{
	unsigned int tries = LATCH_LOCK_TRIES, n;
	int ret;

	for (;;) {
		bool is_there = false, is_leaving = false;

		for (n = 0; n < members->count; n++) {
			is_there |= latch_answers(members->devices[n]);
			is_leaving |= READ_ONCE(members->devices[n]->is_leaving);
		}
		if (!is_there)
			return -EIO;
		ret = pci_reset_bus(pdev);
		if (ret != -EAGAIN || is_leaving || !--tries)
			return ret;
		usleep_range(LATCH_LOCK_US / 2, LATCH_LOCK_US);
	}
}

/*
 * The PCI core prepares one function after the other. The holder of a later one's state_lock may
 * wait for a page fault on the BAR of an earlier one, which waits for the reset. So all state_locks
 * are taken before the first function is prepared, in the order of the PCI core.
 */
static int reset_with_state_locks(struct vfio_device_set *set, struct pci_dev *pdev)
{
	struct members members = { .set = set };
	struct vfio_latch_device *member;
	unsigned int n;
	int ret;

	latch_for_each_member(member, set)
		members.max++;
	members.devices = kcalloc(members.max, sizeof(*members.devices), GFP_KERNEL);
	if (!members.devices)
		return -ENOMEM;
	latch_visit_affected(pdev, add_member, &members);

	for (n = 0; n < members.count; n++)
		latch_state_lock(members.devices[n]);
	for (n = 0; n < members.count; n++)
		latch_reset_begin(members.devices[n]);
	ret = reset_bus(pdev, &members);
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
	struct vfio_latch_device *member, *failed = NULL;
	int ret = 0;

	lockdep_assert_held(&set->lock);

	latch_for_each_member(member, set) {
		ret = pm_runtime_resume_and_get(&member->pdev->dev);
		if (ret) {
			failed = member;
			break;
		}
	}
	if (!ret)
		ret = reset_with_state_locks(set, pdev);
	latch_for_each_member(member, set) {
		if (member == failed)
			break;
		pm_runtime_put(&member->pdev->dev);
	}
	return ret;
}

static int check_and_reset(const struct proof *proof)
{
	struct vfio_latch_device *dev = proof->dev;
	struct vfio_device_set *set = dev->vdev.dev_set;
	int ret;

	/* Unbinds of other functions wait for the set's lock: not behind all threads of a user. */
	if (mutex_lock_killable(&dev->reset_lock))
		return -EINTR;
	mutex_lock(&set->lock);
	ret = latch_visit_affected(dev->pdev, check_one, (void *)proof);
	if (!ret)
		ret = reset_set(set, dev->pdev);
	mutex_unlock(&set->lock);
	mutex_unlock(&dev->reset_lock);
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
	s32 *fds;
	int ret;

	/* More groups than devices is an error. */
	if (count > latch_count_affected(dev->pdev))
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
 * -EIO if none of them answers; -EINTR if the caller is being killed; -EFAULT;
 * -ENOMEM.
 */
int latch_hot_reset(struct vfio_latch_device *dev, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_pci_hot_reset, count);
	struct vfio_pci_hot_reset header;

	if (copy_from_user(&header, arg, minsz))
		return -EFAULT;
	if (header.argsz < minsz || header.flags)
		return -EINVAL;
	if (!latch_can_hot_reset(dev->pdev))
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
	struct vfio_latch_device *dev = data;

	if (!may_be_reset_with(dev->pdev, pdev))
		return -EBUSY;
	if (pci_is_bridge(pdev))
		return 0;
	return latch_find_member(dev->vdev.dev_set, pdev) && !pci_num_vf(pdev) ? 0 : -EBUSY;
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
	struct vfio_latch_device *member;
	bool is_needed = false;

	lockdep_assert_held(&set->lock);

	latch_for_each_member(member, set)
		is_needed |= member->needs_reset;

	/* The device that is being closed still counts. */
	if (!is_needed || vfio_device_set_open_count(set) > 1 ||
	    !latch_can_hot_reset(dev->pdev) ||
	    latch_visit_affected(dev->pdev, check_member, dev) || reset_set(set, dev->pdev))
		return;
	latch_for_each_member(member, set)
		member->needs_reset = false;
}
