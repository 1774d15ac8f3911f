// SPDX-License-Identifier: GPL-2.0-only
/*
 * The clean mark: this function is as our own reset at the last close left it.
 * An open that finds it needs no second reset, which costs 100 ms.
 *
 * The mark goes through three states. latch_clean_begin() sets PENDING before
 * the reset at close, latch_clean_commit() turns PENDING into CLEAN after it.
 * Whatever may touch the function clears the mark, at any time and from any
 * context: so an error that arrives during the reset is not forgotten, since
 * the commit then finds no PENDING.
 *
 * What clears it: an open; AER; a reset or bus reset that was not the close's
 * own (sysfs, a hot reset of a neighbour); system sleep; remove.
 * What keeps it from being set: a reset that failed; BARs that somebody else
 * holds, since then somebody else may write them; a VGA device, whose decoding
 * is the arbiter's to switch.
 * What an open checks besides: configuration space reads as it did after the
 * reset, but for status bits (writes through sysfs leave no other trace). The
 * last user's rules are kept until then, for their status masks.
 * Memory decoding is off meanwhile, but for VFs, which cannot; their BARs are
 * out of reach because we hold them. docs/reset.md tells it to users.
 */
#include <linux/crc32.h>

#include "core.h"

enum { DIRTY, PENDING, CLEAN };

/* Everything that stays as it is while nobody touches the function. */
static u32 fingerprint(struct vfio_latch_device *dev)
{
	u32 sum = ~0U;
	unsigned int at;

	for (at = 0; at < dev->config->size; at += 4) {
		u32 dword;

		pci_read_config_dword(dev->pdev, at, &dword);
		dword &= ~latch_config_dword(dev->config, at)->status;
		sum = crc32(sum, &dword, sizeof(dword));
	}
	return sum;
}

/**
 * latch_clean_clear - the function may have been touched
 * @dev: the device
 *
 * Context: any.
 */
void latch_clean_clear(struct vfio_latch_device *dev)
{
	atomic_set(&dev->clean, DIRTY);
}

/**
 * latch_clean_begin - a reset at close begins
 * @dev: the device
 */
void latch_clean_begin(struct vfio_latch_device *dev)
{
	bool is_ours = latch_bars_all_held(dev) && !dev->has_vga_client;

	atomic_set(&dev->clean, is_ours ? PENDING : DIRTY);
}

/**
 * latch_clean_commit - the reset at close succeeded
 * @dev: the device, awake, in the state it is left in; its rules still compiled
 */
void latch_clean_commit(struct vfio_latch_device *dev)
{
	dev->clean_fingerprint = fingerprint(dev);
	atomic_cmpxchg(&dev->clean, PENDING, CLEAN);
}

/**
 * latch_clean_take - ask for the mark, and clear it
 * @dev: the device, awake, as it was found; its rules compiled
 *
 * Return: whether the function is as the last close left it.
 */
bool latch_clean_take(struct vfio_latch_device *dev)
{
	if (atomic_xchg(&dev->clean, DIRTY) == CLEAN)
		return dev->clean_fingerprint == fingerprint(dev);
	return false;
}
