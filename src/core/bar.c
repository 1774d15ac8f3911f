// SPDX-License-Identifier: GPL-2.0-only
/*
 * BARs: their resources, held from first use to close, and their registers,
 * mapped at the first read or write and unmapped at close.
 *
 * A function with the clean mark (clean.c) keeps all its resources until it
 * loses the mark or is opened. That keeps others from writing its registers
 * behind our back, through sysfs or /dev/mem. Any other closed function is free
 * for everybody.
 */
#include <linux/io.h>

#include "core.h"

static bool is_memory(struct vfio_latch_device *dev, unsigned int bar)
{
	return pci_resource_flags(dev->pdev, bar) & IORESOURCE_MEM;
}

/* Bits of a BAR's register that are not the address. */
static u32 kind_mask(const struct resource *res)
{
	return res->flags & IORESOURCE_IO ? (u32)~PCI_BASE_ADDRESS_IO_MASK :
					    (u32)~PCI_BASE_ADDRESS_MEM_MASK;
}

/* Whether the register has these bits, those in @mask apart. @repair writes them if not. */
static bool holds_address(struct pci_dev *pdev, unsigned int at, u32 address, u32 mask, bool repair)
{
	u32 now;

	pci_read_config_dword(pdev, at, &now);
	if (!((now ^ address) & ~mask))
		return true;
	if (repair)
		pci_write_config_dword(pdev, at, (address & ~mask) | (now & mask));
	return false;
}

/* Whether the function's BARs have the addresses that the host gave them. @repair restores them. */
static bool check_bars(struct pci_dev *pdev, bool repair)
{
	bool are_right = true;
	unsigned int n;

	/* A VF's BARs are in its PF; on s390 a resource is not what the register has. */
	if (pdev->is_virtfn || IS_ENABLED(CONFIG_S390))
		return true;
	for (n = 0; n < PCI_STD_NUM_BARS; n++) {
		struct resource *res = &pdev->resource[n];
		u32 at = PCI_BASE_ADDRESS_0 + n * 4;
		struct pci_bus_region region;

		/* Fixed BARs (legacy IDE, Enhanced Allocation) have no register either. */
		if (!res->parent || res->flags & (IORESOURCE_UNSET | IORESOURCE_PCI_FIXED))
			continue;
		pcibios_resource_to_bus(pdev->bus, &region, res);
		are_right &= holds_address(pdev, at, lower_32_bits(region.start), kind_mask(res),
					 repair);
		if (res->flags & IORESOURCE_MEM_64)
			are_right &= holds_address(pdev, at + 4, upper_32_bits(region.start), 0,
						 repair);
	}
	return are_right;
}

/**
 * latch_bars_are_lost - whether the function has lost the addresses of its BARs
 * @pdev: the function, awake and answering
 */
bool latch_bars_are_lost(struct pci_dev *pdev)
{
	return !check_bars(pdev, false);
}

/**
 * latch_bars_restore - restore the addresses of BARs that are lost
 * @pdev: the function, awake and answering
 *
 * Also for a device that its user has reset through a register of its own.
 */
void latch_bars_restore(struct pci_dev *pdev)
{
	check_bars(pdev, true);
}

/**
 * latch_bars_decode_bits - the bits of COMMAND that make the function decode its BARs
 * @pdev: the function
 *
 * Return: PCI_COMMAND_IO if it has BARs of that kind and all have addresses, and
 * PCI_COMMAND_MEMORY likewise.
 */
u16 latch_bars_decode_bits(const struct pci_dev *pdev)
{
	u16 bits = 0, unassigned = 0;
	unsigned int n;

	for (n = 0; n < PCI_STD_NUM_BARS; n++) {
		const struct resource *res = &pdev->resource[n];
		u16 bit = res->flags & IORESOURCE_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;

		if (!(res->flags & (IORESOURCE_IO | IORESOURCE_MEM)))
			continue;
		bits |= bit;
		if (res->flags & IORESOURCE_UNSET || !res->parent)
			unassigned |= bit;
	}
	return bits & ~unassigned;
}

/*
 * A memory BAR that ends within a page can be mapped only if nothing else can ever be in the rest
 * of it. So that is requested, too. One that begins within a page (Enhanced Allocation may place it
 * there) cannot be mapped at all.
 */
static int hold_padding(struct vfio_latch_device *dev, unsigned int bar)
{
	struct resource *padding = &dev->bars[bar].padding;
	struct resource *res = &dev->pdev->resource[bar];

	if (!PAGE_ALIGNED(res->start))
		return -EBUSY;
	if (PAGE_ALIGNED(res->end + 1))
		return 0;
	*padding = (struct resource) {
		.name = "vfio-latch padding",
		.start = res->end + 1,
		.end = ALIGN(res->end + 1, PAGE_SIZE) - 1,
		.flags = res->flags,
	};
	return request_resource(res->parent, padding);
}

static void drop_padding(struct latch_bar *bar)
{
	if (bar->padding.parent)
		release_resource(&bar->padding);
}

static bool hold_for_mmap(struct vfio_latch_device *dev, unsigned int bar)
{
	return is_memory(dev, bar) && !hold_padding(dev, bar);
}

static struct resource *space_of(struct vfio_latch_device *dev, unsigned int bar)
{
	return is_memory(dev, bar) ? &iomem_resource : &ioport_resource;
}

/* Not pci_request_region(): that logs each refusal, and a user may ask again and again. */
static int hold_registers(struct vfio_latch_device *dev, unsigned int bar)
{
	return __request_region(space_of(dev, bar), pci_resource_start(dev->pdev, bar),
				latch_bar_size(dev, bar), dev->vdev.ops->name,
				IORESOURCE_EXCLUSIVE) ? 0 : -EBUSY;
}

static void drop_registers(struct vfio_latch_device *dev, unsigned int bar)
{
	__release_region(space_of(dev, bar), pci_resource_start(dev->pdev, bar),
			 latch_bar_size(dev, bar));
}

/**
 * latch_bar_request - request a BAR's resource, unless it is held already
 * @dev: the device
 * @bar: 0 to 5
 *
 * Context: may sleep.
 * Return: 0, -EBUSY if somebody else has it, or -ENXIO if it has no address.
 */
int latch_bar_request(struct vfio_latch_device *dev, unsigned int bar)
{
	int ret = 0;

	mutex_lock(&dev->bar_lock);
	if (dev->bars[bar].is_held)
		goto unlock;
	ret = -ENXIO;
	if (!dev->pdev->resource[bar].parent)
		goto unlock;
	ret = hold_registers(dev, bar);
	if (!ret) {
		dev->bars[bar].can_mmap = hold_for_mmap(dev, bar);
		/* Pairs with the acquire in latch_bar_hold(). */
		smp_store_release(&dev->bars[bar].is_held, true);
	}
unlock:
	mutex_unlock(&dev->bar_lock);
	return ret;
}

/**
 * latch_bars_open - look again at which BARs can be mapped
 * @dev: the device, whose user has no file yet
 *
 * A clean function has kept its BARs. Somebody else may have had the rest of a
 * page when they were requested.
 *
 * Context: first open.
 */
void latch_bars_open(struct vfio_latch_device *dev)
{
	unsigned int bar;

	mutex_lock(&dev->bar_lock);
	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++)
		if (dev->bars[bar].is_held && !dev->bars[bar].can_mmap)
			dev->bars[bar].can_mmap = hold_for_mmap(dev, bar);
	mutex_unlock(&dev->bar_lock);
}

/**
 * latch_bars_hold - request the resources of all BARs
 * @dev: the device
 *
 * Context: last close, before the reset.
 * Return: true if nobody else can write the function's registers from now on.
 */
bool latch_bars_hold(struct vfio_latch_device *dev)
{
	unsigned int bar;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++)
		if (latch_bar_size(dev, bar) && latch_bar_hold(dev, bar))
			return false;
	return true;
}

/**
 * latch_bars_drop - release the resources of all BARs
 * @dev: the device, closed; bar_lock is held
 */
void latch_bars_drop(struct vfio_latch_device *dev)
{
	unsigned int bar;

	lockdep_assert_held(&dev->bar_lock);

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++) {
		if (!dev->bars[bar].is_held)
			continue;
		drop_padding(&dev->bars[bar]);
		drop_registers(dev, bar);
		dev->bars[bar].is_held = false;
	}
}

/**
 * latch_bar_map - map a BAR's registers for the host
 * @dev: the device, open
 * @bar: 0 to 5
 *
 * Context: may sleep.
 * Return: the mapping, which lives until close, or an ERR_PTR(): -EINVAL
 * without such a BAR, -EBUSY if somebody else has it, -ENOMEM.
 */
void __iomem *latch_bar_map(struct vfio_latch_device *dev, unsigned int bar)
{
	/* Pairs with the release below: a mapping that is seen is complete. */
	void __iomem *io = smp_load_acquire(&dev->bars[bar].io);
	int ret;

	if (likely(io))
		return io;
	if (!latch_bar_size(dev, bar))
		return IOMEM_ERR_PTR(-EINVAL);
	ret = latch_bar_hold(dev, bar);
	if (ret) {
		pci_info_ratelimited(dev->pdev, "BAR %u cannot be requested: %pe\n", bar,
				     ERR_PTR(ret));
		return IOMEM_ERR_PTR(ret);
	}

	mutex_lock(&dev->bar_lock);
	if (!dev->bars[bar].io)
		/* Pairs with the acquire above. */
		smp_store_release(&dev->bars[bar].io, pci_iomap(dev->pdev, bar, 0));
	io = dev->bars[bar].io;
	mutex_unlock(&dev->bar_lock);
	return io ?: IOMEM_ERR_PTR(-ENOMEM);
}

/**
 * latch_bars_unmap - unmap what latch_bar_map() mapped
 * @dev: the device
 *
 * Context: last close.
 */
void latch_bars_unmap(struct vfio_latch_device *dev)
{
	unsigned int bar;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++) {
		if (dev->bars[bar].io)
			pci_iounmap(dev->pdev, dev->bars[bar].io);
		dev->bars[bar].io = NULL;
	}
}

/*
 * The MSI-X table is the host's: reads of it are all ones, writes are dropped.
 * Cuts an access at the table's borders. Returns whether the part before the
 * cut is the table.
 */
static bool cut_at_msix_table(struct vfio_latch_device *dev, unsigned int bar, u64 offset,
			      size_t *count)
{
	u64 start = dev->msix_offset;
	u64 end = start + dev->msix_size;

	if (bar != dev->msix_bar || !dev->msix_size || offset >= end)
		return false;
	if (offset >= start) {
		*count = min_t(u64, *count, end - offset);
		return true;
	}
	*count = min_t(u64, *count, start - offset);
	return false;
}

/* Under access_lock, while the function answers. Returns bytes done, see latch_io_read_range(). */
static size_t access_bar(struct vfio_latch_device *dev, unsigned int bar, void __iomem *io,
			 u8 *buf, size_t count, u64 offset, bool is_write)
{
	unsigned int max_width = is_memory(dev, bar) ? sizeof(long) : 4;
	size_t done = 0;

	while (done < count) {
		size_t part = count - done;
		size_t part_done;

		if (cut_at_msix_table(dev, bar, offset + done, &part)) {
			if (!is_write)
				memset(buf + done, 0xff, part);
			part_done = part;
		} else if (is_write) {
			part_done = latch_io_write_range(dev, io + offset + done, buf + done, part,
							 max_width);
		} else {
			part_done = latch_io_read_range(dev, io + offset + done, buf + done, part,
							max_width);
		}
		done += part_done;
		if (part_done < part)
			break;
	}
	return done;
}

/**
 * latch_bar_rw - read or write registers of a BAR
 * @dev: the device, open
 * @bar: 0 to 5
 * @buf: kernel memory, little-endian
 * @count: bytes, not 0; @offset + @count lie inside the BAR
 * @offset: of the first byte
 * @is_write: direction
 *
 * Context: may sleep; takes access_lock.
 * Return: bytes done, see latch_io_read_range(); -EIO while the function does
 * not decode memory, or is away; or an error of latch_bar_map() or
 * latch_access_begin().
 */
ssize_t latch_bar_rw(struct vfio_latch_device *dev, unsigned int bar, u8 *buf, size_t count,
		     u64 offset, bool is_write)
{
	void __iomem *io = latch_bar_map(dev, bar);
	ssize_t ret;
	int woken;

	if (IS_ERR(io))
		return PTR_ERR(io);
	woken = latch_access_begin(dev);
	if (woken < 0)
		return woken;
	if (latch_decodes(dev, is_memory(dev, bar)))
		ret = access_bar(dev, bar, io, buf, count, offset, is_write);
	else
		ret = latch_undecoded(is_memory(dev, bar), buf, count, is_write);
	latch_access_end(dev, woken);
	return ret;
}
