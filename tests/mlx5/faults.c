// SPDX-License-Identifier: GPL-2.0
/*
 * Faults that the ConnectX model injects: the driver reports them, and goes on.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 */
#include "vmtest.h"
#include "connectx.h"
#include "migration.h"

#define PAGE 4096
#define IOVA 0x40000000ULL

CLEAN_UP
{
	connectx_clean_up();
}

static struct vfio_device *vf;

static void open_vf(void)
{
	vf = connectx_open_vf(connectx_pf_with_vfs(2), 0);
}

TEST(a_suspend_that_fails_is_an_error_and_the_vf_works_after_it)
{
	struct migration_image image;
	int data;

	open_vf();
	connectx_set("fault", "SUSPEND_VHCA vf=1 status=0x1");
	CHECK_NE(migration_set_try(vf, VFIO_DEVICE_STATE_RUNNING_P2P, &data), 0);
	vfio_reset(vf);
	CHECK_EQ(migration_state(vf), VFIO_DEVICE_STATE_RUNNING);
	CHECK_EQ(window_fill(vf, 10000, 3), WINDOW_DONE);
	image = migration_save(vf);
	CHECK_LE(10000, image.size);
}

TEST(a_fault_for_another_vf_does_not_hit)
{
	open_vf();
	connectx_set("fault", "SUSPEND_VHCA vf=2 status=0x1");
	migration_set(vf, VFIO_DEVICE_STATE_RUNNING_P2P);
}

TEST(a_fault_hits_after_as_many_commands_as_it_is_told_to_skip)
{
	int data;

	open_vf();
	connectx_set("fault", "SUSPEND_VHCA skip=1 status=0x1");
	migration_set(vf, VFIO_DEVICE_STATE_RUNNING_P2P);
	CHECK_NE(migration_set_try(vf, VFIO_DEVICE_STATE_STOP, &data), 0);
}

TEST(a_query_that_fails_is_an_error)
{
	int data;

	open_vf();
	window_fill(vf, 1 << 20, 5);
	connectx_set("fault", "QUERY_VHCA_MIGRATION_STATE status=0x1");
	CHECK_NE(migration_set_try(vf, VFIO_DEVICE_STATE_STOP_COPY, &data), 0);
	vfio_reset(vf);
	CHECK_EQ(migration_state(vf), VFIO_DEVICE_STATE_RUNNING);
}

/*
 * Not with the kernel's driver: it has mlx5_core call it back when a save completes, and where
 * that fails 6.1's mlx5_core switches interrupts on within its interrupt handler (a WARNING).
 */
TEST_OURS(a_save_that_fails_ends_the_stream_with_an_error)
{
	struct migration_image image = {};
	int data, error;

	open_vf();
	window_fill(vf, 1 << 20, 5);
	connectx_set("fault", "SAVE_VHCA_STATE status=0x1");
	error = migration_set_try(vf, VFIO_DEVICE_STATE_STOP_COPY, &data);
	if (!error)
		error = migration_read_try(data, &image);
	CHECK_NE(error, 0);
	CHECK_EQ(image.size, 0);
	vfio_reset(vf);
	CHECK_EQ(migration_state(vf), VFIO_DEVICE_STATE_RUNNING);
}

TEST(a_save_that_completes_late_is_waited_for)
{
	struct migration_image image = {};
	long long begin;
	int data;

	open_vf();
	window_fill(vf, 1 << 20, 6);
	connectx_set("fault", "SAVE_VHCA_STATE delay=1500");
	begin = now_ms();
	data = migration_set(vf, VFIO_DEVICE_STATE_STOP_COPY);
	migration_read(data, &image);
	CHECK_LE(1500, now_ms() - begin);
	CHECK_LE(1 << 20, image.size);
	close(data);
}

TEST(a_load_that_fails_is_an_error)
{
	struct migration_image image;

	open_vf();
	window_fill(vf, 100000, 7);
	image = migration_save(vf);
	migration_set(vf, VFIO_DEVICE_STATE_RUNNING);
	connectx_set("fault", "LOAD_VHCA_STATE status=0x9");
	CHECK_NE(migration_load_try(vf, &image), 0);
}

static void check_tracker_event(const char *event)
{
	static const struct dma_range range = { IOVA, 64 * PAGE };
	uint64_t bitmap = 0;
	int error;

	open_vf();
	vfio_dma_alloc(vf, IOVA, 64 * PAGE);
	error = dma_logging_start_try(vf, &range, 1, PAGE);
	if (error == -ENOTTY || error == -EOPNOTSUPP)
		SKIP("vfio of this kernel cannot log DMA");
	CHECK_EQ(error, 0);
	CHECK_EQ(dma_logging_report_try(vf, IOVA, 64 * PAGE, PAGE, &bitmap), 0);
	connectx_set("event", "%s", event);
	CHECK_NE(dma_logging_report_try(vf, IOVA, 64 * PAGE, PAGE, &bitmap), 0);
	dma_logging_stop_try(vf);
	/* A new start is a new tracker. */
	CHECK_EQ(dma_logging_start_try(vf, &range, 1, PAGE), 0);
	CHECK_EQ(window_write(vf, IOVA + PAGE, 1, 0, 1, 1), WINDOW_DONE);
	bitmap = 0;
	CHECK_EQ(dma_logging_report_try(vf, IOVA, 64 * PAGE, PAGE, &bitmap), 0);
	CHECK_EQ(bitmap, 2);
}

TEST(a_tracker_in_error_fails_the_report)
{
	check_tracker_event("tracker-error 1");
}

TEST(an_error_of_the_reports_queue_pair_fails_the_report)
{
	check_tracker_event("qp-error 1");
}

TEST(an_error_of_the_reports_completion_queue_fails_the_report)
{
	check_tracker_event("cq-error 1");
}
