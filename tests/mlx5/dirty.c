// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA logging: the pages reported are those that the VF wrote. Where vfio cannot report, on 6.12
 * and later without iommufd, it is not offered.
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
#define MANY	20000

/* Promises of kernels whose vfio can report. */
#define TEST_LOGGING(name) TEST_WHEN(dma_logging_can_report, name)

CLEAN_UP
{
	connectx_clean_up();
}

static struct vfio_device *vf;
static uint8_t *memory;
static uint8_t expected[MANY];	/* one byte for each page that must be reported */
static const struct dma_range whole = { IOVA, PAGES * PAGE };

static void open_vf(void)
{
	vf = connectx_open_one();
	memory = vfio_dma_alloc(vf, IOVA, PAGES * PAGE);
}

static void start(void)
{
	CHECK_EQ(dma_logging_start_try(vf, &whole, 1, PAGE), 0);
}

static void stop(void)
{
	CHECK_EQ(dma_logging_stop_try(vf), 0);
}

/* One byte into a page. */
static void write_page(unsigned int page)
{
	CHECK_EQ(window_write(vf, IOVA + (uint64_t)page * PAGE + page % PAGE, 1, 0, 1, page),
		 WINDOW_DONE);
}

/* Compare a report with the pages that the VF wrote, which are clean after it. */
static void check_report_of(unsigned int pages)
{
	uint64_t *bitmap = calloc((pages + 63) / 64, 8);

	CHECK_EQ(dma_logging_report_try(vf, IOVA, (uint64_t)pages * PAGE, PAGE, bitmap), 0);
	for (unsigned int page = 0; page < pages; page++)
		if ((bitmap[page / 64] >> page % 64 & 1) != expected[page])
			FAIL("page %u is reported %s", page, expected[page] ? "clean" : "dirty");
	memset(expected, 0, sizeof(expected));
	free(bitmap);
}

static void check_report(void)
{
	check_report_of(PAGES);
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

static bool ours_cannot_report(void)
{
	return driver_is_ours() && dma_logging_cannot_report();
}

static bool kernels_cannot_report(void)
{
	return !driver_is_ours() && dma_logging_cannot_report();
}

TEST_WHEN(ours_cannot_report, logging_is_not_offered_where_vfio_cannot_report)
{
	static const uint32_t features[] = {
		VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
		VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP,
		VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT,
	};
	uint64_t bitmap = 0;

	open_vf();
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		CHECK_ERR(ENOTTY, vfio_feature_try(vf, VFIO_DEVICE_FEATURE_PROBE | features[i],
						   NULL, 0));
	CHECK_ERR(ENOTTY, dma_logging_start_try(vf, &whole, 1, PAGE));
	CHECK_ERR(ENOTTY, dma_logging_stop_try(vf));
	CHECK_ERR(ENOTTY, dma_logging_report_try(vf, IOVA, PAGE, PAGE, &bitmap));
	CHECK(!pci_attr_exists(vf->bdf, "vfio_pci/tracker_state"));
	/* Migration is offered. */
	CHECK_NE(migration_flags(vf), 0);
}

TEST_WHEN(ours_cannot_report, that_logging_is_not_offered_is_said_once)
{
	int mark = kmsg_mark();

	open_vf();
	connectx_open_vf(connectx_pf(), 1);
	CHECK_EQ(kmsg_count(mark, "mlx5.vfio.pci.*cannot report logged DMA"), 1);
}

/* Our driver spares its clients this: see the test above. */
TEST_WHEN(kernels_cannot_report, the_kernels_driver_offers_logging_without_a_report)
{
	uint64_t bitmap = 0;

	open_vf();
	start();
	CHECK_ERR(EOPNOTSUPP, dma_logging_report_try(vf, IOVA, PAGE, PAGE, &bitmap));
	stop();
}

TEST_LOGGING(a_vf_that_wrote_nothing_has_no_dirty_pages)
{
	open_vf();
	window_write(vf, IOVA, PAGE, PAGE, 10, 1);
	start();
	check_report();
	stop();
}

TEST_LOGGING(the_pages_reported_are_those_written)
{
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
	check_report();
	/* Reported, they are clean. */
	check_report();
	stop();
}

TEST_LOGGING(random_pages_are_reported_bit_by_bit_again_and_again)
{
	uint64_t random = 362436069;

	open_vf();
	start();
	for (int round = 0; round < 8; round++) {
		for (int write = 0; write < 60; write++) {
			unsigned int page;

			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			page = (random >> 33) % PAGES;
			write_page(page);
			expected[page] = 1;
		}
		check_report();
		check_report();
	}
	stop();
}

TEST_LOGGING(the_first_and_the_last_page_are_reported)
{
	open_vf();
	start();
	write_page(0);
	write_page(PAGES - 1);
	expected[0] = expected[PAGES - 1] = 1;
	check_report();
	stop();
}

TEST_LOGGING(every_page_can_be_dirty)
{
	open_vf();
	start();
	CHECK_EQ(window_write(vf, IOVA, PAGES * PAGE, 0, 1, 1), WINDOW_DONE);
	memset(expected, 1, PAGES);
	check_report();
	stop();
}

/* More than one message of the tracker holds, and more than its queue does. */
TEST_LOGGING(twenty_thousand_pages_are_reported)
{
	const struct dma_range range = { IOVA, (uint64_t)MANY * PAGE };

	vf = connectx_open_one();
	vfio_dma_alloc(vf, IOVA, range.length);
	CHECK_EQ(dma_logging_start_try(vf, &range, 1, PAGE), 0);
	CHECK_EQ(window_write(vf, IOVA, 1, PAGE, MANY, 1), WINDOW_DONE);
	memset(expected, 1, MANY);
	check_report_of(MANY);
	check_report_of(MANY);
	stop();
}

TEST_LOGGING(a_report_of_a_part_leaves_the_rest_dirty)
{
	uint64_t bitmap[PAGES / 64] = {};

	open_vf();
	start();
	CHECK_EQ(window_write(vf, IOVA, 1, 64 * PAGE, PAGES / 64, 1), WINDOW_DONE);
	CHECK_EQ(dma_logging_report_try(vf, IOVA, PAGES / 2 * PAGE, PAGE, bitmap), 0);
	for (unsigned int index = 0; index < PAGES / 64; index++)
		CHECK_EQ(bitmap[index], index < PAGES / 128 ? 1 : 0);
	for (unsigned int page = PAGES / 2; page < PAGES; page += 64)
		expected[page] = 1;
	check_report();
	stop();
}

TEST_LOGGING(a_report_adds_to_the_bitmap_and_takes_nothing_from_it)
{
	uint64_t bitmap = 1ULL << 60;

	open_vf();
	start();
	write_page(5);
	CHECK_EQ(dma_logging_report_try(vf, IOVA, 64 * PAGE, PAGE, &bitmap), 0);
	CHECK_EQ(bitmap, 1ULL << 60 | 1ULL << 5);
	stop();
}

TEST_LOGGING(a_report_may_be_coarser_than_the_tracking)
{
	uint64_t bitmap = 0;

	open_vf();
	start();
	write_page(3);
	write_page(40);
	CHECK_EQ(dma_logging_report_try(vf, IOVA, PAGES * PAGE, 16 * PAGE, (uint64_t[2]){}), 0);
	write_page(3);
	write_page(40);
	CHECK_EQ(dma_logging_report_try(vf, IOVA, 64 * 16 * PAGE, 16 * PAGE, &bitmap), 0);
	CHECK_EQ(bitmap, 1 << 0 | 1 << 2);
	stop();
}

/* A page that is written during a report is in it or in the next one. */
TEST_LOGGING(pages_written_during_reports_are_not_lost)
{
	uint64_t seen[PAGES / 64] = {};
	int status;
	pid_t child;

	open_vf();
	start();
	child = fork();
	if (!child) {
		for (unsigned int page = 0; page < PAGES; page += 4)
			write_page(page);
		_exit(0);
	}
	while (!waitpid(child, &status, WNOHANG))
		CHECK_EQ(dma_logging_report_try(vf, IOVA, PAGES * PAGE, PAGE, seen), 0);
	CHECK_EQ(status, 0);
	CHECK_EQ(dma_logging_report_try(vf, IOVA, PAGES * PAGE, PAGE, seen), 0);
	for (unsigned int word = 0; word < PAGES / 64; word++)
		CHECK_EQ(seen[word], 0x1111111111111111ULL);
	stop();
}

TEST_LOGGING(logging_starts_again_after_it_was_stopped)
{
	open_vf();
	for (int round = 0; round < 3; round++) {
		start();
		write_page(round);
		expected[round] = 1;
		check_report();
		stop();
		CHECK_EQ(window_write(vf, IOVA, PAGES * PAGE, 0, 1, 1), WINDOW_DONE);
	}
	CHECK_EQ(connectx_objects("trackers"), 0);
	CHECK_EQ(connectx_objects("qps"), 0);
	CHECK_EQ(connectx_objects("cqs"), 0);
}

TEST_LOGGING(two_vfs_log_apart)
{
	struct vfio_device *other;
	uint64_t bitmap = 0;

	open_vf();
	other = connectx_open_vf(connectx_pf(), 1);
	vfio_dma_alloc(other, IOVA, PAGES * PAGE);
	start();
	CHECK_EQ(dma_logging_start_try(other, &whole, 1, PAGE), 0);
	write_page(1);
	CHECK_EQ(window_write(other, IOVA + 2 * PAGE, 1, 0, 1, 1), WINDOW_DONE);
	expected[1] = 1;
	check_report();
	CHECK_EQ(dma_logging_report_try(other, IOVA, 64 * PAGE, PAGE, &bitmap), 0);
	CHECK_EQ(bitmap, 1 << 2);
}

TEST_LOGGING(logging_goes_on_through_a_migration)
{
	struct migration_image image;

	open_vf();
	start();
	write_page(1);
	CHECK_EQ(window_fill(vf, 100000, 3), WINDOW_DONE);
	image = migration_save(vf);
	expected[1] = 1;
	check_report();
	migration_set(vf, VFIO_DEVICE_STATE_RUNNING);
	write_page(2);
	expected[2] = 1;
	check_report();
	stop();
	free(image.bytes);
}

/* The firmware gets its objects back, which the clean-up checks. */
TEST_LOGGING(a_close_stops_logging)
{
	char bdf[sizeof(vf->bdf)];

	open_vf();
	memcpy(bdf, vf->bdf, sizeof(bdf));
	start();
	vfio_close(vf);
	CHECK_EQ(connectx_objects("trackers"), 0);
	vf = vfio_open(bdf);
	vfio_dma_alloc(vf, IOVA, PAGES * PAGE);
	start();
	write_page(9);
	expected[9] = 1;
	check_report();
}

static void check_attribute(const char *value)
{
	char *text = pci_attr(vf->bdf, "vfio_pci/tracker_state");

	CHECK_STR(text, value);
	free(text);
}

static bool ours_can_report(void)
{
	return driver_is_ours() && dma_logging_can_report();
}

TEST_WHEN(ours_can_report, sysfs_tells_the_trackers_state)
{
	uint64_t bitmap = 0;

	open_vf();
	CHECK_EQ(pci_attr_mode(vf->bdf, "vfio_pci/tracker_state"), 0444);
	check_attribute("off");
	start();
	check_attribute("on");
	connectx_set("event", "tracker-error 1");
	CHECK_NE(dma_logging_report_try(vf, IOVA, 64 * PAGE, PAGE, &bitmap), 0);
	check_attribute("error");
	dma_logging_stop_try(vf);
	check_attribute("off");
}

/* The kernels of tests/vm/debug-kernel have no cgroups. */
static bool ours_can_report_and_be_charged(void)
{
	return ours_can_report() && kernel_is_debians();
}

/* The user may have a limit. */
TEST_WHEN(ours_can_report_and_be_charged, a_trackers_memory_is_charged_to_who_logs)
{
	long long before;

	open_vf();
	cgroup_enter();
	before = cgroup_kernel_memory();
	start();
	/* 2 MiB for messages, and the rest of the tracker. */
	CHECK_LE(2 << 20, cgroup_kernel_memory() - before);
	stop();
	cgroup_leave();
}
