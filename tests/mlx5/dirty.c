// SPDX-License-Identifier: GPL-2.0
/*
 * DMA logging: the pages reported are those that the VF wrote.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 */
#include "vmtest.h"
#include "connectx.h"
#include "migration.h"

#define PAGE	4096
#define IOVA	0x40000000ULL
#define PAGES	2048

CLEAN_UP
{
	connectx_clean_up();
}

static struct vfio_device *vf;
static uint8_t *memory;
static const struct dma_range whole = { IOVA, PAGES * PAGE };

static void open_vf(void)
{
	vf = connectx_open_vf(connectx_pf_with_vfs(1), 0);
	memory = vfio_dma_alloc(vf, IOVA, PAGES * PAGE);
}

static void start(void)
{
	int error = dma_logging_start_try(vf, &whole, 1, PAGE);

	if (error == -ENOTTY || error == -EOPNOTSUPP)
		SKIP("vfio of this kernel cannot log DMA");
	CHECK_EQ(error, 0);
}

/* Compare a report with the pages that the VF wrote: EXPECTED has one byte for each. */
static void check_report(const uint8_t *expected)
{
	uint64_t bitmap[PAGES / 64] = {};

	CHECK_EQ(dma_logging_report_try(vf, IOVA, PAGES * PAGE, PAGE, bitmap), 0);
	for (unsigned int page = 0; page < PAGES; page++)
		if ((bitmap[page / 64] >> page % 64 & 1) != expected[page])
			FAIL("page %u is reported %s", page, expected[page] ? "clean" : "dirty");
}

TEST(what_the_vf_writes_arrives_through_the_iommu)
{
	uint8_t pattern[3 * 1000];

	open_vf();
	CHECK_EQ(window_write(vf, IOVA + 100, 1000, 5000, 3, 42), WINDOW_DONE);
	window_pattern(pattern, sizeof(pattern), 42, 0);
	for (int index = 0; index < 3; index++)
		CHECK_MEM(memory + 100 + index * 5000, pattern + index * 1000, 1000);
}

TEST(a_vf_that_wrote_nothing_has_no_dirty_pages)
{
	uint8_t expected[PAGES] = {};

	open_vf();
	window_write(vf, IOVA, PAGE, PAGE, 10, 1);
	start();
	check_report(expected);
	CHECK_EQ(dma_logging_stop_try(vf), 0);
}

TEST(the_pages_reported_are_those_written)
{
	uint8_t expected[PAGES] = {};

	open_vf();
	start();
	CHECK_EQ(window_write(vf, IOVA + 3 * PAGE + 17, 1, 7 * PAGE, 100, 1), WINDOW_DONE);
	for (int index = 0; index < 100; index++)
		expected[3 + 7 * index] = 1;
	/* Across a page boundary, and a run of pages. */
	CHECK_EQ(window_write(vf, IOVA + 1000 * PAGE - 8, 16, 0, 1, 1), WINDOW_DONE);
	CHECK_EQ(window_write(vf, IOVA + 1500 * PAGE, 64 * PAGE, 0, 1, 1), WINDOW_DONE);
	expected[999] = expected[1000] = 1;
	memset(expected + 1500, 1, 64);
	check_report(expected);
	/* Reported, they are clean. */
	memset(expected, 0, sizeof(expected));
	check_report(expected);
	CHECK_EQ(dma_logging_stop_try(vf), 0);
}

TEST(every_page_can_be_dirty)
{
	uint8_t expected[PAGES];

	open_vf();
	start();
	CHECK_EQ(window_write(vf, IOVA, PAGES * PAGE, 0, 1, 1), WINDOW_DONE);
	memset(expected, 1, sizeof(expected));
	check_report(expected);
	CHECK_EQ(dma_logging_stop_try(vf), 0);
}

TEST(a_report_of_a_part_leaves_the_rest_dirty)
{
	uint8_t expected[PAGES] = {};
	uint64_t bitmap[PAGES / 64] = {};

	open_vf();
	start();
	CHECK_EQ(window_write(vf, IOVA, 1, 64 * PAGE, PAGES / 64, 1), WINDOW_DONE);
	CHECK_EQ(dma_logging_report_try(vf, IOVA, PAGES / 2 * PAGE, PAGE, bitmap), 0);
	for (unsigned int index = 0; index < PAGES / 64; index++)
		CHECK_EQ(bitmap[index], index < PAGES / 128 ? 1 : 0);
	for (unsigned int page = PAGES / 2; page < PAGES; page += 64)
		expected[page] = 1;
	check_report(expected);
	CHECK_EQ(dma_logging_stop_try(vf), 0);
}

TEST(logging_starts_again_after_it_was_stopped)
{
	uint8_t expected[PAGES] = {};

	open_vf();
	for (int round = 0; round < 3; round++) {
		start();
		CHECK_EQ(window_write(vf, IOVA + round * PAGE, 1, 0, 1, 1), WINDOW_DONE);
		memset(expected, 0, sizeof(expected));
		expected[round] = 1;
		check_report(expected);
		CHECK_EQ(dma_logging_stop_try(vf), 0);
		CHECK_EQ(window_write(vf, IOVA, PAGES * PAGE, 0, 1, 1), WINDOW_DONE);
	}
	CHECK_EQ(connectx_objects("trackers"), 0);
	CHECK_EQ(connectx_objects("qps"), 0);
	CHECK_EQ(connectx_objects("cqs"), 0);
}
