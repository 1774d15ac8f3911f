/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vfio-latch: a VFIO PCI core. This is the interface to the drivers on top of
 * it.
 *
 * A driver allocates a structure whose first member is a struct
 * vfio_latch_device with vfio_alloc_device(). Its vfio_device_ops consist of
 * the functions below (VFIO_LATCH_DEVICE_OPS of device_ops.h). It registers the
 * structure in its probe:
 *
 *	probe:   vfio_alloc_device() -> vfio_latch_register() -> driver data
 *	remove:  vfio_latch_unregister() -> vfio_put_device()
 *	open:    vfio_latch_open() -> own preparation
 *	close:   own clean-up -> vfio_latch_close()
 *
 * The driver is a struct vfio_latch_driver (policy.h). Its struct pci_driver gets
 * groups = vfio_latch_driver_groups, vfio_latch_err_handlers, driver.pm =
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
 * @padding: the rest of the page, for a BAR that ends within one; held if it has a parent
 * @can_mmap: user space may map it; meaningful while it is held
 * @is_held: its resource is requested
 *
 * Written under the device's bar_lock, or while nobody uses the device. While
 * it is used, @io and @is_held only become set, and are read without the lock.
 */
struct latch_bar {
	void __iomem *io;
	struct resource padding;
	bool can_mmap;
	bool is_held;
};

/**
 * struct vfio_latch_device - a PCI function handed to user space
 * @vdev: vfio's device
 * @pdev: the function
 * @policy: the latched values of the tunables
 * @vf_token: a PF's token; a VF's PF's, if that has one; else NULL
 * @named: the token that @named_by has named; under the lock of @vf_token
 * @named_by: the process that opens the device, or NULL; likewise
 * @is_token_user: a VF counts among the users of the token; likewise
 * @vf_notifier: watches a PF's VFs appear
 * @opregion: Intel graphics: where firmware said that the OpRegion is
 * @found: COMMAND when it was bound
 * @reset_begins: a reset of the function begins, whoever resets it; NULL, or set with @was_reset
 * @was_reset: such a reset is over
 * @config: the compiled configuration space; kept from an open to the next
 * @initial: the function's state, as at probe
 * @pristine: the function's state, as at open; NULL while it is closed
 * @regions: the regions that drivers added
 * @mapping: where all user mappings of BARs are found
 * @physfn: a VF's PF, or @pdev; the PCI core's own way to it reads a bit of @pdev that shares its
 *	storage with those of MSI
 * @nr_regions: number of @regions
 * @atomic_flags: what GET_INFO says of AtomicOps, VFIO_PCI_ATOMIC_COMP*
 * @msix_offset: of the MSI-X table in its BAR
 * @msix_size: bytes of the MSI-X table, 0 without one
 * @msix_bar: the BAR that has the MSI-X table
 * @has_vga: the user is given the VGA legacy regions
 * @reset_works: the function can be reset alone
 * @hide_intx: the user sees no INTx pin
 * @can_mask_intx: INTx is masked in the function, not in the interrupt controller
 * @has_vga_client: the device is a client of the VGA arbiter
 * @has_vf_notifier: @vf_notifier is registered
 * @reset_lock: of all threads that reset the device for its user, or look at its ROM, one holds it
 *	(reset.c)
 * @state_lock: held for every change of whether the hardware can be touched
 * @state_lock_key: each device's lock is a class of its own to lockdep
 * @reset_owner: the task that resets for a user, or NULL; written under state_lock, read without
 *	it by reset_prepare and before dma-bufs are given back
 * @away: resets that nobody waits for; raised by AER and reset_done, lowered under state_lock
 * @is_back: the last of them is over; written before @away is raised, and when it is over
 * @away_since: when it began, in jiffies; written before @away is raised
 * @pf_returns: @returns of a VF's PF at that time; written before @away is raised
 * @returns: how often the function came back from being away
 * @looked_at: when the last look at a function that is away was, in jiffies; under state_lock
 * @away_work: takes state_lock, so that a function that is back is configured
 * @is_recovering: AER has announced a reset of the link; under the device lock
 * @has_vfs: a PF's VFs exist or are being made, so it stays in D0; under state_lock
 * @access_lock: held for reading by accesses, for writing while they are kept out
 * @access_lock_key: as @state_lock_key
 * @low_power: the user has asked for low power; written with access_lock held for writing
 * @dma_bufs: parts of BARs that other devices may map; added to with access_lock held for reading,
 *	removed from without it, both under list_lock of dma_buf.c
 * @irq_lock: protects which interrupts are set up
 * @irq_type: VFIO_PCI_*_IRQ_INDEX of what is set up, or VFIO_PCI_NUM_IRQS; under irq_lock
 * @nr_vectors: MSI or MSI-X vectors that can have an eventfd; under irq_lock
 * @vectors: those that have one; under irq_lock
 * @signal_lock: protects the triggers of ERR and REQ
 * @err_trigger: ERR's eventfd, or NULL; under signal_lock
 * @req_trigger: REQ's eventfd, or NULL; under signal_lock
 * @intx_lock: protects INTx and every read-modify-write of COMMAND
 * @intx: INTx, if it is set up; written under irq_lock and intx_lock
 * @intx_disabled: the user's own DisINTx; under intx_lock
 * @intx_quiet: LATCH_QUIET_*; under intx_lock
 * @intx_quiet_since: when the last reset was announced, in jiffies; under intx_lock
 * @config_lock: serialises writers of configuration space and its shadow
 * @vpd_again: when Vital Product Data may be asked for again, in jiffies, or 0; under config_lock
 * @bar_lock: protects which parts of BARs are held and mapped
 * @bars: the BARs; under bar_lock, see struct latch_bar
 * @ioeventfd_lock: protects the list of ioeventfds
 * @ioeventfds: the ioeventfds; under ioeventfd_lock
 * @nr_ioeventfds: number of @ioeventfds; under ioeventfd_lock
 * @ioeventfd_work: writes the ioeventfds that are due
 * @wakeup_trigger: signalled when the device wakes from low power; under access_lock for writing
 * @clean: whether the function is as our reset at the last close left it (clean.c)
 * @clean_fingerprint: how its configuration space read then
 * @clean_node: in the list of all devices; under devices_lock of clean.c
 * @is_open: the device is open; written under devices_lock and bar_lock
 * @is_vf: the function is a VF
 * @always_decodes: memory is decoded whatever COMMAND says, as a VF's; as in @pdev
 * @needs_reset: the function's own reset failed, the device set's must do; under the set's lock
 * @is_leaving: it is being unbound; set once, when that begins
 * @has_left: the device set visits it no more; set once, under the set's lock
 *
 * Drivers may use @vdev and @pdev, and set @reset_begins and @was_reset before
 * they register the device. All other members are the core's.
 *
 * @reset_begins and @was_reset are called for all resets except the function's own at open, close
 * and unbind. They are called with locks held that page faults and AER wait for, so they wait for
 * no user and no device. Resets may overlap: none is under way while both have been called
 * equally often.
 *
 * Locks, outermost first: config_lock, reset_lock, the device set's lock (open,
 * close, hot reset), irq_lock, ioeventfd_lock, the PCI core's device_lock(),
 * state_lock, access_lock, intx_lock. bar_lock and signal_lock are leaves. A
 * holder of one of ours takes the device_lock() by trylock only: an unbind holds
 * it while it waits for the last close. User memory is never touched under any
 * of them: it may be another device's BAR.
 *
 * state_lock is held for every change of whether the hardware can be touched,
 * and for the host's own accesses, from before to after: resets, power states,
 * COMMAND, the set-up of MSI and MSI-X, open, close. Page faults and the
 * callbacks of runtime PM never take it; so its holder may wait for procfs, KVM
 * and other processes. Accesses to BARs take it, killably, only for a function
 * that is away.
 *
 * access_lock says whether a user's access may touch the hardware now. Readers
 * touch it. Writers take away mappings and change whether it can be touched;
 * they hold state_lock, are a callback of power management, or end low power.
 * Mappings of a function that is away are taken away without state_lock, whose
 * holder may wait long. A page fault waits for access_lock, so its holder, in
 * whatever mode, waits only for the function, and for drivers of other devices
 * to let go of its BARs, which no fault delays (dma_buf.c).
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
	u32 opregion;
	u16 found;
	void (*reset_begins)(struct vfio_latch_device *dev);
	void (*was_reset)(struct vfio_latch_device *dev);

	/*
	 * Setup state: written in probe, at the first open, at the last close
	 * and in remove, which exclude each other and all users of the device.
	 * The bitfield is written nowhere else.
	 */
	struct latch_config *config;
	struct pci_saved_state *initial;
	struct pci_saved_state *pristine;
	struct latch_region *regions;
	struct address_space *mapping;
	struct pci_dev *physfn;
	unsigned int nr_regions;
	u32 atomic_flags;
	u32 msix_offset;
	u16 msix_size;
	u8 msix_bar;
	unsigned int has_vga : 1;
	unsigned int reset_works : 1;
	unsigned int hide_intx : 1;
	unsigned int can_mask_intx : 1;
	unsigned int has_vga_client : 1;
	unsigned int has_vf_notifier : 1;

	/* Under the lock of vf_token. */
	uuid_t named;
	struct pid *named_by;
	bool is_token_user;

	/* Outside of the device set's lock and state_lock. */
	struct mutex reset_lock;

	/* Outside of access_lock; see above. */
	struct mutex state_lock;
	struct lock_class_key state_lock_key;
	struct task_struct *reset_owner;

	/* For away.c. */
	atomic_t away;
	bool is_back;
	unsigned long away_since;
	int pf_returns;
	atomic_t returns;
	unsigned long looked_at;
	struct delayed_work away_work;

	bool is_recovering;

	bool has_vfs;

	/* Inside of state_lock; see above. */
	struct rw_semaphore access_lock;
	struct lock_class_key access_lock_key;
	bool low_power;
	struct list_head dma_bufs;

	/* Outside of state_lock. */
	struct mutex irq_lock;
	u8 irq_type;
	u32 nr_vectors;
	struct xarray vectors;

	/* A leaf: AER takes it under locks that irq_lock's holders may wait for. */
	spinlock_t signal_lock;
	struct eventfd_ctx *err_trigger;
	struct eventfd_ctx *req_trigger;

	/* Taken by the interrupt handler. */
	spinlock_t intx_lock;
	struct latch_intx *intx;
	bool intx_disabled;
	u8 intx_quiet;
	unsigned long intx_quiet_since;

	/* Outside of irq_lock and state_lock. */
	struct mutex config_lock;
	u64 vpd_again;

	/* A leaf. */
	struct mutex bar_lock;
	struct latch_bar bars[PCI_STD_NUM_BARS];

	/* Outside of access_lock. */
	struct mutex ioeventfd_lock;
	struct list_head ioeventfds;
	unsigned int nr_ioeventfds;
	struct work_struct ioeventfd_work;

	struct eventfd_ctx *wakeup_trigger;

	/*
	 * Atomic: set at close, cleared by AER, resets and system sleep, which nothing orders
	 * against each other. The fingerprint is setup state.
	 */
	atomic_t clean;
	u32 clean_fingerprint;

	struct list_head clean_node;
	bool is_open;

	bool is_vf;
	bool always_decodes;
	bool needs_reset;
	bool is_leaving;
	bool has_left;
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
