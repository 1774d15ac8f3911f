// SPDX-License-Identifier: GPL-2.0-only
/*
 * What src/mlx5/series.h promises: the commands of a saving session, as the kernel's driver gives
 * them. Q0, Q1: a query, incremental or not; S(i,t): a save, incremental, with set_track.
 */
#include <linux/kernel.h>
#include <string.h>

#include "cmocka_test.h"
#include "series.h"

#define PAGE 4096
#define MIB (1ULL << 20)

static struct latch_series series;
static char commands[256];

static void begin(bool in_chunks, bool is_last)
{
	latch_series_init(&series, in_chunks, is_last);
	strcpy(commands, "Q0");
}

static void query(void)
{
	strcat(commands, series.is_begun ? " Q1" : " Q0");
}

static u32 save(enum latch_saved saved, u32 next)
{
	sprintf(commands + strlen(commands), " S(%d,%d)", series.is_begun, !series.is_last);
	return latch_series_saved(&series, saved, next);
}

static void stop(void)
{
	strcat(commands, " stop");
	series.is_last = true;
	query();
}

static void a_stopped_vf_is_saved_chunk_after_chunk(void **state)
{
	(void)state;
	begin(true, true);
	assert_int_equal(save(LATCH_SAVED, 65536), 65536);
	assert_int_equal(save(LATCH_SAVED, 4096), 4096);
	assert_int_equal(save(LATCH_SAVED, 0), 0);
	assert_string_equal(commands, "Q0 S(0,0) S(1,0) S(1,0)");
	assert_false(series.is_noting);
}

static void without_chunks_a_single_image_is_saved(void **state)
{
	(void)state;
	begin(false, true);
	assert_int_equal(save(LATCH_SAVED, 65536), 0);
	assert_string_equal(commands, "Q0 S(0,0)");
}

static void each_series_of_a_vf_that_runs_is_one_save(void **state)
{
	(void)state;
	begin(true, false);
	assert_int_equal(save(LATCH_SAVED, 65536), 0);
	assert_true(latch_series_has_precopy(&series));
	query();
	assert_int_equal(save(LATCH_SAVED, 65536), 0);
	assert_true(series.is_noting);
	stop();
	assert_false(latch_series_has_precopy(&series));
	assert_int_equal(save(LATCH_SAVED, 65536), 65536);
	assert_int_equal(save(LATCH_SAVED, 0), 0);
	assert_string_equal(commands, "Q0 S(0,1) Q1 S(1,1) stop Q1 S(1,0) S(1,0)");
	assert_false(series.is_noting);
}

static void a_vf_that_is_not_tracked_is_saved_whole_when_it_is_stopped(void **state)
{
	(void)state;
	begin(true, false);
	assert_int_equal(save(LATCH_SAVE_REFUSED, 0), 0);
	assert_false(latch_series_has_precopy(&series));
	assert_true(series.is_noting);
	stop();
	assert_int_equal(save(LATCH_SAVED, 65536), 65536);
	assert_int_equal(save(LATCH_SAVED, 0), 0);
	assert_string_equal(commands, "Q0 S(0,1) stop Q0 S(0,0) S(1,0)");
	assert_false(series.is_noting);
}

static void a_refusal_amid_precopy_begins_the_state_anew(void **state)
{
	(void)state;
	begin(true, false);
	save(LATCH_SAVED, 65536);
	query();
	save(LATCH_SAVE_REFUSED, 0);
	stop();
	save(LATCH_SAVED, 0);
	assert_string_equal(commands, "Q0 S(0,1) Q1 S(1,1) stop Q0 S(0,0)");
}

static void changes_are_noted_until_the_last_image_or_the_clean_up(void **state)
{
	(void)state;
	begin(true, false);
	assert_false(series.is_noting);
	save(LATCH_SAVE_FAILED, 0);
	assert_true(series.is_noting);
	series.is_last = true;
	assert_int_equal(save(LATCH_SAVE_FAILED, 65536), 0);
	assert_true(series.is_noting);
	latch_series_cleaned(&series);
	assert_false(series.is_noting);
}

static u64 buffer(bool in_chunks, bool is_last, u64 required, u64 total)
{
	latch_series_init(&series, in_chunks, is_last);
	return latch_series_buffer(&series, required, total, PAGE);
}

static void a_chunks_buffer_is_what_is_required_or_what_there_is(void **state)
{
	(void)state;
	assert_int_equal(buffer(true, true, 65536, 30208), 65536);
	assert_int_equal(buffer(true, false, 65536, MIB + 1), MIB + PAGE);
	assert_int_equal(buffer(true, false, 65536, 100 * MIB), 8 * MIB);
	assert_int_equal(buffer(true, false, 10 * MIB, 100 * MIB), 10 * MIB);
	assert_int_equal(buffer(true, true, 0, 0), PAGE);
}

static void without_chunks_the_state_of_a_vf_that_runs_may_grow(void **state)
{
	(void)state;
	assert_int_equal(buffer(false, true, 5246976, 5246976), 5246976);
	assert_int_equal(buffer(false, false, 5246976, 5246976), 5775360);
}

static void no_buffer_is_of_4_gib(void **state)
{
	(void)state;
	assert_int_equal(buffer(false, false, 0xffffffff, 0xffffffff), (1ULL << 32) - PAGE);
	assert_int_equal(buffer(true, true, 0xffffffff, 1ULL << 40), (1ULL << 32) - PAGE);
	latch_series_init(&series, false, true);
	assert_int_equal(latch_series_buffer(&series, 0xffffffff, 0, 65536), (1ULL << 32) - 65536);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stopped_vf_is_saved_chunk_after_chunk),
		cmocka_unit_test(without_chunks_a_single_image_is_saved),
		cmocka_unit_test(each_series_of_a_vf_that_runs_is_one_save),
		cmocka_unit_test(a_vf_that_is_not_tracked_is_saved_whole_when_it_is_stopped),
		cmocka_unit_test(a_refusal_amid_precopy_begins_the_state_anew),
		cmocka_unit_test(changes_are_noted_until_the_last_image_or_the_clean_up),
		cmocka_unit_test(a_chunks_buffer_is_what_is_required_or_what_there_is),
		cmocka_unit_test(without_chunks_the_state_of_a_vf_that_runs_may_grow),
		cmocka_unit_test(no_buffer_is_of_4_gib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
