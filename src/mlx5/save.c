// SPDX-License-Identifier: GPL-2.0-only
/*
 * A saving session: from the firmware's images to a stream that a user reads.
 *
 * A worker has the firmware save one image after the other, one ahead of the
 * reader, who copies straight out of the memory that the firmware wrote. What
 * is to be saved comes in series: all of the state first; while the VF runs
 * (PRE_COPY), as often as the user asks how much there is, what changed since;
 * once it is stopped (STOP_COPY), what changed last. Without PRE_COPY the
 * first series is the only one. A series has several images where the firmware
 * saves in chunks.
 *
 *	state_mutex	begin, finish, end, and what the user asks. Ending waits
 *			for the worker, and after it nothing of the session is
 *			known to the firmware.
 *	read_lock	who reads: the record under the reader's hands is his
 *			alone. Held over user memory, so nothing of ours waits
 *			for it.
 *	lock		what is between the worker and the reader.
 *
 * The session lives until its file is closed and the device has left the
 * saving states, whichever comes last; it keeps the device's memory that long.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "firmware.h"
#include "mlx5.h"
#include "stream.h"

/* One that is read, and one that is saved in the meantime. */
#define UNREAD_MAX	2

/* One record of the stream. Its payload is all of the image. */
struct record {
	struct list_head list;
	struct latch_record_header header;
	size_t header_read;
	struct latch_image image;
	bool is_initial;
};

struct latch_mlx5_save {
	struct kref kref;
	struct latch_mlx5_device *dev;
	struct work_struct work;
	wait_queue_head_t wait;
	u32 pdn;

	/* Changes under command_lock: the firmware notes what changes. */
	bool is_tracking;

	/* Protects what is read. */
	struct mutex read_lock;
	struct record *reading;

	/*
	 * Protects all below. What is saved next (is_saving to next_bytes, but
	 * for is_last_wanted) changes under command_lock only, too.
	 */
	spinlock_t lock;
	struct list_head records;	/* saved, not yet read */
	unsigned int nr_unread;		/* in records and under the reader's hands */
	struct record *spare;		/* read, its memory to be used again */
	int error;			/* why there is nothing more to read */
	bool is_saving;			/* the worker is at it */
	bool is_first_series;
	bool is_last_series;
	bool is_last_wanted;		/* once the series at hand is saved */
	u32 next_bytes;			/* memory for the next image; 0 at a series' end */
	u64 series_bytes;		/* left to save of the series at hand */
	u64 initial_unread;		/* saved bytes of the first series, headers included */
	u64 dirty_unread;		/* the same of the others */
};

static void free_record(struct record *record)
{
	if (!record)
		return;
	latch_image_free(&record->image);
	kfree(record);
}

static struct record *alloc_record(void)
{
	struct record *record = kzalloc(sizeof(*record), GFP_KERNEL_ACCOUNT);

	if (record)
		latch_image_init(&record->image);
	return record;
}

static u64 unread_bytes(const struct record *record)
{
	return sizeof(record->header) - record->header_read +
	       record->image.length - record->image.position;
}

static u64 *unread_counter(struct latch_mlx5_save *save, const struct record *record)
{
	return record->is_initial ? &save->initial_unread : &save->dirty_unread;
}

static void free_session(struct kref *kref)
{
	struct latch_mlx5_save *save = container_of(kref, struct latch_mlx5_save, kref);
	struct record *record, *next;

	list_for_each_entry_safe(record, next, &save->records, list)
		free_record(record);
	free_record(save->reading);
	free_record(save->spare);
	mutex_destroy(&save->read_lock);
	vfio_put_device(&save->dev->core.vdev);
	kfree(save);
}

/* Nothing is being saved, and nothing has to be. */
static bool is_idle(const struct latch_mlx5_save *save)
{
	lockdep_assert_held(&save->lock);
	return !save->is_saving && !save->next_bytes && !save->is_last_wanted;
}

static void publish(struct latch_mlx5_save *save, struct record *record, u32 tag, u32 flags)
{
	lockdep_assert_held(&save->lock);
	record->header_read = 0;
	record->is_initial = save->is_first_series;
	latch_record_encode(&record->header, tag, flags, record->image.length);
	*unread_counter(save, record) += unread_bytes(record);
	list_add_tail(&record->list, &save->records);
	save->nr_unread++;
}

static void fail(struct latch_mlx5_save *save, int error)
{
	/* mlx5_core's word for a firmware without resources; to a reader it means to wait. */
	if (error == -EAGAIN)
		error = -ENOMEM;
	spin_lock(&save->lock);
	if (!save->error)
		save->error = error;
	spin_unlock(&save->lock);
	wake_up_interruptible(&save->wait);
}

static bool take_work(struct latch_mlx5_save *save)
{
	lockdep_assert_held(&save->dev->command_lock);

	spin_lock(&save->lock);
	save->is_saving = !save->error && save->nr_unread < UNREAD_MAX &&
			  (save->next_bytes || save->is_last_wanted);
	spin_unlock(&save->lock);
	return save->is_saving;
}

static void begin_series(struct latch_mlx5_save *save, const struct latch_fw_size *size)
{
	lockdep_assert_held(&save->lock);
	save->next_bytes = size->next;
	save->series_bytes = size->total;
}

/* What changed last: the VF is stopped, and what was to be saved before is. */
static int begin_last_series(struct latch_mlx5_save *save)
{
	struct latch_mlx5_device *dev = save->dev;
	struct latch_fw_size size;
	int ret;

	ret = latch_fw_query_size(dev->mdev, dev->vhca_id, true, dev->chunk_mode, &size);
	if (ret)
		return ret;
	spin_lock(&save->lock);
	begin_series(save, &size);
	save->is_first_series = false;
	save->is_last_series = true;
	save->is_last_wanted = false;
	spin_unlock(&save->lock);
	return 0;
}

static struct record *recycle_record(struct latch_mlx5_save *save)
{
	struct record *record;

	spin_lock(&save->lock);
	record = save->spare;
	save->spare = NULL;
	spin_unlock(&save->lock);
	return record ?: alloc_record();
}

static int save_image(struct latch_mlx5_save *save)
{
	struct latch_mlx5_device *dev = save->dev;
	struct record *record = recycle_record(save);
	u32 length, next = 0;
	int ret = -ENOMEM;

	if (!record)
		return ret;
	latch_image_rewind(&record->image);
	ret = latch_image_reserve(&record->image, save->next_bytes);
	if (ret)
		goto free;
	ret = latch_fw_save(dev->mdev, dev->vhca_id, save->pdn, !save->is_first_series,
			    !save->is_last_series, &record->image, &next);
	if (ret)
		goto free;
	save->is_tracking = !save->is_last_series;

	length = record->image.length;
	spin_lock(&save->lock);
	save->next_bytes = dev->chunk_mode ? next : 0;
	save->series_bytes -= min_t(u64, save->series_bytes, length);
	if (!save->next_bytes)
		save->series_bytes = 0;
	if (length)
		publish(save, record, LATCH_TAG_IMAGE, 0);
	spin_unlock(&save->lock);
	wake_up_interruptible(&save->wait);
	if (length)
		return 0;
free:
	free_record(record);
	return ret;
}

static void save_work(struct work_struct *work)
{
	struct latch_mlx5_save *save = container_of(work, struct latch_mlx5_save, work);
	int ret;

	mutex_lock(&save->dev->command_lock);
	while (take_work(save)) {
		ret = save->next_bytes ? save_image(save) : begin_last_series(save);
		if (ret)
			fail(save, ret);
	}
	mutex_unlock(&save->dev->command_lock);
	wake_up_interruptible(&save->wait);
}

static void start_work(struct latch_mlx5_save *save)
{
	queue_work(system_long_wq, &save->work);
}

/* What of the firmware the user has not been told: changes since the last series. */
static int look_for_changes(struct latch_mlx5_save *save)
{
	struct latch_mlx5_device *dev = save->dev;
	struct latch_fw_size size;
	bool is_drained;
	int ret = 0;

	lockdep_assert_held(&dev->state_mutex);

	/* While the worker is at it, what it saves is what there is. */
	if (!mutex_trylock(&dev->command_lock))
		return 0;
	spin_lock(&save->lock);
	is_drained = !save->error && !save->nr_unread && is_idle(save);
	spin_unlock(&save->lock);
	if (!is_drained)
		goto unlock;
	ret = latch_fw_query_size(dev->mdev, dev->vhca_id, true, dev->chunk_mode, &size);
	if (ret || !size.next || (dev->mig_state_cap && size.clean))
		goto unlock;
	spin_lock(&save->lock);
	begin_series(save, &size);
	save->is_first_series = false;
	spin_unlock(&save->lock);
	start_work(save);
unlock:
	mutex_unlock(&dev->command_lock);
	return ret;
}

/* VFIO_MIG_GET_PRECOPY_INFO, while the VF runs. */
static long precopy_info(struct latch_mlx5_save *save, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_precopy_info, dirty_bytes);
	struct latch_mlx5_device *dev = save->dev;
	struct vfio_precopy_info info;
	int ret = -EINVAL;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	if (compat_precopy_flags_are_output(&dev->core.vdev))
		info.flags = 0;

	latch_mlx5_state_lock(dev);
	if (dev->save == save && dev->mig_state != VFIO_DEVICE_STATE_STOP_COPY)
		ret = look_for_changes(save);
	spin_lock(&save->lock);
	if (!ret)
		ret = save->error;
	info.initial_bytes = save->initial_unread;
	info.dirty_bytes = save->dirty_unread;
	if (save->is_first_series)
		info.initial_bytes += save->series_bytes;
	else
		info.dirty_bytes += save->series_bytes;
	spin_unlock(&save->lock);
	latch_mlx5_state_unlock(dev);
	if (ret)
		return ret;
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}

static long save_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != VFIO_MIG_GET_PRECOPY_INFO)
		return -ENOTTY;
	return precopy_info(file->private_data, (void __user *)arg);
}

static bool has_news(struct latch_mlx5_save *save)
{
	bool ret;

	spin_lock(&save->lock);
	ret = save->error || !list_empty(&save->records) || is_idle(save);
	spin_unlock(&save->lock);
	return ret;
}

/* NULL at the end of the stream. */
static struct record *next_record(struct latch_mlx5_save *save, bool may_wait)
{
	struct record *record = NULL;
	int ret;

	for (;;) {
		spin_lock(&save->lock);
		ret = save->error;
		if (!ret) {
			record = list_first_entry_or_null(&save->records, struct record, list);
			if (record)
				list_del(&record->list);
			else if (!is_idle(save))
				ret = -EAGAIN;
			else if (!save->is_last_series)
				ret = -ENOMSG;
		}
		spin_unlock(&save->lock);
		if (ret != -EAGAIN || !may_wait)
			return ret ? ERR_PTR(ret) : record;
		ret = wait_event_interruptible(save->wait, has_news(save));
		if (ret)
			return ERR_PTR(ret);
	}
}

static size_t read_record(struct record *record, char __user *buf, size_t count)
{
	size_t part = min(count, sizeof(record->header) - record->header_read);

	if (!part) {
		part = min_t(u64, count, record->image.length - record->image.position);
		return latch_image_to_user(&record->image, buf, part);
	}
	part -= copy_to_user(buf, (char *)&record->header + record->header_read, part);
	record->header_read += part;
	return part;
}

/* The reader has come @bytes further; a record that was read makes room for the next. */
static void advance(struct latch_mlx5_save *save, size_t bytes)
{
	struct record *record = save->reading;
	bool is_read = !unread_bytes(record);

	spin_lock(&save->lock);
	*unread_counter(save, record) -= bytes;
	if (is_read) {
		save->nr_unread--;
		swap(save->spare, record);
	}
	spin_unlock(&save->lock);
	if (!is_read)
		return;
	save->reading = NULL;
	free_record(record);
	start_work(save);
}

static ssize_t save_read(struct file *file, char __user *buf, size_t count, loff_t *ppos)
{
	struct latch_mlx5_save *save = file->private_data;
	bool may_wait = !(file->f_flags & O_NONBLOCK);
	size_t copied = 0, part;
	ssize_t ret;

	ret = mutex_lock_interruptible(&save->read_lock);
	if (ret)
		return ret;
	while (copied < count) {
		ret = READ_ONCE(save->error);
		if (ret)
			break;
		if (!save->reading) {
			struct record *record = next_record(save, may_wait && !copied);

			ret = PTR_ERR_OR_ZERO(record);
			if (ret || !record)
				break;
			save->reading = record;
		}
		part = read_record(save->reading, buf + copied, count - copied);
		ret = -EFAULT;
		if (!part)
			break;
		copied += part;
		advance(save, part);
	}
	mutex_unlock(&save->read_lock);
	return copied ?: ret;
}

static __poll_t save_poll(struct file *file, struct poll_table_struct *table)
{
	struct latch_mlx5_save *save = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &save->wait, table);
	spin_lock(&save->lock);
	if (save->error)
		events = EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	else if (save->nr_unread || (save->is_last_series && is_idle(save)))
		events = EPOLLIN | EPOLLRDNORM;
	spin_unlock(&save->lock);
	return events;
}

static int save_release(struct inode *inode, struct file *file)
{
	struct latch_mlx5_save *save = file->private_data;

	kref_put(&save->kref, free_session);
	return 0;
}

static const struct file_operations save_fops = {
	.owner = THIS_MODULE,
	.read = save_read,
	.poll = save_poll,
	.unlocked_ioctl = save_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = save_release,
};

/* The other side may reserve memory ahead. */
static int announce_size(struct latch_mlx5_save *save)
{
	__le64 bytes = cpu_to_le64(save->series_bytes);
	struct record *record = alloc_record();
	int ret;

	if (!record)
		return -ENOMEM;
	ret = latch_image_store(&record->image, &bytes, sizeof(bytes));
	if (ret) {
		free_record(record);
		return ret;
	}
	spin_lock(&save->lock);
	publish(save, record, LATCH_TAG_STOP_COPY_SIZE, LATCH_RECORD_OPTIONAL);
	spin_unlock(&save->lock);
	return 0;
}

static struct latch_mlx5_save *alloc_session(struct latch_mlx5_device *dev)
{
	struct latch_mlx5_save *save = kzalloc(sizeof(*save), GFP_KERNEL_ACCOUNT);

	if (!save)
		return NULL;
	kref_init(&save->kref);
	INIT_WORK(&save->work, save_work);
	init_waitqueue_head(&save->wait);
	mutex_init(&save->read_lock);
	spin_lock_init(&save->lock);
	INIT_LIST_HEAD(&save->records);
	get_device(&dev->core.vdev.device);
	save->dev = dev;
	return save;
}

/**
 * latch_mlx5_save_begin - begin to save a VF's state
 * @dev: the device
 * @track: it runs on, and what changes will be saved, too; else it is stopped
 *
 * Context: state_mutex is held; may sleep.
 * Return: a file to read the stream from, or an error pointer, all being undone.
 */
struct file *latch_mlx5_save_begin(struct latch_mlx5_device *dev, bool track)
{
	struct latch_mlx5_save *save;
	struct latch_fw_size size;
	struct file *file;
	int ret;

	lockdep_assert_held(&dev->state_mutex);

	save = alloc_session(dev);
	if (!save)
		return ERR_PTR(-ENOMEM);
	ret = latch_fw_query_size(dev->mdev, dev->vhca_id, false, dev->chunk_mode, &size);
	if (ret)
		goto free;
	spin_lock(&save->lock);
	begin_series(save, &size);
	save->is_first_series = true;
	save->is_last_series = !track;
	spin_unlock(&save->lock);
	if (track) {
		ret = announce_size(save);
		if (ret)
			goto free;
	}
	ret = mlx5_core_alloc_pd(dev->mdev, &save->pdn);
	if (ret)
		goto free;
	file = anon_inode_getfile("mlx5-vfio-pci-save", &save_fops, save, O_RDONLY);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto pd;
	}
	stream_open(file_inode(file), file);
	kref_get(&save->kref);
	dev->save = save;
	start_work(save);
	return file;

pd:
	mlx5_core_dealloc_pd(dev->mdev, save->pdn);
free:
	kref_put(&save->kref, free_session);
	return ERR_PTR(ret);
}

/**
 * latch_mlx5_save_finish - the VF was stopped: save what changed last
 * @dev: the device, with a session that tracks
 *
 * If that fails, or has failed before, the reader is told.
 *
 * Context: state_mutex is held.
 */
void latch_mlx5_save_finish(struct latch_mlx5_device *dev)
{
	struct latch_mlx5_save *save = dev->save;

	lockdep_assert_held(&dev->state_mutex);

	spin_lock(&save->lock);
	save->is_last_wanted = true;
	spin_unlock(&save->lock);
	start_work(save);
}

/**
 * latch_mlx5_save_size - what a session has still to deliver
 * @dev: the device, with a session
 * @bytes: set to an estimate of the bytes
 *
 * Context: state_mutex is held; may sleep.
 * Return: 0 or a negative error.
 */
int latch_mlx5_save_size(struct latch_mlx5_device *dev, u64 *bytes)
{
	struct latch_mlx5_save *save = dev->save;
	int ret = 0;

	lockdep_assert_held(&dev->state_mutex);

	if (dev->mig_state != VFIO_DEVICE_STATE_STOP_COPY)
		ret = look_for_changes(save);
	spin_lock(&save->lock);
	*bytes = save->initial_unread + save->dirty_unread + save->series_bytes;
	spin_unlock(&save->lock);
	return ret;
}

/* The reader gets an error from now on, and the firmware no further command. */
static void stop_session(struct latch_mlx5_save *save)
{
	fail(save, -ENODEV);
	cancel_work_sync(&save->work);
}

/**
 * latch_mlx5_save_untrack - have changes of a VF's state noted no longer
 * @dev: the device, with a session that its user gives up; only its end may follow
 *
 * The firmware notes them until a save without set_track, or a reset. Nobody
 * wants what that saves; if it fails, the next session begins anew all the same.
 *
 * Context: state_mutex is held; waits for a save that the firmware is at.
 */
void latch_mlx5_save_untrack(struct latch_mlx5_device *dev)
{
	struct latch_mlx5_save *save = dev->save;
	struct latch_fw_size size;
	struct record *record;
	u32 next;

	lockdep_assert_held(&dev->state_mutex);

	stop_session(save);
	if (!save->is_tracking)
		return;
	record = recycle_record(save);
	if (!record)
		return;
	mutex_lock(&dev->command_lock);
	if (!latch_fw_query_size(dev->mdev, dev->vhca_id, true, dev->chunk_mode, &size) &&
	    !latch_image_reserve(&record->image, max_t(u32, size.next, PAGE_SIZE)))
		latch_fw_save(dev->mdev, dev->vhca_id, save->pdn, true, false, &record->image,
			      &next);
	mutex_unlock(&dev->command_lock);
	free_record(record);
}

/**
 * latch_mlx5_save_end - end a saving session
 * @dev: the device, with a session or without
 *
 * Whoever reads gets -ENODEV.
 *
 * Context: state_mutex is held; waits for a save that the firmware is at.
 */
void latch_mlx5_save_end(struct latch_mlx5_device *dev)
{
	struct latch_mlx5_save *save = dev->save;

	lockdep_assert_held(&dev->state_mutex);

	if (!save)
		return;
	dev->save = NULL;
	stop_session(save);
	mlx5_core_dealloc_pd(dev->mdev, save->pdn);
	kref_put(&save->kref, free_session);
}
