// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random streams, most of them sound, some damaged or cut, read in pieces as a user may write
 * them, and judged by a second reader that has all of a stream before it at once.
 */
#include <errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "cmocka_test.h"
#include "fuzz.h"
#include "stream.h"

#define HEADER_BYTES 16
#define PAYLOAD_MAX 40
#define RECORDS_MAX 5
#define STREAM_MAX (RECORDS_MAX * (HEADER_BYTES + PAYLOAD_MAX))

struct stream {
	u8 bytes[STREAM_MAX];
	size_t length;
};

/* What a reader makes of a stream. */
struct outcome {
	int error;
	size_t taken;			/* up to the fault, or all */
	bool is_whole;
	unsigned int images;		/* that are whole */
	size_t image_end[RECORDS_MAX];	/* in data */
	u8 data[STREAM_MAX];		/* of images */
	size_t bytes;
};

static u64 number(const u8 *bytes, unsigned int n)
{
	return n ? bytes[0] | number(bytes + 1, n - 1) << 8 : 0;
}

static void take_data(struct outcome *outcome, const u8 *bytes, size_t n)
{
	memcpy(outcome->data + outcome->bytes, bytes, n);
	outcome->bytes += n;
}

static int verdict(u64 size, u32 flags, u32 tag)
{
	if (flags > 1)
		return -EOPNOTSUPP;
	if (tag == 0)
		return size >= 1 && size < 1ULL << 32 ? 0 : -EINVAL;
	if (tag == 1)
		return size == 8 ? 0 : -EINVAL;
	return flags ? 0 : -EOPNOTSUPP;
}

static void judge(const struct stream *stream, struct outcome *outcome)
{
	size_t at = 0;

	memset(outcome, 0, sizeof(*outcome));
	while (!outcome->error && stream->length - at >= HEADER_BYTES) {
		const u8 *header = stream->bytes + at, *payload = header + HEADER_BYTES;
		u64 size = number(header, 8), there = stream->length - at - HEADER_BYTES;
		u32 flags = number(header + 8, 4), tag = number(header + 12, 4);

		at += HEADER_BYTES;
		outcome->error = verdict(size, flags, tag);
		if (outcome->error) {
			outcome->taken = at;
			return;
		}
		if (tag == 0)
			take_data(outcome, payload, size < there ? size : there);
		if (size > there) {
			outcome->taken = stream->length;
			return;
		}
		if (tag == 0)
			outcome->image_end[outcome->images++] = outcome->bytes;
		at += size;
	}
	outcome->taken = stream->length;
	outcome->is_whole = at == stream->length;
}

/* As load.c reads. Pieces end at each of CUTS, in ascending order, and where the stream does. */
static void read_in_pieces(const struct stream *stream, const size_t *cuts, unsigned int nr_cuts,
			   struct outcome *outcome)
{
	struct latch_record_reader reader;
	size_t at = 0;

	memset(outcome, 0, sizeof(*outcome));
	latch_record_reader_init(&reader);
	while (at < stream->length && !outcome->error) {
		enum latch_record_part part = reader.next;
		size_t end, count;

		while (nr_cuts && *cuts <= at) {
			cuts++;
			nr_cuts--;
		}
		end = nr_cuts ? *cuts : stream->length;
		assert_true(reader.left > 0);
		count = min(end - at, reader.left);
		if (part == LATCH_RECORD_HEADER) {
			u8 *space = latch_record_header_space(&reader);

			assert_ptr_equal(space + reader.left, &reader.header + 1);
			memcpy(space, stream->bytes + at, count);
		} else if (part == LATCH_RECORD_IMAGE) {
			take_data(outcome, stream->bytes + at, count);
		}
		at += count;
		outcome->error = latch_record_advance(&reader, count);
		if (part == LATCH_RECORD_IMAGE && reader.next != part)
			outcome->image_end[outcome->images++] = outcome->bytes;
	}
	outcome->taken = at;
	outcome->is_whole = !outcome->error && latch_record_is_whole(&reader);
}

static u64 random_size(u32 tag)
{
	static const u64 odd[] = { 0, 1ULL << 32, 1ULL << 63, ~0ULL, 0xffffffff, STREAM_MAX };

	if (!fuzz_below(20))
		return odd[fuzz_below(ARRAY_SIZE(odd))];
	if (tag == LATCH_TAG_STOP_COPY_SIZE)
		return 8;
	return fuzz_below(8) ? 1 + fuzz_below(PAYLOAD_MAX) : tag;
}

static void add_record(struct stream *stream)
{
	static const u32 tags[] = { LATCH_TAG_IMAGE, LATCH_TAG_IMAGE, LATCH_TAG_STOP_COPY_SIZE, 77 };
	struct latch_record_header header;
	u32 tag = tags[fuzz_below(ARRAY_SIZE(tags))];
	u32 flags = tag > 1 && fuzz_below(30) ? LATCH_RECORD_OPTIONAL : fuzz_below(2);
	u64 size = random_size(tag);
	unsigned int n;

	latch_record_encode(&header, tag, flags, size);
	memcpy(stream->bytes + stream->length, &header, sizeof(header));
	stream->length += sizeof(header);
	for (n = 0; n < min(size, PAYLOAD_MAX); n++)
		stream->bytes[stream->length++] = fuzz_below(256);
}

static void random_stream(struct stream *stream)
{
	unsigned int records = fuzz_below(RECORDS_MAX + 1);

	stream->length = 0;
	while (records--)
		add_record(stream);
	if (stream->length && !fuzz_below(4))
		stream->bytes[fuzz_below(stream->length)] ^= 1 << fuzz_below(8);
	if (stream->length && !fuzz_below(4))
		stream->length = fuzz_below(stream->length);
}

static void assert_same(const struct outcome *expected, const struct outcome *outcome,
			unsigned long round)
{
	/* data is as long in both then. */
	if (memcmp(expected, outcome, sizeof(*expected)))
		fail_msg("round %lu: %d at %zu (%d), %u images, %zu bytes; instead of %d at %zu (%d), %u images, %zu bytes",
			 round, outcome->error, outcome->taken, outcome->is_whole, outcome->images,
			 outcome->bytes, expected->error, expected->taken, expected->is_whole,
			 expected->images, expected->bytes);
}

static void a_stream_is_read_the_same_however_it_is_cut_into_pieces(void **state)
{
	unsigned long round, rounds = fuzz_rounds() / 4, refused = 0, whole = 0;
	static struct outcome expected, outcome;
	static struct stream stream;
	size_t cuts[STREAM_MAX];

	(void)state;
	for (round = 0; round < rounds; round++) {
		unsigned int n, nr_cuts = 0, one_in;

		fuzz_seed(round);
		random_stream(&stream);
		judge(&stream, &expected);
		one_in = 1 + fuzz_below(30);
		for (n = 1; n < stream.length; n++)
			if (!fuzz_below(one_in))
				cuts[nr_cuts++] = n;
		read_in_pieces(&stream, cuts, nr_cuts, &outcome);
		assert_same(&expected, &outcome, round);
		refused += !!expected.error;
		whole += expected.is_whole;
	}
	print_message("%lu of %lu streams refused, %lu cut short\n", refused, rounds,
		      rounds - refused - whole);
	assert_in_range(refused, rounds / 20, rounds / 2);
	assert_in_range(whole, rounds / 4, rounds - rounds / 20);
}

static void a_stream_is_read_the_same_cut_in_two_anywhere_or_into_single_bytes(void **state)
{
	unsigned long round, rounds = fuzz_rounds() / 200;
	static struct outcome expected, outcome;
	static struct stream stream;
	size_t every[STREAM_MAX];
	size_t cut;

	(void)state;
	for (cut = 0; cut < STREAM_MAX; cut++)
		every[cut] = cut + 1;
	for (round = 0; round < rounds; round++) {
		fuzz_seed(round);
		random_stream(&stream);
		judge(&stream, &expected);
		for (cut = 0; cut <= stream.length; cut++) {
			read_in_pieces(&stream, &cut, 1, &outcome);
			assert_same(&expected, &outcome, round);
		}
		read_in_pieces(&stream, every, stream.length, &outcome);
		assert_same(&expected, &outcome, round);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_is_read_the_same_however_it_is_cut_into_pieces),
		cmocka_unit_test(a_stream_is_read_the_same_cut_in_two_anywhere_or_into_single_bytes),
	};

	return cmocka_run_group_tests_name("stream_fuzz", tests, NULL, NULL);
}
