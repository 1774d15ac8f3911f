// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VF's migration state: arcs, resets, and the PF's driver coming and going.
 *
 * A VF is suspended in two steps, as initiator and as responder: these are the
 * rungs of the state diagram (state.c). On its other arcs save.c and load.c
 * begin and end their sessions.
 *
 * After a reset a VF runs and has no session. Resets come with locks held that
 * a page fault on a BAR takes, and the firmware is waited for under state_mutex
 * (mlx5.h). So reset_begins() and was_reset() only count resets.
 * The next holder of state_mutex ends the sessions and sets the state, and a
 * worker makes sure that there is one.
 *
 * Meanwhile the VF is not in the state that a holder of state_mutex knows. So
 * no command that changes it is begun any more. If one ended after the reset
 * began, the command or the reset may have come last: such a VF is in ERROR
 * until the next reset.
 */
#include <linux/mlx5/device.h>
#include <linux/uaccess.h>

#include "firmware.h"
#include "mlx5.h"
#include "state.h"

static void end_sessions(struct latch_mlx5_device *dev, const char *why)
{
	lockdep_assert_held(&dev->state_mutex);
	latch_mlx5_save_end(dev, why);
	latch_mlx5_load_end(dev, why);
}

static void set_state(struct latch_mlx5_device *dev, unsigned int state)
{
	lockdep_assert_held(&dev->state_mutex);
	dev->mig_state = state;
	WRITE_ONCE(dev->shown_state, state);
}

/* The VF's state is unknown, so saving or loading it would be worthless. */
static void lose(struct latch_mlx5_device *dev)
{
	end_sessions(dev, "failed");
	set_state(dev, VFIO_DEVICE_STATE_ERROR);
}

/* Returns whether all resets are over, and sets @resets to the number of those that are. */
static bool all_are_over(const struct latch_mlx5_device *dev, unsigned int *resets)
{
	*resets = atomic_read_acquire(&dev->resets_done);
	return atomic_read(&dev->resets_begun) == *resets;
}

/* The state that the last of so many resets leaves, when all are over. */
static unsigned int state_after(const struct latch_mlx5_device *dev, unsigned int resets)
{
	return resets == READ_ONCE(dev->commanded) ? VFIO_DEVICE_STATE_ERROR :
						     VFIO_DEVICE_STATE_RUNNING;
}

static void take_reset(struct latch_mlx5_device *dev)
{
	unsigned int resets;

	lockdep_assert_held(&dev->state_mutex);
	if (!all_are_over(dev, &resets) || resets == dev->resets_taken)
		return;
	end_sessions(dev, "reset");
	set_state(dev, state_after(dev, resets));
	/*
	 * Pairs with resets_taken(): its caller finds the sessions ended, or a reset that is due.
	 */
	smp_store_release(&dev->resets_taken, resets);
}

/* Read this before resets_begun and resets_done, which then are not smaller. */
static unsigned int resets_taken(const struct latch_mlx5_device *dev)
{
	/* Pairs with take_reset(). */
	return smp_load_acquire(&dev->resets_taken);
}

/**
 * latch_mlx5_state_lock - take state_mutex
 * @dev: the device
 *
 * Context: may sleep, as long as the firmware takes. Not with a lock that a
 * page fault takes.
 */
void latch_mlx5_state_lock(struct latch_mlx5_device *dev)
{
	mutex_lock(&dev->state_mutex);
	take_reset(dev);
}

/**
 * latch_mlx5_state_unlock - release state_mutex
 * @dev: the device
 */
void latch_mlx5_state_unlock(struct latch_mlx5_device *dev)
{
	mutex_unlock(&dev->state_mutex);
}

/**
 * latch_mlx5_file_enter - begin to use the device for a caller who came by a session's file
 * @dev: the device
 * @is_over: the session's, set by latch_mlx5_file_is_over()
 *
 * The file may outlive the device's close, and a caller may be as slow as its
 * owner makes it. So the device's locks are the session's only until this fails,
 * and close waits for each caller for whom it has not failed.
 *
 * Return: whether the session is not over; then latch_mlx5_file_leave() must
 * follow, soon: without waiting for user memory, or for memory.
 */
bool latch_mlx5_file_enter(struct latch_mlx5_device *dev, const bool *is_over)
{
	bool ret;

	spin_lock(&dev->file_lock);
	ret = !*is_over;
	dev->nr_callers += ret;
	spin_unlock(&dev->file_lock);
	return ret;
}

/**
 * latch_mlx5_file_leave - undo latch_mlx5_file_enter()
 * @dev: the device
 *
 * Context: no lock of the device is held.
 */
void latch_mlx5_file_leave(struct latch_mlx5_device *dev)
{
	lockdep_assert_not_held(&dev->log_mutex);
	lockdep_assert_not_held(&dev->state_mutex);
	spin_lock(&dev->file_lock);
	if (!--dev->nr_callers)
		wake_up(&dev->no_callers);
	spin_unlock(&dev->file_lock);
}

/**
 * latch_mlx5_file_is_over - let nobody use the device any more who comes by a session's file
 * @dev: the device
 * @is_over: the session's; set
 *
 * What was done before is seen by who reads it with smp_load_acquire().
 */
void latch_mlx5_file_is_over(struct latch_mlx5_device *dev, bool *is_over)
{
	lockdep_assert_held(&dev->state_mutex);
	spin_lock(&dev->file_lock);
	/* Pairs with latch_mlx5_lock_if_over(), which does not take the lock. */
	smp_store_release(is_over, true);
	spin_unlock(&dev->file_lock);
}

static bool has_no_callers(struct latch_mlx5_device *dev)
{
	bool ret;

	spin_lock(&dev->file_lock);
	ret = !dev->nr_callers;
	spin_unlock(&dev->file_lock);
	return ret;
}

/**
 * latch_mlx5_state - a VF's migration state, for its user and for sysfs
 * @dev: the device; not even state_mutex need be held
 *
 * Return: the state that the next holder of state_mutex will find; while a
 * request takes several arcs, the one before the first of them.
 */
unsigned int latch_mlx5_state(const struct latch_mlx5_device *dev)
{
	unsigned int taken = resets_taken(dev), resets;

	if (!all_are_over(dev, &resets) || resets == taken)
		return READ_ONCE(dev->shown_state);
	return state_after(dev, resets);
}

/**
 * latch_mlx5_reset_is_due - whether a reset has begun that the migration state does not know of
 * @dev: the device; not even state_mutex need be held
 *
 * If not, sessions that earlier resets ended have their error.
 *
 * Return: true if a command would not find the VF in the state that it is meant for.
 */
bool latch_mlx5_reset_is_due(const struct latch_mlx5_device *dev)
{
	unsigned int taken = resets_taken(dev);

	return atomic_read(&dev->resets_begun) != taken;
}

/**
 * latch_mlx5_commanded - a command that changes the VF has ended
 * @dev: the device; no reset was due when the command was given
 * @error: its result
 *
 * That is SUSPEND, RESUME or LOAD. A SAVE changes nothing that outlives a
 * reset.
 *
 * Return: @error; -ECANCELED if a reset came in between.
 */
int latch_mlx5_commanded(struct latch_mlx5_device *dev, int error)
{
	lockdep_assert_held(&dev->state_mutex);
	WRITE_ONCE(dev->commanded, atomic_read(&dev->resets_begun));
	return latch_mlx5_reset_is_due(dev) ? -ECANCELED : error;
}

/*
 * The core calls both, whoever resets the function, but not for its resets at open, close and
 * unbind.
 */
static void reset_begins(struct vfio_latch_device *core)
{
	struct latch_mlx5_device *dev = container_of(core, struct latch_mlx5_device, core);

	atomic_inc_return(&dev->resets_begun);
}

static void was_reset(struct vfio_latch_device *core)
{
	struct latch_mlx5_device *dev = container_of(core, struct latch_mlx5_device, core);

	atomic_inc_return(&dev->resets_done);
	queue_work(system_long_wq, &dev->reset_work);
}

static void reset_work(struct work_struct *work)
{
	struct latch_mlx5_device *dev = container_of(work, struct latch_mlx5_device, reset_work);

	latch_mlx5_state_lock(dev);
	latch_mlx5_state_unlock(dev);
}

static int step(struct latch_mlx5_device *dev, enum latch_command command, u16 op_mod)
{
	u64 begun = ktime_get_ns();
	int ret;

	if (latch_mlx5_reset_is_due(dev))
		return -ECANCELED;
	if (command == LATCH_SUSPEND)
		ret = latch_fw_suspend(dev->mdev, dev->vhca_id, op_mod);
	else
		ret = latch_fw_resume(dev->mdev, dev->vhca_id, op_mod);
	latch_costs_command(&dev->costs, command, begun);
	ret = latch_mlx5_commanded(dev, ret);
	/* It may have been executed or not. */
	if (ret == -ETIMEDOUT)
		lose(dev);
	return ret;
}

/* Goes from one rung to a neighbour. Not while the firmware saves. */
static int change_rung(struct latch_mlx5_device *dev, enum latch_quiesce from,
		       enum latch_quiesce to)
{
	latch_mlx5_save_settle(dev);
	if (to == LATCH_STOPPED)
		return step(dev, LATCH_SUSPEND, MLX5_SUSPEND_VHCA_IN_OP_MOD_SUSPEND_RESPONDER);
	if (from == LATCH_STOPPED)
		return step(dev, LATCH_RESUME, MLX5_RESUME_VHCA_IN_OP_MOD_RESUME_RESPONDER);
	if (to == LATCH_INITIATES_NOTHING)
		return step(dev, LATCH_SUSPEND, MLX5_SUSPEND_VHCA_IN_OP_MOD_SUSPEND_INITIATOR);
	return step(dev, LATCH_RESUME, MLX5_RESUME_VHCA_IN_OP_MOD_RESUME_INITIATOR);
}

/* The VF has its new state as a whole, or is useless until it is reset. */
static int leave_resuming(struct latch_mlx5_device *dev)
{
	int ret = latch_mlx5_load_check(dev);

	latch_mlx5_load_end(dev, ret ? "failed" : "completed");
	if (ret)
		lose(dev);
	return ret;
}

/* The error if a saving session has ended during its arc: the state is what that end left. */
static int why_ended(const struct latch_mlx5_device *dev)
{
	return READ_ONCE(dev->mdev_detach) ? -ENOTCONN : -ECANCELED;
}

static int leave_saving(struct latch_mlx5_device *dev)
{
	int ret = latch_mlx5_save_give_up(dev);

	latch_mlx5_save_end(dev, "given-up");
	return ret;
}

/*
 * Takes one arc. Returns a file if it begins a session, NULL, or an error pointer, -ENODEV if a
 * session has ended during it: state_mutex may have been released.
 */
static struct file *take_arc(struct latch_mlx5_device *dev, unsigned int from, unsigned int to)
{
	enum latch_quiesce here = latch_state_quiesce(from), there = latch_state_quiesce(to);
	int ret;

	if (from == VFIO_DEVICE_STATE_RUNNING)
		latch_costs_stops_running(&dev->costs);
	if (from == VFIO_DEVICE_STATE_RESUMING)
		return ERR_PTR(leave_resuming(dev));
	if (to == VFIO_DEVICE_STATE_RESUMING)
		return latch_mlx5_load_begin(dev);
	if (latch_state_saves(to) && !latch_state_saves(from))
		return latch_mlx5_save_begin(dev, to != VFIO_DEVICE_STATE_STOP_COPY);
	if (latch_state_saves(from) && !latch_state_saves(to))
		return ERR_PTR(leave_saving(dev));
	ret = change_rung(dev, here, there);
	if (!ret && to == VFIO_DEVICE_STATE_STOP_COPY)
		ret = latch_mlx5_save_finish(dev);
	return ERR_PTR(ret);
}

/**
 * latch_mlx5_has_pf - whether the VF may have anything in its firmware
 * @dev: the device
 *
 * The PF's driver says that it takes a VF's firmware away, but not if it could
 * not enable the VF before: a session or a tracker would outlive its objects.
 *
 * Context: state_mutex is held.
 */
bool latch_mlx5_has_pf(const struct latch_mlx5_device *dev)
{
	lockdep_assert_held(&dev->state_mutex);
	return !READ_ONCE(dev->mdev_detach) &&
	       READ_ONCE(dev->mdev->priv.sriov.vfs_ctx[dev->vf_index].enabled);
}

/*
 * vfio_migration_ops: takes the arcs to @new_state. If one fails, the device stays before it; a
 * reset during them ends them with -ECANCELED. Who asks sees the state that they lead to, not those
 * between.
 */
static struct file *migration_set_state(struct vfio_device *vdev,
					enum vfio_device_mig_state new_state)
{
	struct latch_mlx5_device *dev = latch_mlx5_from_vdev(vdev);
	struct file *file = NULL;
	unsigned int next;
	int ret;

	if (new_state == VFIO_DEVICE_STATE_ERROR)
		return ERR_PTR(-EINVAL);
	/* No command comes during a report, which may wait for its user. */
	if (mutex_lock_killable(&dev->log_mutex))
		return ERR_PTR(-EINTR);
	latch_mlx5_state_lock(dev);
	while (dev->mig_state != new_state) {
		ret = !latch_mlx5_has_pf(dev) ? -ENOTCONN :
		      latch_mlx5_reset_is_due(dev) ? -ECANCELED :
		      latch_next_state(dev->mig_state, new_state, dev->precopy_cap, &next);
		file = ret ? ERR_PTR(ret) : take_arc(dev, dev->mig_state, next);
		if (file == ERR_PTR(-ENODEV))
			file = ERR_PTR(why_ended(dev));
		if (IS_ERR(file))
			break;
		dev->mig_state = next;
	}
	set_state(dev, dev->mig_state);
	latch_mlx5_state_unlock(dev);
	mutex_unlock(&dev->log_mutex);
	return file;
}

/* Without state_mutex: all threads of a user would queue for it before the PF's driver. */
static int migration_get_state(struct vfio_device *vdev, enum vfio_device_mig_state *state)
{
	*state = latch_mlx5_state(latch_mlx5_from_vdev(vdev));
	return 0;
}

/**
 * latch_mlx5_query_size - ask the firmware how much there is to save
 * @dev: the device
 * @incremental: ask about what is left or has changed, else about everything
 * @size: the answer
 *
 * Context: state_mutex is held; waits for a save in progress.
 * Return: 0 or a negative error.
 */
int latch_mlx5_query_size(struct latch_mlx5_device *dev, bool incremental,
			  struct latch_fw_size *size)
{
	int ret;

	lockdep_assert_held(&dev->state_mutex);
	mutex_lock(&dev->command_lock);
	ret = latch_fw_query_size(dev->mdev, dev->vhca_id, incremental, dev->chunk_mode, size);
	mutex_unlock(&dev->command_lock);
	return ret;
}

/*
 * The size of the whole state, in every migration state: VMMs use it to decide when to stop. Of all
 * threads that ask, one takes state_mutex, and the others can be killed.
 */
static int get_data_size(struct latch_mlx5_device *dev, u64 *bytes)
{
	struct latch_fw_size size = {};
	int ret;

	if (mutex_lock_killable(&dev->size_mutex))
		return -EINTR;
	latch_mlx5_state_lock(dev);
	ret = latch_mlx5_has_pf(dev) ? latch_mlx5_query_size(dev, false, &size) : -ENOTCONN;
	latch_mlx5_state_unlock(dev);
	mutex_unlock(&dev->size_mutex);
	*bytes = size.total;
	return ret;
}

static int __maybe_unused migration_get_data_size(struct vfio_device *vdev,
						  unsigned long *stop_copy_length)
{
	u64 bytes;
	int ret = get_data_size(latch_mlx5_from_vdev(vdev), &bytes);

	if (!ret)
		*stop_copy_length = bytes;
	return ret;
}

/**
 * latch_mlx5_migration_feature - answer features that an older vfio leaves to its drivers
 * @dev: the device, open
 * @flags: VFIO_DEVICE_FEATURE_{GET,SET,PROBE} and the feature
 * @arg: user address of the feature's data
 * @argsz: bytes of it
 *
 * VFIO_DEVICE_FEATURE_MIG_DATA_SIZE, which a newer vfio answers itself.
 *
 * Context: may sleep.
 * Return: 0 or a negative error; -ENOTTY for other features.
 */
int latch_mlx5_migration_feature(struct latch_mlx5_device *dev, u32 flags, void __user *arg,
				 size_t argsz)
{
	struct vfio_device_feature_mig_data_size data = {};
	u64 bytes;
	int ret;

	if ((flags & VFIO_DEVICE_FEATURE_MASK) != VFIO_DEVICE_FEATURE_MIG_DATA_SIZE ||
	    !dev->migrate_cap)
		return -ENOTTY;
	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_GET, sizeof(data));
	if (ret != 1)
		return ret;
	ret = get_data_size(dev, &bytes);
	if (ret)
		return ret;
	data.stop_copy_length = bytes;
	return copy_to_user(arg, &data, sizeof(data)) ? -EFAULT : 0;
}

static const struct vfio_migration_ops migration_ops = {
	.migration_set_state = migration_set_state,
	.migration_get_state = migration_get_state,
	COMPAT_MIGRATION_GET_DATA_SIZE(migration_get_data_size)
};

/*
 * The PF's driver takes the VF's firmware away, or has brought it back; with its own locks held. A
 * VF that was not running will not be in the same state when it comes back.
 *
 * The holder of state_mutex ends the arc or the question at hand, and waits for no message.
 */
static int pf_event(struct notifier_block *nb, unsigned long event, void *data)
{
	struct latch_mlx5_device *dev = container_of(nb, struct latch_mlx5_device, pf_notifier);

	if (event == MLX5_PF_NOTIFY_DISABLE_VF) {
		WRITE_ONCE(dev->mdev_detach, true);
		latch_mlx5_dirty_interrupt(dev);
	}
	latch_mlx5_state_lock(dev);
	switch (event) {
	case MLX5_PF_NOTIFY_DISABLE_VF:
		latch_mlx5_dirty_end(dev);
		/* Also a session that begins: the state does not show it yet. */
		end_sessions(dev, "pf-gone");
		if (dev->mig_state != VFIO_DEVICE_STATE_RUNNING)
			lose(dev);
		break;
	case MLX5_PF_NOTIFY_ENABLE_VF:
		WRITE_ONCE(dev->mdev_detach, false);
		break;
	}
	latch_mlx5_state_unlock(dev);
	return 0;
}

/*
 * Asks once what the firmware can do for the VF, while the PF's driver is held. Returns the value
 * that sysfs shows: whether the VF can be migrated, or else why not.
 */
static const char *probe_firmware(struct latch_mlx5_device *dev, struct mlx5_core_dev *mdev)
{
	struct latch_fw_caps caps;
	int ret;

	if (!latch_fw_can_migrate(mdev))
		return latch_fw_is_ethernet(mdev) ? "pf-firmware" : "not-ethernet";
	ret = latch_fw_query_caps(mdev, dev->vf_index + 1, &caps);
	if (ret)
		return "error";
	if (!caps.migratable)
		return "not-enabled";
	dev->pf_notifier.notifier_call = pf_event;
	/* mlx5_core does not know of a VF while it is still adding them. */
	if (mlx5_sriov_blocking_notifier_register(mdev, dev->vf_index, &dev->pf_notifier))
		return "pf-driver";
	dev->mdev = mdev;
	dev->vhca_id = caps.vhca_id;
	dev->migrate_cap = true;
	dev->multi_load_cap = caps.multi_load;
	dev->precopy_cap = caps.multi_load && caps.tracking;
	dev->mig_state_cap = caps.state;
	/* All chunks but the first are incremental, and are loaded one after the other. */
	dev->chunk_mode = caps.chunks && dev->precopy_cap;
	latch_mlx5_dirty_probe(dev);
	return "yes";
}

/*
 * The structures of another mlx5_core than the kernel's, such as DOCA-OFED's, are others than those
 * of the headers. The loader knows by the symbol versions; a kernel without has to ask. Called with
 * the PF's driver held.
 */
static bool pf_driver_is_other(struct pci_dev *pdev)
{
	struct device_driver *driver = pci_physfn(pdev)->dev.driver;

	return !IS_ENABLED(CONFIG_MODVERSIONS) && driver && driver->owner &&
	       test_bit(TAINT_OOT_MODULE, &driver->owner->taints);
}

static const char *probe_vf(struct latch_mlx5_device *dev)
{
	struct pci_dev *pdev = dev->core.pdev;
	int vf_index = pci_iov_vf_id(pdev);
	struct mlx5_core_dev *mdev;
	const char *migratable;

	if (vf_index < 0)
		return "not-a-vf";
	mdev = mlx5_vf_get_core_dev(pdev);
	if (!mdev)
		return "pf-driver";
	dev->vf_index = vf_index;
	migratable = pf_driver_is_other(pdev) ? "other-pf-driver" : probe_firmware(dev, mdev);
	mlx5_vf_put_core_dev(mdev);
	return migratable;
}

/**
 * latch_mlx5_migration_probe - find out whether a VF can be migrated
 * @dev: the device, not registered yet
 *
 * A VF that cannot is handled like any other function.
 *
 * Context: probe; may sleep.
 */
void latch_mlx5_migration_probe(struct latch_mlx5_device *dev)
{
	struct vfio_device *vdev = &dev->core.vdev;

	dev->migratable = probe_vf(dev);
	if (!dev->migrate_cap) {
		pci_info(dev->core.pdev, "cannot be migrated: %s\n", dev->migratable);
		return;
	}
	dev->core.reset_begins = reset_begins;
	dev->core.was_reset = was_reset;
	vdev->mig_ops = &migration_ops;
	vdev->migration_flags = VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P;
	if (dev->precopy_cap)
		vdev->migration_flags |= VFIO_MIGRATION_PRE_COPY;
}

/**
 * latch_mlx5_migration_remove - undo latch_mlx5_migration_probe()
 * @dev: the device, not registered any more
 *
 * Context: probe or remove, which exclude resets; may sleep.
 */
void latch_mlx5_migration_remove(struct latch_mlx5_device *dev)
{
	cancel_work_sync(&dev->reset_work);
	if (dev->migrate_cap)
		mlx5_sriov_blocking_notifier_unregister(dev->mdev, dev->vf_index,
							&dev->pf_notifier);
}

/**
 * latch_mlx5_migration_close - end everything that a user began
 * @dev: the device; its function will be reset
 *
 * Context: close_device; may sleep.
 */
void latch_mlx5_migration_close(struct latch_mlx5_device *dev)
{
	if (!dev->migrate_cap)
		return;
	latch_mlx5_state_lock(dev);
	end_sessions(dev, "closed");
	latch_mlx5_dirty_end(dev);
	/*
	 * The reset at close does not call was_reset(), so set the state here. A reset that is
	 * under way now is over before the next open, and leaves the VF RUNNING, whatever command
	 * came during it.
	 */
	set_state(dev, VFIO_DEVICE_STATE_RUNNING);
	WRITE_ONCE(dev->commanded, atomic_read(&dev->resets_begun) - 1);
	latch_mlx5_state_unlock(dev);
	/* All sessions are over, so nobody else comes. The locks may be another user's soon. */
	wait_event(dev->no_callers, has_no_callers(dev));
}

/**
 * latch_mlx5_migration_init - prepare a device's migration state
 * @dev: the device, zeroed
 */
void latch_mlx5_migration_init(struct latch_mlx5_device *dev)
{
	mutex_init(&dev->log_mutex);
	mutex_init(&dev->size_mutex);
	mutex_init(&dev->state_mutex);
	mutex_init(&dev->command_lock);
	spin_lock_init(&dev->tracker_lock);
	spin_lock_init(&dev->file_lock);
	init_waitqueue_head(&dev->no_callers);
	INIT_WORK(&dev->reset_work, reset_work);
	latch_costs_init(&dev->costs);
	dev->mig_state = VFIO_DEVICE_STATE_RUNNING;
	dev->shown_state = VFIO_DEVICE_STATE_RUNNING;
}

/**
 * latch_mlx5_migration_exit - undo latch_mlx5_migration_init()
 * @dev: the device
 */
void latch_mlx5_migration_exit(struct latch_mlx5_device *dev)
{
	mutex_destroy(&dev->command_lock);
	mutex_destroy(&dev->state_mutex);
	mutex_destroy(&dev->size_mutex);
	mutex_destroy(&dev->log_mutex);
}
