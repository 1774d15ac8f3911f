// SPDX-License-Identifier: GPL-2.0-only
/* What src/mlx5/stream.h promises of records: as they are written, and as they are read. */
#include <errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "cmocka_test.h"
#include "fuzz.h"
#include "shim/shim.h"
#include "stream.h"

#define HEADER_BYTES 16

/* A reader that has come to the payload of a record, and what it says to that. */
static int read_header(struct latch_record_reader *reader, u32 tag, u32 flags, u64 size)
{
	struct latch_record_header header;

	latch_record_encode(&header, tag, flags, size);
	latch_record_reader_init(reader);
	memcpy(latch_record_header_space(reader), &header, sizeof(header));
	return latch_record_advance(reader, sizeof(header));
}

static void assert_next(u32 tag, u32 flags, u64 size, enum latch_record_part next, u64 left)
{
	struct latch_record_reader reader;
	int ret = read_header(&reader, tag, flags, size);

	if (ret || reader.next != next || reader.left != left)
		fail_msg("tag %#x, flags %#x, %#llx bytes: %d, then %#llx bytes of %d", tag, flags,
			 (unsigned long long)size, ret, (unsigned long long)reader.left,
			 reader.next);
}

static void assert_refused(u32 tag, u32 flags, u64 size, int error)
{
	struct latch_record_reader reader;
	int ret = read_header(&reader, tag, flags, size);

	if (ret != error)
		fail_msg("tag %#x, flags %#x, %#llx bytes: %d instead of %d", tag, flags,
			 (unsigned long long)size, ret, error);
}

/* Headers as they are written */

static void a_header_is_sixteen_bytes_least_significant_first(void **state)
{
	static const u8 expected[HEADER_BYTES] = {
		0xf7, 0xe6, 0xd5, 0xc4, 0xb3, 0xa2, 0x91, 0x80,
		0x41, 0x32, 0x23, 0x14,
		0x8d, 0x7c, 0x6b, 0x5a,
	};
	struct latch_record_header header;

	(void)state;
	assert_int_equal(sizeof(header), HEADER_BYTES);
	latch_record_encode(&header, 0x5a6b7c8d, 0x14233241, 0x8091a2b3c4d5e6f7);
	assert_memory_equal(&header, expected, sizeof(expected));
}

static void the_headers_of_a_saved_stream_have_these_bytes(void **state)
{
	static const u8 image[HEADER_BYTES] = { 0x34, 0x12 };
	static const u8 size[HEADER_BYTES] = { 8, [8] = 1, [12] = 1 };
	struct latch_record_header header;

	(void)state;
	latch_record_encode(&header, LATCH_TAG_IMAGE, 0, 0x1234);
	assert_memory_equal(&header, image, sizeof(image));
	latch_record_encode(&header, LATCH_TAG_STOP_COPY_SIZE, LATCH_RECORD_OPTIONAL, 8);
	assert_memory_equal(&header, size, sizeof(size));
}

/* On a machine of the other byte order; this one tells as much by converting the wrong way round. */
static void every_field_is_converted_once(void **state)
{
	static const u8 swapped[HEADER_BYTES] = {
		0x80, 0x91, 0xa2, 0xb3, 0xc4, 0xd5, 0xe6, 0xf7,
		0x14, 0x23, 0x32, 0x41,
		0x5a, 0x6b, 0x7c, 0x8d,
	};
	struct latch_record_reader reader, size;
	struct latch_record_header header;
	int ret, size_ret;

	(void)state;
	shim_swap_byte_order(true);
	latch_record_encode(&header, 0x5a6b7c8d, 0x14233241, 0x8091a2b3c4d5e6f7);
	ret = read_header(&reader, 0x5a6b7c8d, LATCH_RECORD_OPTIONAL, 0x8091a2b3c4d5e6f7);
	size_ret = read_header(&size, LATCH_TAG_STOP_COPY_SIZE, 0, 8);
	shim_swap_byte_order(false);
	assert_memory_equal(&header, swapped, sizeof(swapped));
	assert_int_equal(ret, 0);
	assert_true(reader.left == 0x8091a2b3c4d5e6f7);
	assert_int_equal(size_ret, 0);
}

/* Headers as they are read */

static void an_image_has_at_least_one_byte_and_less_than_4_gib(void **state)
{
	static const u64 taken[] = { 1, 2, 8, 15, 16, 17, 4096, 0x7fffffff, 0x80000000, 0xffffffff };
	static const u64 refused[] = {
		0, 0x100000000, 0x100000001, 1ULL << 33, 1ULL << 40, 0x7fffffffffffffff,
		1ULL << 63, (1ULL << 63) + 1, 0xffffffff00000000, 0xfffffffffffffff0,
		0xffffffffffffffff,
	};
	unsigned int n;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(taken); n++) {
		assert_next(LATCH_TAG_IMAGE, 0, taken[n], LATCH_RECORD_IMAGE, taken[n]);
		assert_next(LATCH_TAG_IMAGE, LATCH_RECORD_OPTIONAL, taken[n], LATCH_RECORD_IMAGE,
			    taken[n]);
	}
	for (n = 0; n < ARRAY_SIZE(refused); n++) {
		assert_refused(LATCH_TAG_IMAGE, 0, refused[n], -EINVAL);
		assert_refused(LATCH_TAG_IMAGE, LATCH_RECORD_OPTIONAL, refused[n], -EINVAL);
	}
}

static void the_stop_copy_size_is_eight_bytes_and_skipped(void **state)
{
	static const u64 refused[] = {
		0, 1, 4, 7, 9, 16, 0x100000008, 0x800000000, (1ULL << 63) + 8, 0xffffffffffffffff,
	};
	unsigned int n;

	(void)state;
	assert_next(LATCH_TAG_STOP_COPY_SIZE, LATCH_RECORD_OPTIONAL, 8, LATCH_RECORD_SKIP, 8);
	assert_next(LATCH_TAG_STOP_COPY_SIZE, 0, 8, LATCH_RECORD_SKIP, 8);
	for (n = 0; n < ARRAY_SIZE(refused); n++) {
		assert_refused(LATCH_TAG_STOP_COPY_SIZE, 0, refused[n], -EINVAL);
		assert_refused(LATCH_TAG_STOP_COPY_SIZE, LATCH_RECORD_OPTIONAL, refused[n],
			       -EINVAL);
	}
}

static const u32 unknown_tags[] = { 2, 3, 77, 0x100, 0x10000, 0x1000001, 0x80000000, 0xffffffff };
static const u64 any_sizes[] = { 1, 8, 4096, 0xffffffff, 1ULL << 32, 1ULL << 63, ~0ULL };

static void an_unknown_record_is_skipped_if_it_is_optional(void **state)
{
	unsigned int n, m;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(unknown_tags); n++)
		for (m = 0; m < ARRAY_SIZE(any_sizes); m++)
			assert_next(unknown_tags[n], LATCH_RECORD_OPTIONAL, any_sizes[m],
				    LATCH_RECORD_SKIP, any_sizes[m]);
}

static void an_unknown_record_is_refused_unless_it_is_optional(void **state)
{
	unsigned int n, m;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(unknown_tags); n++) {
		assert_refused(unknown_tags[n], 0, 0, -EOPNOTSUPP);
		for (m = 0; m < ARRAY_SIZE(any_sizes); m++)
			assert_refused(unknown_tags[n], 0, any_sizes[m], -EOPNOTSUPP);
	}
}

static void a_flag_that_nobody_knows_is_refused(void **state)
{
	static const u32 tags[] = { LATCH_TAG_IMAGE, LATCH_TAG_STOP_COPY_SIZE, 2, 0xffffffff };
	unsigned int n, bit;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(tags); n++)
		for (bit = 1; bit < 32; bit++) {
			assert_refused(tags[n], 1U << bit, 8, -EOPNOTSUPP);
			assert_refused(tags[n], 1U << bit | LATCH_RECORD_OPTIONAL, 8, -EOPNOTSUPP);
		}
}

static void a_record_without_payload_is_over_with_its_header(void **state)
{
	struct latch_record_reader reader;

	(void)state;
	assert_int_equal(read_header(&reader, 77, LATCH_RECORD_OPTIONAL, 0), 0);
	assert_true(latch_record_is_whole(&reader));
	assert_int_equal(reader.next, LATCH_RECORD_HEADER);
	assert_int_equal(reader.left, HEADER_BYTES);
}

static void what_is_written_is_what_is_read(void **state)
{
	unsigned long round, rounds = fuzz_rounds();

	(void)state;
	for (round = 0; round < rounds; round++) {
		u32 tag;
		u64 size;

		fuzz_seed(round);
		tag = 2 + fuzz_below(0xfffffffe);
		size = ((u64)fuzz_below(0xffffffff) << 32 | fuzz_below(0xffffffff)) >> fuzz_below(64);
		size += !size;
		assert_next(tag, LATCH_RECORD_OPTIONAL, size, LATCH_RECORD_SKIP, size);
		assert_refused(tag, 0, size, -EOPNOTSUPP);
		size = 1 + fuzz_below(0xffffffff);
		assert_next(LATCH_TAG_IMAGE, 0, size, LATCH_RECORD_IMAGE, size);
	}
}

/* Where a stream may end */

static void a_stream_may_end_between_records_and_nowhere_else(void **state)
{
	const u64 sizes[] = { 8, 1, 33, 0 };
	const u32 tags[] = { LATCH_TAG_STOP_COPY_SIZE, LATCH_TAG_IMAGE, LATCH_TAG_IMAGE, 77 };
	struct latch_record_reader reader;
	unsigned int n;
	u64 m;

	(void)state;
	latch_record_reader_init(&reader);
	assert_true(latch_record_is_whole(&reader));
	for (n = 0; n < ARRAY_SIZE(sizes); n++) {
		struct latch_record_header header;

		latch_record_encode(&header, tags[n], LATCH_RECORD_OPTIONAL, sizes[n]);
		for (m = 0; m < sizeof(header); m++) {
			*(u8 *)latch_record_header_space(&reader) = ((u8 *)&header)[m];
			assert_int_equal(latch_record_advance(&reader, 1), 0);
			assert_int_equal(latch_record_is_whole(&reader),
					 m == sizeof(header) - 1 && !sizes[n]);
		}
		for (m = 0; m < sizes[n]; m++) {
			assert_int_equal(latch_record_advance(&reader, 1), 0);
			assert_int_equal(latch_record_is_whole(&reader), m == sizes[n] - 1);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_sixteen_bytes_least_significant_first),
		cmocka_unit_test(the_headers_of_a_saved_stream_have_these_bytes),
		cmocka_unit_test(every_field_is_converted_once),
		cmocka_unit_test(an_image_has_at_least_one_byte_and_less_than_4_gib),
		cmocka_unit_test(the_stop_copy_size_is_eight_bytes_and_skipped),
		cmocka_unit_test(an_unknown_record_is_skipped_if_it_is_optional),
		cmocka_unit_test(an_unknown_record_is_refused_unless_it_is_optional),
		cmocka_unit_test(a_flag_that_nobody_knows_is_refused),
		cmocka_unit_test(a_record_without_payload_is_over_with_its_header),
		cmocka_unit_test(what_is_written_is_what_is_read),
		cmocka_unit_test(a_stream_may_end_between_records_and_nowhere_else),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
