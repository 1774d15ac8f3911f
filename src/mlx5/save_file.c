// SPDX-License-Identifier: GPL-2.0-only
/* The file that a saved state is read from: see save.h. */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/uaccess.h>

#include "mlx5.h"
#include "save.h"

/* Copied before others may run, and a fatal signal is looked for. */
#define PIECE_BYTES	((u64)SZ_1M)

/* Returns why nothing can be read any more, or 0: a reset, or the session's error. */
static int why_over(struct latch_mlx5_save *save)
{
	lockdep_assert_held(&save->lock);
	return latch_mlx5_reset_is_due(save->dev) ? -ENODEV : save->error;
}

static u64 unread_bytes(const struct latch_save_buffer *buffer)
{
	return sizeof(buffer->header) - buffer->header_read +
	       buffer->image.length - buffer->image.position;
}

static int ask_device(struct latch_mlx5_save *save, struct latch_save_left *left,
		      struct latch_save_room *room)
{
	struct latch_mlx5_device *dev = save->dev;
	int ret = -EINVAL;

	lockdep_assert_held(&save->info_lock);
	if (mutex_lock_killable(&dev->log_mutex))
		return -EINTR;
	latch_mlx5_state_lock(dev);
	if (dev->save == save && dev->mig_state != VFIO_DEVICE_STATE_STOP_COPY)
		ret = latch_save_look_for_changes(save, left, room);
	spin_lock(&save->lock);
	if (!ret)
		ret = why_over(save);
	spin_unlock(&save->lock);
	latch_mlx5_state_unlock(dev);
	mutex_unlock(&dev->log_mutex);
	return ret;
}

static int look_for_changes(struct latch_mlx5_save *save, struct latch_save_left *left,
			    struct latch_save_room *room)
{
	int ret = -EINVAL;

	if (mutex_lock_killable(&save->info_lock))
		return -EINTR;
	if (latch_mlx5_file_enter(save->dev, &save->is_over)) {
		ret = ask_device(save, left, room);
		latch_mlx5_file_leave(save->dev);
	}
	mutex_unlock(&save->info_lock);
	return ret;
}

/*
 * VFIO_MIG_GET_PRECOPY_INFO, before the VF is stopped. Memory is allocated without locks: the
 * device may have another user already.
 */
static long precopy_info(struct latch_mlx5_save *save, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_precopy_info, dirty_bytes);
	struct latch_mlx5_device *dev = save->dev;
	struct latch_save_left left = {};
	struct vfio_precopy_info info;
	struct latch_save_room room;
	int ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;

	latch_save_room_init(&room, save, &dev->log_mutex);
	do {
		ret = look_for_changes(save, &left, &room);
	} while (!ret && room.is_needed && !(ret = latch_save_room_get(&room)));
	latch_save_room_free(&room);
	if (ret)
		return ret;
	if (compat_precopy_flags_are_output(&dev->core.vdev))
		info.flags = left.is_new ? VFIO_PRECOPY_INFO_REINIT : 0;
	info.initial_bytes = left.initial_bytes;
	info.dirty_bytes = left.dirty_bytes;
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}

static long save_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != VFIO_MIG_GET_PRECOPY_INFO)
		return -ENOTTY;
	return precopy_info(file->private_data, (void __user *)arg);
}

/* Returns 1 if a buffer can be read, 0 at the end, -EAGAIN if none can yet, or an error. */
static int look_for_buffer(struct latch_mlx5_save *save)
{
	int ret;

	spin_lock(&save->lock);
	ret = why_over(save);
	if (ret)
		goto unlock;
	if (save->nr_saved != save->nr_read)
		ret = 1;
	else if (save->is_working || save->next_bytes)
		ret = -EAGAIN;
	else
		ret = save->is_ending ? 0 : -ENOMSG;
unlock:
	spin_unlock(&save->lock);
	return ret;
}

static bool has_preamble(struct latch_mlx5_save *save)
{
	bool ret;

	spin_lock(&save->lock);
	ret = save->preamble_read < sizeof(save->preamble);
	spin_unlock(&save->lock);
	return ret;
}

/* Waits without read_lock until there is something to be read, or never will be. */
static int wait_for_stream(struct latch_mlx5_save *save)
{
	return wait_event_interruptible(save->wait,
					has_preamble(save) || look_for_buffer(save) != -EAGAIN);
}

/* Copies those of @size bytes that begin at @position. Returns the number copied. */
static size_t bytes_to_user(char __user *buf, size_t count, const void *bytes, size_t size,
			    size_t position)
{
	size_t part = min(count, size - position);

	return part - copy_to_user(buf, bytes + position, part);
}

/* Advances the reader by @bytes in a buffer, which is free when all of it is read. */
static void advance(struct latch_mlx5_save *save, struct latch_save_buffer *buffer, size_t bytes)
{
	bool is_read = !unread_bytes(buffer);

	spin_lock(&save->lock);
	if (buffer->is_initial)
		save->initial_unread -= bytes;
	else
		save->dirty_unread -= bytes;
	save->nr_read += is_read;
	spin_unlock(&save->lock);
	if (is_read)
		latch_save_start(save);
}

/* Returns 0 if all of the preamble was read already. */
static ssize_t read_preamble(struct latch_mlx5_save *save, char __user *buf, size_t count)
{
	size_t part;
	int ret;

	if (save->preamble_read == sizeof(save->preamble))
		return 0;
	spin_lock(&save->lock);
	ret = why_over(save);
	spin_unlock(&save->lock);
	if (ret)
		return ret;
	part = bytes_to_user(buf, count, &save->preamble, sizeof(save->preamble),
			     save->preamble_read);
	spin_lock(&save->lock);
	save->preamble_read += part;
	save->initial_unread -= part;
	spin_unlock(&save->lock);
	return part ?: -EFAULT;
}

/* Returns bytes of one record, 0 at the end of the stream, or an error: as look_for_buffer(). */
static ssize_t read_some(struct latch_mlx5_save *save, char __user *buf, size_t count)
{
	struct latch_save_buffer *buffer;
	size_t part;
	int ret;

	ret = read_preamble(save, buf, count);
	if (ret)
		return ret;
	ret = look_for_buffer(save);
	if (ret <= 0)
		return ret;
	buffer = latch_save_buffer(save, save->nr_read);
	if (buffer->header_read < sizeof(buffer->header)) {
		part = bytes_to_user(buf, count, &buffer->header, sizeof(buffer->header),
				     buffer->header_read);
		buffer->header_read += part;
	} else {
		part = min3((u64)count, buffer->image.length - buffer->image.position, PIECE_BYTES);
		part = latch_image_to_user(&buffer->image, buf, part);
	}
	if (!part)
		return -EFAULT;
	advance(save, buffer, part);
	return part;
}

/* Reads what there is. Without @may_wait it does not wait for other readers either. */
static ssize_t read_now(struct latch_mlx5_save *save, char __user *buf, size_t count, bool may_wait)
{
	size_t copied = 0;
	ssize_t ret = 0;

	if (may_wait)
		ret = mutex_lock_interruptible(&save->read_lock);
	else if (!mutex_trylock(&save->read_lock))
		ret = -EAGAIN;
	if (ret)
		return ret;
	while (copied < count) {
		ret = read_some(save, buf + copied, count - copied);
		if (ret <= 0)
			break;
		copied += ret;
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	mutex_unlock(&save->read_lock);
	/* The session may have ended meanwhile, and left its memory to this reader. */
	latch_save_free_memory(save);
	return copied ?: ret;
}

static ssize_t save_read(struct file *file, char __user *buf, size_t count, loff_t *ppos)
{
	struct latch_mlx5_save *save = file->private_data;
	bool may_wait = !(file->f_flags & O_NONBLOCK);
	ssize_t ret = 0;

	/* Another reader may take what was waited for. */
	do {
		if (may_wait && count)
			ret = wait_for_stream(save);
		if (!ret)
			ret = read_now(save, buf, count, may_wait);
	} while (ret == -EAGAIN && may_wait);
	return ret;
}

static __poll_t save_poll(struct file *file, struct poll_table_struct *table)
{
	struct latch_mlx5_save *save = file->private_data;
	int found;

	poll_wait(file, &save->wait, table);
	found = look_for_buffer(save);
	if (found == -EAGAIN || found == -ENOMSG)
		return has_preamble(save) ? EPOLLIN | EPOLLRDNORM : 0;
	return EPOLLIN | EPOLLRDNORM | (found < 0 ? EPOLLRDHUP : 0);
}

static int save_release(struct inode *inode, struct file *file)
{
	latch_save_put(file->private_data);
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

/**
 * latch_save_open_file - make a session's file
 * @save: the session; the file gets a reference
 *
 * Return: the file or an error pointer.
 */
struct file *latch_save_open_file(struct latch_mlx5_save *save)
{
	struct file *file;

	file = anon_inode_getfile("mlx5-vfio-pci-save", &save_fops, save, O_RDONLY);
	if (IS_ERR(file))
		return file;
	stream_open(file_inode(file), file);
	kref_get(&save->kref);
	return file;
}
