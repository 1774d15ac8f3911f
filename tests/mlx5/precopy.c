// SPDX-License-Identifier: GPL-2.0-only
/*
 * PRE_COPY: a state is sent while the VF runs, and its changes are sent after it.
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

/* The last images have the changes that the firmware noted. After them it notes none. */
TEST_WHEN(migration_has_precopy, the_firmware_notes_no_changes_of_a_vf_whose_last_image_is_saved)
{
	struct pollfd wait = { .events = POLLIN };

	connectx_open_two(&source, &target);
	window_fill(source, 15 << 20, 24);
	wait.fd = migration_set(source, VFIO_DEVICE_STATE_PRE_COPY);
	CHECK(WAIT_UNTIL(window_tracks(source), 10000));
	migration_set(source, VFIO_DEVICE_STATE_STOP_COPY);
	CHECK(WAIT_UNTIL(!window_tracks(source), 10000));
	CHECK_EQ(poll(&wait, 1, 10000), 1);
	migration_set(source, VFIO_DEVICE_STATE_STOP);
	CHECK(!window_tracks(source));
	close(wait.fd);
}

/* No byte has been read, and the first image is the only one of the running VF. */
TEST_WHEN(migration_has_precopy, a_vf_that_is_stopped_before_anything_was_read_moves)
{
	struct migration_image image = {};
	uint64_t digest;
	int data;

	connectx_open_two(&source, &target);
	window_fill(source, 20 << 20, 25);
	data = migration_set(source, VFIO_DEVICE_STATE_PRE_COPY);
	CHECK_EQ(window_touch(source, 4096, 100000, 26), WINDOW_DONE);
	digest = window_digest(source);
	migration_set(source, VFIO_DEVICE_STATE_STOP_COPY);
	migration_read(data, &image);
	close(data);
	migration_load(target, &image);
	CHECK_EQ(window_digest(target), digest);
}

/*
 * Firmware that cannot track the VF in its state (0x9) says so to a save with set_track, the first
 * or a later one. Then the stream runs dry, and all of the state comes when the VF is stopped.
 */
static void check_refused(unsigned int skip)
{
	struct migration_image image = {};
	struct vfio_precopy_info info;
	uint64_t digest;
	int data;

	connectx_open_two(&source, &target);
	window_fill(source, 20 << 20, 27);
	connectx_set("fault", "SAVE_VHCA_STATE skip=%u status=0x9", skip);
	data = migration_set(source, VFIO_DEVICE_STATE_PRE_COPY);
	for (unsigned int asked = 0; asked <= skip; asked++) {
		migration_read_dry(data, &image);
		CHECK_EQ(window_touch(source, 8192, 80000, asked), WINDOW_DONE);
		CHECK_EQ(migration_precopy_info(data, &info), 0);
	}
	migration_read_dry(data, &image);
	CHECK_EQ(migration_precopy_info(data, &info), 0);
	CHECK_EQ(info.initial_bytes, 0);
	CHECK_EQ(info.dirty_bytes, 0);
	digest = window_digest(source);
	migration_set(source, VFIO_DEVICE_STATE_STOP_COPY);
	migration_read(data, &image);
	CHECK_LE(20 << 20, image.size);
	close(data);
	migration_load(target, &image);
	CHECK_EQ(window_digest(target), digest);
	migration_set(target, VFIO_DEVICE_STATE_RUNNING);
}

TEST_WHEN(migration_has_precopy, a_first_save_that_the_firmware_refuses_costs_only_precopy)
{
	check_refused(0);
}

TEST_WHEN(migration_has_precopy, a_later_save_that_the_firmware_refuses_costs_only_precopy)
{
	check_refused(1);
}
