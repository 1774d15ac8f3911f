// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device sets: which functions a reset of a slot or bus affects, and which of
 * them are devices of ours.
 *
 * A slot that can be reset is that of a PCIe port, whose reset is one of the
 * bus behind it, whatever functions the kernel counts to the slot: older ones
 * only those numbered 0 to 7.
 *
 * The functions that such a reset affects share a vfio_device_set, whose lock
 * keeps opens, closes and other hot resets out. Every member is a device of
 * ours. A function there with another driver, or none, is no member.
 */
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
 * latch_can_hot_reset - whether a function's slot or its bus can be reset
 * @pdev: the function
 */
bool latch_can_hot_reset(struct pci_dev *pdev)
{
	return resets_slot(pdev) || resets_bus(pdev);
}

/**
 * latch_device_set_id - which device set a device belongs to
 * @dev: the device
 *
 * A VF has a set of its own, so that the users of a PF's VFs do not wait for
 * each other's opens and closes. A reset of the PF's bus resets it, too, but
 * a hot reset finds that it is no member: nobody can reset a bus with VFs on
 * it.
 *
 * Return: an address inside the bus or device; never one that the
 * kernel's own VFIO PCI core would take, which casts its sets' members to its
 * own type.
 */
void *latch_device_set_id(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;

	if (dev->is_vf || pci_is_root_bus(pdev->bus) || !latch_can_hot_reset(pdev))
		return &dev->config_lock;
	return &pdev->bus->number;
}

struct walk {
	struct pci_bus *bus;
	latch_visit_fn visit;
	void *data;
};

/* Whether a function is on the bus behind @bridge, or, without one, where the reset happens. */
static bool is_next(const struct walk *walk, const struct pci_dev *bridge, struct pci_dev *pdev)
{
	if (bridge)
		return pdev->bus->self == bridge;
	return pdev->bus == walk->bus;
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

/**
 * latch_visit_affected - visit what a reset of a function's slot or bus affects
 * @pdev: the function; its slot or bus can be reset
 * @visit: called for each function and bridge, in the order of the bus; an
 *	error ends the visits
 * @data: its second argument
 *
 * Context: may sleep; takes no lock of the bus, see visit_behind().
 * Return: 0, or what @visit returned.
 */
int latch_visit_affected(struct pci_dev *pdev, latch_visit_fn visit, void *data)
{
	const struct walk walk = {
		.bus = pdev->bus,
		.visit = visit,
		.data = data,
	};

	return visit_behind(&walk, NULL);
}

/**
 * latch_is_prepared - whether the PCI core prepares a function for a hot reset
 * @own: the function whose slot or bus is reset
 * @pdev: a function or bridge that latch_visit_affected() finds
 *
 * It prepares, and restores, what is in @own's slot, if that can be reset; others
 * would lose their state. If it cannot, but another's can, the hot-plug driver
 * would take the reset for a removal.
 */
bool latch_is_prepared(struct pci_dev *own, struct pci_dev *pdev)
{
	if (pdev->bus != own->bus)
		return true;
	return resets_slot(own) ? pdev->slot == own->slot : !resets_slot(pdev);
}

/**
 * latch_has_functions_behind - whether a bridge leads to any function
 * @bridge: the bridge
 *
 * Its reset is that of its functions, if it has any. Else it is one of the host's.
 */
bool latch_has_functions_behind(const struct pci_dev *bridge)
{
	struct pci_dev *pdev = NULL, *above;

	for_each_pci_dev(pdev) {
		if (pci_is_bridge(pdev))
			continue;
		for (above = pdev->bus->self; above; above = above->bus->self)
			if (above == bridge) {
				pci_dev_put(pdev);
				return true;
			}
	}
	return false;
}

static int count_one(struct pci_dev *pdev, void *data)
{
	unsigned int *count = data;

	(*count)++;
	return 0;
}

/**
 * latch_count_affected - how many functions and bridges a hot reset affects
 * @pdev: a function that it affects
 *
 * It may be another number at the next visit.
 */
unsigned int latch_count_affected(struct pci_dev *pdev)
{
	unsigned int count = 0;

	latch_visit_affected(pdev, count_one, &count);
	return count;
}

/**
 * latch_next_member - go through a device set
 * @set: the device set; its lock is held
 * @member: a member, or NULL for the first one
 *
 * Return: the member after @member that has not left the set, or NULL.
 */
struct vfio_latch_device *latch_next_member(struct vfio_device_set *set,
					    struct vfio_latch_device *member)
{
	lockdep_assert_held(&set->lock);

	member = list_prepare_entry(member, &set->device_list, vdev.dev_set_list);
	list_for_each_entry_continue(member, &set->device_list, vdev.dev_set_list)
		if (!member->has_left)
			return member;
	return NULL;
}

/**
 * latch_find_member - a device set's member that is a function's
 * @set: the device set; its lock is held
 * @pdev: the function
 *
 * Return: the member, or NULL if the function has another driver or none, or
 * another set.
 */
struct vfio_latch_device *latch_find_member(struct vfio_device_set *set, struct pci_dev *pdev)
{
	struct vfio_latch_device *member;

	latch_for_each_member(member, set)
		if (member->pdev == pdev)
			return member;
	return NULL;
}

/**
 * latch_leave_set - have the device set visit a device no more
 * @dev: the device, closed; in a set, unless its probe failed before that
 *
 * A character device that is being closed keeps the device, in its set, beyond
 * remove. By then the function may be gone, or another driver's.
 *
 * Context: remove, or a failing probe; waits for opens, closes and hot resets
 * of the set.
 */
void latch_leave_set(struct vfio_latch_device *dev)
{
	struct vfio_device_set *set = dev->vdev.dev_set;

	if (!set)
		return;
	mutex_lock(&set->lock);
	dev->has_left = true;
	mutex_unlock(&set->lock);
}
