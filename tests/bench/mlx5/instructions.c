// SPDX-License-Identifier: GPL-2.0-only
/*
 * What saving and loading cost, in instructions: the machine executes one per nanosecond of guest
 * time, and the firmware's work takes none, so the clock counts all that kernel and client do.
 * Lines that begin with "bench" are for tests/bench/mlx5/run.
 *
 * vm-machine: connectx-icount
 * vm-drivers: ours kernel
 * vm-modules: mlx5_core
 * vm-seconds: 900
 * vm-timeout: 900
 */
#include "../bench.h"
#include "connectx.h"
#include "migration.h"
#include "vmtest.h"

#define MIB		(1ULL << 20)

CLEAN_UP
{
	connectx_clean_up();
}

static struct vfio_device *source, *target;
static struct migration_image image;

struct figures {
	long long least, most, sum;
};

static void add(struct figures *figures, long long value)
{
	figures->least = !figures->sum || value < figures->least ? value : figures->least;
	figures->most = value > figures->most ? value : figures->most;
	figures->sum += value;
}

static void print(const char *what, uint64_t size, const struct figures *figures, int times)
{
	printf("bench %s_%llu_mib instructions/MiB %lld %.1f\n", what,
	       (unsigned long long)(size / MIB), (long long)(figures->sum / times / (size / MIB)),
	       100.0 * (figures->most - figures->least) * times / figures->sum);
}

/* Into the same buffer each time. */
static long long save(void)
{
	long long begin = clock_ns(), cost;
	ssize_t got;
	int data;

	image.size = 0;
	data = migration_set(source, VFIO_DEVICE_STATE_STOP_COPY);
	while ((got = read(data, image.bytes + image.size, MIB)) > 0)
		image.size += got;
	cost = clock_ns() - begin;
	if (got)
		FAIL("cannot read: %m");
	/* The kernel's driver gives back what a save took after its last byte can be read. */
	pause_ms(50);
	begin = clock_ns();
	migration_set(source, VFIO_DEVICE_STATE_STOP);
	close(data);
	return cost + clock_ns() - begin;
}

static long long load(void)
{
	long long begin = clock_ns();
	int data = migration_set(target, VFIO_DEVICE_STATE_RESUMING);

	CHECK_EQ(migration_write_try(data, image.bytes, image.size), 0);
	migration_set(target, VFIO_DEVICE_STATE_STOP);
	close(data);
	return clock_ns() - begin;
}

static void measure(uint64_t size, int times)
{
	struct figures saved = {}, loaded = {};

	connectx_configure("command-us", "0");
	connectx_open_two(&source, &target);
	/* Room for all: a client's buffers are there. */
	image.bytes = malloc(size + 2 * MIB);
	memset(image.bytes, 1, size + 2 * MIB);
	CHECK_EQ(window_fill(source, size, 3), WINDOW_DONE);
	for (int time = -1; time < times; time++) {
		long long cost = save();

		/* The first warms up. */
		if (time >= 0)
			add(&saved, cost);
		cost = load();
		if (time >= 0)
			add(&loaded, cost);
		CHECK_EQ(window_digest(target), window_digest(source));
		migration_set(source, VFIO_DEVICE_STATE_RUNNING);
		migration_set(target, VFIO_DEVICE_STATE_RUNNING);
	}
	print("save", size, &saved, times);
	print("load", size, &loaded, times);
}

TEST(of_1_mib)
{
	measure(MIB, 5);
}

TEST(of_16_mib)
{
	measure(16 * MIB, 3);
}

TEST(of_64_mib)
{
	measure(64 * MIB, 2);
}
