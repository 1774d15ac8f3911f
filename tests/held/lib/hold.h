/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hold.h: one side is stopped at a function (../hold), the other must wait for it.
 *
 * Interrupts, and the side that is held, have processor 0. The side that must wait, and may spin, has
 * processor 1, and the test processor 2. No processor may rely on another one's timer to wake up:
 * boot with idle=poll.
 */
#ifndef HELD_HOLD_H
#define HELD_HOLD_H

#include <pthread.h>
#include <stdatomic.h>

struct vfio_device;

/* Load the module and move all interrupts to processor 0. */
void hold_begin(void);
/* Unload it, if it is loaded: for each program's CLEAN_UP. */
void hold_end(void);
/* The next call of FUNCTION waits, or of OR_ELSE if this kernel has no such function. */
void hold_next(const char *function, const char *or_else);
/* Wait until the call is made; fails the test when it is not. */
void hold_wait(void);
/* The call that is held goes on. */
void hold_let_go(void);

/* Something that one side does in a thread of its own. */
struct side {
	int (*work)(struct vfio_device *device);	/* 0 or a negative errno */
	struct vfio_device *device;
	int processor;
	pthread_t thread;
	int result;
	atomic_bool has_begun, is_done;
};

void side_start(struct side *side);
/* Wait for its end; fails the test unless it succeeded. */
void side_end(struct side *side);
/* Start it: it does not end before the call that is held goes on, and then it does. */
void side_check_waits(struct side *side);

#endif
