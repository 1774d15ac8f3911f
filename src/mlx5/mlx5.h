/* SPDX-License-Identifier: GPL-2.0-only */
/* mlx5-vfio-pci: a ConnectX VF in a user's hands, and what its files know of each other. */
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
 *
 * state_mutex protects the migration state and all that is said to the
 * firmware on the VF's behalf, but for the images that save.c's worker has it
 * save: who suspends or resumes the VF waits for those before.
 *
 * It is taken with the PF's driver's locks held (pf_event()), so nothing that
 * takes those runs under it, nor anything that waits for user memory, or for
 * memory that a user is charged for; and the
 * firmware is waited for under it, so nobody waits for it with a lock that a page
 * fault on a BAR needs. A reset does hold such a lock: it only leaves word
 * (resets_begun, resets_done), and has a worker do the rest.
 */
struct latch_mlx5_device {
	struct vfio_latch_device core;

	/*
	 * Written in probe before registration, read-only until the device is
	 * freed. mdev is the PF's, and NULL without one; it outlives its VFs,
	 * but is to be talked to only while mdev_detach is not set.
	 */
	struct mlx5_core_dev *mdev;
	struct notifier_block pf_notifier;
	const char *migratable;		/* "yes", or why not: docs/sysfs-abi.txt */
	u16 vf_index;
	u16 vhca_id;
	unsigned int migrate_cap : 1;
	unsigned int precopy_cap : 1;
	unsigned int chunk_mode : 1;
	unsigned int multi_load_cap : 1;
	unsigned int mig_state_cap : 1;
	unsigned int track_cap : 1;

	/*
	 * Outside of state_mutex, by a user's requests about logging, for
	 * another state and about what pre-copy has left, alone: held over user
	 * memory, and while memory is had that he is charged for.
	 */
	struct mutex log_mutex;

	/*
	 * Protects all up to the next empty line. mig_state, log_*, resets_taken
	 * and commanded are looked at without it, too.
	 */
	struct mutex state_mutex;
	enum vfio_device_mig_state mig_state;
	unsigned int resets_taken;	/* resets_done, as the state knows of it */
	unsigned int commanded;		/* resets_begun, when a command changing it ended last */
	struct latch_mlx5_save *save;
	struct latch_mlx5_load *load;
	struct latch_mlx5_tracker *tracker;
	bool log_active;
	bool log_failed;
	bool mdev_detach;

	/* Inside state_mutex, or by the worker alone: no question comes amid a save. */
	struct mutex command_lock;

	/* With a lock of its own. */
	struct latch_costs costs;

	/* Counted by resets, which may overlap. Taken by whoever has state_mutex. */
	atomic_t resets_begun, resets_done;
	struct work_struct reset_work;
};

static inline struct latch_mlx5_device *latch_mlx5_from_vdev(struct vfio_device *vdev)
{
	return container_of(vdev, struct latch_mlx5_device, core.vdev);
}

/**
 * latch_mlx5_lock_if_over - take what is left of a session whose device has left it
 * @is_over: set by its end, under state_mutex
 * @lock: held by who reads or writes its file
 *
 * For its end and, without the lock, each user of its file afterwards: either the
 * user finds that the session is over, or its end finds that the lock is free.
 *
 * Return: whether it is over and the lock is taken.
 */
static inline bool latch_mlx5_lock_if_over(const bool *is_over, struct mutex *lock)
{
	/* Pairs with itself, there: is_over was set, or the lock released, before. */
	smp_mb();
	return READ_ONCE(*is_over) && mutex_trylock(lock);
}

/* migration.c APIs: */
void latch_mlx5_migration_init(struct latch_mlx5_device *dev);
void latch_mlx5_migration_exit(struct latch_mlx5_device *dev);
void latch_mlx5_migration_probe(struct latch_mlx5_device *dev);
void latch_mlx5_migration_remove(struct latch_mlx5_device *dev);
void latch_mlx5_migration_close(struct latch_mlx5_device *dev);
void latch_mlx5_state_lock(struct latch_mlx5_device *dev);
void latch_mlx5_state_unlock(struct latch_mlx5_device *dev);
unsigned int latch_mlx5_state(const struct latch_mlx5_device *dev);
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
 * dirty.c APIs: VFIO's DMA logging, on the page tracker of tracker.c. The last
 * is called under state_mutex, at close and when the PF's driver goes away.
 */
void latch_mlx5_dirty_probe(struct latch_mlx5_device *dev);
void latch_mlx5_dirty_end(struct latch_mlx5_device *dev);
const char *latch_mlx5_dirty_state(const struct latch_mlx5_device *dev);

/* sysfs.c APIs: */
int latch_mlx5_sysfs_add(struct latch_mlx5_device *dev);
void latch_mlx5_sysfs_remove(struct latch_mlx5_device *dev);

#endif
