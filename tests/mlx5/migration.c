// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VF's state moves to another VF: what arrives is what was there.
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

static void check_moves(uint64_t size)
{
	struct migration_image image;
	uint64_t digest;

	connectx_open_two(&source, &target);
	CHECK_EQ(window_fill(source, size, 0x1234567 + size), WINDOW_DONE);
	digest = window_digest(source);
	image = migration_save(source);
	test_note("image of %zu bytes for a state of %llu", image.size, (unsigned long long)size);
	CHECK_LE(size, image.size);
	migration_load(target, &image);
	CHECK_EQ(window_state_size(target), size);
	CHECK_EQ(window_digest(target), digest);
	migration_set(target, VFIO_DEVICE_STATE_RUNNING);
	CHECK_EQ(window_suspended(target), 0);
	CHECK_EQ(window_digest(target), digest);
}

TEST(a_vf_offers_stop_copy_and_p2p)
{
	struct vfio_device *vf = connectx_open_one();

	CHECK_EQ(migration_flags(vf) & (VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P),
		 VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P);
	CHECK_EQ(migration_state(vf), VFIO_DEVICE_STATE_RUNNING);
}

TEST(a_vf_is_suspended_as_initiator_first_and_as_responder_too_when_stopped)
{
	struct vfio_device *vf = connectx_open_one();

	CHECK_EQ(window_suspended(vf), 0);
	migration_set(vf, VFIO_DEVICE_STATE_RUNNING_P2P);
	CHECK_EQ(window_suspended(vf), 1);
	CHECK_EQ(window_write(vf, 0, 4096, 0, 1, 0), WINDOW_SUSPENDED);
	migration_set(vf, VFIO_DEVICE_STATE_STOP);
	CHECK_EQ(window_suspended(vf), 3);
	CHECK_EQ(window_fill(vf, 4096, 0), WINDOW_SUSPENDED);
	migration_set(vf, VFIO_DEVICE_STATE_RUNNING);
	CHECK_EQ(window_suspended(vf), 0);
}

TEST(an_empty_state_moves)
{
	check_moves(0);
}

TEST(a_state_of_one_byte_moves)
{
	check_moves(1);
}

TEST(a_state_of_a_page_moves)
{
	check_moves(4096);
}

TEST(a_state_of_odd_size_moves)
{
	check_moves(1234567);
}

TEST(a_state_of_32_mib_moves)
{
	check_moves(32 << 20);
}

TEST(a_saved_vf_that_runs_on_has_kept_its_state)
{
	uint64_t digest;

	connectx_open_two(&source, &target);
	window_fill(source, 300000, 7);
	digest = window_digest(source);
	free(migration_save(source).bytes);
	migration_set(source, VFIO_DEVICE_STATE_RUNNING);
	CHECK_EQ(window_digest(source), digest);
	CHECK_EQ(window_fill(source, 5000, 8), WINDOW_DONE);
}

TEST(the_firmware_is_given_back_all_that_a_migration_took)
{
	unsigned int keys, domains;
	struct migration_image image;

	connectx_open_two(&source, &target);
	keys = connectx_objects("mkeys");
	domains = connectx_objects("pds");
	window_fill(source, 1 << 20, 9);
	image = migration_save(source);
	migration_load(target, &image);
	vfio_close(source);
	vfio_close(target);
	CHECK_EQ(connectx_objects("mkeys"), keys);
	CHECK_EQ(connectx_objects("pds"), domains);
}

TEST(a_corrupt_image_is_refused_and_the_vf_is_usable_after_a_reset)
{
	struct migration_image image;

	connectx_open_two(&source, &target);
	window_fill(source, 100000, 11);
	image = migration_save(source);
	image.bytes[image.size / 2] ^= 1;
	CHECK_NE(migration_load_try(target, &image), 0);
	vfio_reset(target);
	CHECK_EQ(migration_state(target), VFIO_DEVICE_STATE_RUNNING);
	image.bytes[image.size / 2] ^= 1;
	migration_load(target, &image);
	CHECK_EQ(window_digest(target), window_digest(source));
}
