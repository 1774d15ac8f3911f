// SPDX-License-Identifier: GPL-2.0
/*
 * What saving, loading and dirty reports cost, in instructions: the machine executes one per
 * nanosecond of guest time, and the firmware's work takes none, so the clock counts all that
 * kernel and client do. Where the kernel has nothing to do but wait for a report's messages, the
 * time until the model sends them, 20 us at most, counts as well. Lines that begin with "bench"
 * are for tests/bench/mlx5/run.
 *
 * vm-machine: connectx-icount
 * vm-drivers: ours kernel
 * vm-modules: mlx5_core
 * vm-seconds: 600
 */
#include <time.h>

#include "vmtest.h"
#include "connectx.h"
#include "migration.h"

#define MIB		(1 << 20)
#define SIZE		(16 * MIB)
#define TIMES		5
#define PAGE		4096
#define IOVA		0x40000000ULL
#define PAGES		16384

CLEAN_UP
{
	connectx_clean_up();
}

static struct vfio_device *source, *target;
static struct migration_image image;

static long long clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void print(const char *name, const char *unit, double value)
{
	printf("bench %s %s %.0f\n", name, unit, value);
}

static void open_two(void)
{
	connectx_configure("command-us", "0");
	connectx_open_two(&source, &target);
	/* Room for all: a client's buffers are there. */
	image.bytes = malloc(2 * SIZE);
	memset(image.bytes, 1, 2 * SIZE);
}

/* Into the same buffer each time. */
static void read_all(int data, bool dry)
{
	ssize_t got;

	while ((got = read(data, image.bytes + image.size, MIB)) > 0)
		image.size += got;
	if (got && !(dry && errno == ENOMSG))
		FAIL("cannot read: %m");
}

static void load_all(void)
{
	int data = migration_set(target, VFIO_DEVICE_STATE_RESUMING);

	CHECK_EQ(migration_write_try(data, image.bytes, image.size), 0);
	migration_set(target, VFIO_DEVICE_STATE_STOP);
	close(data);
}

TEST(save_and_load)
{
	long long save = 0, load = 0, begin;

	open_two();
	CHECK_EQ(window_fill(source, SIZE, 3), WINDOW_DONE);
	for (int time = -1; time < TIMES; time++) {
		int data;

		begin = clock_ns();
		image.size = 0;
		data = migration_set(source, VFIO_DEVICE_STATE_STOP_COPY);
		read_all(data, false);
		migration_set(source, VFIO_DEVICE_STATE_STOP);
		close(data);
		/* The first warms up. */
		if (time >= 0)
			save += clock_ns() - begin;
		migration_set(source, VFIO_DEVICE_STATE_RUNNING);
		begin = clock_ns();
		load_all();
		if (time >= 0)
			load += clock_ns() - begin;
		migration_set(target, VFIO_DEVICE_STATE_RUNNING);
	}
	CHECK_EQ(window_digest(target), window_digest(source));
	print("save", "instructions/MiB", (double)save / TIMES / (SIZE / MIB));
	print("load", "instructions/MiB", (double)load / TIMES / (SIZE / MIB));
}

/* From the source's last instruction to the target's first; the digests stand for the wire. */
static void measure_blackout(const char *name, uint64_t size, bool precopy)
{
	long long total = 0, begin;

	open_two();
	CHECK_EQ(window_fill(source, size, 4), WINDOW_DONE);
	for (int time = -1; time < TIMES; time++) {
		int saving = -1, loading = migration_set(target, VFIO_DEVICE_STATE_RESUMING);

		image.size = 0;
		if (precopy) {
			saving = migration_set(source, VFIO_DEVICE_STATE_PRE_COPY);
			read_all(saving, true);
			CHECK_EQ(migration_write_try(loading, image.bytes, image.size), 0);
			image.size = 0;
			CHECK_EQ(window_touch(source, size / 2, 64 * 1024, time), WINDOW_DONE);
		}
		begin = clock_ns();
		if (precopy)
			migration_set(source, VFIO_DEVICE_STATE_STOP_COPY);
		else
			saving = migration_set(source, VFIO_DEVICE_STATE_STOP_COPY);
		read_all(saving, false);
		CHECK_EQ(migration_write_try(loading, image.bytes, image.size), 0);
		migration_set(target, VFIO_DEVICE_STATE_RUNNING);
		if (time >= 0)
			total += clock_ns() - begin;
		close(saving);
		close(loading);
		CHECK_EQ(window_digest(target), window_digest(source));
		migration_set(source, VFIO_DEVICE_STATE_RUNNING);
	}
	print(name, "instructions", (double)total / TIMES);
}

TEST(blackout)
{
	measure_blackout("blackout_4_mib", 4 * MIB, false);
}

TEST_WHEN(migration_has_precopy, blackout_after_precopy)
{
	measure_blackout("blackout_4_mib_precopy", 4 * MIB, true);
}

static void measure_reports(const char *name, unsigned int dirty)
{
	static uint64_t bitmap[PAGES / 64];
	long long total = 0, begin;

	for (int time = -1; time < TIMES; time++) {
		memset(bitmap, 0, sizeof(bitmap));
		if (dirty)
			CHECK_EQ(window_write(source, IOVA, 1, PAGES / dirty * PAGE, dirty, 1),
				 WINDOW_DONE);
		begin = clock_ns();
		CHECK_EQ(dma_logging_report_try(source, IOVA, (uint64_t)PAGES * PAGE, PAGE,
						bitmap), 0);
		if (time >= 0)
			total += clock_ns() - begin;
	}
	print(name, "instructions", (double)total / TIMES);
}

TEST_WHEN(dma_logging_can_report, dirty_reports)
{
	static const struct dma_range range = { IOVA, (uint64_t)PAGES * PAGE };

	open_two();
	vfio_dma_alloc(source, IOVA, range.length);
	CHECK_EQ(dma_logging_start_try(source, &range, 1, PAGE), 0);
	measure_reports("report_clean", 0);
	measure_reports("report_64_dirty", 64);
	measure_reports("report_16384_dirty", PAGES);
	CHECK_EQ(dma_logging_stop_try(source), 0);
}
