// SPDX-License-Identifier: GPL-2.0-only
/* The firmware refuses (0x9) to track a VF that runs. */
#include "migration_steps.h"

static void be_refused(unsigned int at)
{
	fill(firmware.large);
	fault("SAVE_VHCA_STATE skip=%u status=9", at);
	to(STATE(PRE_COPY));
	for (unsigned int round = 0; round <= at; round++) {
		read_dry();
		touch();
		info();
	}
	read_dry();
	info();
	no_faults();
}

SITUATION(a_refused_vf_is_stopped)
{
	for (unsigned int at = 0; at < 3; at++) {
		be_refused(at);
		to(STATE(STOP_COPY));
		read_to_end();
		to(STATE(RUNNING));
	}
}

/*
 * The question before the clean-up fails where the VF was never tracked, and the kernel's driver
 * leaves it at that. Answered, it goes on.
 */
static void give_up_refused(unsigned int at, unsigned int saving, const char *question)
{
	reset();
	be_refused(at);
	try_to(saving);
	fault("%s", question);
	if (saving == STATE(PRE_COPY_P2P))
		try_to(STATE(RUNNING_P2P));
	try_to(STATE(RUNNING));
	no_faults();
}

SITUATION(a_refused_vf_is_given_up)
{
	for (unsigned int at = 0; at < 3; at++) {
		give_up_refused(at, STATE(PRE_COPY), "");
		give_up_refused(at, STATE(PRE_COPY_P2P), "");
	}
	give_up_refused(0, STATE(PRE_COPY), "QUERY_VHCA_MIGRATION_STATE empty");
	give_up_refused(0, STATE(PRE_COPY_P2P), "QUERY_VHCA_MIGRATION_STATE empty");
	reset();
	migrate();
}

SITUATION(a_session_of_a_refused_vf_is_left_after_the_stop)
{
	for (unsigned int at = 0; at < 3; at++) {
		be_refused(at);
		to(STATE(STOP_COPY));
		more_saved(firmware.ahead);
		to(STATE(STOP));
		to(STATE(RUNNING));
	}
	migrate();
}

SITUATION(a_vf_in_p2p_is_refused)
{
	fill(firmware.large);
	for (int is_stopped = 0; is_stopped < 2; is_stopped++) {
		to(STATE(RUNNING_P2P));
		fault("SAVE_VHCA_STATE status=9");
		to(STATE(PRE_COPY_P2P));
		read_dry();
		info();
		if (is_stopped) {
			to(STATE(STOP_COPY));
			read_to_end();
		}
		try_to(STATE(RUNNING));
		reset();
		fill(firmware.large);
	}
}
