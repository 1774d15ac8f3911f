/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vfio-latch: a VFIO PCI core. All that a driver on top of it needs to know.
 *
 * A driver allocates a structure whose first member is a struct
 * vfio_latch_device with vfio_alloc_device(), its vfio_device_ops made of the
 * functions below, and registers it in its probe:
 *
 *	probe:   vfio_alloc_device() -> vfio_latch_register() -> driver data
 *	remove:  vfio_latch_unregister() -> vfio_put_device()
 *	open:    vfio_latch_open() -> own preparation -> vfio_latch_opened()
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
 * @io: the BAR mapped for reads and writes; made at the first one, with
 *	cmpxchg(), and unmapped at close
 * @is_held: the BAR's resource is requested; probe to remove, under the
 *	device's bar_lock
 */
struct latch_bar {
	void __iomem *io;
	bool is_held;
};

/**
 * struct vfio_latch_device - a PCI function handed to user space
 *
 * Locks, outermost first: the device set's lock (open, close, hot reset),
 * config_lock, irq_lock, access_lock, intx_lock. bar_lock and ioeventfd_lock
 * are leaves. A device's access_lock may be taken with the PCI core's
 * device_lock() held (reset_prepare), never the other way round except by
 * trylock. User memory is never touched under any of them: it may be another
 * device's BAR.
 *
 * access_lock says whether the hardware can be touched. Readers touch it;
 * writers change whether it can be touched: reset, power state, memory
 * decoding.
 */
struct vfio_latch_device {
	struct vfio_device vdev;
	struct pci_dev *pdev;

	/* Written in probe before registration, read-only until the device is freed. */
	struct vfio_latch_policy policy;
	struct latch_vf_token *vf_token;
	struct notifier_block vf_notifier;

	/*
	 * Setup state: written in probe, at the first open, at the last close
	 * and in remove, which exclude each other and all users of the device.
	 * The bitfield is written nowhere else.
	 */
	struct latch_config *config;
	struct pci_saved_state *pristine;
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
	unsigned int needs_d3_restore : 1;

	/* Under access_lock, written with it held for writing. */
	struct rw_semaphore access_lock;
	struct lock_class_key access_lock_key;
	bool low_power;
	bool in_d3;

	/* Under irq_lock; read without it where READ_ONCE() says so. */
	struct mutex irq_lock;
	u8 irq_type;
	u32 nr_vectors;
	struct xarray vectors;
	struct eventfd_ctx *err_trigger;
	struct eventfd_ctx *req_trigger;

	/* Under intx_lock, which the interrupt handler takes; intx itself is under irq_lock too. */
	spinlock_t intx_lock;
	struct latch_intx *intx;
	bool intx_disabled;

	/* Serialises writers of configuration space and its shadow. */
	struct mutex config_lock;

	struct mutex bar_lock;
	struct latch_bar bars[PCI_STD_NUM_BARS];

	struct mutex ioeventfd_lock;
	struct list_head ioeventfds;
	unsigned int nr_ioeventfds;

	/* Under access_lock for writing: see low power in power.c. */
	struct eventfd_ctx *wakeup_trigger;

	/*
	 * The function is as its own reset at the last close left it. Atomic:
	 * set at close, cleared from AER, sysfs resets and system sleep, which
	 * nothing orders against each other (clean.c).
	 */
	atomic_t is_clean;

	/* Under the device set's lock: our reset failed and the set's must do. */
	bool needs_reset;
};
