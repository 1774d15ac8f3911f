// SPDX-License-Identifier: GPL-2.0
/*
 * PRE_COPY: a state is sent while the VF runs, and what changes meanwhile after it.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 */
#include "vmtest.h"
#include "connectx.h"
#include "migration.h"

CLEAN_UP
{
	connectx_clean_up();
}

static struct vfio_device *source, *target;

static void check_precopy(uint64_t size, int rounds)
{
	struct migration_image image = {};
	uint64_t digest;
	int data;

	connectx_open_two(&source, &target);
	window_fill(source, size, 21);
	data = migration_set(source, VFIO_DEVICE_STATE_PRE_COPY);
	CHECK_EQ(window_suspended(source) & 3, 0);
	migration_read_dry(data, &image);
	for (int round = 0; round < rounds; round++) {
		CHECK_EQ(window_touch(source, size / 7 * round, size / 100, 1000 + round),
			 WINDOW_DONE);
		if (round == 0)
			migration_set(source, VFIO_DEVICE_STATE_PRE_COPY_P2P);
	}
	digest = window_digest(source);
	CHECK_EQ(migration_set(source, VFIO_DEVICE_STATE_STOP_COPY), -1);
	migration_read(data, &image);
	close(data);
	migration_set(source, VFIO_DEVICE_STATE_STOP);
	migration_load(target, &image);
	CHECK_EQ(window_state_size(target), size);
	CHECK_EQ(window_digest(target), digest);
	migration_set(target, VFIO_DEVICE_STATE_RUNNING);
	CHECK_EQ(window_digest(target), digest);
}

TEST_WHEN(migration_has_precopy, a_state_that_does_not_change_moves)
{
	check_precopy(3 << 20, 0);
}

TEST_WHEN(migration_has_precopy, what_changes_during_precopy_arrives)
{
	check_precopy(3 << 20, 3);
}

TEST_WHEN(migration_has_precopy, a_state_larger_than_a_chunk_moves_with_its_changes)
{
	check_precopy(15 << 20, 2);
}

TEST_WHEN(migration_has_precopy, a_vf_runs_on_when_precopy_is_given_up)
{
	struct migration_image image = {};
	uint64_t digest;
	int data;

	connectx_open_two(&source, &target);
	window_fill(source, 1 << 20, 22);
	digest = window_digest(source);
	data = migration_set(source, VFIO_DEVICE_STATE_PRE_COPY);
	migration_read_dry(data, &image);
	migration_set(source, VFIO_DEVICE_STATE_RUNNING);
	close(data);
	CHECK_EQ(window_digest(source), digest);
	CHECK_EQ(window_suspended(source) & 3, 0);
	image = migration_save(source);
	migration_load(target, &image);
	CHECK_EQ(window_digest(target), digest);
}

static void check_not_noted_after(enum vfio_device_mig_state saving,
				  enum vfio_device_mig_state given_up)
{
	int data = migration_set(source, VFIO_DEVICE_STATE_PRE_COPY);
	struct migration_image image = {};

	migration_read_dry(data, &image);
	CHECK(window_tracks(source));
	migration_set(source, saving);
	migration_set(source, given_up);
	CHECK(!window_tracks(source));
	close(data);
	migration_set(source, VFIO_DEVICE_STATE_RUNNING);
}

TEST_WHEN(migration_has_precopy, the_firmware_notes_no_changes_when_precopy_is_given_up)
{
	connectx_open_two(&source, &target);
	window_fill(source, 15 << 20, 23);
	check_not_noted_after(VFIO_DEVICE_STATE_PRE_COPY, VFIO_DEVICE_STATE_RUNNING);
	check_not_noted_after(VFIO_DEVICE_STATE_PRE_COPY_P2P, VFIO_DEVICE_STATE_RUNNING_P2P);
}

/* Two records are unread, so what changed last, which would end the noting, is not saved. */
TEST_OURS(the_firmware_notes_no_changes_when_a_session_ends_unread)
{
	connectx_open_two(&source, &target);
	window_fill(source, 15 << 20, 24);
	close(migration_set(source, VFIO_DEVICE_STATE_PRE_COPY));
	CHECK(WAIT_UNTIL(window_tracks(source), 10000));
	migration_set(source, VFIO_DEVICE_STATE_STOP_COPY);
	CHECK(window_tracks(source));
	migration_set(source, VFIO_DEVICE_STATE_STOP);
	CHECK(!window_tracks(source));
}
