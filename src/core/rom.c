// SPDX-License-Identifier: GPL-2.0-only
/* The expansion ROM, or the copy of it that firmware left in memory. */
#include <linux/io.h>

#include "core.h"

/*
 * Mapping the ROM switches its decoder on; it may share one with a BAR, so no
 * one else may touch the function's memory meanwhile.
 */
static void __iomem *map_rom(struct vfio_latch_device *dev, u16 *command, size_t *size)
{
	down_write(&dev->access_lock);
	*command = latch_decode_force(dev);
	return pci_map_rom(dev->pdev, size);
}

static void unmap_rom(struct vfio_latch_device *dev, u16 command, void __iomem *rom)
{
	if (rom)
		pci_unmap_rom(dev->pdev, rom);
	latch_decode_restore(dev, command);
	up_write(&dev->access_lock);
}

/**
 * latch_rom_region_size - size of the ROM region, whether the ROM can be read or not
 * @dev: the device
 *
 * Return: bytes, 0 if the function has no ROM.
 */
u64 latch_rom_region_size(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;
	u64 size = pci_resource_len(pdev, PCI_ROM_RESOURCE);

	if (!size && (pdev->rom || pci_resource_flags(pdev, PCI_ROM_RESOURCE) &
				   IORESOURCE_ROM_SHADOW))
		size = SZ_128K;
	return size;
}

/**
 * latch_rom_size - size of the ROM region
 * @dev: the device, open
 *
 * Context: may sleep; takes access_lock for writing.
 * Return: bytes, 0 if there is no ROM that can be read.
 */
u64 latch_rom_size(struct vfio_latch_device *dev)
{
	u64 region_size = latch_rom_region_size(dev);
	void __iomem *rom;
	size_t size;
	u16 command;

	if (!region_size)
		return 0;
	rom = map_rom(dev, &command, &size);
	unmap_rom(dev, command, rom);
	return rom ? region_size : 0;
}

/**
 * latch_rom_read - read the ROM
 * @dev: the device, open
 * @buf: filled
 * @count: bytes
 * @offset: of the first byte
 *
 * What the region has beyond the image reads as all ones.
 *
 * Context: may sleep; takes access_lock for writing.
 * Return: 0 or a negative error: -EIO if the ROM cannot be mapped.
 */
int latch_rom_read(struct vfio_latch_device *dev, u8 *buf, size_t count, u64 offset)
{
	void __iomem *rom;
	size_t size = 0;
	size_t part = 0;
	u16 command;

	rom = map_rom(dev, &command, &size);
	if (rom && offset < size) {
		part = min_t(u64, count, size - offset);
		latch_io_read_range(rom + offset, buf, part, 4);
	}
	unmap_rom(dev, command, rom);
	memset(buf + part, 0xff, count - part);
	return rom ? 0 : -EIO;
}
