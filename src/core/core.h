/* SPDX-License-Identifier: GPL-2.0-only */
/* The interface between the files of vfio-latch.ko. */
#ifndef LATCH_CORE_H
#define LATCH_CORE_H

#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../compat/compat.h"
#include "../compat/dma_buf.h"
#include "config_layout.h"
#include "vfio_latch.h"

/* The high bits of a file offset are the region's index. */
#define LATCH_REGION_SHIFT	40
#define LATCH_REGION_MASK	((1ULL << LATCH_REGION_SHIFT) - 1)

/* The VGA region spans the legacy addresses from 0. */
#define LATCH_VGA_REGION_SIZE	0xc0000

/*
 * Returns a user's index if it is below @count, or -EINVAL. Every index into an array that a user
 * chose goes through here, so that speculation reads nothing beyond the array either.
 */
static inline int latch_user_index(u64 index, unsigned int count)
{
	return index < count ? (int)array_index_nospec((unsigned long)index, count) : -EINVAL;
}

/*
 * Returns the region that a user's file offset names, if it is one of the first @count, or -EINVAL.
 */
static inline int latch_region_index(u64 file_offset, unsigned int count)
{
	return latch_user_index(file_offset >> LATCH_REGION_SHIFT, count);
}

static inline u64 latch_region_offset(u64 file_offset)
{
	return file_offset & LATCH_REGION_MASK;
}

static inline bool latch_policy_value(const struct vfio_latch_device *dev,
				      enum vfio_latch_tunable tunable)
{
	return dev->policy.value[tunable];
}

/**
 * struct latch_region - a region that a driver or igd.c added
 * @type: VFIO_REGION_TYPE_*, or a PCI vendor type
 * @subtype: by @type
 * @size: bytes
 * @flags: VFIO_REGION_INFO_FLAG_*
 * @ops: how it is accessed
 * @data: for @ops
 */
struct latch_region {
	u32 type;
	u32 subtype;
	u64 size;
	u32 flags;
	const struct vfio_latch_region_ops *ops;
	void *data;
};

static inline unsigned int latch_nr_regions(const struct vfio_latch_device *dev)
{
	return VFIO_PCI_NUM_REGIONS + dev->nr_regions;
}

/* The index is checked; the mask keeps speculation with another region's index inside the array. */
static inline const struct latch_region *latch_driver_region(const struct vfio_latch_device *dev,
							     unsigned int index)
{
	return &dev->regions[array_index_nospec(index - VFIO_PCI_NUM_REGIONS, dev->nr_regions)];
}

/* policy.c APIs: */
void latch_policy(struct vfio_latch_policy *policy, struct pci_dev *pdev,
		  const struct vfio_latch_params *params);

/* sysfs.c APIs: */
int latch_sysfs_add(struct vfio_latch_device *dev);
void latch_sysfs_remove(struct vfio_latch_device *dev);

/* debugfs.c APIs: */
void latch_debugfs_add(struct vfio_latch_device *dev);

/* access.c APIs: */
bool latch_reads(struct vfio_latch_device *dev);
bool latch_answers(struct vfio_latch_device *dev);
bool latch_memory_enabled(struct vfio_latch_device *dev);
bool latch_decodes(struct vfio_latch_device *dev, bool is_memory);
ssize_t latch_undecoded(bool is_memory, u8 *buf, size_t count, bool is_write);
bool latch_can_be_mapped(struct vfio_latch_device *dev);
void latch_access_lock(struct vfio_latch_device *dev);
void latch_access_unlock(struct vfio_latch_device *dev);
int latch_access_begin(struct vfio_latch_device *dev);
void latch_access_end(struct vfio_latch_device *dev, int woken);
void latch_access_revoke(struct vfio_latch_device *dev);
void latch_access_restored(struct vfio_latch_device *dev);
void latch_command_after_reset(struct vfio_latch_device *dev);
u16 latch_command_decode_bits(struct vfio_latch_device *dev);
void latch_command_write_locked(struct vfio_latch_device *dev, u16 mask, u16 value);
void latch_command_update_locked(struct vfio_latch_device *dev, u16 mask, u16 value);
void latch_command_update(struct vfio_latch_device *dev, u16 mask, u16 value);
void latch_decode_as_user_wants(struct vfio_latch_device *dev);
void latch_stop_decoding_unwanted(struct vfio_latch_device *dev);
void latch_decode_force(struct vfio_latch_device *dev);
void latch_decode_end(struct vfio_latch_device *dev);
void latch_decode_return(struct vfio_latch_device *dev);
bool latch_host_access_begin(struct vfio_latch_device *dev, pci_power_t *state);
void latch_take_down_begin(struct vfio_latch_device *dev, pci_power_t *state);
void latch_host_access_end(struct vfio_latch_device *dev, pci_power_t state);

/* away.c APIs: */
bool latch_is_being_reset(const struct vfio_latch_device *dev);
void latch_leave(struct vfio_latch_device *dev, bool is_over);
bool latch_has_lost_its_reset(struct vfio_latch_device *dev);
bool latch_is_expected(const struct vfio_latch_device *dev);
void latch_come_back(struct vfio_latch_device *dev);
void latch_wait_ready(struct vfio_latch_device *dev);
void latch_wait_back(struct vfio_latch_device *dev);
void latch_settle(struct vfio_latch_device *dev);
int latch_await_return(struct vfio_latch_device *dev);
int latch_away_register(struct vfio_latch_device *dev);
void latch_away_unregister(struct vfio_latch_device *dev);
void latch_state_lock(struct vfio_latch_device *dev);
int latch_state_lock_killable(struct vfio_latch_device *dev);
void latch_state_unlock(struct vfio_latch_device *dev);

/* Whether AER has announced a reset, or the function is not configured yet after a reset. */
static inline bool latch_is_away(const struct vfio_latch_device *dev)
{
	return atomic_read(&dev->away);
}

/* Configures a function that is back: 0, or an error if it is still away; latch_await_return(). */
static inline int latch_await(struct vfio_latch_device *dev)
{
	return unlikely(latch_is_away(dev)) ? latch_await_return(dev) : 0;
}

/* config_store.c APIs: */
u32 latch_config_hardware_read(struct pci_dev *pdev, unsigned int offset, unsigned int width);
int latch_config_store(struct vfio_latch_device *dev, unsigned int offset, unsigned int width,
		       u32 value);

/* config_hooks.c APIs: */
int latch_config_hook(struct vfio_latch_device *dev, unsigned int offset, unsigned int width,
		      u32 value, enum latch_config_hook hook);

/* config.c APIs: */
int latch_config_open(struct vfio_latch_device *dev);
void latch_config_close(struct vfio_latch_device *dev);
int latch_config_read(struct vfio_latch_device *dev, u8 *buf, size_t count, u64 offset);
int latch_config_write(struct vfio_latch_device *dev, const u8 *buf, size_t count, u64 offset);

/* bar.c APIs: */
bool latch_bars_are_lost(struct pci_dev *pdev);
void latch_bars_restore(struct pci_dev *pdev);
u16 latch_bars_decode_bits(const struct pci_dev *pdev);
bool latch_bars_hold(struct vfio_latch_device *dev);
void latch_bars_open(struct vfio_latch_device *dev);
void latch_bars_drop(struct vfio_latch_device *dev);
int latch_bar_request(struct vfio_latch_device *dev, unsigned int bar);
void __iomem *latch_bar_map(struct vfio_latch_device *dev, unsigned int bar);
void latch_bars_unmap(struct vfio_latch_device *dev);
ssize_t latch_bar_rw(struct vfio_latch_device *dev, unsigned int bar, u8 *buf, size_t count,
		     u64 offset, bool is_write);

/* Requests a BAR's resource unless it is held already; see latch_bar_request(). */
static inline int latch_bar_hold(struct vfio_latch_device *dev, unsigned int bar)
{
	/* Pairs with the release in latch_bar_request(): can_mmap is valid if is_held is set. */
	return smp_load_acquire(&dev->bars[bar].is_held) ? 0 : latch_bar_request(dev, bar);
}

/* Bytes of a BAR, 0 if the function has none there. */
static inline u64 latch_bar_size(const struct vfio_latch_device *dev, unsigned int bar)
{
	return pci_resource_len(dev->pdev, bar);
}

/* Whether a BAR can be mapped into user space. */
static inline bool latch_bar_can_mmap(struct vfio_latch_device *dev, unsigned int bar)
{
	return !latch_bar_hold(dev, bar) && dev->bars[bar].can_mmap;
}

/* io.c APIs: */
void latch_io_write(void __iomem *io, u64 value, unsigned int width);
size_t latch_io_read_range(struct vfio_latch_device *dev, void __iomem *io, u8 *buf, size_t count,
			   unsigned int max_width);
size_t latch_io_write_range(struct vfio_latch_device *dev, void __iomem *io, const u8 *buf,
			    size_t count, unsigned int max_width);

/* rom.c APIs: */
u64 latch_rom_region_size(struct vfio_latch_device *dev);
u64 latch_rom_size(struct vfio_latch_device *dev);
ssize_t latch_rom_read(struct vfio_latch_device *dev, u8 *buf, size_t count, u64 offset);

/* vga.c APIs: */
int latch_vga_register(struct vfio_latch_device *dev);
void latch_vga_unregister(struct vfio_latch_device *dev);
void latch_vga_open(struct vfio_latch_device *dev);
s64 latch_vga_range_end(struct vfio_latch_device *dev, u64 offset);
ssize_t latch_vga_rw(struct vfio_latch_device *dev, u8 *buf, size_t count, u64 offset,
		     bool is_write);

/* region.c APIs: */
void latch_regions_free(struct vfio_latch_device *dev);

/* info.c APIs: */
void latch_info_open(struct vfio_latch_device *dev);
int latch_get_info(struct vfio_latch_device *dev, void __user *arg);
unsigned int latch_irq_count(struct vfio_latch_device *dev, unsigned int index);
int latch_get_irq_info(struct vfio_latch_device *dev, void __user *arg);

/**
 * latch_put_caps - append a chain of capabilities to an info structure
 * @arg: user address of the structure
 * @caps: the chain, not empty, freed here
 * @argsz: bytes the user has; set to what is needed if that is more
 * @size: bytes of the structure without the chain
 * @cap_offset: set to where the chain starts, if it fits
 *
 * Return: 0 or -EFAULT.
 */
static inline int latch_put_caps(void __user *arg, struct vfio_info_cap *caps, u32 *argsz,
				 size_t size, u32 *cap_offset)
{
	int ret = 0;

	if (*argsz < size + caps->size) {
		*argsz = size + caps->size;
	} else {
		vfio_info_cap_shift(caps, size);
		if (copy_to_user(arg + size, caps->buf, caps->size))
			ret = -EFAULT;
		*cap_offset = size;
	}
	kfree(caps->buf);
	return ret;
}

/* igd.c APIs: */
void latch_igd_latch(struct vfio_latch_device *dev);
void latch_igd_restore(struct vfio_latch_device *dev);
void latch_igd_unlatch(struct vfio_latch_device *dev);
int latch_igd_add_regions(struct vfio_latch_device *dev);

/* eventfd.c APIs: */
int latch_eventfd_get(int fd, struct eventfd_ctx **trigger);

/* irq.c APIs: */
int latch_set_irqs(struct vfio_latch_device *dev, void __user *arg);
void latch_irqs_close(struct vfio_latch_device *dev);
void latch_irq_signal_error(struct vfio_latch_device *dev);

/* "vfio-msix[2047](", a function's name with the longest domain, ")". */
#define LATCH_IRQ_NAME_MAX	40

/**
 * struct latch_irq_request - a checked VFIO_DEVICE_SET_IRQS
 * @flags: VFIO_IRQ_SET_*
 * @index: VFIO_PCI_*_IRQ_INDEX
 * @start: first vector
 * @count: number of vectors
 * @data: @count eventfds (s32) or booleans (u8), as @flags says, or NULL
 */
struct latch_irq_request {
	u32 flags;
	u32 index;
	u32 start;
	u32 count;
	void *data;
};

/*
 * Why the INTx line is off, regardless of the user. Meanwhile INTx touches no hardware, except for
 * interrupts in a reset: take_in_reset().
 */
enum {
	LATCH_QUIET_LOW_POWER = BIT(0),
	LATCH_QUIET_STATE = BIT(1),	/* not in D0 */
	LATCH_QUIET_RESET = BIT(2),
};

/* intx.c APIs: */
void latch_intx_open(struct vfio_latch_device *dev);
void latch_intx_leave(struct vfio_latch_device *dev);
bool latch_intx_return(struct vfio_latch_device *dev, int resets);
void latch_intx_restored(struct vfio_latch_device *dev);
int latch_intx_set(struct vfio_latch_device *dev, const struct latch_irq_request *request);
void latch_intx_disable(struct vfio_latch_device *dev);
void latch_intx_guest_disable(struct vfio_latch_device *dev, bool disabled);
void latch_intx_set_quiet(struct vfio_latch_device *dev, u8 reason, bool quiet);

/* msi.c APIs: */
bool latch_msix_find(struct vfio_latch_device *dev, u8 *bar, u32 *offset, u16 *size);
int latch_msi_set(struct vfio_latch_device *dev, const struct latch_irq_request *request);
void latch_msi_disable(struct vfio_latch_device *dev);

/* ioeventfd.c APIs: */
int latch_ioeventfd(struct vfio_latch_device *dev, void __user *arg);
void latch_ioeventfd_work(struct work_struct *work);
void latch_ioeventfds_free(struct vfio_latch_device *dev);
int latch_ioeventfds_init(void);
void latch_ioeventfds_exit(void);

/*
 * How often a reset tries to lock functions, in intervals of at most LATCH_LOCK_US: on older
 * kernels everybody can lock one for an instant, by reading its uevent or driver_override.
 */
#define LATCH_LOCK_TRIES	100
#define LATCH_LOCK_US		1000

/* reset.c APIs: */
void latch_reset_begin(struct vfio_latch_device *dev);
void latch_reset_end(struct vfio_latch_device *dev);
int latch_reset(struct vfio_latch_device *dev);
void latch_state_restore(struct vfio_latch_device *dev);
int latch_reset_at_open(struct vfio_latch_device *dev);
void latch_reset_at_close(struct vfio_latch_device *dev);
bool latch_unbind_resets(const struct vfio_latch_device *dev);
void latch_reset_at_unbind(struct vfio_latch_device *dev);

/* clean.c APIs: */
void latch_clean_register(struct vfio_latch_device *dev);
void latch_clean_unregister(struct vfio_latch_device *dev);
void latch_clean_open(struct vfio_latch_device *dev);
void latch_clean_close(struct vfio_latch_device *dev);
void latch_clean_woken(struct vfio_latch_device *dev);
void latch_clean_clear(struct vfio_latch_device *dev);
void latch_clean_begin(struct vfio_latch_device *dev);
void latch_clean_commit(struct vfio_latch_device *dev);
bool latch_clean_take(struct vfio_latch_device *dev);

/* A visit of latch_visit_affected(): returns 0, or an error that ends the visits. */
typedef int (*latch_visit_fn)(struct pci_dev *pdev, void *data);

/* device_set.c APIs: */
bool latch_can_hot_reset(struct pci_dev *pdev);
bool latch_is_prepared(struct pci_dev *own, struct pci_dev *pdev);
void *latch_device_set_id(struct vfio_latch_device *dev);
int latch_visit_affected(struct pci_dev *pdev, latch_visit_fn visit, void *data);
bool latch_has_functions_behind(const struct pci_dev *bridge);
unsigned int latch_count_affected(struct pci_dev *pdev);
struct vfio_latch_device *latch_find_member(struct vfio_device_set *set, struct pci_dev *pdev);
void latch_leave_set(struct vfio_latch_device *dev);

struct vfio_latch_device *latch_next_member(struct vfio_device_set *set,
					    struct vfio_latch_device *member);

/* The members of a device set, whose lock is held. */
#define latch_for_each_member(member, set)				\
	for (member = latch_next_member(set, NULL); member;		\
	     member = latch_next_member(set, member))

/* hot_reset_info.c APIs: */
int latch_hot_reset_info(struct vfio_latch_device *dev, void __user *arg);

/* hot_reset.c APIs: */
int latch_hot_reset(struct vfio_latch_device *dev, void __user *arg);
void latch_hot_reset_at_last_close(struct vfio_latch_device *dev);

/* power.c APIs: */
void latch_power_register(struct vfio_latch_device *dev);
void latch_power_unregister(struct vfio_latch_device *dev);
int latch_power_open(struct vfio_latch_device *dev);
void latch_power_close(struct vfio_latch_device *dev);
void latch_power_set_state(struct vfio_latch_device *dev, pci_power_t state);
void latch_power_wake(struct vfio_latch_device *dev);
void latch_power_up(struct vfio_latch_device *dev);
int latch_feature_low_power_entry(struct vfio_latch_device *dev, u32 flags, void __user *arg,
				  size_t argsz);
int latch_feature_low_power_wakeup(struct vfio_latch_device *dev, u32 flags, void __user *arg,
				   size_t argsz);
int latch_feature_low_power_exit(struct vfio_latch_device *dev, u32 flags, void __user *arg,
				 size_t argsz);

/* vf_token.c APIs: */
int latch_vf_token_init(struct vfio_latch_device *dev);
void latch_vf_token_free(struct vfio_latch_device *dev);
int latch_feature_vf_token(struct vfio_latch_device *dev, u32 flags, void __user *arg,
			   size_t argsz);
int latch_vf_token_open(struct vfio_latch_device *dev);
void latch_vf_token_opened(struct vfio_latch_device *dev);
void latch_vf_token_close(struct vfio_latch_device *dev);

/* sriov.c APIs: */
void latch_sriov_disable(struct vfio_latch_device *dev);
int latch_sriov_register(struct vfio_latch_device *dev);
void latch_sriov_unregister(struct vfio_latch_device *dev);

#endif
