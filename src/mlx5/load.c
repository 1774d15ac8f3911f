// SPDX-License-Identifier: GPL-2.0-only
/*
 * A loading session: a user writes a stream, and the firmware loads its images.
 *
 * Each image of the stream is collected in memory and given to the firmware as
 * soon as it is whole. Memory grows with the data that has come, whatever a
 * header promises. The memory, its mapping and its key are used again for the
 * next image.
 *
 *	state_mutex	begin, check, end, each load; error, is_partial and
 *			is_loaded.
 *	write_lock	writers: the record being written. Held over user
 *			memory, so nothing of ours waits for it. state_mutex is
 *			taken inside; the image is mapped and unmapped under it.
 *
 * The session lives until its file is closed and the device has left RESUMING,
 * whichever comes last. Its image is freed when the device leaves RESUMING, or
 * by a write() that is running then.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "firmware.h"
#include "mlx5.h"
#include "stream.h"

/* How far memory may be ahead of the data that has come. */
#define AHEAD_BYTES	SZ_2M

struct latch_mlx5_load {
	struct kref kref;
	struct latch_mlx5_device *dev;

	/* Protects reader and image; see above. */
	struct mutex write_lock;
	struct latch_record_reader reader;
	struct latch_image image;	/* of the record at hand */

	/* Under state_mutex. */
	u32 pdn;
	int error;			/* why no more can be written */
	bool is_partial;		/* the last record is not whole */
	bool is_loaded;			/* the firmware has taken an image */
	bool is_over;			/* becomes true under the device's file_lock, too */
};

static void free_session(struct kref *kref)
{
	struct latch_mlx5_load *load = container_of(kref, struct latch_mlx5_load, kref);

	latch_image_free(&load->image);
	mutex_destroy(&load->write_lock);
	vfio_put_device(&load->dev->core.vdev);
	kfree(load);
}

/* Called at the session's end, and by each writer at its own end. */
static void free_memory(struct latch_mlx5_load *load)
{
	if (!latch_mlx5_lock_if_over(&load->is_over, &load->write_lock))
		return;
	latch_image_free(&load->image);
	mutex_unlock(&load->write_lock);
}

/*
 * Takes state_mutex for a writer. Returns false if the session is over: then the lock may be that
 * of the device's next user, and the error is -ENODEV.
 */
static bool lock_device(struct latch_mlx5_load *load)
{
	lockdep_assert_held(&load->write_lock);
	if (!latch_mlx5_file_enter(load->dev, &load->is_over))
		return false;
	latch_mlx5_state_lock(load->dev);
	return true;
}

static void unlock_device(struct latch_mlx5_load *load)
{
	latch_mlx5_state_unlock(load->dev);
	latch_mlx5_file_leave(load->dev);
}

static size_t header_from_user(struct latch_mlx5_load *load, const char __user *buf, size_t count)
{
	return count - copy_from_user(latch_record_header_space(&load->reader), buf, count);
}

static void begin_image(struct latch_mlx5_load *load)
{
	latch_image_rewind(&load->image);
	load->image.length = load->reader.left;
}

/*
 * Memory grows only while it is not mapped, so that the session's end can unmap it; and it does not
 * grow after that end.
 */
static int make_room(struct latch_mlx5_load *load, u64 bytes)
{
	int ret;

	if (!lock_device(load))
		return -ENODEV;
	ret = load->error;
	if (!ret && load->image.capacity < bytes)
		latch_image_unmap(&load->image);
	unlock_device(load);
	return ret ?: latch_image_reserve(&load->image, bytes);
}

/* Copies a block at a time, so that memory is never far ahead. */
static ssize_t image_from_user(struct latch_mlx5_load *load, const char __user *buf, size_t count)
{
	struct latch_image *image = &load->image;
	int ret;

	count = min_t(size_t, count, AHEAD_BYTES);
	ret = make_room(load, min(ALIGN(image->position + count, AHEAD_BYTES), image->length));
	if (ret)
		return ret;
	return latch_image_from_user(image, buf, count);
}

/* Records an error, and whether a record is partial. Returns the session's error, or 0. */
static int note(struct latch_mlx5_load *load, int error, bool is_partial)
{
	int ret;

	if (!lock_device(load))
		return -ENODEV;
	if (!load->error)
		load->error = error;
	load->is_partial = is_partial;
	ret = load->error;
	unlock_device(load);
	return ret;
}

/* Allocates the key's command while the image is not mapped. */
static int make_room_for_key(struct latch_mlx5_load *load)
{
	bool is_needed;

	if (!lock_device(load))
		return -ENODEV;
	is_needed = !load->error && !load->image.is_mapped;
	unlock_device(load);
	return is_needed ? latch_image_reserve_key(&load->image, load->image.capacity) : 0;
}

static int map_and_load(struct latch_mlx5_load *load)
{
	struct latch_mlx5_device *dev = load->dev;
	u64 begun;
	int ret;

	/* Not every firmware loads one image after the other. */
	if (load->is_loaded && !dev->multi_load_cap)
		return -EOPNOTSUPP;
	ret = latch_image_map(&load->image, load->pdn);
	if (ret)
		return ret;
	if (latch_mlx5_reset_is_due(dev))
		return -ECANCELED;
	begun = ktime_get_ns();
	ret = latch_fw_load(dev->mdev, dev->vhca_id, &load->image);
	latch_costs_command(&dev->costs, LATCH_LOAD, begun);
	if (!ret)
		latch_costs_image(&dev->costs, load->image.length, false);
	return latch_mlx5_commanded(dev, ret);
}

/* After a failed load the session fails. */
static int load_image(struct latch_mlx5_load *load)
{
	int ret;

	ret = make_room_for_key(load);
	if (ret)
		return ret;
	if (!lock_device(load))
		return -ENODEV;
	if (!load->error)
		load->error = map_and_load(load);
	ret = load->error;
	load->is_loaded = !ret;
	unlock_device(load);
	return ret;
}

/* Returns the bytes taken, or an error. All but -EFAULT and -EINTR end the stream. */
static ssize_t write_some(struct latch_mlx5_load *load, const char __user *buf, size_t count)
{
	struct latch_record_reader *reader = &load->reader;
	const enum latch_record_part part = reader->next;
	ssize_t written;
	int ret;

	written = min_t(u64, count, reader->left);
	if (part == LATCH_RECORD_HEADER)
		written = header_from_user(load, buf, written);
	else if (part == LATCH_RECORD_IMAGE)
		written = image_from_user(load, buf, written);
	if (written <= 0)
		return written ?: -EFAULT;

	ret = latch_record_advance(reader, written);
	if (ret || reader->next == part)
		return ret ?: written;
	if (part == LATCH_RECORD_IMAGE)
		ret = load_image(load);
	else if (reader->next == LATCH_RECORD_IMAGE)
		begin_image(load);
	return ret ?: written;
}

static ssize_t load_write(struct file *file, const char __user *buf, size_t count, loff_t *ppos)
{
	struct latch_mlx5_load *load = file->private_data;
	size_t written = 0;
	bool is_partial;
	ssize_t ret;

	if (!count)
		return 0;
	ret = mutex_lock_interruptible(&load->write_lock);
	if (ret)
		return ret;
	ret = note(load, 0, true);
	while (!ret && written < count) {
		ret = write_some(load, buf + written, count - written);
		if (ret > 0) {
			written += ret;
			ret = fatal_signal_pending(current) ? -EINTR : 0;
		}
		/* Records may be as small as their headers. */
		cond_resched();
	}
	is_partial = !latch_record_is_whole(&load->reader);
	/* Neither unreadable memory nor a signal spoils what came before. */
	if (ret == -EFAULT || ret == -EINTR)
		note(load, 0, is_partial);
	else
		ret = note(load, ret, is_partial);
	mutex_unlock(&load->write_lock);
	free_memory(load);
	if (ret && ret != -EFAULT && ret != -EINTR)
		return ret;
	return written ?: ret;
}

static int load_release(struct inode *inode, struct file *file)
{
	struct latch_mlx5_load *load = file->private_data;

	kref_put(&load->kref, free_session);
	return 0;
}

static const struct file_operations load_fops = {
	.owner = THIS_MODULE,
	.write = load_write,
	.release = load_release,
};

/**
 * latch_mlx5_load_begin - begin to load a VF's state
 * @dev: the device, stopped
 *
 * Context: state_mutex is held; may sleep.
 * Return: a file to write the stream to, or an error pointer with everything
 * undone.
 */
struct file *latch_mlx5_load_begin(struct latch_mlx5_device *dev)
{
	struct latch_mlx5_load *load;
	struct file *file;
	int ret;

	lockdep_assert_held(&dev->state_mutex);

	load = kzalloc(sizeof(*load), GFP_KERNEL_ACCOUNT);
	if (!load)
		return ERR_PTR(-ENOMEM);
	kref_init(&load->kref);
	mutex_init(&load->write_lock);
	latch_record_reader_init(&load->reader);
	latch_image_init(&load->image, dev->mdev, DMA_TO_DEVICE, &dev->state_mutex);
	get_device(&dev->core.vdev.device);
	load->dev = dev;

	ret = latch_fw_error(mlx5_core_alloc_pd(dev->mdev, &load->pdn));
	if (ret)
		goto free;
	file = anon_inode_getfile("mlx5-vfio-pci-load", &load_fops, load, O_WRONLY);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto pd;
	}
	stream_open(file_inode(file), file);
	kref_get(&load->kref);
	dev->load = load;
	latch_costs_begin(&dev->costs, "load");
	return file;

pd:
	mlx5_core_dealloc_pd(dev->mdev, load->pdn);
free:
	kref_put(&load->kref, free_session);
	return ERR_PTR(ret);
}

/**
 * latch_mlx5_load_check - whether a whole state was loaded
 * @dev: the device, with a session
 *
 * Context: state_mutex is held.
 * Return: 0; -EINVAL if the last record is not whole, or none was an image; or
 * the error that ended the session.
 */
int latch_mlx5_load_check(struct latch_mlx5_device *dev)
{
	const struct latch_mlx5_load *load = dev->load;

	lockdep_assert_held(&dev->state_mutex);

	if (load->error)
		return load->error;
	return load->is_partial || !load->is_loaded ? -EINVAL : 0;
}

/**
 * latch_mlx5_load_end - end a loading session
 * @dev: the device, with a session or without
 * @why: its result, if it has not failed
 *
 * Further writes get -ENODEV.
 *
 * Context: state_mutex is held; may sleep.
 */
void latch_mlx5_load_end(struct latch_mlx5_device *dev, const char *why)
{
	struct latch_mlx5_load *load = dev->load;

	lockdep_assert_held(&dev->state_mutex);

	if (!load)
		return;
	dev->load = NULL;
	/* -ECANCELED: a reset came during the session. */
	latch_costs_end(&dev->costs, load->error && load->error != -ECANCELED ? "failed" : why);
	load->error = -ENODEV;
	latch_image_unmap(&load->image);
	mlx5_core_dealloc_pd(dev->mdev, load->pdn);
	latch_mlx5_file_is_over(dev, &load->is_over);
	free_memory(load);
	kref_put(&load->kref, free_session);
}
