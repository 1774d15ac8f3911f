// SPDX-License-Identifier: GPL-2.0-only
/*
 * What dirty reports cost of large address spaces in which one page of a hundred is dirty, in
 * instructions; what the kernel's processor waits for a message, 20 us at most, counts as well.
 * There is not so much memory: where the VF writes, the same 2 MiB are mapped over and over, and
 * nothing elsewhere. Lines that begin with "bench" are for tests/bench/mlx5/run.
 *
 * vm-machine: connectx-icount
 * vm-drivers: ours kernel
 * vm-modules: mlx5_core
 * vm-seconds: 900
 * vm-timeout: 900
 */
#include <sys/mman.h>

#include "../bench.h"
#include "connectx.h"
#include "migration.h"
#include "vmtest.h"

#define PAGE		4096ULL
#define IOVA		(1ULL << 32)
#define GIB		(1ULL << 30)
#define RUN		512		/* pages that are mapped together */

CLEAN_UP
{
	connectx_clean_up();
}

static struct vfio_device *vf;
static uint64_t *bitmap;

struct pattern {
	const char *name;
	uint64_t step;			/* pages from one mapping to the next */
	unsigned int mapped;		/* pages of it, all of which are written */
};

/* One page of a hundred: as DMA buffers are, and memory that is used all over. */
static const struct pattern in_runs = { "in_runs", 100 * RUN, RUN };
static const struct pattern scattered = { "scattered", 100, 1 };
/* A run in 4 GiB, and a page in all. */
static const struct pattern few_runs = { "in_few_runs", 4 * GIB / PAGE, RUN };
static const struct pattern clean = { "clean", GIB / PAGE, 1 };

static void open_vf(const struct pattern *pattern, uint64_t length)
{
	char *memory;

	connectx_configure("command-us", "0");
	vf = connectx_open_one();
	memory = mmap(NULL, pattern->mapped * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	CHECK_NE(memory, MAP_FAILED);
	for (uint64_t page = 0; page < length / PAGE; page += pattern->step)
		vfio_dma_map(vf, memory, IOVA + page * PAGE, pattern->mapped * PAGE);
	/* Whole pages, as those that VMMs give. */
	bitmap = aligned_alloc(PAGE, length / PAGE / 8);
}

/* Returns how many pages. */
static uint64_t write_pages(const struct pattern *pattern, uint64_t length)
{
	uint64_t mappings = (length / PAGE + pattern->step - 1) / pattern->step;

	if (pattern->mapped == 1) {
		CHECK_EQ(window_write(vf, IOVA, 1, pattern->step * PAGE, mappings, 1), WINDOW_DONE);
		return mappings;
	}
	for (uint64_t n = 0; n < mappings; n++)
		CHECK_EQ(window_write(vf, IOVA + n * pattern->step * PAGE, 1, PAGE,
				      pattern->mapped, 1), WINDOW_DONE);
	return mappings * pattern->mapped;
}

static uint64_t count_bits(uint64_t length)
{
	uint64_t bits = 0;

	for (uint64_t word = 0; word < length / PAGE / 64; word++)
		bits += __builtin_popcountll(bitmap[word]);
	return bits;
}

/* A new tracker each time: 6.1's own driver loses a message when its 512 buffers were all used. */
static void measure(const struct pattern *pattern, unsigned int gib, int times)
{
	const struct dma_range range = { IOVA, gib * GIB };
	long long least = 0, most = 0, sum = 0;

	open_vf(pattern, range.length);
	/* The first warms up. */
	for (int time = -1; time < times; time++) {
		uint64_t dirty;
		long long cost;

		CHECK_EQ(dma_logging_start_try(vf, &range, 1, PAGE), 0);
		memset(bitmap, 0, range.length / PAGE / 8);
		dirty = write_pages(pattern, range.length);
		cost = clock_ns();
		CHECK_EQ(dma_logging_report_try(vf, IOVA, range.length, PAGE, bitmap), 0);
		cost = clock_ns() - cost;
		CHECK_EQ(count_bits(range.length), dirty);
		CHECK_EQ(dma_logging_stop_try(vf), 0);
		if (time < 0)
			continue;
		sum += cost;
		least = !time || cost < least ? cost : least;
		most = cost > most ? cost : most;
	}
	printf("bench report_%s_%u_gib instructions %lld %.1f\n", pattern->name, gib, sum / times,
	       100.0 * (most - least) * times / sum);
}

TEST_WHEN(dma_logging_can_report, of_1_gib_in_runs)
{
	measure(&in_runs, 1, 5);
}

TEST_WHEN(dma_logging_can_report, of_16_gib_in_runs)
{
	measure(&in_runs, 16, 3);
}

TEST_WHEN(dma_logging_can_report, of_64_gib_in_runs)
{
	measure(&in_runs, 64, 2);
}

static bool more_than_512_messages_can_be_had(void)
{
	return dma_logging_can_report() && driver_is_ours();
}

TEST_WHEN(more_than_512_messages_can_be_had, of_1_tib_in_runs)
{
	measure(&in_runs, 1024, 1);
}

TEST_WHEN(dma_logging_can_report, of_1_tib_in_few_runs)
{
	measure(&few_runs, 1024, 3);
}

TEST_WHEN(dma_logging_can_report, of_1_gib_scattered)
{
	measure(&scattered, 1, 5);
}

TEST_WHEN(dma_logging_can_report, of_16_gib_scattered)
{
	measure(&scattered, 16, 2);
}

TEST_WHEN(dma_logging_can_report, of_1_gib_that_is_clean)
{
	measure(&clean, 1, 5);
}
