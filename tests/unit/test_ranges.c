// SPDX-License-Identifier: GPL-2.0-only
/*
 * What src/mlx5/ranges.h promises: by examples, and for random ranges by counting pages in a
 * small window of addresses, wherever it lies.
 */
#include <linux/kernel.h>
#include <string.h>

#include "cmocka_test.h"
#include "fuzz.h"
#include "ranges.h"

#define PAGE 4096
#define RANGES(...) (struct latch_range[]){ __VA_ARGS__ }, \
	sizeof((struct latch_range[]){ __VA_ARGS__ }) / sizeof(struct latch_range)

static void assert_ranges(const struct latch_range *ranges, unsigned int nr,
			  const struct latch_range *expected, unsigned int nr_expected)
{
	unsigned int n;

	assert_int_equal(nr, nr_expected);
	for (n = 0; n < nr; n++) {
		assert_true(ranges[n].start == expected[n].start);
		assert_true(ranges[n].last == expected[n].last);
	}
}

static void assert_merged(const struct latch_range *ranges, unsigned int nr, unsigned int max,
			  const struct latch_range *expected, unsigned int nr_expected)
{
	struct latch_range merged[16];

	memcpy(merged, ranges, nr * sizeof(*ranges));
	nr = latch_ranges_merge(merged, nr, max, PAGE);
	assert_ranges(merged, nr, expected, nr_expected);
}

static void a_range_becomes_whole_pages(void **state)
{
	(void)state;
	assert_merged(RANGES({ 0x1000, 0x1fff }), 8, RANGES({ 0x1000, 0x1fff }));
	assert_merged(RANGES({ 0x1fff, 0x2000 }), 8, RANGES({ 0x1000, 0x2fff }));
	assert_merged(RANGES({ 0x1234, 0x1234 }), 8, RANGES({ 0x1000, 0x1fff }));
}

static void ranges_with_nothing_between_them_become_one(void **state)
{
	(void)state;
	assert_merged(RANGES({ 0, 0xfff }, { 0x1000, 0x1fff }, { 0x3000, 0x3fff }), 8,
		      RANGES({ 0, 0x1fff }, { 0x3000, 0x3fff }));
	/* Nothing but bytes of a page that is there anyhow. */
	assert_merged(RANGES({ 0, 0x10 }, { 0x20, 0x30 }, { 0xff0, 0x1010 }), 8,
		      RANGES({ 0, 0x1fff }));
	assert_merged(RANGES({ 0, 0x10 }, { 0x1ff0, 0x1fff }), 8, RANGES({ 0, 0x1fff }));
	/* One within another. */
	assert_merged(RANGES({ 0, 0x4fff }, { 0x1000, 0x1fff }), 8, RANGES({ 0, 0x4fff }));
}

static void ranges_with_the_least_between_them_become_one_first(void **state)
{
	(void)state;
	assert_merged(RANGES({ 0, 0xfff }, { 0x4000, 0x4fff }, { 0x7000, 0x7fff },
			     { 0x20000, 0x20fff }), 3,
		      RANGES({ 0, 0xfff }, { 0x4000, 0x7fff }, { 0x20000, 0x20fff }));
	assert_merged(RANGES({ 0, 0xfff }, { 0x4000, 0x4fff }, { 0x7000, 0x7fff },
			     { 0x20000, 0x20fff }), 2,
		      RANGES({ 0, 0x7fff }, { 0x20000, 0x20fff }));
	assert_merged(RANGES({ 0, 0xfff }, { 0x4000, 0x4fff }, { 0x7000, 0x7fff },
			     { 0x20000, 0x20fff }), 1,
		      RANGES({ 0, 0x20fff }));
}

static void addresses_end_with_a_page(void **state)
{
	(void)state;
	assert_merged(RANGES({ ~0ULL, ~0ULL }), 1, RANGES({ 0xfffffffffffff000, ~0ULL }));
	assert_merged(RANGES({ 0xffffffffffffe000, 0xffffffffffffefff },
			     { 0xfffffffffffff000, ~0ULL }), 2,
		      RANGES({ 0xffffffffffffe000, ~0ULL }));
	assert_merged(RANGES({ 0xfffffffffffff000, 0xfffffffffffff00f },
			     { 0xfffffffffffffff0, ~0ULL }), 2,
		      RANGES({ 0xfffffffffffff000, ~0ULL }));
	assert_merged(RANGES({ 0, 0 }, { ~0ULL, ~0ULL }), 2,
		      RANGES({ 0, 0xfff }, { 0xfffffffffffff000, ~0ULL }));
	assert_merged(RANGES({ 0, 0 }, { ~0ULL, ~0ULL }), 1, RANGES({ 0, ~0ULL }));
	assert_merged(RANGES({ 0, ~0ULL }), 1, RANGES({ 0, ~0ULL }));
}

static void without_ranges_there_are_none(void **state)
{
	struct latch_range none;
	u64 bytes = 77;

	(void)state;
	assert_int_equal(latch_ranges_merge(&none, 0, 1, PAGE), 0);
	assert_true(latch_ranges_bytes(&none, 0, &bytes));
	assert_int_equal(bytes, 0);
}

static void assert_bytes(const struct latch_range *ranges, unsigned int nr, u64 expected)
{
	u64 bytes;

	assert_true(latch_ranges_bytes(ranges, nr, &bytes));
	assert_true(bytes == expected);
}

static void the_bytes_of_ranges_are_counted_up_to_what_has_a_number(void **state)
{
	u64 bytes;

	(void)state;
	assert_bytes(RANGES({ 7, 7 }), 1);
	assert_bytes(RANGES({ 0, 0xfff }, { 0x2000, 0x3fff }), 0x3000);
	assert_bytes(RANGES({ 0xfffffffffffff000, ~0ULL }), 0x1000);
	assert_bytes(RANGES({ 1, ~0ULL }), ~0ULL);
	assert_bytes(RANGES({ 0, 0xfff }, { 0x2000, ~0ULL }), 0xfffffffffffff000);
	assert_false(latch_ranges_bytes(RANGES({ 0, ~0ULL }), &bytes));
	assert_false(latch_ranges_bytes(RANGES({ 0, 0xfff }, { 0x1000, ~0ULL }), &bytes));
}

/* Random ranges in a window of a few pages of a few addresses */

#define WINDOW_PAGES 40
#define RANGES_MAX 10

struct window {
	u64 base, page_size;
	bool is_page[WINDOW_PAGES];
};

static struct window random_window(void)
{
	struct window window = { .page_size = 1 << fuzz_below(5) };
	u64 bytes = window.page_size * WINDOW_PAGES;

	switch (fuzz_below(3)) {
	case 0:
		window.base = 0;
		break;
	case 1:	/* to the last address */
		window.base = -bytes;
		break;
	case 2:	/* across 4 GiB */
		window.base = (1ULL << 32) - fuzz_below(WINDOW_PAGES) * window.page_size;
		break;
	}
	return window;
}

/* Fills in the window's pages, too. */
static unsigned int random_ranges(struct window *window, struct latch_range *ranges)
{
	u32 bytes = window->page_size * WINDOW_PAGES, at = 0, gap = 1 + fuzz_below(bytes / 4);
	u32 most = 1 + fuzz_below(bytes / 8 + 1), length, n;
	unsigned int nr = 0;

	while (nr < RANGES_MAX) {
		at += fuzz_below(gap + 1);
		length = 1 + fuzz_below(most);
		/* One more often reaches the end. */
		if (at + length > bytes)
			length = at < bytes ? bytes - at : 0;
		if (!length)
			break;
		ranges[nr].start = window->base + at;
		ranges[nr].last = window->base + (at + length - 1);
		for (n = at; n < at + length; n++)
			window->is_page[n / window->page_size] = true;
		at += length;
		nr++;
	}
	return nr;
}

static unsigned int count_pages(const struct window *window)
{
	unsigned int n, count = 0;

	for (n = 0; n < WINDOW_PAGES; n++)
		count += window->is_page[n];
	return count;
}

static unsigned int count_runs(const struct window *window)
{
	unsigned int n, count = 0;

	for (n = 0; n < WINDOW_PAGES; n++)
		count += window->is_page[n] && (!n || !window->is_page[n - 1]);
	return count;
}

/* The fewest pages that make at most MAX runs: of all ways to fill gaps the best one. */
static unsigned int fewest_pages(const struct window *window, unsigned int max)
{
	unsigned int gaps[RANGES_MAX], nr_gaps = 0, n, set, fewest = WINDOW_PAGES;
	int last = -1;

	for (n = 0; n < WINDOW_PAGES; n++) {
		if (!window->is_page[n])
			continue;
		if (last >= 0 && n - last > 1)
			gaps[nr_gaps++] = n - last - 1;
		last = n;
	}
	for (set = 0; set < 1U << nr_gaps; set++) {
		unsigned int filled = 0, runs = nr_gaps + 1;

		for (n = 0; n < nr_gaps; n++)
			if (set & 1U << n) {
				filled += gaps[n];
				runs--;
			}
		if (runs <= max)
			fewest = min(fewest, count_pages(window) + filled);
	}
	return fewest;
}

/* Ascending, apart, of whole pages of the window; these are marked in MERGED. */
static void mark(const struct latch_range *ranges, unsigned int nr, struct window *merged)
{
	unsigned int n, first, last, page;

	for (n = 0; n < nr; n++) {
		first = (ranges[n].start - merged->base) / merged->page_size;
		last = (ranges[n].last - merged->base) / merged->page_size;
		assert_in_range(first, 0, last);
		assert_in_range(last, first, WINDOW_PAGES - 1);
		assert_true(ranges[n].start == merged->base + first * merged->page_size);
		assert_true(ranges[n].last ==
			    merged->base + (last + 1) * merged->page_size - 1);
		for (page = first; page <= last; page++) {
			assert_false(merged->is_page[page]);
			merged->is_page[page] = true;
		}
		if (n)
			assert_true(ranges[n].start - ranges[n - 1].last > 1);
	}
}

static void random_ranges_become_the_fewest_pages_that_few_ranges_can_have(void **state)
{
	unsigned long round, rounds = fuzz_rounds() / 4, joined = 0;

	(void)state;
	for (round = 0; round < rounds; round++) {
		struct latch_range ranges[RANGES_MAX];
		struct window window, merged;
		unsigned int nr, max, runs, n;
		u64 bytes;

		fuzz_seed(round);
		window = random_window();
		merged = window;
		nr = random_ranges(&window, ranges);
		max = 1 + fuzz_below(RANGES_MAX);
		runs = count_runs(&window);
		joined += max < runs;

		nr = latch_ranges_merge(ranges, nr, max, window.page_size);
		assert_int_equal(nr, min(runs, max));
		mark(ranges, nr, &merged);
		for (n = 0; n < WINDOW_PAGES; n++)
			assert_true(merged.is_page[n] || !window.is_page[n]);
		if (nr)
			assert_int_equal(count_pages(&merged), fewest_pages(&window, max));
		assert_true(latch_ranges_bytes(ranges, nr, &bytes));
		assert_true(bytes == count_pages(&merged) * window.page_size);
	}
	print_message("%lu of %lu lists were too long\n", joined, rounds);
	assert_in_range(joined, rounds / 20, rounds - rounds / 20);
}

/* How the bitmap sees it: each block is within one bit, or of whole bits, for each size of a bit. */
static void a_block_is_part_of_a_bit_or_whole_bits(void **state)
{
	unsigned long round, rounds = fuzz_rounds() / 100;

	(void)state;
	for (round = 0; round < rounds; round++) {
		u64 offset, bytes, block;

		fuzz_seed(round);
		offset = (u64)fuzz_below(1U << 30) << fuzz_below(13);
		bytes = 1 + ((u64)fuzz_below(1U << 30) << fuzz_below(13));
		for (; bytes; offset += block, bytes -= block) {
			block = latch_range_block(offset, bytes);
			assert_in_range(block, 1, bytes);
			for (unsigned int shift = 0; shift < 44; shift++) {
				u64 bit = 1ULL << shift;

				if (block < bit)
					assert_true(offset / bit == (offset + block - 1) / bit);
				else
					assert_true(!(offset % bit) && !(block % bit));
			}
		}
	}
}

static void a_run_is_few_blocks(void **state)
{
	u64 offset = 0, bytes = 19 * PAGE;
	unsigned int blocks = 0;

	(void)state;

	assert_true(latch_range_block(0, PAGE) == PAGE);
	assert_true(latch_range_block(7 * PAGE, PAGE) == PAGE);
	assert_true(latch_range_block(512 * PAGE, 512 * PAGE) == 512 * PAGE);
	assert_true(latch_range_block(0, ~(u64)0) == 1ULL << 63);
	for (; bytes; blocks++) {
		u64 block = latch_range_block(offset, bytes);

		offset += block;
		bytes -= block;
	}
	assert_int_equal(blocks, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_becomes_whole_pages),
		cmocka_unit_test(ranges_with_nothing_between_them_become_one),
		cmocka_unit_test(ranges_with_the_least_between_them_become_one_first),
		cmocka_unit_test(addresses_end_with_a_page),
		cmocka_unit_test(without_ranges_there_are_none),
		cmocka_unit_test(the_bytes_of_ranges_are_counted_up_to_what_has_a_number),
		cmocka_unit_test(random_ranges_become_the_fewest_pages_that_few_ranges_can_have),
		cmocka_unit_test(a_block_is_part_of_a_bit_or_whole_bits),
		cmocka_unit_test(a_run_is_few_blocks),
	};

	return cmocka_run_group_tests_name("ranges", tests, NULL, NULL);
}
