// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA logging, on a kernel whose vfio can report it.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 * vm-sources: lib/steps.c
 */
#include "lib/steps.h"

#define PAGE	4096ULL
#define IOVA	0x40000000ULL
#define PAGES	4096ULL

static const struct dma_range whole = { IOVA, PAGES * PAGE };

static void have_memory(void)
{
	vfio_dma_alloc(vf, IOVA, PAGES * PAGE);
}

static void start(void)
{
	CHECK_EQ(dma_logging_start_try(vf, &whole, 1, PAGE), 0);
}

static void stop(void)
{
	CHECK_EQ(dma_logging_stop_try(vf), 0);
}

static int report_of(uint64_t first, uint64_t pages)
{
	uint64_t *bitmap = calloc((pages + 63) / 64, 8);
	int error = dma_logging_report_try(vf, IOVA + first * PAGE, pages * PAGE, PAGE, bitmap);

	free(bitmap);
	return error;
}

static void write_pages(uint64_t count)
{
	CHECK_EQ(window_write(vf, IOVA, 1, PAGE, count, 1), WINDOW_DONE);
}

SITUATION(what_a_vf_writes_is_logged)
{
	have_memory();
	start();
	CHECK_EQ(report_of(0, PAGES), 0);
	write_pages(10);
	CHECK_EQ(report_of(0, PAGES), 0);
	write_pages(PAGES);
	CHECK_EQ(report_of(0, PAGES), 0);
	stop();
	start();
	stop();
}

SITUATION(parts_are_reported)
{
	have_memory();
	start();
	write_pages(1000);
	CHECK_EQ(report_of(0, 64), 0);
	CHECK_EQ(report_of(512, 512), 0);
	CHECK_EQ(report_of(PAGES - 64, 64), 0);
	stop();
}

static void log_ranges(unsigned int count, uint64_t pages, uint64_t page_size)
{
	struct dma_range ranges[64];

	for (unsigned int index = 0; index < count; index++)
		ranges[index] = (struct dma_range){ IOVA + index * PAGES / count * PAGE,
						    pages * PAGE };
	CHECK_EQ(dma_logging_start_try(vf, ranges, count, page_size), 0);
	write_pages(100);
	CHECK_EQ(report_of(0, pages), 0);
	stop();
}

SITUATION(several_ranges_are_logged)
{
	have_memory();
	log_ranges(1, PAGES, PAGE);
	log_ranges(2, 64, PAGE);
	log_ranges(8, 64, PAGE);
	log_ranges(40, 64, PAGE);
}

SITUATION(ranges_of_other_page_sizes_are_logged)
{
	have_memory();
	for (uint64_t size = PAGE; size <= 2 << 20; size *= 2)
		log_ranges(1, PAGES, size);
}

SITUATION(a_large_range_is_logged)
{
	static const struct dma_range ranges[] = { { IOVA, 1ULL << 36 }, { 0, 1ULL << 46 } };

	have_memory();
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (!dma_logging_start_try(vf, &ranges[i], 1, PAGE))
			stop();
}

SITUATION(logging_is_stopped_that_was_not_started)
{
	have_memory();
	dma_logging_stop_try(vf);
	report_of(0, 64);
	start();
	CHECK_NE(dma_logging_start_try(vf, &whole, 1, PAGE), 0);
	stop();
	dma_logging_stop_try(vf);
}

SITUATION(a_vf_that_is_logged_is_stopped)
{
	have_memory();
	start();
	write_pages(10);
	migration_set(vf, STATE(RUNNING_P2P));
	CHECK_EQ(report_of(0, PAGES), 0);
	migration_set(vf, STATE(STOP));
	CHECK_EQ(report_of(0, PAGES), 0);
	stop();
	start();
	migration_set(vf, STATE(RUNNING));
	CHECK_EQ(report_of(0, PAGES), 0);
	stop();
}

SITUATION(a_vf_that_is_logged_is_reset_and_closed)
{
	have_memory();
	start();
	reset();
	dma_logging_stop_try(vf);
	start();
	vfio_close(vf);
}

SITUATION(the_pf_is_reset_while_a_vf_is_logged)
{
	have_memory();
	start();
	pf_reset();
	report_of(0, 64);
	dma_logging_stop_try(vf);
	reset();
	start();
	stop();
}

static void end(void)
{
	dma_logging_stop_try(vf);
	reset();
}

SITUATION(something_happens_to_a_tracker)
{
	static const char * const events[] = {
		"tracker-error 1", "tracker-full 1", "qp-error 1", "cq-error 1",
	};

	have_memory();
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		for (int reports = 1; reports <= 2; reports++) {
			start();
			connectx_set("event", "%s", events[i]);
			pause_ms(50);
			for (int report = 0; report < reports; report++)
				report_of(0, 64);
			end();
		}
	}
}

SITUATION(something_of_a_tracker_cannot_be_had)
{
	static const char * const commands[] = {
		"ALLOC_PD", "CREATE_CQ", "CREATE_QP", "RST2INIT_QP", "INIT2RTR_QP", "RTR2RTS_QP",
		"CREATE_MKEY", "CREATE_GENERAL_OBJECT",
	};

	have_memory();
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		for (int at = 0; at < 2; at++) {
			fault("%s skip=%d status=1", commands[i], at);
			if (!dma_logging_start_try(vf, &whole, 1, PAGE))
				stop();
			no_faults();
		}
	}
	start();
	stop();
}

SITUATION(a_tracker_refuses_to_report)
{
	have_memory();
	for (int reports = 1; reports <= 2; reports++) {
		start();
		fault("MODIFY_GENERAL_OBJECT status=1");
		for (int report = 0; report < reports; report++)
			report_of(0, 64);
		end();
	}
}
