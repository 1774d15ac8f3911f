/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * migration_steps.h: what a client does with a VF that it migrates, and the firmware that a group
 * of situations meets. Each step is waited for, so that the firmware is asked the same each time.
 * What comes of it is judged by compare: where the drivers tell their client different things, the
 * client goes on.
 */
#ifndef CONFORMANCE_MIGRATION_STEPS_H
#define CONFORMANCE_MIGRATION_STEPS_H

#include "firmware.h"
#include "steps.h"

/* The data fd of the VF's last session, and what was read from it last. */
extern int data;
extern struct migration_image image;

void fill(uint64_t size);
/* Something changes, each time another page; all changes. */
void touch(void);
void touch_all(void);

/*
 * So many images have been saved since the reset, and no more are coming; or at least so many since
 * the last request for a state or for changes, where the drivers have not as many buffers.
 */
void saved(unsigned int count);
void more_saved(unsigned int least);

/* Ask for a state, and keep the data fd that comes of it; 0 or a negative errno. */
int try_to(unsigned int state);
void to(unsigned int state);

void read_bytes(size_t count);
/* To the end of the stream, to where it runs dry, or to its error, which is returned. */
int read_all(void);
void read_to_end(void);
void read_dry(void);

/* VFIO_MIG_GET_PRECOPY_INFO; bytes that can be read, or will be. */
uint64_t info(void);
/* Have the running VF saved until nothing is left of it. */
void read_all_increments(void);

/* From RUNNING to STOP_COPY, all read, and back. */
void migrate(void);

#endif
