// SPDX-License-Identifier: GPL-2.0-only
/* A state is loaded. */
#include "migration_steps.h"

static void load_part(size_t bytes)
{
	to(STATE(RESUMING));
	CHECK_EQ(migration_write_try(data, image.bytes, bytes), 0);
}

static void have_image(uint64_t size)
{
	fill(size);
	migrate();
}

SITUATION(a_state_is_loaded)
{
	have_image(firmware.large);
	load_part(image.size);
	to(STATE(STOP));
	to(STATE(RUNNING));
	load_part(image.size);
	to(STATE(RUNNING));
}

SITUATION(a_small_state_is_loaded)
{
	have_image(firmware.small);
	to(STATE(STOP));
	load_part(image.size);
	to(STATE(RUNNING_P2P));
	to(STATE(RUNNING));
}

SITUATION(a_state_is_loaded_that_was_saved_while_the_vf_ran)
{
	struct migration_image all = {};

	fill(firmware.large);
	to(STATE(PRE_COPY));
	for (int round = 0; round < 3; round++) {
		CHECK_EQ(migration_read_try(data, &all), -ENOMSG);
		touch();
		info();
	}
	to(STATE(STOP_COPY));
	CHECK_EQ(migration_read_try(data, &all), 0);
	to(STATE(RUNNING));
	reset();
	image = all;
	load_part(image.size);
	to(STATE(RUNNING));
}

SITUATION(loading_is_left)
{
	have_image(firmware.large);
	load_part(0);
	reset();
	load_part(image.size / 2);
	reset();
	load_part(image.size);
	reset();
	load_part(image.size / 2);
	try_to(STATE(STOP));
	reset();
	load_part(0);
	try_to(STATE(STOP));
	reset();
}

SITUATION(a_load_fails)
{
	static const char * const faults[] = {
		"LOAD_VHCA_STATE status=1", "ALLOC_PD status=1", "CREATE_MKEY status=1",
	};

	have_image(firmware.large);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		fault("%s", faults[i]);
		if (!try_to(STATE(RESUMING)))
			migration_write_try(data, image.bytes, image.size);
		try_to(STATE(STOP));
		reset();
	}
	image.bytes[image.size / 2] ^= 1;
	to(STATE(RESUMING));
	migration_write_try(data, image.bytes, image.size);
	try_to(STATE(STOP));
	reset();
}
