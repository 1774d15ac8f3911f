// SPDX-License-Identifier: GPL-2.0-only
/* A VF that is saved while it runs, and is stopped then. */
#include "migration_steps.h"

SITUATION(a_running_vf_is_saved_and_stopped)
{
	fill(firmware.large);
	to(STATE(PRE_COPY));
	read_dry();
	to(STATE(STOP_COPY));
	read_to_end();
	to(STATE(STOP));
}

SITUATION(a_running_vf_with_a_small_state_is_saved_and_stopped)
{
	fill(firmware.small);
	to(STATE(PRE_COPY));
	read_dry();
	touch();
	to(STATE(STOP_COPY));
	read_to_end();
	to(STATE(RUNNING));
}

SITUATION(a_running_vf_is_stopped_before_anything_was_read)
{
	fill(firmware.large);
	to(STATE(PRE_COPY));
	saved(1);
	touch();
	to(STATE(STOP_COPY));
	read_to_end();
	to(STATE(STOP));
}

SITUATION(a_running_vf_is_stopped_when_a_part_was_read)
{
	fill(firmware.large);
	to(STATE(PRE_COPY));
	read_bytes(1000);
	saved(1);
	to(STATE(STOP_COPY));
	read_to_end();
	to(STATE(STOP));
}

SITUATION(changes_are_asked_for)
{
	fill(firmware.small);
	to(STATE(PRE_COPY));
	for (int round = 0; round < 3; round++) {
		read_dry();
		touch();
		CHECK_LT(0, info());
	}
	read_dry();
	touch();
	to(STATE(STOP_COPY));
	read_to_end();
	to(STATE(STOP));
}

SITUATION(what_is_left_is_asked_for)
{
	fill(firmware.large);
	to(STATE(PRE_COPY));
	read_all_increments();
	/* Nothing has changed. */
	info();
	touch_all();
	read_all_increments();
	to(STATE(STOP_COPY));
	read_to_end();
	to(STATE(STOP));
}

SITUATION(changes_are_asked_for_before_all_is_read)
{
	fill(firmware.large);
	to(STATE(PRE_COPY));
	saved(1);
	info();
	read_bytes(1000);
	touch();
	info();
	read_dry();
	info();
	saved(2);
	info();
	to(STATE(STOP_COPY));
	read_to_end();
	to(STATE(STOP));
}

SITUATION(a_vf_is_stopped_before_its_changes_are_read)
{
	fill(firmware.small);
	to(STATE(PRE_COPY));
	read_dry();
	touch();
	CHECK_LT(0, info());
	saved(2);
	touch();
	to(STATE(STOP_COPY));
	read_to_end();
	to(STATE(STOP));
}

SITUATION(a_vf_is_stopped_when_nothing_is_left)
{
	fill(firmware.small);
	to(STATE(PRE_COPY));
	read_all_increments();
	to(STATE(STOP_COPY));
	read_to_end();
	to(STATE(STOP));
}

SITUATION(changes_are_asked_for_in_p2p)
{
	fill(firmware.large);
	to(STATE(PRE_COPY));
	read_dry();
	touch();
	to(STATE(PRE_COPY_P2P));
	info();
	read_dry();
	info();
	to(STATE(STOP_COPY));
	read_to_end();
	to(STATE(STOP));
}

SITUATION(a_saved_vf_goes_to_p2p_and_back)
{
	fill(firmware.large);
	to(STATE(PRE_COPY));
	saved(1);
	to(STATE(PRE_COPY_P2P));
	to(STATE(PRE_COPY));
	read_dry();
	touch();
	to(STATE(PRE_COPY_P2P));
	to(STATE(PRE_COPY));
	read_all_increments();
	to(STATE(PRE_COPY_P2P));
	to(STATE(PRE_COPY));
	to(STATE(STOP_COPY));
	read_to_end();
	to(STATE(STOP));
}

SITUATION(a_vf_in_p2p_is_saved_and_stopped)
{
	fill(firmware.large);
	to(STATE(RUNNING_P2P));
	to(STATE(PRE_COPY_P2P));
	saved(1);
	info();
	read_dry();
	info();
	to(STATE(STOP_COPY));
	read_to_end();
	to(STATE(STOP));
	/* Not read. */
	to(STATE(RUNNING_P2P));
	to(STATE(PRE_COPY_P2P));
	more_saved(1);
	to(STATE(STOP_COPY));
	read_to_end();
	to(STATE(STOP));
}

SITUATION(a_vf_in_p2p_is_saved_and_runs)
{
	fill(firmware.large);
	to(STATE(RUNNING_P2P));
	to(STATE(PRE_COPY_P2P));
	saved(1);
	to(STATE(PRE_COPY));
	read_dry();
	touch();
	info();
	read_dry();
	to(STATE(RUNNING));
}

SITUATION(the_data_size_is_asked_while_a_vf_is_saved)
{
	fill(firmware.large);
	to(STATE(PRE_COPY));
	saved(1);
	migration_data_size(vf);
	read_dry();
	migration_data_size(vf);
	touch();
	info();
	read_dry();
	migration_data_size(vf);
	to(STATE(PRE_COPY_P2P));
	migration_data_size(vf);
	to(STATE(STOP_COPY));
	more_saved(1);
	migration_data_size(vf);
	read_to_end();
	migration_data_size(vf);
	to(STATE(STOP));
}

SITUATION(the_data_size_is_asked_before_a_vf_is_stopped)
{
	fill(firmware.small);
	to(STATE(PRE_COPY));
	read_all_increments();
	migration_data_size(vf);
	to(STATE(PRE_COPY_P2P));
	migration_data_size(vf);
	to(STATE(PRE_COPY));
	migration_data_size(vf);
	to(STATE(RUNNING));
}

SITUATION(a_state_begins_anew)
{
	fill(firmware.large);
	to(STATE(PRE_COPY));
	read_dry();
	touch();
	connectx_set("event", "reinit 1");
	info();
	read_dry();
	connectx_set("event", "reinit 1");
	to(STATE(STOP_COPY));
	read_to_end();
	to(STATE(STOP));
}
