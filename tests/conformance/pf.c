// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PF is reset, in all states of a VF but PRE_COPY: there the kernel's driver dereferences a NULL
 * pointer.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 * vm-sources: lib/steps.c lib/migration_steps.c
 */
#include "lib/migration_steps.h"

const struct firmware firmware = { .small = 100000 };

static void check_all_works(void)
{
	reset();
	fill(firmware.small);
	migrate();
}

SITUATION(the_pf_is_reset_while_a_vf_runs)
{
	fill(firmware.small);
	pf_reset();
	check_all_works();
}

SITUATION(the_pf_is_reset_while_a_vf_is_stopped)
{
	fill(firmware.small);
	to(STATE(STOP));
	pf_reset();
	try_to(STATE(RUNNING));
	check_all_works();
}

SITUATION(the_pf_is_reset_while_a_stopped_vf_is_saved)
{
	fill(firmware.small);
	to(STATE(STOP_COPY));
	saved(1);
	pf_reset();
	read_all();
	try_to(STATE(STOP));
	check_all_works();
}

SITUATION(the_pf_is_reset_while_a_vf_is_loaded)
{
	fill(firmware.small);
	migrate();
	to(STATE(RESUMING));
	CHECK_EQ(migration_write_try(data, image.bytes, image.size / 2), 0);
	pf_reset();
	migration_write_try(data, image.bytes + image.size / 2, image.size - image.size / 2);
	try_to(STATE(STOP));
	check_all_works();
}
