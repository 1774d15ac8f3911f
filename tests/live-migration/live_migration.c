// SPDX-License-Identifier: GPL-2.0-only
/*
 * Live migration of a machine with a VF by its real user: QEMU of Debian 13, twice. The machine
 * inside (guest/guest.c) keeps its VF writing to its memory and changing its own state, and looks
 * itself whether both are right; what has arrived is compared from outside, too.
 *
 * vm-machine: migration
 * vm-drivers: ours kernel
 * vm-cmdline: iomem=relaxed
 * vm-modules: mlx5_core virtio_pci 9pnet_virtio 9p
 * vm-files: build/live-migration/guest build/live-migration/run-options
 * vm-sources: lib/machine.c
 * vm-seconds: 400
 * vm-timeout: 420
 */
#include "lib/machine.h"

static struct machine source, destination;

/* The kernel's driver asks it of the firmware where it knows of it. */
static bool driver_can_do_without_precopy(void)
{
	return driver_is_ours() || !driver_has_precopy();
}

static bool was_in_precopy(struct machine *machine)
{
	return strstr(client_output(machine->qemu), "\"device-state\": \"pre-copy\"");
}

TEST(state_and_memory_arrive_although_the_vf_goes_on_writing)
{
	struct setup setup = setup_one();

	machine_start_two(&source, &destination, &setup);
	migration_begin_and_wait(&source);
	CHECK_EQ(was_in_precopy(&source), driver_has_precopy());
	migration_let_end(&source);
	migration_check_arrived(&source, &destination);
}

TEST_WHEN(driver_can_do_without_precopy,
	  state_and_memory_arrive_of_a_vf_that_cannot_send_its_state_ahead)
{
	struct setup setup = setup_one();

	connectx_configure("precopy", "false");
	machine_start_two(&source, &destination, &setup);
	migration_do(&source, &destination);
	CHECK(!was_in_precopy(&source));
	CHECK_EQ(migration_states_by_channels(&destination), 0);
}

/* They are all sent, or the machine stays. */
TEST(no_write_is_lost_of_a_vf_that_cannot_track_its_writes)
{
	struct setup setup = { .vfs = 1, .without_tracker = true };

	connectx_configure("tracker", "false");
	if (run_options().iommufd) {
		source = machine_start("source", &setup, 0);
		migration_check_refused(&source, "dirty tracking");
		machine_check_goes_on(&source);
		return;
	}
	machine_start_two(&source, &destination, &setup);
	migration_do(&source, &destination);
}

static void check_vfs(unsigned int vfs)
{
	struct setup setup = setup_one();

	setup.vfs = vfs;
	machine_start_two(&source, &destination, &setup);
	migration_do(&source, &destination);
}

TEST(states_and_memory_arrive_of_a_machine_with_two_vfs)
{
	check_vfs(2);
}

TEST(states_and_memory_arrive_of_a_machine_with_four_vfs)
{
	check_vfs(4);
}

TEST(a_machine_moves_there_and_back_again)
{
	struct setup setup = setup_one();
	unsigned int moves = run_options().moves;

	test_note("MOVES=%u", moves);
	machine_start_two(&source, &destination, &setup);
	for (unsigned int i = 0; i < moves; i++) {
		struct machine left = source;

		migration_do(&source, &destination);
		machine_quit(&source);
		source = destination;
		if (i + 1 < moves)
			destination = machine_start_destination(left.name, &setup,
								i % 2 * setup.vfs);
	}
}

/* Two VFs, as their states then come side by side. */
static void check_channels(bool precopy)
{
	struct setup setup = setup_one();

	setup.vfs = 2;
	setup.channels = 3;
	machine_start_two(&source, &destination, &setup);
	migration_do(&source, &destination);
	CHECK_EQ(migration_states_by_channels(&destination), setup.vfs);
	CHECK_EQ(was_in_precopy(&source), precopy);
}

TEST(states_and_memory_arrive_through_several_channels)
{
	check_channels(driver_has_precopy());
}

/* All of the state comes so, and nothing ahead on the channel that there always is. */
TEST_WHEN(driver_can_do_without_precopy,
	  states_that_cannot_be_sent_ahead_arrive_through_several_channels)
{
	connectx_configure("precopy", "false");
	check_channels(false);
}

CLEAN_UP
{
	connectx_clean_up();
}
