// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the hardware can be touched: the users of access_lock, and the bits
 * of COMMAND that decide it.
 *
 * A user's accesses, by read(), write(), page fault or ioeventfd, hold
 * access_lock for reading. Resets, power transitions and the switching of
 * memory decoding hold it for writing, most of them under state_lock
 * (docs/architecture.md lists the others). A reset takes both in
 * reset_prepare, inside the PCI core's configuration access lock. So a holder
 * of either uses pci_read_config_*(), never an accessor that waits for that
 * lock.
 *
 * The host's own accesses hold state_lock: they switch decoding on in the
 * hardware, which harms no access, and nobody can switch it off meanwhile.
 * Those to the ROM hold access_lock for writing, too (rom.c).
 *
 * Many functions change bits of COMMAND, the interrupt handler among them.
 * While the device is in use, each does it through latch_command_update(),
 * under intx_lock. The PCI core's own changes happen where nobody else makes
 * any: at open, at close, in resets, and while MSI is set up, all under
 * state_lock.
 */
#include <linux/pm_runtime.h>

#include "core.h"

static bool is_decoding(struct vfio_latch_device *dev, u16 bit)
{
	lockdep_assert_held(&dev->access_lock);

	return !latch_is_away(dev) && READ_ONCE(dev->pdev->current_state) == PCI_D0 &&
	       READ_ONCE(latch_config_dword(dev->config, PCI_COMMAND)->shadow) & bit;
}

/**
 * latch_memory_enabled - whether the function answers memory accesses
 * @dev: the device; access_lock is held
 */
bool latch_memory_enabled(struct vfio_latch_device *dev)
{
	if (dev->always_decodes)
		return !latch_is_away(dev) && READ_ONCE(dev->pdev->current_state) == PCI_D0;
	return is_decoding(dev, PCI_COMMAND_MEMORY);
}

/**
 * latch_decodes - whether the function answers accesses of a kind
 * @dev: the device; access_lock is held
 * @is_memory: to memory, or to ports
 */
bool latch_decodes(struct vfio_latch_device *dev, bool is_memory)
{
	return is_memory ? latch_memory_enabled(dev) : is_decoding(dev, PCI_COMMAND_IO);
}

/**
 * latch_undecoded - an access that no function answers
 * @is_memory: to memory, or to ports
 * @buf: kernel memory
 * @count: bytes
 * @is_write: direction
 *
 * Ports that nobody decodes read as ones, and writes to them are lost.
 *
 * Context: any.
 * Return: @count for ports, -EIO for memory.
 */
ssize_t latch_undecoded(bool is_memory, u8 *buf, size_t count, bool is_write)
{
	if (is_memory)
		return -EIO;
	if (!is_write)
		memset(buf, 0xff, count);
	return count;
}

/**
 * latch_reads - whether the function's registers can be read
 * @dev: the device, awake
 *
 * A function that died, or whose link did, reads as all ones. COMMAND is never
 * all ones: it has reserved bits, also that of a VF, whose IDs are all ones
 * (PCIe 6.0, 7.5.1.1.3, 9.3.4.1.3).
 *
 * The vendor's ID is the one register that a root port answers at once for a
 * function that is not ready, with an ID that no vendor has (PCIe 6.0, 2.3.2).
 * For any other, it may keep the processor waiting.
 *
 * Context: any.
 */
bool latch_reads(struct vfio_latch_device *dev)
{
	u16 vendor, command;

	pci_read_config_word(dev->pdev, PCI_VENDOR_ID, &vendor);
	if (vendor == PCI_VENDOR_ID_PCI_SIG)
		return false;
	pci_read_config_word(dev->pdev, PCI_COMMAND, &command);
	return command != 0xffff;
}

/**
 * latch_answers - whether the function is there
 * @dev: the device, awake; its state_lock is held, or access_lock
 *
 * A function that died, or is away (away.c), is not. The PCI core waits a
 * minute, uninterruptibly, for such a function after a reset, and a state saved
 * of it must never be restored. So nothing is reset or saved before this
 * function was asked.
 *
 * Both locks exclude resets by others, during which a function may not answer
 * for a while.
 *
 * Context: any.
 */
bool latch_answers(struct vfio_latch_device *dev)
{
	return !latch_is_away(dev) && latch_reads(dev);
}

/**
 * latch_access_begin - make the function accessible for a while
 * @dev: the device
 *
 * Takes access_lock for reading. A device in low power is woken first.
 *
 * Context: process, without access_lock or state_lock.
 * Return: a value >= 0 for latch_access_end(), or a negative error, with the
 * lock not held: -EIO if the function is away, -EINTR if the caller is being
 * killed while it waits.
 */
int latch_access_begin(struct vfio_latch_device *dev)
{
	int ret;

	ret = latch_await(dev);
	if (ret)
		return ret;
	if (down_read_killable(&dev->access_lock))
		return -EINTR;
	if (likely(!dev->low_power))
		return 0;
	up_read(&dev->access_lock);

	ret = pm_runtime_resume_and_get(&dev->pdev->dev);
	if (ret)
		return ret;
	if (down_read_killable(&dev->access_lock)) {
		pm_runtime_put(&dev->pdev->dev);
		return -EINTR;
	}
	return 1;
}

/**
 * latch_access_end - end what latch_access_begin() began
 * @dev: the device
 * @woken: what latch_access_begin() returned
 */
void latch_access_end(struct vfio_latch_device *dev, int woken)
{
	up_read(&dev->access_lock);
	if (woken)
		pm_runtime_put(&dev->pdev->dev);
}

/**
 * latch_can_be_mapped - whether the function's BARs may be mapped now
 * @dev: the device, open; access_lock is held
 */
bool latch_can_be_mapped(struct vfio_latch_device *dev)
{
	return latch_memory_enabled(dev) && !dev->low_power;
}

/**
 * latch_access_lock - take access_lock for writing
 * @dev: the device
 *
 * Context: may sleep.
 */
void latch_access_lock(struct vfio_latch_device *dev)
{
	down_write(&dev->access_lock);
}

/**
 * latch_access_unlock - release access_lock, held for writing
 * @dev: the device
 *
 * Whatever changed under the lock: other devices may map the function's BARs
 * again if user space may.
 *
 * Context: may sleep.
 */
void latch_access_unlock(struct vfio_latch_device *dev)
{
	latch_dma_bufs_give_back(dev);
	up_write(&dev->access_lock);
}

/**
 * latch_access_revoke - take away all mappings of the function's BARs
 * @dev: the device; access_lock is held for writing
 *
 * The next access through a user's mapping faults, and waits for access_lock.
 * Other devices have stopped accessing the BARs when this returns.
 *
 * Context: may sleep.
 */
void latch_access_revoke(struct vfio_latch_device *dev)
{
	lockdep_assert_held_write(&dev->access_lock);

	unmap_mapping_range(dev->mapping, 0, 0, 1);
	latch_dma_bufs_revoke(dev);
}

/**
 * latch_command_decode_bits - the bits of COMMAND that switch decoding
 * @dev: the device
 *
 * A VF decodes memory whatever its COMMAND says.
 */
u16 latch_command_decode_bits(struct vfio_latch_device *dev)
{
	return PCI_COMMAND_IO | (dev->always_decodes ? 0 : PCI_COMMAND_MEMORY);
}

/**
 * latch_command_write_locked - change bits of COMMAND, also of a function that is away
 * @dev: the device; intx_lock is held
 * @mask: which bits
 * @value: what they become
 *
 * A function that does not answer keeps its COMMAND: that is never all ones.
 *
 * Context: any.
 */
void latch_command_write_locked(struct vfio_latch_device *dev, u16 mask, u16 value)
{
	u16 old, new;

	lockdep_assert_held(&dev->intx_lock);

	pci_read_config_word(dev->pdev, PCI_COMMAND, &old);
	new = (old & ~mask) | (value & mask);
	if (new != old && !PCI_POSSIBLE_ERROR(old))
		pci_write_config_word(dev->pdev, PCI_COMMAND, new);
}

/**
 * latch_command_update_locked - change bits of the function's COMMAND
 * @dev: the device; intx_lock is held
 * @mask: which bits
 * @value: what they become
 *
 * A function that is away keeps its COMMAND.
 *
 * Context: any.
 */
void latch_command_update_locked(struct vfio_latch_device *dev, u16 mask, u16 value)
{
	if (!latch_is_away(dev))
		latch_command_write_locked(dev, mask, value);
}

/**
 * latch_command_update - change bits of the function's COMMAND
 * @dev: the device; intx_lock is not held
 * @mask: which bits
 * @value: what they become
 *
 * Context: any.
 */
void latch_command_update(struct vfio_latch_device *dev, u16 mask, u16 value)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->intx_lock, flags);
	latch_command_update_locked(dev, mask, value);
	spin_unlock_irqrestore(&dev->intx_lock, flags);
}

/**
 * latch_command_after_reset - give COMMAND back what the interrupt handler took from it
 * @dev: the device, configured by pci_restore_state(), and no longer in reset for the handler
 *
 * Amid a reset the handler of INTx changes COMMAND without the PCI core's lock. A restore between
 * its read and its write loses all bits but DisINTx. latch_access_restored() gives back decoding,
 * and this function everything else.
 *
 * Context: access_lock is held for writing.
 */
void latch_command_after_reset(struct vfio_latch_device *dev)
{
	u16 others = ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);

	lockdep_assert_held_write(&dev->access_lock);

	latch_command_update(dev, others, dev->pdev->saved_config_space[PCI_COMMAND / 4]);
}

/**
 * latch_decode_as_user_wants - set decoding as the user of an open device wants it
 * @dev: the device; nothing is done while it is away
 *
 * Context: state_lock is held, or access_lock for writing. The host makes the
 * function decode under state_lock alone (latch_host_access_begin()).
 */
void latch_decode_as_user_wants(struct vfio_latch_device *dev)
{
	latch_command_update(dev, latch_command_decode_bits(dev),
			     latch_shadow_get(dev->config, PCI_COMMAND, 2));
}

/**
 * latch_stop_decoding_unwanted - switch off decoding that the user of an open device has not on
 * @dev: the device
 *
 * Context: as latch_decode_as_user_wants().
 */
void latch_stop_decoding_unwanted(struct vfio_latch_device *dev)
{
	u16 wanted = latch_shadow_get(dev->config, PCI_COMMAND, 2);

	latch_command_update(dev, latch_command_decode_bits(dev) & ~wanted, 0);
}

/**
 * latch_access_restored - the function's configuration was restored
 * @dev: the device, awake; access_lock is held for writing
 *
 * Called after any restore: after a reset, a link reset, D3, system sleep. The
 * saved state may be old, so decoding follows the shadow again, and DisINTx the
 * INTx code (intx.c). A closed function stays as it was restored.
 */
void latch_access_restored(struct vfio_latch_device *dev)
{
	lockdep_assert_held_write(&dev->access_lock);

	if (!dev->pristine || latch_is_away(dev))
		return;
	latch_decode_as_user_wants(dev);
	latch_intx_restored(dev);
}

/**
 * latch_decode_force - make the function decode memory, whatever its user wants
 * @dev: the device; state_lock is held
 *
 * For the host's own accesses, and before the state is saved: restoring it
 * writes the MSI-X table, in a BAR.
 */
void latch_decode_force(struct vfio_latch_device *dev)
{
	lockdep_assert_held(&dev->state_lock);

	if (!dev->always_decodes)
		latch_command_update(dev, PCI_COMMAND_MEMORY, PCI_COMMAND_MEMORY);
}

/**
 * latch_decode_end - make the function passive
 * @dev: the device, closed; state_lock is held
 *
 * It neither decodes nor masters the bus. The VGA arbiter switches the decoding
 * of a VGA device.
 */
void latch_decode_end(struct vfio_latch_device *dev)
{
	lockdep_assert_held(&dev->state_lock);

	if (!dev->has_vga_client)
		latch_command_update(dev, PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
				     PCI_COMMAND_MASTER, 0);
}

/**
 * latch_decode_return - leave the function to its next driver
 * @dev: the device, closed and awake
 *
 * Who enabled it before us (a driver that never disabled it, or root) counts on
 * it: the PCI core enables no function a second time. It decodes what it did
 * when it was bound, unless it has lost its BARs. Its INTx is as it was then,
 * unless it asserts that, or could not be reset, so that its last user may have
 * it assert that later: nobody may serve it. The VGA arbiter switches the
 * decoding of a VGA device.
 *
 * Context: remove, without the lock of the device's set; waits for a function
 * that is away as long as its return should take.
 */
void latch_decode_return(struct vfio_latch_device *dev)
{
	struct vfio_device_set *set = dev->vdev.dev_set;
	struct pci_dev *pdev = dev->pdev;
	u16 on = dev->found & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	u16 off = ~dev->found & PCI_COMMAND_INTX_DISABLE;
	u16 status;

	if (!pci_is_enabled(pdev))
		return;
	if (dev->has_vga_client)
		on = 0;
	mutex_lock(&set->lock);
	if (dev->needs_reset)
		off = 0;
	mutex_unlock(&set->lock);
	latch_wait_back(dev);
	latch_state_lock(dev);
	if (latch_answers(dev) && !latch_bars_are_lost(pdev)) {
		pci_read_config_word(pdev, PCI_STATUS, &status);
		if (status & PCI_STATUS_INTERRUPT)
			off = 0;
		latch_command_update(dev, on | off, on);
	}
	latch_state_unlock(dev);
}

/**
 * latch_host_access_begin - make the function's memory accessible to the host
 * @dev: the device, open and awake
 * @state: set to the power state for latch_host_access_end()
 *
 * For the MSI-X table and the ROM. Takes state_lock, so that no reset comes.
 * The function is brought to D0 and decodes memory; a user who put it into
 * another state does not notice.
 *
 * Context: process. The holder of state_lock may wait for others (struct
 * vfio_latch_device).
 * Return: whether the function is there.
 */
bool latch_host_access_begin(struct vfio_latch_device *dev, pci_power_t *state)
{
	latch_state_lock(dev);
	*state = dev->pdev->current_state;
	if (!latch_answers(dev))
		return false;
	if (*state != PCI_D0) {
		latch_access_lock(dev);
		latch_power_up(dev);
		latch_access_unlock(dev);
	}
	latch_decode_force(dev);
	return true;
}

/*
 * For a function whose reset was announced and has not begun: it can be touched, and is configured
 * after the reset. A function without its BARs was reset already; they stay lost, as latch_settle()
 * finds the reset by them.
 */
static void decode_while_away(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;
	unsigned long flags;

	if (dev->always_decodes || !latch_reads(dev) || latch_bars_are_lost(pdev))
		return;
	latch_access_lock(dev);
	pci_set_power_state(pdev, PCI_D0);
	latch_bars_restore(pdev);
	latch_access_unlock(dev);
	spin_lock_irqsave(&dev->intx_lock, flags);
	latch_command_write_locked(dev, PCI_COMMAND_MEMORY, PCI_COMMAND_MEMORY);
	spin_unlock_irqrestore(&dev->intx_lock, flags);
	/* D3hot may have lost DisINTx. */
	latch_intx_restored(dev);
}

/**
 * latch_take_down_begin - latch_host_access_begin() for a caller that goes on in any case
 * @dev: the device, open and awake
 * @state: set for latch_host_access_end()
 *
 * Waits for a function that is away as long as its return should take. A function whose reset has
 * not begun then decodes until it does.
 *
 * Context: as latch_host_access_begin(); sleeps two seconds at most for the
 * function itself.
 */
void latch_take_down_begin(struct vfio_latch_device *dev, pci_power_t *state)
{
	latch_wait_back(dev);
	if (latch_host_access_begin(dev, state) || !latch_is_away(dev))
		return;
	/* A reset of the link holds it. */
	if (pci_cfg_access_trylock(dev->pdev)) {
		decode_while_away(dev);
		pci_cfg_access_unlock(dev->pdev);
	}
}

/**
 * latch_host_access_end - end what latch_host_access_begin() or latch_take_down_begin() began
 * @dev: the device
 * @state: set by that function
 */
void latch_host_access_end(struct vfio_latch_device *dev, pci_power_t state)
{
	lockdep_assert_held(&dev->state_lock);

	if (latch_answers(dev)) {
		latch_decode_as_user_wants(dev);
		if (state != PCI_D0)
			latch_power_set_state(dev, state);
	}
	latch_state_unlock(dev);
}
