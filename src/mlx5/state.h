/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arcs of the migration state diagram in linux/vfio.h.
 *
 * Pure logic: it also compiles in user space (tests/unit). Our own rather than
 * vfio_mig_get_next_state(), which knows no PRE_COPY on older kernels.
 */
#ifndef LATCH_MLX5_STATE_H
#define LATCH_MLX5_STATE_H

#include <linux/vfio.h>

/* For kernels whose header is older than these states. */
#define LATCH_STATE_PRE_COPY		6
#define LATCH_STATE_PRE_COPY_P2P	7
#define LATCH_NR_STATES			8

/* How far a VF is from running: what is suspended. */
enum latch_quiesce {
	LATCH_RUNS,
	LATCH_INITIATES_NOTHING,
	LATCH_STOPPED,
};

int latch_next_state(unsigned int from, unsigned int to, bool has_precopy, unsigned int *next);
enum latch_quiesce latch_state_quiesce(unsigned int state);
bool latch_state_saves(unsigned int state);
const char *latch_state_name(unsigned int state);

#endif
