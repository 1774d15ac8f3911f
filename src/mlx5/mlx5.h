/* SPDX-License-Identifier: GPL-2.0-only */
/* mlx5-vfio-pci: a ConnectX VF that a user has, and the interface between this driver's files. */
#ifndef LATCH_MLX5_H
#define LATCH_MLX5_H

#include <linux/mlx5/driver.h>

#include "../compat/compat.h"
#include "../compat/vfio_migration.h"
#include "../core/vfio_latch.h"
#include "cost.h"

struct latch_fw_size;
struct latch_mlx5_load;
struct latch_mlx5_save;
struct latch_mlx5_tracker;

/**
 * struct latch_mlx5_device - a VF
 * @core: the core's part
 * @mdev: the PF, NULL if the VF cannot be migrated; it outlives its VFs, but gets commands only
 *	while @mdev_detach is not set
 * @pf_notifier: called when the PF's driver goes away or comes back
 * @migratable: "yes", or why not: docs/sysfs-abi.txt
 * @vf_index: the VF's number, from 0
 * @vhca_id: the VF's number in commands
 * @migrate_cap: the VF can be migrated
 * @precopy_cap: its state can be saved while it runs
 * @chunk_mode: its state is saved in chunks
 * @multi_load_cap: several images can be loaded one after the other
 * @mig_state_cap: queries tell whether the state to be saved begins anew
 * @track_cap: it has DMA logging
 * @log_mutex: serialises DMA logging, changes of the state and pre-copy queries
 * @size_mutex: serialises questions for the state's size
 * @state_mutex: protects the migration state and most of what the firmware is told about the VF
 * @mig_state: the migration state; under state_mutex
 * @shown_state: what the user and sysfs are told of it: between the arcs of one request it stays
 *	behind; written under state_mutex, read without it
 * @resets_taken: @resets_done, as far as @mig_state knows; under state_mutex, also read without it
 * @commanded: @resets_begun when a command that changes the VF ended last; under state_mutex, also
 *	read without it
 * @save: the saving session, or NULL; under state_mutex
 * @load: the loading session, or NULL; under state_mutex
 * @tracker: the page tracker while DMA is logged, else NULL; written under state_mutex and
 *	@tracker_lock, read under either
 * @log_active: DMA is logged; under state_mutex, also read without it
 * @log_failed: a report has failed since it was started; under state_mutex, also read without it
 * @mdev_detach: the PF's driver goes or has gone away; written by pf_event(), of which there is one
 *	at a time, before it takes state_mutex if true, under it if false
 * @tracker_lock: lets pf_event() reach a tracker before it takes state_mutex; inside that
 * @file_lock: inside all others but the costs' lock
 * @nr_callers: threads that came by a session's file and use the device; under file_lock
 * @no_callers: woken when @nr_callers becomes 0
 * @command_lock: keeps questions out while the firmware saves; inside state_mutex, or taken by
 *	save.c's worker alone
 * @costs: what the last migration cost; it has a lock of its own
 * @resets_begun: resets that have begun; atomic, counted by resets
 * @resets_done: resets that are over; atomic, counted by resets
 * @reset_work: takes state_mutex, so that the state follows a reset
 *
 * The members from @mdev to @track_cap are written in probe before registration, and read-only
 * until the device is freed.
 *
 * state_mutex protects all that the firmware is told on the VF's behalf, except
 * the saves of save.c's worker: before a VF is suspended or resumed, these are
 * waited for.
 *
 * state_mutex is taken with locks of the PF's driver held (pf_event()). So
 * nothing under it takes those, or waits for user memory, or for the memory of
 * an image, for which a user is charged. log_mutex, outside of it, may be held
 * over both, but only by a user of the open device: a data fd outlives the close.
 *
 * Who comes by a data fd neither takes nor waits for one of these locks when the
 * session is over (latch_mlx5_file_enter()), and close waits for those who came
 * before: the locks may be the next user's then.
 *
 * Of all threads of a user two wait for state_mutex at most, besides the writer
 * of a stream: the holders of log_mutex and size_mutex. The others wait for
 * these, killably: so the PF's driver does not queue behind them.
 *
 * The firmware is waited for under state_mutex, so nobody waits for it with a
 * lock that a page fault on a BAR needs. A reset does hold such a lock: it only
 * counts itself (resets_begun, resets_done, which may overlap), and a worker does
 * the rest.
 */
struct latch_mlx5_device {
	struct vfio_latch_device core;

	struct mlx5_core_dev *mdev;
	struct notifier_block pf_notifier;
	const char *migratable;
	u16 vf_index;
	u16 vhca_id;
	unsigned int migrate_cap : 1;
	unsigned int precopy_cap : 1;
	unsigned int chunk_mode : 1;
	unsigned int multi_load_cap : 1;
	unsigned int mig_state_cap : 1;
	unsigned int track_cap : 1;

	/* Outside of state_mutex. */
	struct mutex log_mutex;

	/* The same, and not together with log_mutex. */
	struct mutex size_mutex;

	/* See above. */
	struct mutex state_mutex;
	enum vfio_device_mig_state mig_state;
	enum vfio_device_mig_state shown_state;
	unsigned int resets_taken;
	unsigned int commanded;
	struct latch_mlx5_save *save;
	struct latch_mlx5_load *load;
	struct latch_mlx5_tracker *tracker;
	bool log_active;
	bool log_failed;
	bool mdev_detach;

	/* See tracker. */
	spinlock_t tracker_lock;

	/* Inside state_mutex. */
	struct mutex command_lock;

	/* Protects nr_callers; a session's is_over becomes true under it. */
	spinlock_t file_lock;
	unsigned int nr_callers;
	wait_queue_head_t no_callers;

	struct latch_costs costs;

	atomic_t resets_begun, resets_done;
	struct work_struct reset_work;
};

static inline struct latch_mlx5_device *latch_mlx5_from_vdev(struct vfio_device *vdev)
{
	return container_of(vdev, struct latch_mlx5_device, core.vdev);
}

/**
 * latch_mlx5_lock_if_over - take what is left of a session that is over
 * @is_over: set at the session's end by latch_mlx5_file_is_over()
 * @lock: held by readers or writers of its file
 *
 * Called at the session's end, and by each user of its file after releasing the
 * lock: either the user finds that the session is over, or its end finds that
 * the lock is free.
 *
 * Return: whether it is over and the lock is taken.
 */
static inline bool latch_mlx5_lock_if_over(const bool *is_over, struct mutex *lock)
{
	/*
	 * Pairs with itself in the other caller: before it, is_over was set or the lock released.
	 */
	smp_mb();
	/* Pairs with latch_mlx5_file_is_over(). */
	return smp_load_acquire(is_over) && mutex_trylock(lock);
}

/* migration.c APIs: */
void latch_mlx5_migration_init(struct latch_mlx5_device *dev);
void latch_mlx5_migration_exit(struct latch_mlx5_device *dev);
void latch_mlx5_migration_probe(struct latch_mlx5_device *dev);
void latch_mlx5_migration_remove(struct latch_mlx5_device *dev);
void latch_mlx5_migration_close(struct latch_mlx5_device *dev);
void latch_mlx5_state_lock(struct latch_mlx5_device *dev);
void latch_mlx5_state_unlock(struct latch_mlx5_device *dev);
bool latch_mlx5_has_pf(const struct latch_mlx5_device *dev);
unsigned int latch_mlx5_state(const struct latch_mlx5_device *dev);
bool latch_mlx5_file_enter(struct latch_mlx5_device *dev, const bool *is_over);
void latch_mlx5_file_leave(struct latch_mlx5_device *dev);
void latch_mlx5_file_is_over(struct latch_mlx5_device *dev, bool *is_over);
bool latch_mlx5_reset_is_due(const struct latch_mlx5_device *dev);
int latch_mlx5_commanded(struct latch_mlx5_device *dev, int error);
int latch_mlx5_query_size(struct latch_mlx5_device *dev, bool incremental,
			  struct latch_fw_size *size);
int latch_mlx5_migration_feature(struct latch_mlx5_device *dev, u32 flags, void __user *arg,
				 size_t argsz);

/* save.c APIs: */
struct file *latch_mlx5_save_begin(struct latch_mlx5_device *dev, bool track);
int latch_mlx5_save_finish(struct latch_mlx5_device *dev);
void latch_mlx5_save_settle(struct latch_mlx5_device *dev);
int latch_mlx5_save_give_up(struct latch_mlx5_device *dev);
void latch_mlx5_save_end(struct latch_mlx5_device *dev, const char *why);

/* load.c APIs: */
struct file *latch_mlx5_load_begin(struct latch_mlx5_device *dev);
int latch_mlx5_load_check(struct latch_mlx5_device *dev);
void latch_mlx5_load_end(struct latch_mlx5_device *dev, const char *why);

/*
 * dirty.c APIs: VFIO's DMA logging, on the page tracker of tracker.c.
 * latch_mlx5_dirty_interrupt() needs no lock.
 * latch_mlx5_dirty_end() is called under state_mutex, at log_stop, at close and
 * when the PF's driver goes away.
 */
void latch_mlx5_dirty_probe(struct latch_mlx5_device *dev);
void latch_mlx5_dirty_interrupt(struct latch_mlx5_device *dev);
void latch_mlx5_dirty_end(struct latch_mlx5_device *dev);
const char *latch_mlx5_dirty_state(const struct latch_mlx5_device *dev);

/* sysfs.c APIs: */
int latch_mlx5_sysfs_add(struct latch_mlx5_device *dev);
void latch_mlx5_sysfs_remove(struct latch_mlx5_device *dev);

#endif
