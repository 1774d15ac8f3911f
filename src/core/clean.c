// SPDX-License-Identifier: GPL-2.0-only
/*
 * The clean mark: this function is as our own reset at the last close left it.
 * An open that finds it needs no second reset, which costs 100 ms.
 *
 * The mark goes through three states. latch_clean_begin() sets PENDING before
 * the reset at close, latch_clean_commit() turns PENDING into CLEAN after it.
 * Everything that may touch the function clears the mark, at any time. An error
 * that arrives during the reset is not forgotten, since the commit then finds
 * no PENDING.
 *
 * What clears it: an open; AER; a reset or bus reset that was not the close's
 * own (sysfs, a hot reset of a neighbour); system sleep; remove; a wakeup other
 * than an open's, since an access follows it; a user of a function that can
 * reach this one.
 * What keeps it from being set: a reset that failed; BARs that somebody else
 * holds, since then somebody else may write them; GPUs and bridges, which tools
 * look at between users. The VGA arbiter also switches a VGA device's decoding.
 * Memory decoding that cannot be switched off, as a VF's: VFIO's type 1
 * containers give a BAR to the DMA of their other devices, for as long as they
 * exist, whoever has the function then, and whichever driver.
 * What an open checks besides: what capabilities describe of configuration space
 * reads as it did after the reset, but for status bits (writes through sysfs
 * leave no other trace). The last user's layout is kept until then, for its
 * status masks.
 * Memory decoding is off meanwhile. BARs are out of reach because we hold them,
 * as long as there is a mark. docs/reset.md tells it to users.
 */
#include <linux/crc32.h>
#include <linux/list.h>
#include <linux/mutex.h>

#include "core.h"

enum { DIRTY, PENDING, CLEAN };

/* All devices, and which of them are open; taken outside of their bar_locks. */
static DEFINE_MUTEX(devices_lock);
static LIST_HEAD(devices);

/* The next run of described bytes that one access can read: its first byte and width, or 0. */
static unsigned int next_run(u8 described, unsigned int *first)
{
	while (*first < 4 && !(described & BIT(*first)))
		++*first;
	if (*first == 4)
		return 0;
	if (!*first && described == 0xf)
		return 4;
	return !(*first & 1) && described & BIT(*first + 1) ? 2 : 1;
}

/*
 * Everything that does not change while nobody touches the function: what the
 * header and its capabilities describe, but for status bits. The device's own
 * registers are left alone: reading one may have any effect, and they change by
 * themselves.
 */
static u32 fingerprint(struct vfio_latch_device *dev)
{
	u32 sum = ~0U;
	unsigned int at;

	for (at = 0; at < dev->config->size; at += 4) {
		const struct latch_dword *dword = latch_config_dword(dev->config, at);
		unsigned int first = 0;
		unsigned int width;

		cond_resched();
		while ((width = next_run(dword->described, &first))) {
			u32 value = latch_config_hardware_read(dev->pdev, at + first, width);

			value &= ~(dword->status >> first * 8);
			sum = crc32(sum, &value, sizeof(value));
			first += width;
		}
	}
	return sum;
}

/*
 * Whether a user of one function may affect the other: DMA within an IOMMU
 * group, the registers of another function of the same device, a VF's of its PF.
 * (VFs never have the mark, so it does not matter what one does to another.)
 */
static bool can_reach(struct vfio_latch_device *a, struct vfio_latch_device *b)
{
	struct iommu_group *group = a->pdev->dev.iommu_group;
	struct pci_dev *pf_a = a->physfn;
	struct pci_dev *pf_b = b->physfn;

	if (group && group == b->pdev->dev.iommu_group)
		return true;
	return pf_a->bus == pf_b->bus && (pci_ari_enabled(pf_a->bus) ||
					  PCI_SLOT(pf_a->devfn) == PCI_SLOT(pf_b->devfn));
}

/* GPUs, and devices that belong to them: NVSwitches say that they are bridges. */
static bool is_looked_at_between_users(struct pci_dev *pdev)
{
	return pdev->class >> 16 == PCI_BASE_CLASS_DISPLAY ||
	       pdev->class >> 16 == PCI_BASE_CLASS_BRIDGE;
}

/* A closed function without the mark holds nothing. */
static void settle_bars(struct vfio_latch_device *dev)
{
	mutex_lock(&dev->bar_lock);
	if (!dev->is_open && atomic_read(&dev->clean) != CLEAN)
		latch_bars_drop(dev);
	mutex_unlock(&dev->bar_lock);
}

/**
 * latch_clean_register - make a device known to those that can reach it
 * @dev: the device
 *
 * Context: probe.
 */
void latch_clean_register(struct vfio_latch_device *dev)
{
	mutex_lock(&devices_lock);
	list_add_tail(&dev->clean_node, &devices);
	mutex_unlock(&devices_lock);
}

/**
 * latch_clean_unregister - undo latch_clean_register()
 * @dev: the device, closed
 *
 * Context: remove, or a failing probe.
 */
void latch_clean_unregister(struct vfio_latch_device *dev)
{
	mutex_lock(&devices_lock);
	list_del(&dev->clean_node);
	mutex_unlock(&devices_lock);
	latch_clean_clear(dev);
}

/**
 * latch_clean_clear - the function may have been touched
 * @dev: the device
 *
 * Context: process; takes bar_lock.
 */
void latch_clean_clear(struct vfio_latch_device *dev)
{
	if (atomic_xchg(&dev->clean, DIRTY) == CLEAN)
		settle_bars(dev);
}

/**
 * latch_clean_woken - the function was woken up
 * @dev: the device
 *
 * Context: runtime resume.
 */
void latch_clean_woken(struct vfio_latch_device *dev)
{
	if (!READ_ONCE(dev->is_open))
		latch_clean_clear(dev);
}

static void set_open(struct vfio_latch_device *dev, bool is_open)
{
	lockdep_assert_held(&devices_lock);

	mutex_lock(&dev->bar_lock);
	WRITE_ONCE(dev->is_open, is_open);
	mutex_unlock(&dev->bar_lock);
}

/**
 * latch_clean_open - a user gets the function
 * @dev: the device
 *
 * Context: first open, before the function is woken up.
 */
void latch_clean_open(struct vfio_latch_device *dev)
{
	mutex_lock(&devices_lock);
	set_open(dev, true);
	mutex_unlock(&devices_lock);
}

/**
 * latch_clean_close - the user gives the function back
 * @dev: the device
 *
 * The functions that it could reach are no longer as their own last close left
 * them.
 *
 * Context: last close, after the reset; or a failing open.
 */
void latch_clean_close(struct vfio_latch_device *dev)
{
	struct vfio_latch_device *other;

	mutex_lock(&devices_lock);
	list_for_each_entry(other, &devices, clean_node)
		if (other != dev && can_reach(dev, other))
			latch_clean_clear(other);
	set_open(dev, false);
	mutex_unlock(&devices_lock);
	settle_bars(dev);
}

/**
 * latch_clean_begin - a reset at close begins
 * @dev: the device
 */
void latch_clean_begin(struct vfio_latch_device *dev)
{
	bool is_ours = !is_looked_at_between_users(dev->pdev) && !dev->always_decodes &&
		       latch_bars_hold(dev);

	atomic_set(&dev->clean, is_ours ? PENDING : DIRTY);
}

/**
 * latch_clean_commit - the reset at close succeeded
 * @dev: the device, awake, in its final state; its layout still compiled
 */
void latch_clean_commit(struct vfio_latch_device *dev)
{
	if (atomic_read(&dev->clean) != PENDING)
		return;
	dev->clean_fingerprint = fingerprint(dev);
	atomic_cmpxchg(&dev->clean, PENDING, CLEAN);
}

static bool is_in_reach_of_a_user(struct vfio_latch_device *dev)
{
	struct vfio_latch_device *other;
	bool found = false;

	mutex_lock(&devices_lock);
	list_for_each_entry(other, &devices, clean_node)
		found |= other != dev && other->is_open && can_reach(dev, other);
	mutex_unlock(&devices_lock);
	return found;
}

/**
 * latch_clean_take - ask for the mark, and clear it
 * @dev: the device, awake, as it was found; its layout compiled
 *
 * Return: whether the function is as the last close left it.
 */
bool latch_clean_take(struct vfio_latch_device *dev)
{
	if (atomic_xchg(&dev->clean, DIRTY) == CLEAN)
		return !is_in_reach_of_a_user(dev) &&
		       dev->clean_fingerprint == fingerprint(dev);
	return false;
}
