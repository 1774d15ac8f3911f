/* SPDX-License-Identifier: GPL-2.0-only */
/* A VF's state and how much of it has to move: shared by vf_migration.c, vf_state.c, vf_image.c. */
#ifndef CX_VF_MIGRATION_H
#define CX_VF_MIGRATION_H

#include "connectx.h"

#define CX_BLOCK	4096	/* granularity at which changes are noted */
#define CX_CHUNK_MIN	(2 * CX_BLOCK)	/* a header, an extent and a block fit */
#define CX_CHUNK_NOT_FILLED	(4 * 1024 * 1024)	/* a chunk, by firmware that fills no buffers */

struct cx_migration {
	uint8_t *state;
	uint64_t size;
	unsigned long *pending;		/* blocks that the next images must carry */
	unsigned long *missing;		/* while loading: blocks that no image has brought */
	bool registers_pending;		/* the test window's were written to */
	bool initiator_suspended, responder_suspended;
	bool tracking;			/* changes make blocks pending */
	bool track_tried;		/* the driver has asked for that, with success or not */
	bool chunked;			/* the driver takes images in chunks */
	bool unfinished;		/* a full save has chunks left */
	bool restart;			/* the driver has asked anew how large all is */
	bool loading;			/* a series has begun to arrive */
	const struct cx_command *work;	/* the image that the firmware is at */
	bool reinit;			/* configured anew since the last image */
	uint64_t saves, loads;
};

/* vf_state.c */
static inline long cx_blocks(const struct cx_migration *migration)
{
	return DIV_ROUND_UP(migration->size, CX_BLOCK);
}

void cx_state_resize(struct cx_migration *migration, uint64_t size);
/* By LENGTH bytes of the pattern, which are changes. */
void cx_state_grow(struct cx_migration *migration, uint64_t length);

/* vf_image.c */
/* Bytes of an image of all blocks, or of those that are pending. */
uint64_t cx_image_size(const struct cx_migration *migration, bool all);
/*
 * Write an image of pending blocks, as many as fit into LIMIT; they are no longer pending.
 * Returns its length.
 */
uint32_t cx_image_save(struct cx_function *fn, uint8_t *image, uint32_t limit, bool first);
enum cx_status cx_image_load(struct cx_function *fn, const uint8_t *image, uint32_t length,
			     uint64_t state_limit, bool may_follow);

#endif
