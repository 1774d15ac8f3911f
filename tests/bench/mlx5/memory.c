// SPDX-License-Identifier: GPL-2.0-only
/*
 * What memory the driver holds while a VF is migrated: what is charged to the one who migrates, and
 * how much less is free. Lines that begin with "bench" are for tests/bench/mlx5/run.
 *
 * vm-machine: connectx-latency
 * vm-drivers: ours kernel
 * vm-modules: mlx5_core
 * vm-sources: lib/pair.c
 * vm-seconds: 900
 * vm-timeout: 900
 */
#include <sys/sysinfo.h>

#include "cgroup.h"
#include "connectx.h"
#include "migration.h"
#include "vmtest.h"
#include "lib/pair.h"

CLEAN_UP
{
	connectx_clean_up();
}

static long long free_bytes(void)
{
	struct sysinfo info;

	CHECK_OK(sysinfo(&info));
	return (long long)info.freeram * info.mem_unit;
}

/* What there was at the beginning, and the most that there was more. */
static struct {
	long long charged, free, most_charged, most_used;
} memory;

static void begin(void)
{
	memory.charged = cgroup_kernel_memory();
	memory.free = free_bytes();
	memory.most_charged = memory.most_used = 0;
}

static void look(void)
{
	long long charged = cgroup_kernel_memory() - memory.charged;
	long long used = memory.free - free_bytes();

	memory.most_charged = charged > memory.most_charged ? charged : memory.most_charged;
	memory.most_used = used > memory.most_used ? used : memory.most_used;
}

static void print(const char *side, const char *name)
{
	printf("bench %s_charged_%s KiB %lld 0\n", side, name, memory.most_charged >> 10);
	printf("bench %s_used_%s KiB %lld 0\n", side, name, memory.most_used >> 10);
}

/* Like read() and write(), of a piece; what is read may not be there at once. */
static void read_all(struct pair *pair, struct migration_image *image, bool is_precopy)
{
	ssize_t got;

	look();
	while ((got = read(pair->saving, image->bytes + image->size, PIECE)) > 0) {
		image->size += got;
		look();
	}
	if (got && !(is_precopy && errno == ENOMSG))
		FAIL("cannot read: %m");
}

static void save(struct pair *pair, struct migration_image *image, bool precopy)
{
	struct vfio_precopy_info info;

	if (!precopy) {
		pair->saving = migration_set(pair->source, VFIO_DEVICE_STATE_STOP_COPY);
	} else {
		pair->saving = migration_set(pair->source, VFIO_DEVICE_STATE_PRE_COPY);
		do {
			read_all(pair, image, true);
			CHECK_EQ(migration_precopy_info(pair->saving, &info), 0);
		} while (info.initial_bytes || info.dirty_bytes);
		pair_touch(pair);
		migration_set(pair->source, VFIO_DEVICE_STATE_STOP_COPY);
	}
	read_all(pair, image, false);
	pause_ms(50);
	migration_set(pair->source, VFIO_DEVICE_STATE_STOP);
	close(pair->saving);
}

static void load(struct pair *pair, const struct migration_image *image)
{
	pair->loading = migration_set(pair->target, VFIO_DEVICE_STATE_RESUMING);
	for (size_t done = 0; done < image->size; done += PIECE) {
		size_t left = image->size - done;

		CHECK_EQ(migration_write_try(pair->loading, image->bytes + done,
					     left < PIECE ? left : PIECE), 0);
		look();
	}
	migration_set(pair->target, VFIO_DEVICE_STATE_STOP);
	close(pair->loading);
}

/* After one that warms up: what is allocated at the first time and stays is not a migration's. */
static void measure(uint64_t size, bool precopy, const char *name)
{
	struct migration_image image = {};
	struct pair *pair;

	cgroup_enter();
	pair = pairs_open(1, MIB);
	image.bytes = malloc(size + size / 8 + 4 * PIECE);
	memset(image.bytes, 1, size + size / 8 + 4 * PIECE);
	for (int time = 0; time < 2; time++) {
		if (time)
			CHECK_EQ(window_fill(pair->source, size, 4), WINDOW_DONE);
		image.size = 0;
		begin();
		save(pair, &image, precopy);
		if (time)
			print("source", name);
		begin();
		load(pair, &image);
		if (time)
			print("target", name);
		CHECK_EQ(window_digest(pair->target), window_digest(pair->source));
		migration_set(pair->source, VFIO_DEVICE_STATE_RUNNING);
		migration_set(pair->target, VFIO_DEVICE_STATE_RUNNING);
	}
	cgroup_leave();
}

TEST(of_64_mib)
{
	measure(64 * MIB, false, "64_mib");
}

TEST(of_256_mib)
{
	measure(256 * MIB, false, "256_mib");
}

TEST_WHEN(migration_has_precopy, of_64_mib_after_precopy)
{
	measure(64 * MIB, true, "64_mib_precopy");
}
