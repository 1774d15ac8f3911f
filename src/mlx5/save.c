// SPDX-License-Identifier: GPL-2.0-only
/* A saving session, the firmware's side of it: see save.h. */
#include <linux/jiffies.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "firmware.h"
#include "mlx5.h"
#include "save.h"
#include "state.h"

/* Milliseconds in which the state of a VF that runs does not grow by more than a buffer allows. */
#define ANSWER_MS	100

static void free_images(struct latch_mlx5_save *save)
{
	unsigned int n;

	for (n = 0; n < LATCH_SAVE_BUFFERS; n++)
		latch_image_free(&save->buffers[n].image);
}

static void free_session(struct kref *kref)
{
	struct latch_mlx5_save *save = container_of(kref, struct latch_mlx5_save, kref);

	free_images(save);
	mem_cgroup_put(save->memcg);
	mutex_destroy(&save->info_lock);
	mutex_destroy(&save->read_lock);
	vfio_put_device(&save->dev->core.vdev);
	kfree(save);
}

/**
 * latch_save_put - drop a reference
 * @save: the session, freed with the last one
 */
void latch_save_put(struct latch_mlx5_save *save)
{
	kref_put(&save->kref, free_session);
}

/**
 * latch_save_free_memory - free the memory of a session that is over
 * @save: the session; nothing happens if it is not over, or its file is being read
 *
 * Called at its end, and by each reader at its own end.
 */
void latch_save_free_memory(struct latch_mlx5_save *save)
{
	if (!latch_mlx5_lock_if_over(&save->is_over, &save->read_lock))
		return;
	free_images(save);
	mutex_unlock(&save->read_lock);
}

static void fail(struct latch_mlx5_save *save, int error)
{
	spin_lock(&save->lock);
	if (!save->error)
		/* A killed task has got no memory. No signal has come for the reader. */
		save->error = error == -EINTR ? -ENOMEM : error;
	spin_unlock(&save->lock);
	wake_up_interruptible(&save->wait);
}

/* Returns where to save next, and the @bytes that needs; NULL if nothing is to be saved now. */
static struct latch_save_buffer *take_work(struct latch_mlx5_save *save, u32 *bytes)
{
	spin_lock(&save->lock);
	save->is_working = !save->error && save->next_bytes &&
			   save->nr_saved - save->nr_read < LATCH_SAVE_BUFFERS;
	*bytes = save->next_bytes;
	spin_unlock(&save->lock);
	return save->is_working ? latch_save_buffer(save, save->nr_saved) : NULL;
}

/* A save's image becomes the stream's next record; an empty image does not. */
static void publish(struct latch_mlx5_save *save, struct latch_save_buffer *buffer, u32 next)
{
	const u64 length = buffer->image.length;

	latch_record_encode(&buffer->header, LATCH_TAG_IMAGE, 0, length);
	buffer->header_read = 0;
	spin_lock(&save->lock);
	save->next_bytes = next;
	buffer->is_initial = save->is_next_initial;
	if (length) {
		save->nr_saved++;
		*(buffer->is_initial ? &save->initial_unread : &save->dirty_unread) +=
			sizeof(buffer->header) + length;
	}
	spin_unlock(&save->lock);
	latch_costs_image(&save->dev->costs, length, !save->series.is_last);
	wake_up_interruptible(&save->wait);
}

/* A VF that was reset is not saved: its state is gone. */
static int have_saved(struct latch_mlx5_save *save, struct latch_image *image, bool incremental,
		      bool track, u32 *next)
{
	struct latch_mlx5_device *dev = save->dev;
	int ret = -ENODEV;
	u64 begun;

	mutex_lock(&dev->command_lock);
	if (!latch_mlx5_reset_is_due(dev)) {
		begun = ktime_get_ns();
		ret = latch_fw_save(dev->mdev, dev->vhca_id, incremental, track, image, next);
		latch_costs_command(&dev->costs, LATCH_SAVE, begun);
	}
	mutex_unlock(&dev->command_lock);
	/* The result of a save means nothing if a reset came during it. */
	return ret && latch_mlx5_reset_is_due(dev) ? -ENODEV : ret;
}

static int error_of(struct latch_mlx5_save *save)
{
	int ret;

	spin_lock(&save->lock);
	ret = save->error;
	spin_unlock(&save->lock);
	return ret;
}

/*
 * Called by the worker, which the session's end waits for under state_mutex. So it allocates a
 * little at a time, and stops when the session ends.
 */
static int grow(struct latch_mlx5_save *save, struct latch_image *image, u64 bytes)
{
	int ret = 0;

	latch_image_let_go(image, bytes);
	while (!ret && image->capacity < bytes)
		ret = error_of(save) ?: latch_image_reserve_block(image, bytes);
	if (!ret && !image->is_mapped)
		ret = latch_image_reserve_key(image, image->capacity);
	return ret ?: latch_image_map(image, save->pdn);
}

static int save_image(struct latch_mlx5_save *save, struct latch_save_buffer *buffer, u32 bytes)
{
	struct latch_series *series = &save->series;
	enum latch_saved saved = LATCH_SAVED;
	u32 next = 0;
	int ret;

	ret = grow(save, &buffer->image, bytes);
	if (ret)
		return ret;
	ret = have_saved(save, &buffer->image, series->is_begun, !series->is_last, &next);
	if (ret)
		saved = ret == -ESTALE ? LATCH_SAVE_REFUSED : LATCH_SAVE_FAILED;
	next = latch_series_saved(series, saved, next);
	if (saved == LATCH_SAVE_FAILED)
		return ret;
	/* Such a series would never end, or a last one would lack its end. */
	if (!buffer->image.length && (next || series->is_last))
		return -EIO;
	publish(save, buffer, next);
	return 0;
}

static void save_work(struct work_struct *work)
{
	struct latch_mlx5_save *save = container_of(work, struct latch_mlx5_save, work);
	struct mem_cgroup *memcg = set_active_memcg(save->memcg);
	struct latch_save_buffer *buffer;
	u32 bytes;
	int ret;

	while ((buffer = take_work(save, &bytes))) {
		ret = save_image(save, buffer, bytes);
		if (ret)
			fail(save, ret);
	}
	set_active_memcg(memcg);
	wake_up_interruptible(&save->wait);
}

/**
 * latch_save_start - start the worker
 * @save: the session; a buffer may have become free
 *
 * A session that has failed saves nothing more, and one that is over must not:
 * see stop_session().
 */
void latch_save_start(struct latch_mlx5_save *save)
{
	spin_lock(&save->lock);
	if (!save->error)
		queue_work(system_long_wq, &save->work);
	spin_unlock(&save->lock);
}

/* The firmware is not asked about a VF that was reset: its series is gone. */
static int query_size(struct latch_mlx5_save *save, bool incremental, struct latch_fw_size *size)
{
	if (latch_mlx5_reset_is_due(save->dev))
		return -ENODEV;
	return latch_mlx5_query_size(save->dev, incremental, size);
}

/**
 * latch_save_room_init - prepare to allocate memory for a session's buffer
 * @room: without memory after this; to be freed with latch_save_room_free()
 * @save: the session
 * @not_held: a lock that is not held where the memory is allocated
 */
void latch_save_room_init(struct latch_save_room *room, const struct latch_mlx5_save *save,
			  const struct mutex *not_held)
{
	latch_image_init_more(&room->more, &save->buffers[0].image, not_held);
	room->is_needed = false;
}

/**
 * latch_save_room_free - free the memory that no buffer took over
 * @room: the memory
 */
void latch_save_room_free(struct latch_save_room *room)
{
	latch_image_free(&room->more);
}

/**
 * latch_save_room_get - allocate what a buffer lacks
 * @room: the memory; it is needed
 *
 * Context: may sleep, as long as the limits of the user's memory cgroup make it.
 * Return: as latch_image_reserve().
 */
int latch_save_room_get(struct latch_save_room *room)
{
	return latch_image_reserve(&room->more, room->missing) ?:
	       latch_image_reserve_key(&room->more, room->capacity);
}

/* Maps a buffer of at least @bytes for the firmware, or says in @room what it lacks. */
static int use_room(struct latch_mlx5_save *save, struct latch_save_buffer *buffer, u64 bytes,
		    struct latch_save_room *room)
{
	struct latch_image *image = &buffer->image, *more = &room->more;
	int ret;

	lockdep_assert_held(&save->dev->state_mutex);

	room->is_needed = false;
	latch_image_let_go(image, bytes);
	if (image->is_mapped)
		return 0;
	room->missing = bytes > image->capacity ? PAGE_ALIGN(bytes - image->capacity) : 0;
	room->capacity = image->capacity + max(room->missing, more->capacity);
	room->is_needed = more->capacity < room->missing || more->key_capacity < room->capacity;
	if (room->is_needed)
		return 0;
	latch_image_take_over(image, more, image->capacity + room->missing);
	ret = latch_image_map(image, save->pdn);
	/* A block more was too much. The next request begins anew. */
	if (ret == -EFBIG)
		latch_image_free(image);
	return ret;
}

/*
 * Amid an arc. Releases state_mutex while it allocates memory, which may take long.
 * Returns 1 if it was released, else 0; or -ENODEV if the session has ended meanwhile (by a reset,
 * or the PF's driver going away), or another error.
 */
static int have_room(struct latch_mlx5_save *save, struct latch_save_buffer *buffer, u64 bytes)
{
	struct latch_mlx5_device *dev = save->dev;
	struct latch_save_room room;
	int ret;

	lockdep_assert_held(&dev->log_mutex);

	latch_save_room_init(&room, save, &dev->state_mutex);
	ret = use_room(save, buffer, bytes, &room);
	if (!ret && room.is_needed) {
		latch_mlx5_state_unlock(dev);
		ret = latch_save_room_get(&room);
		latch_mlx5_state_lock(dev);
		if (dev->save != save)
			ret = -ENODEV;
		if (!ret)
			ret = use_room(save, buffer, bytes, &room) ?: 1;
	}
	latch_save_room_free(&room);
	return ret;
}

static u64 buffer_bytes(const struct latch_mlx5_save *save, const struct latch_fw_size *size)
{
	return latch_series_buffer(&save->series, size->required, size->total, PAGE_SIZE);
}

/*
 * Amid an arc: asks how much there is to be saved, and has room for that in the next @nr buffers.
 * If it takes long to have memory, the state of a VF that runs may have grown: then this asks
 * again. As have_room(), but never 1.
 */
static int prepare(struct latch_mlx5_save *save, bool incremental, unsigned int nr,
		   struct latch_fw_size *size)
{
	unsigned long until;
	bool has_waited;
	unsigned int n;
	int ret;

	do {
		has_waited = false;
		until = jiffies + msecs_to_jiffies(ANSWER_MS);
		ret = query_size(save, incremental, size);
		for (n = 0; ret >= 0 && n < nr; n++) {
			ret = have_room(save, latch_save_buffer(save, save->nr_saved + n),
					buffer_bytes(save, size));
			has_waited |= ret > 0;
		}
	} while (ret >= 0 && has_waited && !save->series.is_last && time_after(jiffies, until));
	return min(ret, 0);
}

/*
 * Called while the worker has nothing to do; the next buffer is free, and has room. There is always
 * a save: the size that the firmware says it needs is a minimum, and a stream without its last
 * image would look whole.
 */
static void begin_series(struct latch_mlx5_save *save, const struct latch_fw_size *size,
			 bool is_initial)
{
	spin_lock(&save->lock);
	save->is_ending = save->series.is_last;
	save->is_next_initial = is_initial;
	save->next_bytes = max(size->required, 1U);
	spin_unlock(&save->lock);
	latch_save_start(save);
}

static bool is_drained(struct latch_mlx5_save *save)
{
	bool ret;

	spin_lock(&save->lock);
	ret = save->nr_saved == save->nr_read && save->preamble_read == sizeof(save->preamble);
	spin_unlock(&save->lock);
	return ret;
}

/**
 * latch_save_look_for_changes - how much of a VF that runs is left to be read
 * @save: the device's session; the VF is not stopped
 * @left: set to what is saved and not read, and what is not saved yet
 * @room: memory for the next save; set to what is needed if it lacks some, and
 *	nothing is begun then
 *
 * When everything saved is read, the firmware is told to go on with it, unless
 * the VF is in PRE_COPY_P2P.
 *
 * What is not saved yet counts as initial_bytes again where the state begins
 * anew, for a user with version 2 of struct vfio_precopy_info.
 *
 * Context: log_mutex and state_mutex are held; waits for a save in progress.
 * Return: 0 or a negative error; -ENODEV if the VF is being reset.
 */
int latch_save_look_for_changes(struct latch_mlx5_save *save, struct latch_save_left *left,
				struct latch_save_room *room)
{
	struct latch_mlx5_device *dev = save->dev;
	struct latch_fw_size size;
	bool is_free;
	u64 changed;
	int ret;

	lockdep_assert_held(&dev->state_mutex);

	room->is_needed = false;
	latch_mlx5_save_settle(dev);
	/* Before a series begins: what that saves is among the changes. */
	spin_lock(&save->lock);
	*left = (struct latch_save_left){ save->initial_unread, save->dirty_unread };
	ret = save->error;
	spin_unlock(&save->lock);
	if (ret || dev->mig_state != LATCH_STATE_PRE_COPY ||
	    !latch_series_has_precopy(&save->series))
		return ret;
	ret = query_size(save, true, &size);
	if (ret || !size.required)
		return ret;
	changed = sizeof(struct latch_record_header) + size.total;
	is_free = is_drained(save);
	left->is_new = is_free && size.is_new && dev->mig_state_cap &&
		       compat_precopy_flags_are_output(&dev->core.vdev);
	*(left->is_new ? &left->initial_bytes : &left->dirty_bytes) += changed;
	if (!is_free)
		return 0;
	ret = use_room(save, latch_save_buffer(save, save->nr_saved), buffer_bytes(save, &size),
		       room);
	if (!ret && !room->is_needed)
		begin_series(save, &size, left->is_new);
	return ret;
}

static struct latch_mlx5_save *alloc_session(struct latch_mlx5_device *dev, bool is_last)
{
	struct latch_mlx5_save *save = kzalloc(sizeof(*save), GFP_KERNEL_ACCOUNT);
	unsigned int n;

	if (!save)
		return NULL;
	kref_init(&save->kref);
	INIT_WORK(&save->work, save_work);
	init_waitqueue_head(&save->wait);
	mutex_init(&save->read_lock);
	mutex_init(&save->info_lock);
	spin_lock_init(&save->lock);
	latch_series_init(&save->series, dev->chunk_mode, is_last);
	for (n = 0; n < LATCH_SAVE_BUFFERS; n++)
		latch_image_init(&save->buffers[n].image, dev->mdev, DMA_FROM_DEVICE,
				 &dev->state_mutex);
	save->memcg = get_mem_cgroup_from_mm(current->mm);
	get_device(&dev->core.vdev.device);
	save->dev = dev;
	return save;
}

/* Allocates and maps the buffers before the VF stands still. The receiver may reserve as much. */
static int make_ready(struct latch_mlx5_save *save, struct latch_fw_size *size)
{
	/* Without chunks a stopped VF has a single image. */
	const unsigned int nr = save->series.is_last && !save->series.in_chunks ? 1 :
				LATCH_SAVE_BUFFERS;
	int ret;

	ret = prepare(save, false, nr, size);
	if (ret)
		return ret;
	latch_record_encode(&save->preamble.header, LATCH_TAG_STOP_COPY_SIZE,
			    LATCH_RECORD_OPTIONAL, sizeof(save->preamble.bytes));
	save->preamble.bytes = cpu_to_le64(save->buffers[0].image.capacity);
	save->initial_unread = sizeof(save->preamble);
	return 0;
}

/* After this the firmware knows nothing of the session. */
static void forget(struct latch_mlx5_save *save)
{
	unsigned int n;

	for (n = 0; n < LATCH_SAVE_BUFFERS; n++)
		latch_image_unmap(&save->buffers[n].image);
	mlx5_core_dealloc_pd(save->dev->mdev, save->pdn);
}

/**
 * latch_mlx5_save_begin - begin to save a VF's state
 * @dev: the device
 * @track: it runs on, and its changes will be saved, too; else it is stopped
 *
 * The device has the session from its beginning: whatever ends sessions also
 * ends one that begins.
 *
 * Context: log_mutex and state_mutex are held; the latter is released and
 * taken again where memory is needed; may sleep.
 * Return: a file to read the stream from, or an error pointer with everything
 * undone; -ENODEV if the session has ended meanwhile.
 */
struct file *latch_mlx5_save_begin(struct latch_mlx5_device *dev, bool track)
{
	struct latch_mlx5_save *save;
	struct latch_fw_size size;
	struct file *file;
	int ret;

	lockdep_assert_held(&dev->state_mutex);

	save = alloc_session(dev, !track);
	if (!save)
		return ERR_PTR(-ENOMEM);
	latch_costs_begin(&dev->costs, "save");
	ret = latch_fw_error(mlx5_core_alloc_pd(dev->mdev, &save->pdn));
	if (ret)
		goto put;
	kref_get(&save->kref);
	dev->save = save;
	ret = make_ready(save, &size);
	if (ret)
		goto end;
	file = latch_save_open_file(save);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto end;
	}
	begin_series(save, &size, true);
	latch_save_put(save);
	return file;

end:
	if (dev->save == save)
		latch_mlx5_save_end(dev, "failed");
put:
	/* Does nothing if they have ended. */
	latch_costs_end(&dev->costs, "failed");
	latch_save_put(save);
	return ERR_PTR(ret);
}

/**
 * latch_mlx5_save_settle - wait for a save in progress
 * @dev: the device, with a session or without
 *
 * Called before the VF is suspended or resumed: what the user was told is being
 * saved is then saved.
 *
 * Context: state_mutex is held.
 */
void latch_mlx5_save_settle(struct latch_mlx5_device *dev)
{
	lockdep_assert_held(&dev->state_mutex);
	if (dev->save)
		flush_work(&dev->save->work);
}

/**
 * latch_mlx5_save_finish - save what changed last, or is left, of a VF that was stopped
 * @dev: the device, with a session that tracks
 *
 * If that fails, or failed before, the reader gets the error.
 *
 * Context: log_mutex and state_mutex are held; the latter is released and
 * taken again where memory is needed; may sleep.
 * Return: 0; -ENODEV if the session has ended meanwhile.
 */
int latch_mlx5_save_finish(struct latch_mlx5_device *dev)
{
	struct latch_mlx5_save *save = dev->save;
	struct latch_fw_size size;
	int ret;

	lockdep_assert_held(&dev->state_mutex);

	/* Set after an error, too: clean_up() then asks as for a stopped VF. */
	save->series.is_last = true;
	if (save->error)
		return 0;
	kref_get(&save->kref);
	ret = prepare(save, save->series.is_begun, 1, &size);
	if (ret)
		fail(save, ret);
	else
		begin_series(save, &size, false);
	latch_save_put(save);
	/* A reset in progress ends the session, too. */
	return dev->save == save && ret != -ENODEV ? 0 : -ENODEV;
}

/*
 * The firmware notes changes until a save without tracking, whose image is dropped. That save's
 * buffer gets the size that the firmware names; without an answer, or memory, what the buffer has
 * will do, a page at least. A buffer is free: while changes are noted, at most one image is unread.
 */
static int clean_up(struct latch_mlx5_save *save)
{
	struct latch_save_buffer *buffer = latch_save_buffer(save, save->nr_saved);
	struct latch_fw_size size;
	u32 next;
	int ret;

	if (query_size(save, !save->series.is_last, &size))
		size.required = 0;
	ret = have_room(save, buffer, max_t(u64, size.required, PAGE_SIZE));
	if (ret < 0 && save->dev->save == save)
		ret = have_room(save, buffer, PAGE_SIZE);
	if (ret < 0)
		return ret;
	ret = have_saved(save, &buffer->image, false, false, &next);
	latch_series_cleaned(&save->series);
	/* A reset has ended that. */
	return ret == -ENODEV ? 0 : ret;
}

/* Records how the session ended: the reader has the whole stream, or why not. */
static void tell_end(struct latch_mlx5_save *save, const char *why)
{
	spin_lock(&save->lock);
	/* -ENODEV: the VF was reset, and nothing more was saved. */
	if (save->error && save->error != -ENODEV)
		why = "failed";
	else if (save->is_ending && !save->is_working && !save->next_bytes &&
		 save->nr_saved == save->nr_read)
		why = "completed";
	latch_costs_end(&save->dev->costs, why);
	spin_unlock(&save->lock);
}

/*
 * From now on the reader gets an error, and the firmware saves nothing. After the error nobody
 * starts the worker again, not even a reader whose last copy took long.
 */
static void stop_session(struct latch_mlx5_save *save)
{
	fail(save, -ENODEV);
	cancel_work_sync(&save->work);
}

/**
 * latch_mlx5_save_give_up - stop the firmware from noting a VF's changes
 * @dev: the device, with a session that its user abandons; only its end may
 *	follow
 *
 * The firmware notes them until the session's last image is saved, or a reset.
 * If it refuses to stop, that is logged; the next session begins anew in any
 * case.
 *
 * Context: log_mutex and state_mutex are held; the latter is released and
 * taken again where memory is needed; waits for a save in progress.
 * Return: 0; -ENODEV if the session has ended meanwhile.
 */
int latch_mlx5_save_give_up(struct latch_mlx5_device *dev)
{
	struct latch_mlx5_save *save = dev->save;
	int ret;

	lockdep_assert_held(&dev->state_mutex);

	tell_end(save, "given-up");
	stop_session(save);
	if (!save->series.is_noting)
		return 0;
	kref_get(&save->kref);
	ret = clean_up(save);
	latch_save_put(save);
	if (dev->save != save)
		return -ENODEV;
	if (ret)
		dev_warn_ratelimited(&dev->core.pdev->dev,
				     "saving was given up, and the firmware may still note changes (%d)\n",
				     ret);
	return 0;
}

/**
 * latch_mlx5_save_end - end a saving session
 * @dev: the device, with a session or without
 * @why: its result, if it has neither failed nor completed
 *
 * Further reads get -ENODEV.
 *
 * Context: state_mutex is held; waits for a save in progress.
 */
void latch_mlx5_save_end(struct latch_mlx5_device *dev, const char *why)
{
	struct latch_mlx5_save *save = dev->save;

	lockdep_assert_held(&dev->state_mutex);

	if (!save)
		return;
	dev->save = NULL;
	tell_end(save, why);
	stop_session(save);
	forget(save);
	latch_mlx5_file_is_over(dev, &save->is_over);
	latch_save_free_memory(save);
	latch_save_put(save);
}
