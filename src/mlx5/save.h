/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A saving session: the firmware saves images, and a user reads them as a
 * stream. save.c makes the firmware save, save_file.c hands out what was saved.
 *
 * Two buffers take turns: one is read while the firmware writes the other. They
 * are mapped and have their keys before the first save; the reader copies
 * straight out of them. If the reader is slow, no more than that is saved
 * ahead.
 *
 * A worker makes the firmware save, so that a user who changes the state of
 * many VFs has them saved at the same time. The worker never waits for the
 * reader: it stops if no buffer is free, and is started again.
 *
 *	info_lock	pre-copy info: one caller at a time uses the device. Outside
 *			of log_mutex.
 *	log_mutex	begin, finish, give up, pre-copy info; outside of
 *			state_mutex, which they release while they wait for memory.
 *			Then the session may have ended, or the state have grown.
 *	state_mutex	begin, finish, end, and what the user asks: its holder may
 *			wait for the worker.
 *	command_lock	a save, or a question that must not come during one.
 *	read_lock	readers: the buffer being read belongs to the reader
 *			alone. Held over user memory, so nothing of ours waits
 *			for it.
 *	lock		state that worker and reader share.
 *
 * The session lives until its file is closed and the device has left the
 * saving states, whichever comes last.
 */
#ifndef LATCH_MLX5_SAVE_H
#define LATCH_MLX5_SAVE_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "image.h"
#include "series.h"
#include "stream.h"

struct latch_mlx5_device;
struct mem_cgroup;

#define LATCH_SAVE_BUFFERS	2

/**
 * struct latch_save_buffer - memory for one record of the stream
 * @image: its payload
 * @header: what goes before the payload
 * @header_read: bytes of @header that were read
 * @is_initial: counts as initial_bytes
 */
struct latch_save_buffer {
	struct latch_image image;
	struct latch_record_header header;
	size_t header_read;
	bool is_initial;
};

struct latch_mlx5_save {
	struct kref kref;
	struct latch_mlx5_device *dev;
	struct mem_cgroup *memcg;	/* charged for the worker's allocations */
	struct work_struct work;
	wait_queue_head_t wait;
	u32 pdn;

	/* By the worker, or under state_mutex while it has nothing to do. */
	struct latch_series series;

	/* The stream's first record. Written in begin. */
	struct {
		struct latch_record_header header;
		__le64 bytes;
	} __packed preamble;

	/*
	 * Held by the reader. The preamble and buffers[nr_read % 2] are the
	 * reader's alone; nr_read and preamble_read are changed under lock.
	 */
	struct mutex read_lock;
	/* Held by who asks for pre-copy info; not over user memory or allocations. */
	struct mutex info_lock;
	/*
	 * Set at the session's end, under state_mutex and the device's file_lock: from then on only
	 * a reader uses the buffers' memory, and nobody who comes by the file uses the device.
	 */
	bool is_over;

	/* The worker fills buffers[nr_saved % 2]; the others, not read yet, are the reader's. */
	struct latch_save_buffer buffers[LATCH_SAVE_BUFFERS];

	/* Protects the members below. */
	spinlock_t lock;
	size_t preamble_read;
	unsigned int nr_saved;		/* changed by the worker */
	unsigned int nr_read;		/* changed by the reader */
	int error;			/* why nothing more can be read */
	bool is_working;		/* the worker is at a save */
	bool is_ending;			/* the stream ends with the series at hand */
	bool is_next_initial;		/* the next image counts as initial_bytes */
	u32 next_bytes;			/* bytes that the next save needs; 0 at a series' end */
	u64 initial_unread;		/* bytes of the stream that count as initial_bytes */
	u64 dirty_unread;		/* the other bytes of the stream */
};

/**
 * struct latch_save_left - what of a VF's state the user has not read, while the VF runs
 * @initial_bytes: of the stream, until the VF should not be stopped
 * @dirty_bytes: of the stream, an estimate: the rest
 * @is_new: initial_bytes are those of a state that begins anew
 */
struct latch_save_left {
	u64 initial_bytes;
	u64 dirty_bytes;
	bool is_new;
};

/**
 * struct latch_save_room - memory for a buffer, allocated where nobody waits for its user
 * @more: the memory
 * @is_needed: the buffer lacks more than that
 * @missing: bytes that it lacks
 * @capacity: bytes that it will have
 */
struct latch_save_room {
	struct latch_image more;
	bool is_needed;
	u64 missing;
	u64 capacity;
};

static inline struct latch_save_buffer *latch_save_buffer(struct latch_mlx5_save *save,
							  unsigned int nr)
{
	return &save->buffers[nr % LATCH_SAVE_BUFFERS];
}

/* save.c, for save_file.c: */
void latch_save_put(struct latch_mlx5_save *save);
void latch_save_start(struct latch_mlx5_save *save);
void latch_save_free_memory(struct latch_mlx5_save *save);
int latch_save_look_for_changes(struct latch_mlx5_save *save, struct latch_save_left *left,
				struct latch_save_room *room);
void latch_save_room_init(struct latch_save_room *room, const struct latch_mlx5_save *save,
			  const struct mutex *not_held);
void latch_save_room_free(struct latch_save_room *room);
int latch_save_room_get(struct latch_save_room *room);

/* save_file.c, for save.c: */
struct file *latch_save_open_file(struct latch_mlx5_save *save);

#endif
