/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vfio-latch: a VFIO PCI core. All that a driver on top of it needs to know.
 *
 * A driver allocates a structure whose first member is a struct
 * vfio_latch_device with vfio_alloc_device(), its vfio_device_ops made of the
 * functions below (device_ops.h), and registers it in its probe:
 *
 *	probe:   vfio_alloc_device() -> vfio_latch_register() -> driver data
 *	remove:  vfio_latch_unregister() -> vfio_put_device()
 *	open:    vfio_latch_open() -> own preparation
 *	close:   own clean-up -> vfio_latch_close()
 *
 * struct pci_driver gets vfio_latch_err_handlers, driver.pm =
 * &vfio_latch_pm_ops and driver_managed_dma = true.
 */
#ifndef VFIO_LATCH_H
#define VFIO_LATCH_H

#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/uuid.h>
#include <linux/vfio.h>
#include <linux/xarray.h>

#include "policy.h"

struct latch_config;
struct latch_region;
struct latch_vf_token;

/**
 * struct latch_bar - a BAR of a function
 * @io: its registers mapped for reads and writes, from the first one to close
 * @padding: what is held of the rest of the page, for a BAR below a page
 * @can_mmap: user space may map it; meaningful while it is held
 * @is_held: its resource is requested
 *
 * Written under the device's bar_lock, or while nobody uses the device. @io
 * and @is_held go from unset to set in use, and are read without the lock.
 */
struct latch_bar {
	void __iomem *io;
	struct resource *padding;
	bool can_mmap;
	bool is_held;
};

/**
 * struct vfio_latch_device - a PCI function handed to user space
 *
 * Locks, outermost first: the device set's lock (open, close, hot reset),
 * config_lock, irq_lock, ioeventfd_lock, the PCI core's device_lock(),
 * state_lock, access_lock, intx_lock. bar_lock and signal_lock are leaves. Who
 * holds one of ours takes the device_lock() by trylock only: an unbind holds it
 * while it waits for the last close. User memory is never touched under any of
 * them: it may be another device's BAR.
 *
 * state_lock is held by whoever changes whether the hardware can be touched,
 * or touches it for the host, from before to after: resets, power states,
 * COMMAND, the set-up of MSI and MSI-X, open, close. Page faults and the
 * callbacks of runtime PM never take it; so its holder may wait for procfs, KVM
 * and other processes. read() and write() take it, killably, for a function that
 * is away alone.
 *
 * access_lock says whether a user's access may touch the hardware now. Readers
 * touch it; writers, with state_lock or in a callback of power management, take
 * away mappings and change whether it can be touched; mappings of a function that
 * is away are taken without state_lock, whose holder may wait long. A page fault
 * waits for it: who holds it, in whatever mode, waits for nothing but the function
 * itself; and for drivers of other devices to let go of its BARs, which no fault
 * holds up (dma_buf.c).
 *
 * A hot reset takes the state_lock of all its functions, in bus order, before
 * the first access_lock (hot_reset.c). Runtime PM is never resumed under
 * access_lock, which its callbacks take for writing.
 */
struct vfio_latch_device {
	struct vfio_device vdev;
	struct pci_dev *pdev;

	/* Written in probe before registration, read-only until the device is freed. */
	struct vfio_latch_policy policy;
	struct latch_vf_token *vf_token;
	struct notifier_block vf_notifier;
	u32 opregion;			/* Intel graphics: where firmware said that it is */
	/*
	 * A driver's own, both or neither: a reset of its function begins, and is
	 * over, whoever does it. Resets may overlap: the function is its own again
	 * when as many are over as began. They are called with locks held that page
	 * faults and AER wait for, so they wait for no user and no device.
	 */
	void (*reset_begins)(struct vfio_latch_device *dev);
	void (*was_reset)(struct vfio_latch_device *dev);

	/*
	 * Setup state: written in probe, at the first open, at the last close
	 * and in remove, which exclude each other and all users of the device.
	 * The bitfield is written nowhere else.
	 */
	struct latch_config *config;
	struct pci_saved_state *initial;	/* as at probe */
	struct pci_saved_state *pristine;	/* as at open; NULL while nobody has it open */
	struct latch_region *regions;
	struct address_space *mapping;
	unsigned int nr_regions;
	u32 msix_offset;
	u16 msix_size;
	u8 msix_bar;
	unsigned int has_vga : 1;
	unsigned int reset_works : 1;
	unsigned int hide_intx : 1;
	unsigned int can_mask_intx : 1;
	unsigned int has_vga_client : 1;
	unsigned int has_vf_notifier : 1;

	/*
	 * reset_owner: who resets for a user, with state_lock. Written with that, read
	 * without: by reset_prepare, and by whoever would give dma-bufs back.
	 */
	struct mutex state_lock;
	struct lock_class_key state_lock_key;
	struct task_struct *reset_owner;

	/*
	 * Resets that nobody waits for, counted by AER and reset_done, taken by
	 * whoever has state_lock; the work is to take it. The three after it are
	 * written before the count grows; is_back when the reset is over, too.
	 * returns: how often the function was away and is not any more.
	 */
	atomic_t away;
	bool is_back;
	unsigned long away_since;	/* jiffies */
	int pf_returns;
	atomic_t returns;
	unsigned long looked_at;	/* jiffies, under state_lock */
	struct delayed_work away_work;

	/* By AER, under the device lock: it has said that the link will be reset. */
	bool is_recovering;

	/* Under state_lock: a PF's VFs are being made, or there: it stays in D0. */
	bool has_vfs;

	/*
	 * Under access_lock, written with it held for writing; to dma_bufs buffers are
	 * added by readers, and taken away without it, under dma_buf.c's list_lock.
	 */
	struct rw_semaphore access_lock;
	struct lock_class_key access_lock_key;
	bool low_power;
	struct list_head dma_bufs;

	/* Protects all up to the next empty line: which interrupts are set up. */
	struct mutex irq_lock;
	u8 irq_type;
	u32 nr_vectors;
	struct xarray vectors;

	/*
	 * Protects both triggers. A leaf: AER signals with locks of the PCI core
	 * held, which irq_lock's holders may wait for.
	 */
	spinlock_t signal_lock;
	struct eventfd_ctx *err_trigger;
	struct eventfd_ctx *req_trigger;

	/*
	 * For every read-modify-write of COMMAND, and for INTx; taken by the
	 * interrupt handler. intx itself is written under irq_lock, too.
	 * intx_disabled: the user's own DisINTx. intx_quiet: LATCH_QUIET_*.
	 */
	spinlock_t intx_lock;
	struct latch_intx *intx;
	bool intx_disabled;
	u8 intx_quiet;

	/* Serialises writers of configuration space and its shadow. */
	struct mutex config_lock;

	/* Protects what becomes of a BAR while it is used. */
	struct mutex bar_lock;
	struct latch_bar bars[PCI_STD_NUM_BARS];

	/* Protects the list of ioeventfds. The work is to write those that are due. */
	struct mutex ioeventfd_lock;
	struct list_head ioeventfds;
	unsigned int nr_ioeventfds;
	struct work_struct ioeventfd_work;

	/* Under access_lock for writing: see low power in power.c. */
	struct eventfd_ctx *wakeup_trigger;

	/*
	 * Whether the function is as our reset at the last close left it, and
	 * how its configuration space read then (clean.c). Atomic: set at
	 * close, cleared by AER, resets and system sleep, which nothing orders
	 * against each other. The fingerprint is setup state.
	 */
	atomic_t clean;
	u32 clean_fingerprint;

	/* Under clean.c's lock for all devices; is_open is written with bar_lock held, too. */
	struct list_head clean_node;
	bool is_open;

	/* Under the device set's lock: our reset failed and the set's must do. */
	bool needs_reset;
};

static inline struct vfio_latch_device *vfio_latch_from_vdev(struct vfio_device *vdev)
{
	return container_of(vdev, struct vfio_latch_device, vdev);
}

/**
 * struct vfio_latch_region_ops - a region beyond those every function has
 * @rw: reads or writes @count bytes at @offset of the region; @buf is kernel
 *	memory. @offset and @count lie inside the region. Returns 0 or an error.
 * @release: frees what the region's data refers to, at close
 */
struct vfio_latch_region_ops {
	int (*rw)(struct vfio_latch_device *dev, void *data, void *buf, u64 offset,
		  size_t count, bool is_write);
	void (*release)(struct vfio_latch_device *dev, void *data);
};

/* device.c APIs: */
int vfio_latch_init(struct vfio_device *vdev);
void vfio_latch_release(struct vfio_device *vdev);
int vfio_latch_register(struct vfio_latch_device *dev, const struct vfio_latch_params *params);
void vfio_latch_unregister(struct vfio_latch_device *dev);

/* open.c APIs: struct vfio_device_ops members */
int vfio_latch_open(struct vfio_device *vdev);
void vfio_latch_close(struct vfio_device *vdev);

/* ioctl.c APIs: struct vfio_device_ops members */
long vfio_latch_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg);
int vfio_latch_device_feature(struct vfio_device *vdev, u32 flags, void __user *arg,
			      size_t argsz);

/* info.c APIs: struct vfio_device_ops member */
int vfio_latch_region_info(struct vfio_device *vdev, struct vfio_region_info *info,
			   struct vfio_info_cap *caps);

/* region.c APIs: struct vfio_device_ops members, and regions of a driver's own */
ssize_t vfio_latch_read(struct vfio_device *vdev, char __user *buf, size_t count, loff_t *ppos);
ssize_t vfio_latch_write(struct vfio_device *vdev, const char __user *buf, size_t count,
			 loff_t *ppos);
int vfio_latch_add_region(struct vfio_latch_device *dev, u32 type, u32 subtype, u64 size,
			  u32 flags, const struct vfio_latch_region_ops *ops, void *data);

/* mmap.c APIs: struct vfio_device_ops member */
int vfio_latch_mmap(struct vfio_device *vdev, struct vm_area_struct *vma);

/* irq.c APIs: struct vfio_device_ops member */
void vfio_latch_request(struct vfio_device *vdev, unsigned int count);

/* vf_token.c APIs: struct vfio_device_ops members */
int vfio_latch_match(struct vfio_device *vdev, char *buf);
int vfio_latch_match_token_uuid(struct vfio_device *vdev, const uuid_t *uuid);

/* sriov.c APIs: struct pci_driver member */
int vfio_latch_sriov_configure(struct vfio_latch_device *dev, int nr_vfs);

/* error.c, power.c: struct pci_driver members */
extern const struct pci_error_handlers vfio_latch_err_handlers;
extern const struct dev_pm_ops vfio_latch_pm_ops;

#endif
