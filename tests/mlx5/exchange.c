// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VF moves between a host with the kernel's driver and one with ours, both ways: one driver
 * saves, is unloaded, and the other one loads. The kernel's driver of 6.1 is left out: its
 * stream has another format.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 * vm-sources: lib/changing.c
 */
#include "vmtest.h"
#include "connectx.h"
#include "lib/changing.h"
#include "stream.h"

#define SIZE 3000000

CLEAN_UP
{
	connectx_clean_up();
}

static uint64_t digest;

/* Which pairs there are: with DRIVER=kernel its own stream only. */
static bool kernel_has_records(void)
{
	return !kernel_is("6.1");
}

static bool both_have_records(void)
{
	return driver_is_ours() && kernel_has_records();
}

static struct vfio_device *open_with(const char *set)
{
	if (module_uses("mlx5_vfio_pci") >= 0) {
		CHECK(WAIT_UNTIL(module_uses("mlx5_vfio_pci") == 0, 5000));
		module_unload("mlx5_vfio_pci");
	}
	return connectx_open_vf_with(set, connectx_pf_with_vfs(2), 0);
}

static void check_moves(const char *from, const char *to, uint64_t size, bool precopy)
{
	struct vfio_device *vf = open_with(from);
	struct migration_image image;

	CHECK_EQ(window_fill(vf, size, 7), WINDOW_DONE);
	image = precopy ? save_while_it_changes(vf, SIZE / 3) : migration_save(vf);
	digest = window_digest(vf);
	test_note("%s to %s: %zu bytes, %u images", from, to, image.size,
		  stream_count(&image, STREAM_TAG_FIRMWARE));
	vfio_close(vf);
	vf = open_with(to);
	migration_load(vf, &image);
	CHECK_EQ(window_state_size(vf), size);
	CHECK_EQ(window_digest(vf), digest);
	migration_set(vf, VFIO_DEVICE_STATE_RUNNING);
	CHECK_EQ(window_suspended(vf) & 3, 0);
	vfio_close(vf);
}

static void check_pair(const char *from, const char *to)
{
	check_moves(from, to, 0, false);
	check_moves(from, to, SIZE, false);
	check_moves(from, to, SIZE, true);
}

TEST_WHEN(kernel_has_records, what_the_kernels_driver_saves_the_kernels_driver_loads)
{
	check_pair("kernel", "kernel");
}

TEST_WHEN(both_have_records, what_the_kernels_driver_saves_ours_loads)
{
	check_pair("kernel", "ours");
}

TEST_WHEN(both_have_records, what_ours_saves_the_kernels_driver_loads)
{
	check_pair("ours", "kernel");
}

/* Larger than a chunk: a series of images. */
static void check_chunked(const char *from, const char *to)
{
	connectx_configure("chunk-size", "262144");
	check_pair(from, to);
}

TEST_WHEN(kernel_has_records, chunks_of_the_kernels_driver_the_kernels_driver_loads)
{
	check_chunked("kernel", "kernel");
}

TEST_WHEN(both_have_records, chunks_of_the_kernels_driver_ours_loads)
{
	check_chunked("kernel", "ours");
}

TEST_WHEN(both_have_records, chunks_of_ours_the_kernels_driver_loads)
{
	check_chunked("ours", "kernel");
}

/* Firmware that knows no chunks: one image, and one for what changes. */
static void check_plain(const char *from, const char *to)
{
	connectx_configure("chunks", "false");
	check_pair(from, to);
}

TEST_WHEN(both_have_records, images_without_chunks_of_the_kernels_driver_ours_loads)
{
	check_plain("kernel", "ours");
}

TEST_WHEN(both_have_records, images_without_chunks_of_ours_the_kernels_driver_loads)
{
	check_plain("ours", "kernel");
}
