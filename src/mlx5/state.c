// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state diagram is a ladder: by a VF's quiescence, RUNNING, RUNNING_P2P and
 * STOP are its rungs, and PRE_COPY, PRE_COPY_P2P and STOP_COPY the same rungs
 * with the state being saved. An arc goes to the next rung, or from one rail to
 * the other. RESUMING hangs off STOP, and ERROR has no arcs.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/nospec.h>

#include "state.h"

static const struct latch_state {
	const char *name;
	enum latch_quiesce quiesce;
	bool saves;
} states[LATCH_NR_STATES] = {
	[VFIO_DEVICE_STATE_ERROR] = { "error", LATCH_STOPPED },
	[VFIO_DEVICE_STATE_STOP] = { "stop", LATCH_STOPPED },
	[VFIO_DEVICE_STATE_RUNNING] = { "running", LATCH_RUNS },
	[VFIO_DEVICE_STATE_STOP_COPY] = { "stop-copy", LATCH_STOPPED, true },
	[VFIO_DEVICE_STATE_RESUMING] = { "resuming", LATCH_STOPPED },
	[VFIO_DEVICE_STATE_RUNNING_P2P] = { "running-p2p", LATCH_INITIATES_NOTHING },
	[LATCH_STATE_PRE_COPY] = { "pre-copy", LATCH_RUNS, true },
	[LATCH_STATE_PRE_COPY_P2P] = { "pre-copy-p2p", LATCH_INITIATES_NOTHING, true },
};

static const u8 rungs[2][3] = {
	{ VFIO_DEVICE_STATE_RUNNING, VFIO_DEVICE_STATE_RUNNING_P2P, VFIO_DEVICE_STATE_STOP },
	{ LATCH_STATE_PRE_COPY, LATCH_STATE_PRE_COPY_P2P, VFIO_DEVICE_STATE_STOP_COPY },
};

static bool is_precopy(unsigned int state)
{
	return state == LATCH_STATE_PRE_COPY || state == LATCH_STATE_PRE_COPY_P2P;
}

/**
 * latch_next_state - the first arc on the way from one state to another
 * @from: the state that the device is in
 * @to: the state that the user asks for; any number
 * @has_precopy: the PRE_COPY states exist
 * @next: set to the state at the end of the arc
 *
 * The way is the shortest one without saving states in between (linux/vfio.h,
 * "combination transitions"): saving is left first and entered last.
 *
 * Return: 0; -EINVAL if there is no way.
 */
int latch_next_state(unsigned int from, unsigned int to, bool has_precopy, unsigned int *next)
{
	const struct latch_state *here, *there;

	if (from >= LATCH_NR_STATES || to >= LATCH_NR_STATES || from == to)
		return -EINVAL;
	to = array_index_nospec(to, LATCH_NR_STATES);
	if (from == VFIO_DEVICE_STATE_ERROR || to == VFIO_DEVICE_STATE_ERROR)
		return -EINVAL;
	if (is_precopy(to) && (!has_precopy || from == VFIO_DEVICE_STATE_STOP_COPY))
		return -EINVAL;

	here = &states[from];
	there = &states[to];
	if (from == VFIO_DEVICE_STATE_RESUMING)
		*next = VFIO_DEVICE_STATE_STOP;
	else if (here->saves && !there->saves)
		*next = rungs[0][here->quiesce];
	else if (here->quiesce < there->quiesce)
		*next = rungs[here->saves][here->quiesce + 1];
	else if (here->quiesce > there->quiesce)
		*next = rungs[here->saves][here->quiesce - 1];
	else
		*next = to;
	return 0;
}

/**
 * latch_state_quiesce - how much of a VF is suspended in a state
 * @state: a state
 *
 * Return: the state's rung.
 */
enum latch_quiesce latch_state_quiesce(unsigned int state)
{
	return states[state].quiesce;
}

/**
 * latch_state_saves - whether a state is one of the saving group
 * @state: a state
 *
 * Return: true if a saving session is open in it.
 */
bool latch_state_saves(unsigned int state)
{
	return states[state].saves;
}

/**
 * latch_state_name - a state's name in sysfs
 * @state: a state
 *
 * Return: the name.
 */
const char *latch_state_name(unsigned int state)
{
	return states[state].name;
}
