// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a page tracker's messages appear in a client's bitmap.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 */
#include <sys/mman.h>

#include "vmtest.h"
#include "connectx.h"
#include "migration.h"

#define PAGE	4096ULL
#define IOVA	0x40000000ULL
#define MIB	(1ULL << 20)

#define TEST_LOGGING(name) TEST_WHEN(dma_logging_can_report, name)

CLEAN_UP
{
	connectx_clean_up();
}

static bool ours_can_report(void)
{
	return driver_is_ours() && dma_logging_can_report();
}

static struct vfio_device *vf;

static void open_vf(uint64_t size, uint64_t tracked_page)
{
	const struct dma_range whole = { IOVA, size };

	vf = connectx_open_one();
	vfio_dma_alloc(vf, IOVA, size);
	CHECK_EQ(dma_logging_start_try(vf, &whole, 1, tracked_page), 0);
}

/* Any part of a run dirties a coarse page, even a single page at either end. */
TEST_LOGGING(a_run_of_pages_dirties_each_coarse_page_that_it_touches)
{
	static const struct { unsigned int first, count; uint64_t coarse; } runs[] = {
		{ 15, 2, 3 }, { 15, 18, 7 }, { 0, 17, 3 }, { 31, 1, 2 }, { 8, 16, 3 },
		{ 1008, 16, 1ULL << 63 },
	};

	open_vf(1024 * PAGE, PAGE);
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		uint64_t bitmap = 0;

		CHECK_EQ(window_write(vf, IOVA + runs[i].first * PAGE, runs[i].count * PAGE, 0, 1,
				      1), WINDOW_DONE);
		CHECK_EQ(dma_logging_report_try(vf, IOVA, 1024 * PAGE, 16 * PAGE, &bitmap), 0);
		if (bitmap != runs[i].coarse)
			FAIL("run %zu: %#llx", i, (unsigned long long)bitmap);
	}
}

/* The tracker's pages have 64 KiB. The driver must set no bit beyond the request. */
TEST_WHEN(ours_can_report, a_report_of_a_part_of_a_tracked_page_dirties_no_more_than_that)
{
	uint64_t bitmap[3] = {};

	open_vf(MIB, 65536);
	CHECK_EQ(window_write(vf, IOVA + 65536, 1, 0, 1, 1), WINDOW_DONE);
	CHECK_EQ(dma_logging_report_try(vf, IOVA + 65536 + 3 * PAGE, 5 * PAGE, PAGE, &bitmap[1]),
		 0);
	CHECK_EQ(bitmap[0], 0);
	CHECK_EQ(bitmap[1], 0x1f);
	CHECK_EQ(bitmap[2], 0);
	/* A report that ends in the next tracked page. */
	CHECK_EQ(window_write(vf, IOVA + 65536, 2 * 65536, 0, 1, 1), WINDOW_DONE);
	bitmap[1] = 0;
	CHECK_EQ(dma_logging_report_try(vf, IOVA + 2 * 65536 - 2 * PAGE, 3 * PAGE, PAGE,
					&bitmap[1]), 0);
	CHECK_EQ(bitmap[1], 7);
	CHECK_EQ(bitmap[2], 0);
}

/* The tracker's pages have 64 KiB: a report of a part of a page clears the whole page. */
static uint64_t report_of(unsigned int first, unsigned int count)
{
	uint64_t bitmap = 0;

	CHECK_EQ(dma_logging_report_try(vf, IOVA + 65536 + first * PAGE, count * PAGE, PAGE,
					&bitmap), 0);
	return bitmap;
}

TEST_WHEN(ours_can_report, two_reports_that_share_a_tracked_page_lose_nothing)
{
	static const unsigned int halves[][2] = { { 0, 8 }, { 8, 0 } };

	open_vf(MIB, 65536);
	for (int order = 0; order < 2; order++) {
		CHECK_EQ(window_write(vf, IOVA + 65536, 1, 0, 1, 1), WINDOW_DONE);
		CHECK_EQ(report_of(halves[order][0], 8), 0xff);
		CHECK_EQ(report_of(halves[order][1], 8), 0xff);
		/* They are clean after the report. */
		CHECK_EQ(report_of(0, 16), 0);
	}
}

/* The parts on both sides are left, and each is reported once when it is asked for. */
TEST_WHEN(ours_can_report, what_a_report_has_left_of_a_tracked_page_can_be_asked_for_in_pieces)
{
	open_vf(MIB, 65536);
	/* A part that is written again is still left only once. */
	for (int time = 0; time < 2; time++) {
		CHECK_EQ(window_write(vf, IOVA + 65536, 1, 0, 1, 1), WINDOW_DONE);
		CHECK_EQ(report_of(6, 2), 3);
	}
	CHECK_EQ(report_of(6, 2), 0);
	CHECK_EQ(report_of(11, 2), 3);
	CHECK_EQ(report_of(11, 2), 0);
	CHECK_EQ(report_of(0, 16), 0xe73f);
	CHECK_EQ(report_of(0, 16), 0);
	/* A new tracker reports nothing that an old one has left. */
	CHECK_EQ(window_write(vf, IOVA + 65536, 1, 0, 1, 1), WINDOW_DONE);
	CHECK_EQ(report_of(0, 8), 0xff);
	CHECK_EQ(dma_logging_stop_try(vf), 0);
	CHECK_EQ(dma_logging_start_try(vf, &(struct dma_range){ IOVA, MIB }, 1, 65536), 0);
	CHECK_EQ(report_of(8, 8), 0);
}

/* Else freeing that, or telling all of it in one report, would take as long as the client likes. */
TEST_WHEN(ours_can_report, what_reports_leave_of_tracked_pages_takes_little_memory)
{
	const uint64_t chunk = 16 * MIB, page = 65536, pages = 32 * chunk / page;
	const struct dma_range whole = { IOVA, 32 * chunk };
	void *memory = mmap(NULL, chunk, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t *bitmap = calloc(pages, 2);
	long long before;

	CHECK(memory != MAP_FAILED);
	vf = connectx_open_one();
	cgroup_enter();
	/* The same memory again and again. */
	for (int n = 0; n < 32; n++)
		vfio_dma_map(vf, memory, IOVA + n * chunk, chunk);
	CHECK_EQ(dma_logging_start_try(vf, &whole, 1, page), 0);
	for (int n = 0; n < 32; n++)
		CHECK_EQ(window_write(vf, IOVA + n * chunk, chunk, 0, 1, 1), WINDOW_DONE);
	before = cgroup_kernel_memory_counted();
	/* One of 16 pages is asked for: something is left on both sides. */
	for (uint64_t n = 0; n < pages; n++) {
		uint64_t bits = 0;

		CHECK_EQ(dma_logging_report_try(vf, IOVA + n * page + 6 * PAGE, PAGE, PAGE, &bits),
			 0);
		CHECK_EQ(bits, 1);
	}
	CHECK_LT(cgroup_kernel_memory_counted() - before, 512 << 10);
	/* Nothing is lost. */
	CHECK_EQ(dma_logging_report_try(vf, IOVA, 32 * chunk, PAGE, bitmap), 0);
	for (uint64_t n = 0; n < pages / 4; n++)
		CHECK_EQ(bitmap[n] | 0x0040004000400040ULL, UINT64_MAX);
	/* And nothing is told twice. */
	memset(bitmap, 0, pages * 2);
	CHECK_EQ(dma_logging_report_try(vf, IOVA, 32 * chunk, PAGE, bitmap), 0);
	for (uint64_t n = 0; n < pages / 4; n++)
		CHECK_EQ(bitmap[n], 0);
	free(bitmap);
	cgroup_leave();
}

/* 6.1 reports each 64 GiB separately: it pins as much of a bitmap at once. */
TEST_WHEN(ours_can_report, a_tracked_page_that_lies_across_two_pieces_of_a_request_is_not_lost)
{
	const uint64_t piece = 64ULL << 30, length = piece + 64 * PAGE, words = length / PAGE / 64;
	const struct dma_range whole = { IOVA, piece + MIB };
	/* From the middle of a tracked page on, so that each piece ends in the middle of one. */
	const uint64_t start = IOVA + 8 * PAGE;
	uint64_t *bitmap = mmap(NULL, words * 8, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(bitmap != MAP_FAILED);
	vf = connectx_open_one();
	vfio_dma_alloc(vf, IOVA + piece, MIB);
	CHECK_EQ(dma_logging_start_try(vf, &whole, 1, 65536), 0);
	CHECK_EQ(window_write(vf, start + piece, 1, 0, 1, 1), WINDOW_DONE);
	CHECK_EQ(dma_logging_report_try(vf, start, length, PAGE, bitmap), 0);
	for (uint64_t word = 0; word < words; word++)
		CHECK_EQ(bitmap[word], word + 2 == words ? 0xff00000000000000ULL :
				       word + 1 == words ? 0xff : 0);
}

/* 36 messages of 8192 pages, and 32 buffers; or 576 of 512 pages, and 512 buffers. */
#define CHUNK	(16 * MIB)
#define CHUNKS	72

TEST_WHEN(ours_can_report, more_messages_than_there_are_buffers_arrive)
{
	const struct dma_range whole = { IOVA, CHUNKS * CHUNK };
	const uint64_t pages = CHUNKS * CHUNK / PAGE;
	uint64_t *bitmap = calloc(pages / 64, 8);
	void *memory = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	vf = connectx_open_one();
	/* The same memory again and again. */
	for (int chunk = 0; chunk < CHUNKS; chunk++)
		vfio_dma_map(vf, memory, IOVA + chunk * CHUNK, CHUNK);
	CHECK_EQ(dma_logging_start_try(vf, &whole, 1, PAGE), 0);
	for (int chunk = 0; chunk < CHUNKS; chunk++)
		CHECK_EQ(window_write(vf, IOVA + chunk * CHUNK, CHUNK, 0, 1, 1), WINDOW_DONE);
	CHECK_EQ(dma_logging_report_try(vf, IOVA, CHUNKS * CHUNK, PAGE, bitmap), 0);
	for (uint64_t word = 0; word < pages / 64; word++)
		if (bitmap[word] != UINT64_MAX)
			FAIL("word %llu: %#llx", (unsigned long long)word,
			     (unsigned long long)bitmap[word]);
	free(bitmap);
}

/* Addresses of faulty firmware are not written beyond the bitmap; the others count. */
TEST_WHEN(ours_can_report, an_address_that_nobody_asked_for_is_left_out_and_said)
{
	int mark = kmsg_mark();
	uint64_t bitmap[3] = {};

	kmsg_expect("a page tracker reports .*");
	open_vf(128 * PAGE, PAGE);
	connectx_set("event", "tracker-stray 1");
	CHECK_EQ(window_write(vf, IOVA + 60 * PAGE, 4 * PAGE, 0, 1, 1), WINDOW_DONE);
	CHECK_EQ(dma_logging_report_try(vf, IOVA, 64 * PAGE, PAGE, &bitmap[1]), 0);
	CHECK_EQ(bitmap[0], 0);
	CHECK_EQ(bitmap[1], 7ULL << 60);
	CHECK_EQ(bitmap[2], 0);
	CHECK_EQ(kmsg_count(mark, "a page tracker reports 1 addresses that nobody asked for"), 1);
	/* The tracker goes on. */
	bitmap[1] = 0;
	CHECK_EQ(window_write(vf, IOVA + 5 * PAGE, 1, 0, 1, 1), WINDOW_DONE);
	CHECK_EQ(dma_logging_report_try(vf, IOVA, 64 * PAGE, PAGE, &bitmap[1]), 0);
	CHECK_NE(bitmap[1] & 1 << 5, 0);
}

/* As the uAPI says, the driver replaces a page size that the device cannot have. */
TEST_WHEN(ours_can_report, a_page_size_that_the_tracker_does_not_have_is_replaced)
{
	static const struct { uint64_t wish, size; } sizes[] = {
		{ 512, PAGE }, { PAGE, PAGE }, { 2 * MIB, 2 * MIB }, { 8 * MIB, 2 * MIB },
	};
	struct vfio_device_feature_dma_logging_range range = { IOVA, 8 * MIB };

	vf = connectx_open_one();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct vfio_device_feature_dma_logging_control control = {
			.page_size = sizes[i].wish, .num_ranges = 1, .ranges = (uintptr_t)&range,
		};

		CHECK_EQ(vfio_feature_try(vf, VFIO_DEVICE_FEATURE_SET |
					  VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
					  &control, sizeof(control)), 0);
		CHECK_EQ(control.page_size, sizes[i].size);
		CHECK_EQ(dma_logging_stop_try(vf), 0);
	}
}
