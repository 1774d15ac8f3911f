// SPDX-License-Identifier: GPL-2.0-only
/*
 * VGA: the device as a client of the VGA arbiter, and the legacy regions.
 *
 * The arbiter moves the legacy ranges between VGA devices by switching their
 * decoding. It calls us back, under its own lock, from probe to remove. The
 * callback reads only the latched policy.
 */
#include <linux/aperture.h>
#include <linux/io.h>
#include <linux/pm_runtime.h>
#include <linux/vgaarb.h>

#include "core.h"

#define VGA_NORMAL	(VGA_RSRC_NORMAL_IO | VGA_RSRC_NORMAL_MEM)
#define VGA_ALL		(VGA_NORMAL | VGA_RSRC_LEGACY_MASK)

/* PCI-to-PCI Bridge Architecture 1.2, 12: the ranges that a VGA device decodes besides its BARs. */
static const struct {
	u32 start;
	u32 end;
} legacy_ranges[] = {
	{ 0x3b0, 0x3bc },	/* ports */
	{ 0x3c0, 0x3e0 },
	{ 0xa0000, 0xc0000 },	/* memory */
};

static bool is_vga(struct pci_dev *pdev)
{
	return pdev->class >> 8 == PCI_CLASS_DISPLAY_VGA;
}

/* Whether another VGA device sits behind the same topmost bridge as @pdev. */
static bool shares_bridge(struct pci_dev *pdev)
{
	struct pci_bus *top = pdev->bus;
	struct pci_dev *other = NULL;

	while (!pci_is_root_bus(top->parent))
		top = top->parent;

	while ((other = pci_get_class(PCI_CLASS_DISPLAY_VGA << 8, other))) {
		if (other == pdev || pci_domain_nr(other->bus) != pci_domain_nr(top) ||
		    other->bus->number < top->number ||
		    other->bus->number > top->busn_res.end)
			continue;
		pci_dev_put(other);
		return true;
	}
	return false;
}

/*
 * Tells the arbiter what the device decodes. A user without the legacy ranges
 * cannot reach them, so nothing needs arbitration, unless another VGA device
 * needs the bridge's forwarding: a bridge forwards the ranges for all devices
 * behind it or for none.
 */
static unsigned int vga_decodes(struct pci_dev *pdev, bool is_single)
{
	const struct vfio_latch_device *dev = pci_get_drvdata(pdev);

	if (is_single || !latch_policy_value(dev, VFIO_LATCH_DISABLE_VGA) ||
	    pci_is_root_bus(pdev->bus) || shares_bridge(pdev))
		return VGA_ALL;
	return VGA_NORMAL;
}

/**
 * latch_vga_register - become a client of the VGA arbiter
 * @dev: the device, its policy latched; it is the driver data of its function
 *
 * Does nothing for other devices than VGA. A firmware framebuffer on the device
 * is removed: its memory is the user's now.
 *
 * Context: probe.
 * Return: 0 or a negative error.
 */
int latch_vga_register(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;
	int ret;

	if (!is_vga(pdev))
		return 0;
	ret = aperture_remove_conflicting_pci_devices(pdev, dev->vdev.ops->name);
	if (ret)
		return ret;
	ret = vga_client_register(pdev, vga_decodes);
	if (ret)
		return ret;
	dev->has_vga_client = true;
	vga_set_legacy_decoding(pdev, vga_decodes(pdev, false));
	return 0;
}

/**
 * latch_vga_unregister - undo latch_vga_register()
 * @dev: the device
 *
 * The next driver finds legacy decoding on, as it is without any driver.
 *
 * Context: remove, or a failing probe.
 */
void latch_vga_unregister(struct vfio_latch_device *dev)
{
	if (!dev->has_vga_client)
		return;
	vga_client_unregister(dev->pdev);
	vga_set_legacy_decoding(dev->pdev, VGA_ALL);
	dev->has_vga_client = false;
}

/**
 * latch_vga_open - decide whether the user is given the legacy regions
 * @dev: the device
 *
 * Context: first open.
 */
void latch_vga_open(struct vfio_latch_device *dev)
{
	dev->has_vga = COMPAT_VGA && is_vga(dev->pdev) &&
		       !latch_policy_value(dev, VFIO_LATCH_DISABLE_VGA);
}

static void __iomem *map_legacy(unsigned int resource, u64 offset, size_t count)
{
	return resource == VGA_RSRC_LEGACY_IO ? ioport_map(offset, count) :
						ioremap(offset, count);
}

static void unmap_legacy(unsigned int resource, void __iomem *io)
{
	if (resource == VGA_RSRC_LEGACY_IO)
		ioport_unmap(io);
	else
		iounmap(io);
}

/**
 * latch_vga_range_end - where an access to the legacy ranges has to end
 * @dev: the device, open
 * @offset: legacy address of the first byte
 *
 * Return: the end of the range that @offset lies in, or -EINVAL.
 */
s64 latch_vga_range_end(struct vfio_latch_device *dev, u64 offset)
{
	unsigned int n;

	if (!dev->has_vga)
		return -EINVAL;
	for (n = 0; n < ARRAY_SIZE(legacy_ranges); n++)
		if (offset >= legacy_ranges[n].start && offset < legacy_ranges[n].end)
			return legacy_ranges[n].end;
	return -EINVAL;
}

/*
 * An access with the arbiter's resource held. Returns -EAGAIN if it would have to wait, or the
 * function does not decode any more.
 */
static ssize_t access_legacy(struct vfio_latch_device *dev, bool is_memory, void __iomem *io,
			     u8 *buf, size_t count, bool is_write)
{
	ssize_t ret;

	if (!down_read_trylock(&dev->access_lock))
		return -EAGAIN;
	if (!latch_decodes(dev, is_memory))
		ret = -EAGAIN;
	else if (is_write)
		ret = latch_io_write_range(dev, io, buf, count, 4);
	else
		ret = latch_io_read_range(dev, io, buf, count, 4);
	up_read(&dev->access_lock);
	return ret;
}

/*
 * The function's user may have switched decoding off, and the arbiter on again. Not while the host
 * itself makes the function decode: so with state_lock. And nothing is switched on, as another may
 * have the range.
 */
static void undo_arbiters_decoding(struct vfio_latch_device *dev)
{
	/* Of a caller that is being killed, close takes it back. */
	if (latch_state_lock_killable(dev))
		return;
	if (latch_answers(dev))
		latch_stop_decoding_unwanted(dev);
	latch_state_unlock(dev);
}

/*
 * The arbiter's resource is the whole host's, and some wait for it uninterruptibly. So nothing is
 * waited for with it held: a reset of the function may take a minute. And the arbiter switches
 * decoding on: so it is not asked for a function whose user has switched that off.
 */
static ssize_t arbitrate(struct vfio_latch_device *dev, unsigned int resource, void __iomem *io,
			 u8 *buf, size_t count, bool is_write)
{
	bool is_memory = resource == VGA_RSRC_LEGACY_MEM;
	bool is_decoding;
	ssize_t ret;
	int woken;

	do {
		woken = latch_access_begin(dev);
		if (woken < 0)
			return woken;
		is_decoding = latch_decodes(dev, is_memory);
		latch_access_end(dev, woken);
		if (!is_decoding)
			return latch_undecoded(is_memory, buf, count, is_write);
		ret = vga_get_interruptible(dev->pdev, resource);
		if (ret)
			return ret;
		ret = access_legacy(dev, is_memory, io, buf, count, is_write);
		vga_put(dev->pdev, resource);
		if (ret == -EAGAIN)
			undo_arbiters_decoding(dev);
	} while (ret == -EAGAIN && !signal_pending(current));
	return ret == -EAGAIN ? -ERESTARTSYS : ret;
}

/**
 * latch_vga_rw - read or write the VGA legacy ranges
 * @dev: the device, open
 * @buf: kernel memory
 * @count: bytes; @offset + @count lie inside one range
 * @offset: legacy address of the first byte
 * @is_write: direction
 *
 * Context: may sleep, waiting for the arbiter and the function.
 * Return: bytes done, see latch_io_read_range(); -EIO while the function does
 * not decode memory, or is away; -ERESTARTSYS when interrupted, -ENOMEM, or an
 * error of latch_access_begin().
 */
ssize_t latch_vga_rw(struct vfio_latch_device *dev, u8 *buf, size_t count, u64 offset,
		     bool is_write)
{
	unsigned int resource = offset < SZ_64K ? VGA_RSRC_LEGACY_IO : VGA_RSRC_LEGACY_MEM;
	void __iomem *io;
	ssize_t ret;

	/* To wake a function amid its reset is to touch it. */
	ret = latch_await(dev);
	if (ret)
		return ret;
	io = map_legacy(resource, offset, count);
	if (!io)
		return -ENOMEM;
	/* The arbiter writes COMMAND, so the device must be awake before. */
	ret = pm_runtime_resume_and_get(&dev->pdev->dev);
	if (!ret) {
		ret = arbitrate(dev, resource, io, buf, count, is_write);
		pm_runtime_put(&dev->pdev->dev);
	}
	unmap_legacy(resource, io);
	return ret;
}
