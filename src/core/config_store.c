// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the bits of configuration space are: in the shadow, or in the hardware.
 *
 * Plain accesses of aligned 1, 2 or 4 bytes, without consequences: what hooks
 * (config_hooks.c) and accesses (config.c) do is made of these.
 */
#include "core.h"

/**
 * latch_config_hardware_read - read the function itself
 * @pdev: the function; the caller has made sure that it may be touched
 * @offset: a multiple of @width
 * @width: 1, 2 or 4 bytes
 *
 * Return: what the function says; all ones if it does not answer.
 */
u32 latch_config_hardware_read(struct pci_dev *pdev, unsigned int offset, unsigned int width)
{
	u32 dword = ~0U;
	u16 word = 0xffff;
	u8 byte = 0xff;

	switch (width) {
	case 4:
		pci_read_config_dword(pdev, offset, &dword);
		return dword;
	case 2:
		pci_read_config_word(pdev, offset, &word);
		return word;
	default:
		pci_read_config_byte(pdev, offset, &byte);
		return byte;
	}
}

static void hardware_write(struct pci_dev *pdev, unsigned int offset, unsigned int width, u32 value)
{
	switch (width) {
	case 4:
		pci_write_config_dword(pdev, offset, value);
		break;
	case 2:
		pci_write_config_word(pdev, offset, value);
		break;
	default:
		pci_write_config_byte(pdev, offset, value);
	}
}

/**
 * latch_config_store - store a value where the layout says, without its hook
 * @dev: the device; config_lock is held
 * @offset: a multiple of @width
 * @width: 1, 2 or 4 bytes
 * @value: what the user wrote
 *
 * Return: 0 or a negative error.
 */
int latch_config_store(struct vfio_latch_device *dev, unsigned int offset, unsigned int width,
		       u32 value)
{
	struct latch_dword *dword = latch_config_dword(dev->config, offset);
	u32 all = latch_config_mask(offset, width);
	unsigned int shift = offset % 4 * 8;
	u32 virtual_bits = all & dword->write & dword->virt;
	u32 hardware_bits = all & dword->write & ~dword->virt;
	int woken;

	lockdep_assert_held(&dev->config_lock);

	value <<= shift;
	WRITE_ONCE(dword->shadow, (dword->shadow & ~virtual_bits) | (value & virtual_bits));
	if (!hardware_bits)
		return 0;

	woken = latch_access_begin(dev);
	if (woken < 0)
		return woken;
	if (hardware_bits != all) {
		u32 old = latch_config_hardware_read(dev->pdev, round_down(offset, 4), 4);

		/* If it answered by the time of the write, ones would be written. */
		if (PCI_POSSIBLE_ERROR(old))
			goto end;
		/* Writing a status bit back would clear it. */
		old &= ~dword->status;
		value = (old & ~hardware_bits) | (value & hardware_bits);
	}
	hardware_write(dev->pdev, offset, width, value >> shift);
end:
	latch_access_end(dev, woken);
	return 0;
}
