// SPDX-License-Identifier: GPL-2.0-only
/*
 * What writing certain registers does besides storing bits.
 *
 * Each hook is called under config_lock with a write that touches its
 * register's dword, maybe only a part of it, and stores the bits itself.
 */
#include <linux/jiffies.h>
#include <linux/pm_runtime.h>

#include "core.h"

/* Milliseconds without an access to VPD after the PCI core has waited in vain for one. */
#define VPD_PAUSE_MS	5000
/* Less than the PCI core waits, and more than a piece takes. */
#define VPD_WAIT_MS	100

/* Whether a write of @width bytes at @offset covers the byte at @at. */
static bool covers(unsigned int offset, unsigned int width, unsigned int at)
{
	return at >= offset && at < offset + width;
}

/*
 * Stores the shadow and brings hardware's decoding to it, in one section: nobody finds the function
 * to decode less than the shadow says.
 */
static void switch_decoding(struct vfio_latch_device *dev, u32 shadow)
{
	u16 decode_bits = latch_command_decode_bits(dev);

	latch_access_lock(dev);
	WRITE_ONCE(latch_config_dword(dev->config, PCI_COMMAND)->shadow, shadow);
	if (!latch_memory_enabled(dev))
		latch_access_revoke(dev);
	if (shadow & decode_bits)
		latch_bars_restore(dev->pdev);
	latch_command_update(dev, decode_bits, shadow);
	latch_access_unlock(dev);
}

/* Stores those bits of @value in COMMAND that are in @mask. */
static void store_command(struct vfio_latch_device *dev, u16 mask, u16 value)
{
	struct latch_dword *dword = latch_config_dword(dev->config, PCI_COMMAND);
	u32 virtual_bits = mask & dword->write & dword->virt;
	u16 hardware_bits = mask & dword->write & ~dword->virt;
	u32 before = dword->shadow;
	u32 shadow = (before & ~virtual_bits) | (value & virtual_bits);
	u16 hardware;

	latch_state_lock(dev);
	if (latch_is_away(dev)) {
		latch_state_unlock(dev);
		return;
	}
	/* A device that its user reset through a register of its own decodes nothing. */
	pci_read_config_word(dev->pdev, PCI_COMMAND, &hardware);
	if (((hardware ^ shadow) | (before ^ shadow)) & latch_command_decode_bits(dev))
		switch_decoding(dev, shadow);
	else
		WRITE_ONCE(dword->shadow, shadow);
	latch_command_update(dev, hardware_bits, value);
	/* Such a device has lost DisINTx as well. */
	latch_intx_guest_disable(dev, shadow & PCI_COMMAND_INTX_DISABLE);
	latch_state_unlock(dev);
}

/* The host writes COMMAND, too, but not STATUS: so each is written separately. */
static int write_command(struct vfio_latch_device *dev, unsigned int offset, unsigned int width,
			 u32 value)
{
	u32 mask = latch_config_mask(offset, width);

	value <<= offset % 4 * 8;
	if (mask & 0xffff)
		store_command(dev, mask, value);
	if (width == 4)
		return latch_config_store(dev, PCI_STATUS, 2, value >> 16);
	return offset >= PCI_STATUS ?
	       latch_config_store(dev, offset, width, value >> offset % 4 * 8) : 0;
}

/* The field after PMCSR holds bridge support and data, read-only: nothing to store there. */
static int write_pm_ctrl(struct vfio_latch_device *dev, unsigned int offset, unsigned int width,
			 u32 value)
{
	unsigned int at = dev->config->cap[LATCH_CAP_PM] + PCI_PM_CTRL;
	u16 now, select;

	latch_state_lock(dev);
	if (latch_is_away(dev))
		goto unlock;
	pci_read_config_word(dev->pdev, at, &now);
	if (PCI_POSSIBLE_ERROR(now))
		goto unlock;
	value <<= (offset - at) * 8;
	select = (now & ~(PCI_PM_CTRL_PME_STATUS | PCI_PM_CTRL_DATA_SEL_MASK)) |
		 (value & PCI_PM_CTRL_DATA_SEL_MASK);
	if (covers(offset, width, at + 1) && (now ^ select) & PCI_PM_CTRL_DATA_SEL_MASK)
		pci_write_config_word(dev->pdev, at, select);
	if (covers(offset, width, at))
		latch_power_set_state(dev, (__force pci_power_t)(value & PCI_PM_CTRL_STATE_MASK));
unlock:
	latch_state_unlock(dev);
	return 0;
}

/* What a write makes of the shadow of the 2-byte register at @at, all of it virtual. */
static u16 merged(struct vfio_latch_device *dev, unsigned int at, unsigned int offset,
		  unsigned int width, u32 value)
{
	struct latch_dword *dword = latch_config_dword(dev->config, at);
	u32 mask = latch_config_mask(offset, width) & dword->write;

	value <<= offset % 4 * 8;
	return ((dword->shadow & ~mask) | (value & mask)) >> at % 4 * 8;
}

/*
 * Whether the function can be asked for Vital Product Data. The PCI core waits 125 ms for each
 * piece that does not come, and logs a line. It also waits for a reset that is under way, as this
 * does.
 */
static bool may_have_vpd(struct vfio_latch_device *dev)
{
	bool answers;

	if (time_before64(get_jiffies_64(), dev->vpd_again) || latch_state_lock_killable(dev))
		return false;
	answers = latch_answers(dev) && dev->pdev->current_state == PCI_D0;
	latch_state_unlock(dev);
	return answers;
}

/*
 * Reads or writes four bytes of Vital Product Data. Returns whether that is done. Behind its end
 * zeros are read. After a timeout there is a pause, also for the next user, so that no user floods
 * the log. The PCI core has more than one error for a timeout.
 */
static bool move_vpd(struct vfio_latch_device *dev, u16 address, __le32 *data)
{
	bool is_write = address & PCI_VPD_ADDR_F;
	unsigned long begin;
	ssize_t bytes;

	if (!may_have_vpd(dev))
		return false;
	begin = jiffies;
	if (is_write) {
		bytes = pci_write_vpd(dev->pdev, address & PCI_VPD_ADDR_MASK, 4, data);
	} else {
		*data = 0;
		bytes = pci_read_vpd(dev->pdev, address, 4, data);
	}
	if (bytes != 4 && time_after(jiffies, begin + msecs_to_jiffies(VPD_WAIT_MS)))
		dev->vpd_again = get_jiffies_64() + msecs_to_jiffies(VPD_PAUSE_MS);
	return is_write ? bytes == 4 : bytes >= 0;
}

/*
 * Conventional PCI 3.0, appendix I. A completed read sets the flag, a
 * completed write clears it; after an error the flag stays, and the user's
 * own time limit ends the wait. The data is valid when the flag is seen set.
 */
static int write_vpd(struct vfio_latch_device *dev, unsigned int offset, unsigned int width,
		     u32 value)
{
	unsigned int at = dev->config->cap[LATCH_CAP_VPD];
	__le32 data;
	u16 address;
	int ret;

	ret = latch_config_store(dev, offset, width, value);
	if (ret || !covers(offset, width, at + PCI_VPD_ADDR + 1))
		return ret;

	address = latch_shadow_get(dev->config, at + PCI_VPD_ADDR, 2);
	data = cpu_to_le32(latch_shadow_get(dev->config, at + PCI_VPD_DATA, 4));
	if (address & 3 || !move_vpd(dev, address, &data))
		return 0;
	if (!(address & PCI_VPD_ADDR_F)) {
		latch_shadow_set(dev->config, at + PCI_VPD_DATA, 4, le32_to_cpu(data));
		/* Pairs with the acquire in latch_config_read(). */
		smp_wmb();
	}
	latch_shadow_set(dev->config, at + PCI_VPD_ADDR, 2, address ^ PCI_VPD_ADDR_F);
	return 0;
}

/* Of the hardware's flags this alone is the user's, and only while MSI is set up. */
static void write_msi_enable(struct vfio_latch_device *dev, unsigned int at, u16 enable)
{
	u16 hardware;

	latch_state_lock(dev);
	if (latch_is_away(dev))
		goto unlock;
	pci_read_config_word(dev->pdev, at, &hardware);
	if (!PCI_POSSIBLE_ERROR(hardware))
		pci_write_config_word(dev->pdev, at, (hardware & ~PCI_MSI_FLAGS_ENABLE) | enable);
unlock:
	latch_state_unlock(dev);
}

/*
 * The user sets the flags in the shadow, within limits: no more vectors than the
 * function has, and enabled only while VFIO_DEVICE_SET_IRQS has MSI set up.
 * Then the enable bit acts on the hardware, so that a guest can mask with it.
 */
static int write_msi_flags(struct vfio_latch_device *dev, unsigned int offset, unsigned int width,
			   u32 value)
{
	unsigned int at = dev->config->cap[LATCH_CAP_MSI] + PCI_MSI_FLAGS;
	u16 flags, queue, queue_max;

	mutex_lock(&dev->irq_lock);
	flags = merged(dev, at, offset, width, value);
	queue = (flags & PCI_MSI_FLAGS_QSIZE) >> 4;
	queue_max = (flags & PCI_MSI_FLAGS_QMASK) >> 1;
	flags &= ~PCI_MSI_FLAGS_QSIZE;
	flags |= min(queue, queue_max) << 4;
	if (dev->irq_type != VFIO_PCI_MSI_IRQ_INDEX)
		flags &= ~PCI_MSI_FLAGS_ENABLE;
	latch_shadow_set(dev->config, at, 2, flags);

	/* A write beside the bit, as of the capability's id, says nothing about it. */
	if (dev->irq_type == VFIO_PCI_MSI_IRQ_INDEX && covers(offset, width, at))
		write_msi_enable(dev, at, flags & PCI_MSI_FLAGS_ENABLE);
	mutex_unlock(&dev->irq_lock);
	return 0;
}

/* PCIe 6.0, 7.5.3.4. The reset bit always reads as zero. */
static int write_exp_devctl(struct vfio_latch_device *dev, unsigned int offset, unsigned int width,
			    u32 value)
{
	unsigned int cap = dev->config->cap[LATCH_CAP_EXP];
	unsigned int at = cap + PCI_EXP_DEVCTL;
	unsigned int shift = (offset - at) * 8;
	u16 before = latch_shadow_get(dev->config, at, 2);
	bool is_flr = value << shift & PCI_EXP_DEVCTL_BCR_FLR;
	u16 now;
	int readrq;
	int ret;

	ret = latch_config_store(dev, offset, width, value & ~(PCI_EXP_DEVCTL_BCR_FLR >> shift));
	if (ret)
		return ret;
	now = latch_shadow_get(dev->config, at, 2);

	if (is_flr &&
	    latch_shadow_get(dev->config, cap + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR)
		latch_reset(dev);

	/* A request below the payload size would split what the host merges. */
	if ((now ^ before) & PCI_EXP_DEVCTL_READRQ) {
		readrq = 128 << ((now & PCI_EXP_DEVCTL_READRQ) >> 12);
		latch_state_lock(dev);
		/* It may have died in the reset: all ones, written back, start another reset. */
		if (readrq <= 4096 && latch_answers(dev))
			pcie_set_readrq(dev->pdev, max(readrq, pcie_get_mps(dev->pdev)));
		latch_state_unlock(dev);
	}
	return 0;
}

/* Advanced Capabilities for Conventional PCI, 3. The only bit always reads as zero. */
static int write_af_ctrl(struct vfio_latch_device *dev, unsigned int offset, unsigned int width,
			 u32 value)
{
	unsigned int cap = dev->config->cap[LATCH_CAP_AF];
	u8 supported = latch_shadow_get(dev->config, cap + PCI_AF_CAP, 1);

	if (covers(offset, width, cap + PCI_AF_CTRL) && value & PCI_AF_CTRL_FLR &&
	    supported & PCI_AF_CAP_FLR && supported & PCI_AF_CAP_TP)
		latch_reset(dev);
	return 0;
}

typedef int (*hook_fn)(struct vfio_latch_device *dev, unsigned int offset, unsigned int width,
		       u32 value);

/* By enum latch_config_hook. A dword without a hook does not come here. */
static const hook_fn hooks[] = {
	[LATCH_HOOK_COMMAND] = write_command,
	[LATCH_HOOK_PM_CTRL] = write_pm_ctrl,
	[LATCH_HOOK_VPD] = write_vpd,
	[LATCH_HOOK_MSI_FLAGS] = write_msi_flags,
	[LATCH_HOOK_EXP_DEVCTL] = write_exp_devctl,
	[LATCH_HOOK_AF_CTRL] = write_af_ctrl,
};

/**
 * latch_config_hook - write a dword that has a hook
 * @dev: the device; config_lock is held
 * @offset: a multiple of @width
 * @width: 1, 2 or 4 bytes
 * @value: what the user wrote
 * @hook: the dword's hook, not LATCH_HOOK_NONE
 *
 * A device in low power is awake for all that a hook does: a resume undoes
 * what was written to it while it slept.
 *
 * Return: 0 or a negative error.
 */
int latch_config_hook(struct vfio_latch_device *dev, unsigned int offset, unsigned int width,
		      u32 value, enum latch_config_hook hook)
{
	int ret;

	lockdep_assert_held(&dev->config_lock);

	ret = latch_await(dev);
	if (ret)
		return ret;
	ret = pm_runtime_resume_and_get(&dev->pdev->dev);
	if (ret)
		return ret;
	ret = hooks[hook](dev, offset, width, value);
	pm_runtime_put(&dev->pdev->dev);
	return ret;
}
