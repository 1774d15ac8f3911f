// SPDX-License-Identifier: GPL-2.0-only
/*
 * What firmware can differ in: chunks, the largest image, pre-copy. A state larger than the
 * largest image stands for one of more than 4 GiB.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 */
#include "vmtest.h"
#include "connectx.h"
#include "stream.h"

#define MIB (1 << 20)

CLEAN_UP
{
	connectx_clean_up();
}

static struct vfio_device *source, *target;

static void open_two(uint64_t size)
{
	connectx_open_two(&source, &target);
	CHECK_EQ(window_fill(source, size, 77), WINDOW_DONE);
}

static void check_arrives(const struct migration_image *image)
{
	uint64_t digest = window_digest(source);

	migration_load(target, image);
	CHECK_EQ(window_digest(target), digest);
	migration_set(target, VFIO_DEVICE_STATE_RUNNING);
	CHECK_EQ(window_digest(target), digest);
}

/* The smallest chunks that the model makes, so that there are many. */
static void check_moves_in_chunks(struct migration_image (*save)(struct vfio_device *))
{
	struct migration_image image;

	connectx_configure("image-limit", "1048576");
	connectx_configure("chunk-size", "262144");
	open_two(3 * MIB + 123);
	image = save(source);
	CHECK_LE(12, stream_count(&image, STREAM_TAG_FIRMWARE));
	check_arrives(&image);
}

TEST_WHEN(migration_has_records, a_state_larger_than_the_largest_image_moves_in_chunks)
{
	check_moves_in_chunks(migration_save);
}

TEST_WHEN(migration_has_precopy, a_state_larger_than_the_largest_image_moves_with_precopy)
{
	check_moves_in_chunks(migration_save_precopy);
}

TEST_WHEN(migration_has_precopy, what_changes_during_precopy_moves_in_chunks)
{
	struct migration_image image = {};
	int data;

	connectx_configure("chunk-size", "65536");
	open_two(2 * MIB);
	data = migration_set(source, VFIO_DEVICE_STATE_PRE_COPY);
	migration_read_dry(data, &image);
	/* More than a chunk, in pieces. */
	for (int piece = 0; piece < 32; piece++)
		CHECK_EQ(window_touch(source, piece * 65536 + 100, 5000, piece), WINDOW_DONE);
	migration_set(source, VFIO_DEVICE_STATE_STOP_COPY);
	migration_read(data, &image);
	close(data);
	check_arrives(&image);
}

TEST(a_state_too_large_for_firmware_without_chunks_is_an_error)
{
	int data;

	connectx_configure("chunks", "false");
	connectx_configure("image-limit", "1048576");
	open_two(2 * MIB);
	CHECK_NE(migration_set_try(source, VFIO_DEVICE_STATE_STOP_COPY, &data), 0);
	vfio_reset(source);
	CHECK_EQ(window_fill(source, MIB / 2, 78), WINDOW_DONE);
	struct migration_image image = migration_save(source);

	check_arrives(&image);
}

/* The kernel's driver since 6.12 offers no migration at all if the firmware has no pre-copy. */
static bool precopy_may_be_missing(void)
{
	return driver_is_ours() || kernel_is("6.1");
}

TEST_WHEN(precopy_may_be_missing, firmware_without_chunks_and_precopy_moves_a_state)
{
	struct migration_image image;

	connectx_configure("chunks", "false");
	connectx_configure("precopy", "false");
	open_two(5 * MIB);
	CHECK_EQ(migration_flags(source), VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P);
	image = migration_save(source);
	check_arrives(&image);
}

TEST_OURS(without_precopy_in_the_firmware_its_states_are_refused)
{
	int data;

	connectx_configure("precopy", "false");
	open_two(1000);
	CHECK_EQ(migration_flags(source) & VFIO_MIGRATION_PRE_COPY, 0);
	CHECK_ERR(EINVAL, migration_set_try(source, VFIO_DEVICE_STATE_PRE_COPY, &data));
	CHECK_ERR(EINVAL, migration_set_try(source, VFIO_DEVICE_STATE_PRE_COPY_P2P, &data));
	CHECK_EQ(migration_state(source), VFIO_DEVICE_STATE_RUNNING);
}

TEST_WHEN(migration_has_precopy, firmware_without_chunks_moves_a_state_with_precopy)
{
	struct migration_image image;

	connectx_configure("chunks", "false");
	open_two(5 * MIB);
	image = migration_save_precopy(source);
	check_arrives(&image);
}

TEST(a_vf_that_cannot_be_migrated_is_a_plain_vfio_device)
{
	struct vfio_device *vf;
	uint8_t *memory;
	int data;

	connectx_configure("migration", "false");
	connectx_configure("tracker", "false");
	vf = connectx_open_one();
	CHECK_EQ(migration_flags(vf), 0);
	CHECK_NE(migration_set_try(vf, VFIO_DEVICE_STATE_STOP, &data), 0);
	CHECK(!pci_attr_exists(vf->bdf, "vfio_pci/migration_state"));
	CHECK(!pci_attr_exists(vf->bdf, "vfio_pci/tracker_state"));
	memory = vfio_dma_alloc(vf, 0x100000, 4096);
	CHECK_EQ(window_write(vf, 0x100000, 8, 0, 1, 1), WINDOW_DONE);
	CHECK_NE(memory[0] | memory[1] | memory[2], 0);
	vfio_reset(vf);
}

/*
 * Not with the kernel's driver: now and then it keeps a reference to its module when a session is
 * left before its image is saved, and once it brought the kernel down.
 */
TEST_OURS(a_saver_that_leaves_a_session_amid_its_chunks_can_begin_anew)
{
	struct migration_image part = {}, image;
	char *bytes = malloc(300000);
	int data;

	connectx_configure("chunk-size", "131072");
	open_two(2 * MIB);
	data = migration_set(source, VFIO_DEVICE_STATE_PRE_COPY);
	CHECK_LT(0, read(data, bytes, 300000));
	migration_set(source, VFIO_DEVICE_STATE_STOP_COPY);
	CHECK_LT(0, read(data, bytes, 300000));
	close(data);
	migration_set(source, VFIO_DEVICE_STATE_RUNNING);
	CHECK(!window_tracks(source));
	data = migration_set(source, VFIO_DEVICE_STATE_PRE_COPY);
	migration_read_dry(data, &part);
	migration_set(source, VFIO_DEVICE_STATE_RUNNING);
	CHECK(!window_tracks(source));
	close(data);
	image = migration_save(source);
	check_arrives(&image);
}

/* The buffer, in whole pages, would have 4 GiB, which does not fit into the commands' fields. */
TEST_OURS(a_state_that_no_buffer_is_large_enough_for_is_an_error)
{
	struct migration_image image;
	int data;

	connectx_configure("chunks", "false");
	open_two(1000);
	connectx_set("fault", "QUERY_VHCA_MIGRATION_STATE required=0xfffff001");
	CHECK_ERR(EIO, migration_set_try(source, VFIO_DEVICE_STATE_STOP_COPY, &data));
	image = migration_save(source);
	check_arrives(&image);
}

/* The sum of it and of what was saved already would be a few bytes. */
TEST_OURS(a_rest_that_no_state_can_have_is_an_error)
{
	struct migration_image image = {};
	struct vfio_precopy_info info;
	int data;

	open_two(MIB);
	data = migration_set(source, VFIO_DEVICE_STATE_PRE_COPY);
	migration_read_dry(data, &image);
	CHECK_EQ(window_touch(source, 0, 1000, 5), WINDOW_DONE);
	connectx_set("fault", "QUERY_VHCA_MIGRATION_STATE endless");
	CHECK_ERR(EIO, migration_precopy_info(data, &info));
	connectx_set("fault", "QUERY_VHCA_MIGRATION_STATE endless");
	CHECK_ERR(EIO, migration_data_size(source));
	/* The session goes on. */
	CHECK_EQ(migration_precopy_info(data, &info), 0);
	CHECK_LE(1000, info.dirty_bytes);
	close(data);
}

TEST_OURS(a_chunk_that_no_buffer_is_large_enough_for_is_an_error)
{
	struct migration_image image = {};
	int data;

	connectx_configure("chunk-size", "262144");
	open_two(MIB);
	connectx_set("fault", "SAVE_VHCA_STATE required=0xfffff001");
	data = migration_set(source, VFIO_DEVICE_STATE_STOP_COPY);
	CHECK_ERR(EIO, migration_read_try(data, &image));
	close(data);
	migration_set(source, VFIO_DEVICE_STATE_RUNNING);
	image = migration_save(source);
	check_arrives(&image);
}
