// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ranges, page sizes and address spaces that a page tracker takes or refuses, and the
 * consequences of an error of the tracker or of its queues.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 */
#include <signal.h>
#include <sys/wait.h>

#include "vmtest.h"
#include "connectx.h"
#include "migration.h"

#define PAGE	4096
#define IOVA	0x40000000ULL
#define PAGES	512
#define MIB	(1ULL << 20)

#define TEST_LOGGING(name) TEST_WHEN(dma_logging_can_report, name)

CLEAN_UP
{
	connectx_clean_up();
}

static struct vfio_device *vf;
static const struct dma_range whole = { IOVA, PAGES * PAGE };

static void open_vf(void)
{
	vf = connectx_open_one();
	vfio_dma_alloc(vf, IOVA, PAGES * PAGE);
}

static int start(const struct dma_range *ranges, unsigned int count)
{
	return dma_logging_start_try(vf, ranges, count, PAGE);
}

static int report(uint64_t *bitmap)
{
	*bitmap = 0;
	return dma_logging_report_try(vf, IOVA, 64 * PAGE, PAGE, bitmap);
}

static void write_page(unsigned int page)
{
	CHECK_EQ(window_write(vf, IOVA + (uint64_t)page * PAGE, 1, 0, 1, 1), WINDOW_DONE);
}

/* A tracker that works: page 3 is written and reported. */
static void check_works(void)
{
	uint64_t bitmap;

	write_page(3);
	CHECK_EQ(report(&bitmap), 0);
	CHECK_EQ(bitmap & 8, 8);
	CHECK_EQ(report(&bitmap), 0);
	CHECK_EQ(bitmap, 0);
}

TEST_LOGGING(several_ranges_are_logged)
{
	static const struct dma_range ranges[] = {
		{ IOVA, 8 * PAGE }, { IOVA + 16 * PAGE, 8 * PAGE }, { IOVA + 32 * PAGE, 8 * PAGE },
	};
	uint64_t bitmap;

	open_vf();
	CHECK_EQ(start(ranges, 3), 0);
	for (int page = 0; page < 64; page += 8)
		write_page(page + 1);
	CHECK_EQ(report(&bitmap), 0);
	CHECK_EQ(bitmap & (0xffULL | 0xffULL << 16 | 0xffULL << 32),
		 2ULL | 2ULL << 16 | 2ULL << 32);
}

/* The tracker takes MOST ranges: more are merged, with the gaps between them. */
static void check_merged(unsigned int count, const char *most)
{
	struct dma_range ranges[64];

	connectx_configure("tracker-max-ranges", most);
	open_vf();
	for (unsigned int index = 0; index < count; index++)
		ranges[index] = (struct dma_range){ IOVA + index * 8 * PAGE, 2 * PAGE };
	CHECK_EQ(start(ranges, count), 0);
	CHECK_EQ(connectx_objects("trackers"), 1);
	for (unsigned int index = 0; index < count; index++)
		write_page(index * 8 + 1);
	for (unsigned int index = 0; index < count; index++) {
		uint64_t bitmap = 0;

		CHECK_EQ(dma_logging_report_try(vf, ranges[index].iova, 2 * PAGE, PAGE, &bitmap),
			 0);
		CHECK_EQ(bitmap, 2);
	}
}

TEST_LOGGING(as_many_ranges_as_the_tracker_takes_are_logged)
{
	check_merged(8, "8");
}

TEST_LOGGING(more_ranges_than_the_tracker_takes_are_merged)
{
	check_merged(40, "8");
}

TEST_LOGGING(a_tracker_of_one_range_logs_all)
{
	check_merged(5, "1");
}

TEST_LOGGING(ranges_in_any_order_are_logged)
{
	static const struct dma_range ranges[] = {
		{ IOVA + 32 * PAGE, 8 * PAGE }, { IOVA, 8 * PAGE }, { IOVA + 16 * PAGE, 8 * PAGE },
	};
	uint64_t bitmap;

	connectx_configure("tracker-max-ranges", "2");
	open_vf();
	CHECK_EQ(start(ranges, 3), 0);
	write_page(1);
	write_page(17);
	write_page(33);
	CHECK_EQ(report(&bitmap), 0);
	CHECK_EQ(bitmap, 2ULL | 2ULL << 16 | 2ULL << 32);
}

TEST_LOGGING(ranges_that_make_no_sense_are_refused)
{
	static const struct { struct dma_range range; uint64_t page; unsigned int count; } bad[] = {
		{ { IOVA, PAGE }, PAGE, 0 },			/* none at all */
		{ { IOVA, 0 }, PAGE, 1 },			/* an empty one */
		{ { IOVA + 1, PAGE }, PAGE, 1 },		/* not of whole pages */
		{ { IOVA, PAGE + 1 }, PAGE, 1 },
		{ { UINT64_MAX - PAGE + 1, 2 * PAGE }, PAGE, 1 }, /* past the end */
		{ { IOVA, PAGE }, 0, 1 },			/* pages of odd sizes */
		{ { IOVA, PAGE }, 5000, 1 },
	};

	open_vf();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!dma_logging_start_try(vf, &bad[i].range, bad[i].count, bad[i].page))
			FAIL("start number %zu is taken", i);
	CHECK_EQ(connectx_objects("trackers"), 0);
	CHECK_EQ(start(&whole, 1), 0);
	check_works();
}

/*
 * vfio lets it pass, as an empty range overlaps none. Half of the range that it cuts would be lost.
 */
TEST_LOGGING(an_empty_range_beside_others_is_refused)
{
	static const struct dma_range ranges[] = {
		{ IOVA - PAGE, PAGE }, { IOVA, 64 * PAGE }, { IOVA, 0 },
	};

	if (!driver_is_ours())
		SKIP("the kernel's driver takes it");
	open_vf();
	CHECK_ERR(EINVAL, dma_logging_start_try(vf, ranges, 3, PAGE));
	CHECK_EQ(connectx_objects("trackers"), 0);
	CHECK_EQ(start(&whole, 1), 0);
	check_works();
}

TEST_LOGGING(ranges_that_overlap_are_refused)
{
	static const struct dma_range ranges[] = {
		{ IOVA, 8 * PAGE }, { IOVA + 4 * PAGE, 8 * PAGE },
	};

	open_vf();
	CHECK_ERR(EINVAL, start(ranges, 2));
}

TEST_LOGGING(a_second_start_is_refused_and_the_first_goes_on)
{
	open_vf();
	CHECK_EQ(start(&whole, 1), 0);
	CHECK_ERR(EINVAL, start(&whole, 1));
	check_works();
	CHECK_EQ(connectx_objects("trackers"), 1);
}

TEST_LOGGING(a_report_without_a_start_is_refused)
{
	uint64_t bitmap;

	open_vf();
	CHECK_ERR(EINVAL, report(&bitmap));
	CHECK_EQ(start(&whole, 1), 0);
	CHECK_EQ(dma_logging_stop_try(vf), 0);
	CHECK_ERR(EINVAL, report(&bitmap));
}

/* Later kernels pin it bit by bit, and do not report where they cannot. */
static bool vfio_pins_bitmaps_first(void)
{
	return kernel_is("6.1");
}

TEST_WHEN(vfio_pins_bitmaps_first, a_report_to_memory_that_is_not_there_is_an_error)
{
	open_vf();
	CHECK_EQ(start(&whole, 1), 0);
	write_page(3);
	CHECK_ERR(EFAULT, dma_logging_report_try(vf, IOVA, 64 * PAGE, PAGE, (uint64_t *)8));
	check_works();
}

/*
 * vfio lets these pass: no address; whole pages past the last one; a page size too large to count.
 */
TEST_LOGGING(a_report_of_addresses_that_there_are_not_is_refused_and_logging_goes_on)
{
	static const struct { uint64_t iova, length, page; } bad[] = {
		{ IOVA, 0, PAGE }, { -2ULL * PAGE, PAGE, 2 * MIB }, { IOVA, PAGE, 1ULL << 63 },
	};

	open_vf();
	CHECK_EQ(start(&whole, 1), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t bitmap[8] = {};
		int error = dma_logging_report_try(vf, bad[i].iova, bad[i].length, bad[i].page,
						   bitmap);

		/* A newer vfio asks for no more of a page than the user does. */
		if (error || !bad[i].length || kernel_is("6.1"))
			CHECK_ERR(EINVAL, error);
		check_works();
	}
}

TEST_LOGGING(a_stop_without_a_start_does_nothing)
{
	open_vf();
	CHECK_EQ(dma_logging_stop_try(vf), 0);
	CHECK_EQ(start(&whole, 1), 0);
	check_works();
}

TEST_LOGGING(larger_pages_are_logged_as_such)
{
	static const uint64_t sizes[] = { PAGE, 16384, 65536, 2 * MIB };

	vf = connectx_open_one();
	vfio_dma_alloc(vf, IOVA, 8 * MIB);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct dma_range range = { IOVA, 8 * MIB };
		uint64_t bitmap = 0;

		CHECK_EQ(dma_logging_start_try(vf, &range, 1, sizes[i]), 0);
		CHECK_EQ(window_write(vf, IOVA + sizes[i] + 5, 1, 0, 1, 1), WINDOW_DONE);
		CHECK_EQ(dma_logging_report_try(vf, IOVA, 4 * sizes[i], sizes[i], &bitmap), 0);
		CHECK_EQ(bitmap, 2);
		CHECK_EQ(dma_logging_stop_try(vf), 0);
	}
}

TEST_LOGGING(a_space_larger_than_the_tracker_takes_is_refused)
{
	static const struct dma_range large = { IOVA, 1ULL << 40 };

	connectx_configure("tracker-max-space", "32");
	open_vf();
	CHECK_NE(start(&large, 1), 0);
	CHECK_EQ(connectx_objects("trackers"), 0);
	CHECK_EQ(start(&whole, 1), 0);
	check_works();
}

TEST_LOGGING(a_terabyte_can_be_logged)
{
	static const struct dma_range large = { 0, 1ULL << 40 };

	open_vf();
	CHECK_EQ(start(&large, 1), 0);
	check_works();
}

TEST_LOGGING(without_trackers_in_the_firmware_logging_is_not_offered)
{
	connectx_configure("tracker", "false");
	open_vf();
	CHECK_ERR(ENOTTY, start(&whole, 1));
	CHECK_ERR(ENOTTY, vfio_feature_try(vf, VFIO_DEVICE_FEATURE_PROBE |
					   VFIO_DEVICE_FEATURE_SET |
					   VFIO_DEVICE_FEATURE_DMA_LOGGING_START, NULL, 0));
	CHECK(!pci_attr_exists(vf->bdf, "vfio_pci/tracker_state"));
	CHECK_NE(migration_flags(vf), 0);
}

static bool ours_can_report(void)
{
	return driver_is_ours() && dma_logging_can_report();
}

/* The report after the event fails; a stop and a start make a new tracker. */
static void check_error(void (*happen)(void))
{
	uint64_t bitmap;

	open_vf();
	CHECK_EQ(start(&whole, 1), 0);
	check_works();
	happen();
	/* The kernel's driver does not promise a certain error. */
	for (int time = 0; time < 2; time++) {
		int error = report(&bitmap);

		CHECK_NE(error, 0);
		if (driver_is_ours())
			CHECK_EQ(error, -EIO);
	}
	CHECK_EQ(dma_logging_stop_try(vf), 0);
	CHECK_EQ(connectx_objects("trackers"), 0);
	CHECK_EQ(connectx_objects("qps"), 0);
	CHECK_EQ(start(&whole, 1), 0);
	check_works();
}

static void fail_tracker(void)
{
	connectx_set("event", "tracker-error 1");
}

static void fill_tracker(void)
{
	connectx_set("event", "tracker-full 1");
}

static void fail_queue_pair(void)
{
	connectx_set("event", "qp-error 1");
}

static void fail_completion_queue(void)
{
	connectx_set("event", "cq-error 1");
}

static void write_more_than_fits(void)
{
	for (int page = 0; page < 40; page++)
		write_page(page);
}

TEST_LOGGING(a_tracker_in_error_fails_the_report)
{
	check_error(fail_tracker);
}

TEST_LOGGING(a_tracker_that_is_full_fails_the_report)
{
	check_error(fill_tracker);
}

TEST_LOGGING(an_error_of_the_reports_queue_pair_fails_the_report)
{
	check_error(fail_queue_pair);
}

TEST_LOGGING(an_error_of_the_reports_completion_queue_fails_the_report)
{
	check_error(fail_completion_queue);
}

static void send_unasked(void)
{
	write_page(3);
	connectx_set("event", "tracker-unasked 1");
}

/* It would count as the end of the next report, whose pages would be missing. */
TEST_WHEN(ours_can_report, a_message_that_nobody_asked_for_fails_the_report)
{
	check_error(send_unasked);
}

TEST_LOGGING(more_dirty_pages_than_the_tracker_holds_fail_the_report)
{
	connectx_configure("tracker-capacity", "32");
	check_error(write_more_than_fits);
}

/* The firmware would report again, but pages may have been lost. */
TEST_WHEN(ours_can_report, a_report_that_has_failed_once_fails_until_a_new_start)
{
	uint64_t bitmap;

	open_vf();
	CHECK_EQ(start(&whole, 1), 0);
	write_page(3);
	connectx_set("fault", "MODIFY_GENERAL_OBJECT status=0x6");
	CHECK_NE(report(&bitmap), 0);
	CHECK_ERR(EIO, report(&bitmap));
	CHECK_EQ(bitmap, 0);
	CHECK_EQ(dma_logging_stop_try(vf), 0);
	CHECK_EQ(start(&whole, 1), 0);
	check_works();
}

static unsigned int system_time(pid_t child)
{
	unsigned int ticks;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	CHECK_EQ(sscanf(strrchr(file_read(path), ')'),
			") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %u", &ticks), 1);
	return ticks;
}

/* It can be killed even if the firmware's report never ends. */
TEST_WHEN(ours_can_report, a_client_that_reads_a_report_can_be_killed)
{
	uint64_t bitmap[PAGES / 64] = {};
	pid_t child;

	open_vf();
	CHECK_EQ(start(&whole, 1), 0);
	/* Reading these messages takes longer than sending them: the driver never waits for one. */
	for (unsigned int page = 0; page < PAGES; page += 2)
		write_page(page);
	connectx_set("event", "tracker-flood 1");
	child = CHECK_OK(fork());
	if (!child) {
		dma_logging_report_try(vf, IOVA, PAGES * PAGE, PAGE, bitmap);
		_exit(0);
	}
	/* The child is amid the report when it has used a tenth of a second. */
	CHECK(WAIT_UNTIL(system_time(child) >= 10, 60000));
	CHECK_OK(kill(child, SIGKILL));
	CHECK(WAIT_UNTIL(waitpid(child, NULL, WNOHANG) == child, 60000));
	/* The rest of the report is lost. */
	CHECK_ERR(EIO, report(bitmap));
}

TEST_LOGGING(an_error_while_logging_does_not_touch_the_migration)
{
	struct migration_image image;

	open_vf();
	CHECK_EQ(start(&whole, 1), 0);
	CHECK_EQ(window_fill(vf, 50000, 1), WINDOW_DONE);
	fail_tracker();
	image = migration_save(vf);
	CHECK_LE(50000, image.size);
	dma_logging_stop_try(vf);
}

TEST_LOGGING(a_reset_of_the_vf_leaves_a_tracker_that_can_be_stopped)
{
	open_vf();
	CHECK_EQ(start(&whole, 1), 0);
	vfio_reset(vf);
	dma_logging_stop_try(vf);
	CHECK_EQ(connectx_objects("trackers"), 0);
	CHECK_EQ(start(&whole, 1), 0);
	check_works();
}
