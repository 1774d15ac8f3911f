// SPDX-License-Identifier: GPL-2.0-only
/* The expansion ROM, or the copy of it that firmware left in memory. */
#include <linux/io.h>
#include <linux/pm_runtime.h>

#include "core.h"

/* Bytes under one hold of state_lock: it cannot tell whether others wait for it. */
#define ROM_AT_ONCE	SZ_1K

/* PCI Firmware 3.3, 5.1: an image's header, and the data structure that it points to. */
#define IMAGE_UNIT		512
#define HEADER_SIGNATURE	0xaa55
#define HEADER_DATA		0x18
#define HEADER_SIZE		0x1a
#define DATA_SIGNATURE		0x52494350	/* "PCIR" */
#define DATA_LENGTH		0x10
#define DATA_INDICATOR		0x15
#define DATA_SIZE		0x18
#define INDICATOR_LAST		BIT(7)

/* An image for each kind of firmware: a handful. */
#define IMAGES_MAX		32

/*
 * A ROM BAR without an address gets none for a user: the PCI core would try to assign one at each
 * mapping, and would log that. A fixed address needs no assignment.
 */
static bool has_address(struct vfio_latch_device *dev)
{
	const struct resource *res = &dev->pdev->resource[PCI_ROM_RESOURCE];

	return res->parent || res->flags & IORESOURCE_PCI_FIXED;
}

/*
 * Returns the bytes of the images in a ROM, 0 if it does not begin with one. The device may be
 * malicious: nothing beyond @size is read, and the number of images is bounded.
 */
static size_t images_size(void __iomem *rom, size_t size)
{
	size_t end = 0;
	unsigned int n;

	for (n = 0; n < IMAGES_MAX && end + HEADER_SIZE <= size; n++) {
		void __iomem *header = rom + end;
		size_t at, length;

		if (ioread16(header) != HEADER_SIGNATURE)
			break;
		at = ioread16(header + HEADER_DATA);
		if (at % 4 || end + at + DATA_SIZE > size ||
		    ioread32(header + at) != DATA_SIGNATURE)
			break;
		length = ioread16(header + at + DATA_LENGTH) * IMAGE_UNIT;
		end += length;
		if (!length || ioread8(header + at + DATA_INDICATOR) & INDICATOR_LAST)
			break;
	}
	return min(end, size);
}

static void disable_rom(struct pci_dev *pdev)
{
	/* Otherwise it was on before. */
	if (!(pci_resource_flags(pdev, PCI_ROM_RESOURCE) & IORESOURCE_ROM_ENABLE))
		pci_disable_rom(pdev);
}

/*
 * Not pci_map_rom(), which logs each time what it misses in the ROM, and follows as many images as
 * the device likes.
 */
static void __iomem *map_images(struct pci_dev *pdev, size_t *size)
{
	size_t rom_size = pci_resource_len(pdev, PCI_ROM_RESOURCE);
	void __iomem *rom;

	if (!rom_size || pci_enable_rom(pdev))
		return NULL;
	rom = ioremap(pci_resource_start(pdev, PCI_ROM_RESOURCE), rom_size);
	*size = rom ? images_size(rom, rom_size) : 0;
	if (*size)
		return rom;
	if (rom)
		iounmap(rom);
	disable_rom(pdev);
	return NULL;
}

/*
 * Mapping the ROM switches its decoder on. A BAR may share that decoder, so
 * nobody else may touch the function's memory meanwhile.
 */
static void __iomem *map_rom(struct vfio_latch_device *dev, pci_power_t *state, size_t *size)
{
	bool is_there = latch_host_access_begin(dev, state);

	latch_access_lock(dev);
	return is_there && has_address(dev) ? map_images(dev->pdev, size) : NULL;
}

static void unmap_rom(struct vfio_latch_device *dev, pci_power_t state, void __iomem *rom)
{
	if (rom) {
		iounmap(rom);
		disable_rom(dev->pdev);
	}
	latch_access_unlock(dev);
	latch_host_access_end(dev, state);
}

/**
 * latch_rom_region_size - size of the ROM region, readable or not
 * @dev: the device
 *
 * Return: bytes, 0 if the function has no ROM.
 */
u64 latch_rom_region_size(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;
	u64 size = pci_resource_len(pdev, PCI_ROM_RESOURCE);

	if (!size && pci_resource_flags(pdev, PCI_ROM_RESOURCE) & IORESOURCE_ROM_SHADOW)
		size = SZ_128K;
	return size;
}

/**
 * latch_rom_size - size of the ROM region
 * @dev: the device, open and awake
 *
 * Context: may sleep; takes reset_lock and state_lock.
 * Return: bytes, 0 if there is no ROM that can be read, or the caller is being
 * killed.
 */
u64 latch_rom_size(struct vfio_latch_device *dev)
{
	u64 region_size = latch_rom_region_size(dev);
	void __iomem *rom;
	pci_power_t state;
	size_t size;

	/* It may have to be brought to D0 and back. */
	if (!region_size || mutex_lock_killable(&dev->reset_lock))
		return 0;
	rom = map_rom(dev, &state, &size);
	unmap_rom(dev, state, rom);
	mutex_unlock(&dev->reset_lock);
	return rom ? region_size : 0;
}

/**
 * latch_rom_read - read the ROM
 * @dev: the device, open
 * @buf: filled
 * @count: bytes, not 0
 * @offset: of the first byte
 *
 * The region beyond the images reads as all ones. A device in low power is
 * woken.
 *
 * Context: may sleep; takes reset_lock and state_lock.
 * Return: bytes read, fewer than @count to let others in; or a negative error:
 * -EIO if the ROM cannot be mapped, or the user has the function in another
 * state than D0; -EINTR if the caller is being killed.
 */
ssize_t latch_rom_read(struct vfio_latch_device *dev, u8 *buf, size_t count, u64 offset)
{
	pci_power_t state;
	void __iomem *rom;
	size_t size = 0;
	size_t part = 0;
	size_t done = 0;
	ssize_t ret;

	ret = pm_runtime_resume_and_get(&dev->pdev->dev);
	if (ret)
		return ret;
	ret = -EIO;
	if (READ_ONCE(dev->pdev->current_state) != PCI_D0)
		goto put;
	ret = -EINTR;
	if (mutex_lock_killable(&dev->reset_lock))
		goto put;

	ret = -EIO;
	count = min_t(size_t, count, ROM_AT_ONCE);
	rom = map_rom(dev, &state, &size);
	if (rom && offset < size) {
		part = min_t(u64, count, size - offset);
		done = latch_io_read_range(dev, rom + offset, buf, part, 4);
	}
	unmap_rom(dev, state, rom);
	mutex_unlock(&dev->reset_lock);
	if (rom && done == part) {
		memset(buf + part, 0xff, count - part);
		ret = count;
	} else if (rom) {
		ret = done;
	}
put:
	pm_runtime_put(&dev->pdev->dev);
	return ret;
}
