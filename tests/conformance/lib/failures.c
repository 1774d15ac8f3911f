// SPDX-License-Identifier: GPL-2.0-only
/* Something fails, or is not what it was said to be. */
#include "migration_steps.h"

static void fail_at(unsigned int at)
{
	fill(firmware.large);
	fault("SAVE_VHCA_STATE skip=%u status=1", at);
	to(STATE(PRE_COPY));
	for (unsigned int round = 0; round < at; round++) {
		read_dry();
		touch();
		info();
	}
	CHECK_LT(read_all(), 0);
	no_faults();
}

SITUATION(a_save_fails_and_is_given_up)
{
	for (unsigned int at = 0; at < 2; at++) {
		fail_at(at);
		try_to(STATE(RUNNING));
		reset();
		fail_at(at);
		try_to(STATE(PRE_COPY_P2P));
		try_to(STATE(RUNNING));
		reset();
	}
	fill(firmware.small);
	migrate();
}

SITUATION(a_save_fails_and_the_vf_is_stopped)
{
	for (unsigned int at = 0; at < 2; at++) {
		fail_at(at);
		if (!try_to(STATE(STOP_COPY)))
			read_all();
		try_to(STATE(STOP));
		reset();
	}
	fill(firmware.small);
	migrate();
}

SITUATION(the_last_save_fails)
{
	fill(firmware.large);
	to(STATE(PRE_COPY));
	read_dry();
	touch();
	fault("SAVE_VHCA_STATE status=1");
	if (!try_to(STATE(STOP_COPY)))
		read_all();
	try_to(STATE(STOP));
	reset();
	fill(firmware.small);
	migrate();
}

SITUATION(the_first_question_fails)
{
	fill(firmware.large);
	fault("QUERY_VHCA_MIGRATION_STATE status=1");
	CHECK_LT(try_to(STATE(PRE_COPY)), 0);
	to(STATE(PRE_COPY));
	read_dry();
	to(STATE(STOP_COPY));
	read_to_end();
	to(STATE(STOP));
}

SITUATION(the_question_about_changes_fails)
{
	fill(firmware.small);
	to(STATE(PRE_COPY));
	read_dry();
	touch();
	fault("QUERY_VHCA_MIGRATION_STATE status=1");
	info();
	info();
	read_all();
	if (!try_to(STATE(STOP_COPY)))
		read_all();
	try_to(STATE(STOP));
	reset();
}

SITUATION(the_question_before_the_last_save_fails)
{
	fill(firmware.large);
	to(STATE(PRE_COPY));
	read_dry();
	fault("QUERY_VHCA_MIGRATION_STATE status=1");
	if (!try_to(STATE(STOP_COPY)))
		read_all();
	try_to(STATE(STOP));
	try_to(STATE(RUNNING));
	reset();
}

SITUATION(what_is_asked_when_saving_is_given_up_fails)
{
	static const char * const faults[] = {
		"QUERY_VHCA_MIGRATION_STATE status=1", "SAVE_VHCA_STATE status=1",
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		fill(firmware.large);
		to(STATE(PRE_COPY));
		read_dry();
		fault("%s", faults[i]);
		try_to(STATE(RUNNING));
		reset();
		fill(firmware.small);
		migrate();
	}
}

SITUATION(a_vf_that_is_saved_cannot_be_suspended)
{
	for (unsigned int at = 0; at < 2; at++) {
		fill(firmware.large);
		to(STATE(PRE_COPY));
		read_dry();
		fault("SUSPEND_VHCA skip=%u status=1", at);
		CHECK_LT(try_to(STATE(STOP_COPY)), 0);
		no_faults();
		to(STATE(STOP_COPY));
		read_to_end();
		to(STATE(RUNNING));
	}
}

SITUATION(a_vf_that_is_saved_cannot_be_resumed)
{
	fill(firmware.large);
	to(STATE(PRE_COPY));
	read_dry();
	to(STATE(PRE_COPY_P2P));
	fault("RESUME_VHCA status=1");
	try_to(STATE(PRE_COPY));
	try_to(STATE(PRE_COPY));
	touch();
	info();
	read_dry();
	to(STATE(RUNNING));
}

SITUATION(a_state_grows_between_question_and_save)
{
	fill(firmware.large);
	fault("QUERY_VHCA_MIGRATION_STATE grow=20000");
	to(STATE(PRE_COPY));
	read_all();
	try_to(STATE(STOP_COPY));
	read_all();
	try_to(STATE(STOP));
	reset();
}

SITUATION(the_firmware_needs_a_larger_buffer)
{
	fill(firmware.large);
	fault("QUERY_VHCA_MIGRATION_STATE required=12582912");
	to(STATE(STOP_COPY));
	read_to_end();
	to(STATE(RUNNING));
	fault("SAVE_VHCA_STATE required=12582912");
	to(STATE(STOP_COPY));
	read_all();
	try_to(STATE(STOP));
	reset();
	fill(firmware.large);
	to(STATE(PRE_COPY));
	read_dry();
	touch();
	fault("QUERY_VHCA_MIGRATION_STATE required=12582912");
	info();
	read_dry();
	to(STATE(STOP_COPY));
	read_to_end();
	to(STATE(STOP));
}

SITUATION(an_object_cannot_be_had)
{
	static const char * const faults[] = {
		"ALLOC_PD status=1", "CREATE_MKEY status=1", "CREATE_MKEY skip=1 status=1",
	};
	static const unsigned int there[] = { STATE(STOP_COPY), STATE(PRE_COPY) };

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		for (size_t j = 0; j < sizeof(there) / sizeof(there[0]); j++) {
			fill(firmware.small);
			fault("%s", faults[i]);
			if (!try_to(there[j]))
				read_all();
			reset();
		}
	}
}
