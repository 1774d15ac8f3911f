// SPDX-License-Identifier: GPL-2.0-only
/* A VF that is stopped, and saved then. */
#include "migration_steps.h"

SITUATION(a_vf_is_bound)
{
}

SITUATION(a_vf_is_stopped_and_started)
{
	to(STATE(RUNNING_P2P));
	to(STATE(STOP));
	to(STATE(RUNNING_P2P));
	to(STATE(RUNNING));
	to(STATE(STOP));
	to(STATE(RUNNING));
}

SITUATION(a_suspend_or_resume_fails)
{
	static const unsigned int there[] = {
		STATE(RUNNING_P2P), STATE(STOP), STATE(RUNNING_P2P), STATE(RUNNING),
	};

	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
		fault("%s status=1", i < 2 ? "SUSPEND_VHCA" : "RESUME_VHCA");
		try_to(there[i]);
		no_faults();
		try_to(there[i]);
	}
	reset();
}

SITUATION(the_data_size_is_asked)
{
	static const unsigned int there[] = { STATE(RUNNING), STATE(RUNNING_P2P), STATE(STOP) };

	fill(firmware.large);
	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
		to(there[i]);
		/* Twice, since our driver asks again when it has waited long for memory. */
		CHECK_LT(0, migration_data_size(vf));
		CHECK_LT(0, migration_data_size(vf));
	}
}

SITUATION(a_stopped_vf_is_saved)
{
	fill(firmware.large);
	migrate();
	migrate();
}

SITUATION(a_stopped_vf_with_a_small_state_is_saved)
{
	fill(firmware.small);
	migrate();
}

SITUATION(a_stopped_vf_without_a_state_is_saved)
{
	migrate();
}

SITUATION(a_stopped_vf_is_saved_from_p2p_and_from_stop)
{
	fill(firmware.large);
	to(STATE(RUNNING_P2P));
	migrate();
	to(STATE(STOP));
	migrate();
}

SITUATION(a_session_of_a_stopped_vf_is_left_unread)
{
	fill(firmware.large);
	to(STATE(STOP_COPY));
	saved(firmware.ahead);
	to(STATE(STOP));
	to(STATE(STOP_COPY));
	saved(2 * firmware.ahead);
	to(STATE(RUNNING));
	migrate();
}

SITUATION(a_session_of_a_stopped_vf_is_left_amid)
{
	fill(firmware.large);
	to(STATE(STOP_COPY));
	read_bytes(firmware.amid);
	saved(firmware.images < 3 ? firmware.images : 3);
	to(STATE(RUNNING_P2P));
	migrate();
}

SITUATION(a_vf_is_reset_in_a_session_after_its_stop)
{
	fill(firmware.large);
	to(STATE(STOP_COPY));
	saved(firmware.ahead);
	reset();
	fill(firmware.large);
	migrate();
}

SITUATION(the_data_size_is_asked_in_a_session_of_a_stopped_vf)
{
	fill(firmware.large);
	to(STATE(STOP_COPY));
	saved(firmware.ahead);
	migration_data_size(vf);
	read_bytes(firmware.amid);
	saved(firmware.images < 3 ? firmware.images : 3);
	migration_data_size(vf);
	read_to_end();
	migration_data_size(vf);
	to(STATE(STOP));
}

SITUATION(a_save_of_a_stopped_vf_fails)
{
	fill(firmware.large);
	fault("SAVE_VHCA_STATE status=1");
	to(STATE(STOP_COPY));
	CHECK_LT(read_all(), 0);
	to(STATE(STOP));
	migrate();
	if (firmware.images == 1)
		return;
	fault("SAVE_VHCA_STATE skip=1 status=1");
	to(STATE(STOP_COPY));
	CHECK_LT(read_all(), 0);
	to(STATE(STOP));
	migrate();
}

SITUATION(the_question_before_a_save_of_a_stopped_vf_fails)
{
	fill(firmware.large);
	fault("QUERY_VHCA_MIGRATION_STATE status=1");
	CHECK_LT(try_to(STATE(STOP_COPY)), 0);
	migrate();
}
