// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the hardware can be touched: the users of access_lock, and what
 * decides it in COMMAND.
 *
 * A user's accesses, by read(), write(), page fault or ioeventfd, hold
 * access_lock for reading. Resets, power transitions and the switching of
 * memory decoding hold it for writing, under state_lock. A reset takes both in
 * reset_prepare, behind the PCI core's configuration access lock; so who holds
 * one of them uses pci_read_config_*(), never an accessor that waits for that
 * lock.
 *
 * What the host does for itself, with the MSI-X table or the ROM, is under
 * state_lock alone: it switches decoding on in the hardware, which harms no
 * access, and nobody can switch it off meanwhile.
 *
 * COMMAND has many bits and many who change one of them, the interrupt handler
 * too. Each does it through latch_command_update(), under intx_lock. The PCI
 * core's own changes happen where nobody else makes any: at open, at close, in
 * resets, and while MSI is set up, all under state_lock.
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
	if (dev->pdev->no_command_memory)
		return !latch_is_away(dev) && READ_ONCE(dev->pdev->current_state) == PCI_D0;
	return is_decoding(dev, PCI_COMMAND_MEMORY);
}

/**
 * latch_ports_enabled - whether the function answers accesses to its ports
 * @dev: the device; access_lock is held
 */
bool latch_ports_enabled(struct vfio_latch_device *dev)
{
	return is_decoding(dev, PCI_COMMAND_IO);
}

/**
 * latch_reads - whether the function's registers can be read
 * @dev: the device, awake
 *
 * A function that died, or whose link did, reads as all ones. COMMAND never
 * does otherwise: it has reserved bits, also that of a VF, whose ids are all
 * ones (PCIe 6.0, 7.5.1.1.3, 9.3.4.1.3).
 *
 * Context: any.
 */
bool latch_reads(struct vfio_latch_device *dev)
{
	u16 command;

	pci_read_config_word(dev->pdev, PCI_COMMAND, &command);
	return command != 0xffff;
}

/**
 * latch_answers - whether the function is there at all
 * @dev: the device, awake; its state_lock is held, or access_lock
 *
 * Not one that died, nor one that is away (away.c). To wait for such a function
 * after a reset takes the PCI core a minute, uninterruptibly, and what is saved
 * of it must never be restored: no reset and no saving without having asked
 * here.
 *
 * Both locks keep out the resets of others, in which a function may not
 * answer for a while.
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
 * Takes access_lock for reading. A device in low power is woken up first.
 *
 * Context: process, without access_lock or state_lock.
 * Return: a value >= 0 for latch_access_end(), or a negative error, the lock
 * then not held: -EIO if the function is away, -EINTR if the caller is being
 * killed while he waits.
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
 * latch_can_be_mapped - whether mappings of the function's BARs may be there now
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
 * Whatever has changed under it: other devices may map the function's BARs again
 * if user space may.
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
 * The next access through a mapping of user space faults, and waits for
 * access_lock. Other devices have stopped theirs.
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
	return PCI_COMMAND_IO | (dev->pdev->no_command_memory ? 0 : PCI_COMMAND_MEMORY);
}

/**
 * latch_command_write_locked - change bits of the function's COMMAND, also of one that is away
 * @dev: the device; intx_lock is held
 * @mask: which bits
 * @value: what they become
 *
 * One that does not answer keeps what it has: COMMAND is never all ones.
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
 * A function that is away keeps what it has.
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

/* Decoding as the user of an open device has it. */
static void decode_as_user_wants(struct vfio_latch_device *dev)
{
	latch_command_update(dev, latch_command_decode_bits(dev),
			     latch_shadow_get(dev->config, PCI_COMMAND, 2));
}

/**
 * latch_access_restored - the function's configuration was restored
 * @dev: the device, awake; access_lock is held for writing
 *
 * By whomever: after a reset, a link reset, D3, system sleep. What was saved
 * may have been true long ago: here decoding follows the shadow again, and
 * DisINTx its owner. A function that nobody has open stays as it was restored.
 */
void latch_access_restored(struct vfio_latch_device *dev)
{
	lockdep_assert_held_write(&dev->access_lock);

	if (!dev->pristine || latch_is_away(dev))
		return;
	decode_as_user_wants(dev);
	latch_intx_restored(dev);
}

/**
 * latch_decode_force - have the function decode memory, whatever its user wants
 * @dev: the device; state_lock is held
 *
 * For the host's own accesses, and before the state is saved: what restores
 * it writes the MSI-X table, in a BAR.
 */
void latch_decode_force(struct vfio_latch_device *dev)
{
	lockdep_assert_held(&dev->state_lock);

	if (!dev->pdev->no_command_memory)
		latch_command_update(dev, PCI_COMMAND_MEMORY, PCI_COMMAND_MEMORY);
}

/**
 * latch_decode_end - have the function do nothing any more
 * @dev: the device; state_lock is held, and nobody has it open
 *
 * It neither decodes nor masters the bus. The decoding of a VGA device is the
 * arbiter's to switch.
 */
void latch_decode_end(struct vfio_latch_device *dev)
{
	lockdep_assert_held(&dev->state_lock);

	if (!dev->has_vga_client)
		latch_command_update(dev, PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
				     PCI_COMMAND_MASTER, 0);
}

/**
 * latch_host_access_begin - make the function's memory accessible to the host
 * @dev: the device, open and awake
 * @state: set to the power state for latch_host_access_end()
 *
 * For the MSI-X table and the ROM. Takes state_lock: no reset comes. The
 * function is brought to D0, and decodes memory; a user who put it into
 * another state does not see that.
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
 * One whose reset was announced and has not come: it can be touched, and is configured when it is
 * back. One that has lost its BARs was reset, and they shall tell that.
 */
static void decode_while_away(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;
	unsigned long flags;

	if (pdev->no_command_memory || !latch_reads(dev) || latch_bars_are_lost(pdev))
		return;
	latch_access_lock(dev);
	pci_set_power_state(pdev, PCI_D0);
	latch_bars_restore(pdev);
	latch_access_unlock(dev);
	spin_lock_irqsave(&dev->intx_lock, flags);
	latch_command_write_locked(dev, PCI_COMMAND_MEMORY, PCI_COMMAND_MEMORY);
	spin_unlock_irqrestore(&dev->intx_lock, flags);
	/* D3hot may have lost it. */
	latch_intx_restored(dev);
}

/**
 * latch_take_down_begin - as latch_host_access_begin(), for who goes on in any case
 * @dev: the device, open and awake
 * @state: set for latch_host_access_end()
 *
 * A function that is away is waited for as long as it should take, and one whose
 * reset has not begun then decodes until it does.
 *
 * Context: as latch_host_access_begin(); sleeps two seconds at most for the
 * function itself.
 */
void latch_take_down_begin(struct vfio_latch_device *dev, pci_power_t *state)
{
	latch_wait_back(dev);
	if (latch_host_access_begin(dev, state) || !latch_is_away(dev))
		return;
	/* Who resets the link holds it. */
	if (pci_cfg_access_trylock(dev->pdev)) {
		decode_while_away(dev);
		pci_cfg_access_unlock(dev->pdev);
	}
}

/**
 * latch_host_access_end - end what latch_host_access_begin() or latch_take_down_begin() began
 * @dev: the device
 * @state: what that set it to
 */
void latch_host_access_end(struct vfio_latch_device *dev, pci_power_t state)
{
	lockdep_assert_held(&dev->state_lock);

	if (latch_answers(dev)) {
		decode_as_user_wants(dev);
		if (state != PCI_D0)
			latch_power_set_state(dev, state);
	}
	latch_state_unlock(dev);
}
