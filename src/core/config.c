// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration space at run time: reads and writes through the compiled layout.
 *
 * Readers take no lock for what the shadow answers, and access_lock for what
 * the hardware answers. Writers hold config_lock, so that shadow and hardware
 * change in the same order.
 */
#include "core.h"

static u32 compile_read(void *context, unsigned int offset)
{
	/* A slow function may take milliseconds for each. */
	cond_resched();
	return latch_config_hardware_read(context, offset, 4);
}

static void describe_bars(struct vfio_latch_device *dev, struct latch_config_source *source)
{
	struct pci_dev *pdev = dev->pdev;
	unsigned int n;

	for (n = 0; n < LATCH_NR_BARS; n++) {
		unsigned long flags = pci_resource_flags(pdev, n);

		source->bar[n] = pci_resource_len(pdev, n);
		if (!source->bar[n])
			continue;
		if (flags & IORESOURCE_IO)
			source->bar_flags[n] = PCI_BASE_ADDRESS_SPACE_IO;
		else if (n != LATCH_BAR_ROM)
			source->bar_flags[n] =
				(flags & IORESOURCE_MEM_64 ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0) |
				(flags & IORESOURCE_PREFETCH ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0);
	}
	/* A ROM that firmware copied to memory shows as a BAR of the legacy size. */
	if (pci_resource_flags(pdev, PCI_ROM_RESOURCE) & IORESOURCE_ROM_SHADOW)
		source->bar[LATCH_BAR_ROM] = SZ_128K;
}

/**
 * latch_config_open - compile the layout of a device's configuration space
 * @dev: the device, awake and enabled
 *
 * Context: first open.
 * Return: 0 or a negative error.
 */
int latch_config_open(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;
	struct latch_config_source source = {
		.read = compile_read,
		.context = pdev,
		/* Some functions hang the bus beyond the size that a kernel quirk sets here. */
		.size = pdev->cfg_size & ~3,
		.vendor = pdev->vendor,
		.device = pdev->device,
		.base_class = pdev->class >> 16,
		.no_command_memory = pdev->no_command_memory,
		.hide_intx = dev->hide_intx,
	};
	struct latch_config *config;

	describe_bars(dev, &source);
	config = latch_config_compile(&source);
	if (IS_ERR(config))
		return PTR_ERR(config);
	dev->config = config;
	return 0;
}

/**
 * latch_config_close - free the layout of a device's configuration space
 * @dev: the device
 *
 * Context: last close.
 */
void latch_config_close(struct vfio_latch_device *dev)
{
	latch_config_free(dev->config);
	dev->config = NULL;
}

/**
 * latch_config_read - read configuration space as the user sees it
 * @dev: the device
 * @buf: filled, little-endian
 * @count: bytes; @offset + @count lie inside the space
 * @offset: of the first byte
 *
 * Return: 0 or a negative error.
 */
int latch_config_read(struct vfio_latch_device *dev, u8 *buf, size_t count, u64 offset)
{
	bool is_begun = false;
	int woken = 0;

	while (count) {
		const struct latch_dword *dword = latch_config_dword(dev->config, offset);
		unsigned int width = latch_access_width(offset, count);
		unsigned int shift = offset % 4 * 8;
		u32 mask = latch_config_mask(offset, width);
		/* Pairs with write_vpd(): its flag, then its data. */
		u32 value = smp_load_acquire(&dword->shadow) & dword->virt;

		if (mask & ~dword->virt) {
			if (!is_begun) {
				woken = latch_access_begin(dev);
				if (woken < 0)
					return woken;
				is_begun = true;
			}
			value |= latch_config_hardware_read(dev->pdev, offset, width) << shift &
				 ~dword->virt;
		}
		value >>= shift;

		if (width == 4)
			put_unaligned_le32(value, buf);
		else if (width == 2)
			put_unaligned_le16(value, buf);
		else
			*buf = value;
		buf += width;
		offset += width;
		count -= width;
	}
	if (is_begun)
		latch_access_end(dev, woken);
	return 0;
}

/**
 * latch_config_write - write configuration space as far as the user may
 * @dev: the device
 * @buf: what is written, little-endian
 * @count: bytes; @offset + @count lie inside the space
 * @offset: of the first byte
 *
 * Bits that the user may not write are left alone, as hardware does.
 *
 * Return: 0; -EINTR if the caller is being killed; or another negative error.
 */
int latch_config_write(struct vfio_latch_device *dev, const u8 *buf, size_t count, u64 offset)
{
	int ret = 0;

	if (mutex_lock_killable(&dev->config_lock))
		return -EINTR;
	while (count && !ret) {
		enum latch_config_hook hook = latch_config_dword(dev->config, offset)->hook;
		unsigned int width = latch_access_width(offset, count);
		u32 value = width == 4 ? get_unaligned_le32(buf) :
			    width == 2 ? get_unaligned_le16(buf) : *buf;

		if (hook)
			ret = latch_config_hook(dev, offset, width, value, hook);
		else
			ret = latch_config_store(dev, offset, width, value);
		buf += width;
		offset += width;
		count -= width;
	}
	mutex_unlock(&dev->config_lock);
	return ret;
}
