// SPDX-License-Identifier: GPL-2.0-only
/* Saving is given up: while the VF runs, or after its stop. */
#include "migration_steps.h"

SITUATION(saving_is_given_up_unread)
{
	fill(firmware.large);
	to(STATE(PRE_COPY));
	saved(1);
	to(STATE(RUNNING));
	to(STATE(PRE_COPY));
	more_saved(1);
	to(STATE(PRE_COPY_P2P));
	to(STATE(RUNNING_P2P));
	to(STATE(PRE_COPY_P2P));
	more_saved(1);
	to(STATE(RUNNING));
	migrate();
}

SITUATION(saving_of_a_small_state_is_given_up_unread)
{
	fill(firmware.small);
	to(STATE(PRE_COPY));
	saved(1);
	to(STATE(RUNNING));
	to(STATE(PRE_COPY));
	more_saved(1);
	to(STATE(PRE_COPY_P2P));
	to(STATE(RUNNING_P2P));
	to(STATE(PRE_COPY_P2P));
	more_saved(1);
	to(STATE(RUNNING));
	migrate();
}

static void give_up_from(unsigned int saving, unsigned int given_up, uint64_t size)
{
	to(STATE(RUNNING));
	fill(size);
	to(STATE(PRE_COPY));
	read_dry();
	to(saving);
	to(given_up);
}

static void give_up_when_read(uint64_t size)
{
	give_up_from(STATE(PRE_COPY), STATE(RUNNING), size);
	give_up_from(STATE(PRE_COPY), STATE(RUNNING_P2P), size);
	give_up_from(STATE(PRE_COPY_P2P), STATE(RUNNING_P2P), size);
	give_up_from(STATE(PRE_COPY_P2P), STATE(RUNNING), size);
	give_up_from(STATE(PRE_COPY), STATE(STOP), size);
	give_up_from(STATE(PRE_COPY_P2P), STATE(STOP), size);
	migrate();
}

SITUATION(saving_is_given_up_when_an_image_was_read)
{
	give_up_when_read(firmware.large);
}

SITUATION(saving_of_a_small_state_is_given_up_when_an_image_was_read)
{
	give_up_when_read(firmware.small);
}

SITUATION(saving_is_given_up_after_changes)
{
	for (int is_read = 0; is_read < 2; is_read++) {
		for (int is_p2p = 0; is_p2p < 2; is_p2p++) {
			fill(is_p2p ? firmware.small : firmware.large);
			to(STATE(PRE_COPY));
			read_dry();
			touch();
			CHECK_LT(0, info());
			more_saved(1);
			if (is_read)
				read_dry();
			if (is_p2p)
				to(STATE(PRE_COPY_P2P));
			to(STATE(RUNNING));
		}
	}
	migrate();
}

SITUATION(saving_is_given_up_when_nothing_is_left)
{
	fill(firmware.large);
	to(STATE(PRE_COPY));
	read_all_increments();
	to(STATE(RUNNING));
	migrate();
}

SITUATION(a_session_is_left_after_the_stop)
{
	fill(firmware.large);
	to(STATE(PRE_COPY));
	read_dry();
	to(STATE(STOP_COPY));
	more_saved(firmware.left);
	to(STATE(STOP));
	to(STATE(RUNNING));
	to(STATE(PRE_COPY));
	more_saved(1);
	to(STATE(STOP_COPY));
	more_saved(1);
	to(STATE(RUNNING));
	migrate();
}

SITUATION(a_session_of_a_small_state_is_left_after_the_stop)
{
	fill(firmware.small);
	to(STATE(PRE_COPY));
	read_dry();
	touch();
	to(STATE(STOP_COPY));
	saved(2);
	to(STATE(STOP));
	to(STATE(RUNNING));
	migrate();
}

SITUATION(a_vf_is_reset_while_it_is_saved)
{
	static const unsigned int there[] = { STATE(PRE_COPY), STATE(PRE_COPY_P2P), STATE(STOP_COPY) };

	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
		fill(firmware.large);
		to(STATE(PRE_COPY));
		read_dry();
		to(there[i]);
		more_saved(there[i] == STATE(STOP_COPY) ? firmware.left : 0);
		reset();
		fill(firmware.small);
		migrate();
	}
}
