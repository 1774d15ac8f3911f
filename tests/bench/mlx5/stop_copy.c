// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a VF stands still while it is migrated, by a firmware that takes its time: in virtual
 * time, of which an instruction takes one nanosecond, so that it is the same on every machine. Lines
 * that begin with "bench" are for tests/bench/mlx5/run; notes in the trace say which commands are
 * whose.
 *
 * vm-machine: connectx-latency
 * vm-drivers: ours kernel
 * vm-modules: mlx5_core
 * vm-sources: lib/pair.c
 * vm-seconds: 900
 * vm-timeout: 900
 */
#include "connectx.h"
#include "migration.h"
#include "vmtest.h"
#include "lib/pair.h"

CLEAN_UP
{
	connectx_clean_up();
}

struct figures {
	long long least, most, sum;
	unsigned int count;
};

static void add(struct figures *figures, long long value)
{
	if (!figures->count || value < figures->least)
		figures->least = value;
	if (value > figures->most)
		figures->most = value;
	figures->sum += value;
	figures->count++;
}

static void print(const char *what, const char *name, const struct figures *figures)
{
	long long mean = figures->sum / figures->count;

	printf("bench %s_%s us %lld %.1f\n", what, name, mean / 1000,
	       100.0 * (figures->most - figures->least) / mean);
}

struct plan {
	const char *name;
	uint64_t size;
	bool precopy;
	unsigned int vfs;		/* at once */
	unsigned int times;		/* after one that warms up; 0: there is none */
	const char *us_per_mib;		/* of a firmware that is not the machine's */
};

static void measure(struct plan plan)
{
	struct figures read = {}, running = {};
	struct pair *pairs;

	if (!plan.vfs)
		plan.vfs = 1;
	if (plan.us_per_mib)
		connectx_configure("image-us-per-mib", plan.us_per_mib);
	pairs = pairs_open(plan.vfs, plan.size);
	for (unsigned int time = 0; time <= plan.times; time++) {
		bool counts = time || !plan.times;

		connectx_set("trace-note", "%s %s", counts ? "begin" : "warm up", plan.name);
		pairs_migrate(pairs, plan.vfs, plan.precopy);
		connectx_set("trace-note", "end");
		if (counts) {
			add(&read, pairs_read_ns(pairs, plan.vfs));
			add(&running, pairs_running_ns(pairs, plan.vfs));
		}
		pairs_again(pairs, plan.vfs);
	}
	print("read", plan.name, &read);
	print("running", plan.name, &running);
}

#define MEASURE(...) measure((struct plan){ __VA_ARGS__ })

TEST(of_1_mib)
{
	MEASURE("1_mib", MIB, .times = 3);
}

TEST(of_64_mib)
{
	MEASURE("64_mib", 64 * MIB, .times = 2);
}

TEST(of_256_mib)
{
	MEASURE("256_mib", 256 * MIB, .times = 0);
}

TEST(of_1_gib)
{
	MEASURE("1024_mib", 1024 * MIB, .times = 0);
}

TEST_WHEN(migration_has_precopy, of_1_mib_after_precopy)
{
	MEASURE("1_mib_precopy", MIB, .precopy = true, .times = 3);
}

TEST_WHEN(migration_has_precopy, of_64_mib_after_precopy)
{
	MEASURE("64_mib_precopy", 64 * MIB, .precopy = true, .times = 2);
}

TEST_WHEN(migration_has_precopy, of_256_mib_after_precopy)
{
	MEASURE("256_mib_precopy", 256 * MIB, .precopy = true, .times = 0);
}

TEST_WHEN(migration_has_precopy, of_1_gib_after_precopy)
{
	MEASURE("1024_mib_precopy", 1024 * MIB, .precopy = true);
}

TEST(of_64_mib_and_a_fast_firmware)
{
	MEASURE("64_mib_fast", 64 * MIB, .times = 1, .us_per_mib = "125");
}

TEST(of_64_mib_and_a_slow_firmware)
{
	MEASURE("64_mib_slow", 64 * MIB, .times = 1, .us_per_mib = "2000");
}

TEST(of_4_vfs_at_once)
{
	MEASURE("64_mib_4_vfs", 64 * MIB, .vfs = 4);
}

TEST(of_8_vfs_at_once)
{
	MEASURE("64_mib_8_vfs", 64 * MIB, .vfs = 8);
}

TEST(of_4_vfs_at_once_and_a_slow_firmware)
{
	MEASURE("64_mib_slow_4_vfs", 64 * MIB, .vfs = 4, .us_per_mib = "2000");
}

TEST_WHEN(migration_has_precopy, of_4_vfs_at_once_after_precopy)
{
	MEASURE("64_mib_precopy_4_vfs", 64 * MIB, .precopy = true, .vfs = 4);
}

TEST_WHEN(migration_has_precopy, of_8_vfs_at_once_after_precopy)
{
	MEASURE("64_mib_precopy_8_vfs", 64 * MIB, .precopy = true, .vfs = 8);
}
