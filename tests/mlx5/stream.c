// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams that no driver would have saved are refused, and after a reset the VF is as good as
 * new. Streams that are unusual but right are taken. The kernel's driver keeps only a part of
 * this: it takes streams that are cut or go on, and memory for the size that a header claims.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 */
#include "vmtest.h"
#include "connectx.h"
#include "stream.h"

#define STATE(name) VFIO_DEVICE_STATE_##name
#define SIZE 100000
#define HEADER sizeof(struct stream_header)

CLEAN_UP
{
	connectx_clean_up();
}

static struct vfio_device *source, *target;
static struct migration_image good;
static uint64_t digest;

/* A good stream; with pre-copy it has two firmware images, a first one and a next one. */
static void open_two(void)
{
	connectx_open_two(&source, &target);
	CHECK_EQ(window_fill(source, SIZE, 31), WINDOW_DONE);
	if (migration_has_precopy()) {
		int data = migration_set(source, STATE(PRE_COPY));

		migration_read_dry(data, &good);
		CHECK_EQ(window_touch(source, 4096, 20000, 99), WINDOW_DONE);
		migration_set(source, STATE(STOP_COPY));
		migration_read(data, &good);
		close(data);
	} else {
		good = migration_save(source);
	}
	digest = window_digest(source);
}

static struct migration_image copy_of(const struct migration_image *image)
{
	struct migration_image copy = {};

	stream_add_bytes(&copy, image->bytes, image->size);
	return copy;
}

static void check_loads(const struct migration_image *image, const char *what)
{
	int error = migration_load_try(target, image);

	if (error)
		FAIL("%s: refused: %s", what, strerror(-error));
	if (window_digest(target) != digest)
		FAIL("%s: loaded, but what arrives is something else", what);
	migration_set(target, STATE(RUNNING));
}

static void check_refused(const struct migration_image *image, const char *what)
{
	int error = migration_load_try(target, image);

	if (!error)
		FAIL("%s: taken", what);
	test_note("%s: %s", what, strerrorname_np(-error));
	vfio_reset(target);
	CHECK_EQ(migration_state(target), STATE(RUNNING));
	check_loads(&good, "a good stream after it");
	vfio_reset(target);
}

/*
 * A driver that finds the fault at a write fails when it leaves RESUMING, too. A driver that finds
 * it in the firmware's answer may fail only then.
 */
static void check_damage(struct migration_image *image, const char *what)
{
	check_refused(image, what);
	free(image->bytes);
}

/* Everywhere that matters: within and behind each header, and within each payload. */
static void check_truncated(void)
{
	struct stream_header header;
	size_t offset = 0, next;

	open_two();
	while ((next = stream_next(&good, offset, &header))) {
		size_t cuts[] = { offset + 1, offset + HEADER / 2, offset + HEADER - 1,
				  offset + HEADER, offset + HEADER + header.size / 2, next - 1 };

		for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
			struct migration_image cut = { good.bytes, cuts[i] };
			char what[64];

			snprintf(what, sizeof(what), "cut at %zu of %zu", cuts[i], good.size);
			if (i && header.tag == STREAM_TAG_STOP_SIZE)
				continue;
			check_refused(&cut, what);
		}
		offset = next;
	}
}

TEST_OURS(a_truncated_stream_is_refused)
{
	check_truncated();
}

TEST_OURS(a_stream_without_anything_is_refused)
{
	struct migration_image none = {};

	open_two();
	check_refused(&none, "nothing");
}

TEST_WHEN(migration_has_records, a_stream_whose_last_image_is_missing_is_refused)
{
	struct migration_image cut = { .size = 0 };
	struct stream_header header;
	size_t offset = 0, next;

	open_two();
	/* Without the beginning of the series. */
	while ((next = stream_next(&good, offset, &header)) && header.tag != STREAM_TAG_FIRMWARE)
		offset = next;
	stream_add_bytes(&cut, good.bytes + next, good.size - next);
	check_damage(&cut, "only what changed");
}

TEST_WHEN(migration_has_records, a_stream_whose_images_are_swapped_is_refused)
{
	struct migration_image swapped = {};
	size_t starts[16], count = 0, offset = 0, next;
	struct stream_header header;

	open_two();
	while ((next = stream_next(&good, offset, &header))) {
		if (header.tag == STREAM_TAG_FIRMWARE && count < 15)
			starts[count++] = offset;
		offset = next;
	}
	CHECK_LE(2, count);
	for (size_t i = count; i--;) {
		next = stream_next(&good, starts[i], &header);
		stream_add_bytes(&swapped, good.bytes + starts[i], next - starts[i]);
	}
	check_damage(&swapped, "last image first");
}

TEST(a_stream_with_a_changed_byte_is_refused)
{
	/* In the firmware's header, in its data, and at its end; digests protect them. */
	static const double places[] = { 0.3, 0.5, 0.9 };

	open_two();
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct migration_image changed = copy_of(&good);

		changed.bytes[(size_t)(changed.size * places[i])] ^= 0x10;
		check_damage(&changed, "a byte changed");
	}
}

TEST_WHEN(migration_has_records, a_header_that_claims_too_much_is_refused_before_memory_is_taken)
{
	static const uint64_t sizes[] = {
		1ULL << 63, UINT64_MAX, UINT64_MAX - HEADER + 1, 1ULL << 40, 1ULL << 33,
	};

	open_two();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct migration_image huge = {};
		char what[64];

		stream_add_header(&huge, sizes[i], 0, STREAM_TAG_FIRMWARE);
		stream_add_bytes(&huge, good.bytes, good.size);
		snprintf(what, sizeof(what), "a header that claims %#llx",
			 (unsigned long long)sizes[i]);
		check_damage(&huge, what);
	}
}

static long long memory_available(void)
{
	char *text = file_read("/proc/meminfo"), *found = strstr(text, "MemAvailable:");
	long long kib = strtoll(found + strlen("MemAvailable:"), NULL, 10);

	free(text);
	return kib << 10;
}

/* The driver cannot know whether the header is right, but takes memory only for data that came. */
TEST_OURS(memory_grows_with_what_has_come_and_not_with_what_is_announced)
{
	struct migration_image announced = {};
	long long before;
	int data;

	open_two();
	stream_add_header(&announced, 512 << 20, 0, STREAM_TAG_FIRMWARE);
	stream_add_bytes(&announced, good.bytes, good.size);
	data = migration_set(target, STATE(RESUMING));
	before = memory_available();
	CHECK_EQ(migration_write_try(data, announced.bytes, announced.size), 0);
	CHECK_LT(before - memory_available(), 64 << 20);
	close(data);
}

TEST_WHEN(migration_has_records, an_unknown_record_is_refused_unless_it_is_optional)
{
	static const char payload[5000] = "what is this?";
	static const uint32_t tags[] = { 2, 77, UINT32_MAX };
	static const size_t sizes[] = { 0, 1, 4096, sizeof(payload) };

	open_two();
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			struct migration_image image = {};

			stream_add(&image, STREAM_OPTIONAL, tags[i], payload, sizes[j]);
			stream_add_bytes(&image, good.bytes, good.size);
			stream_add(&image, STREAM_OPTIONAL, tags[i], payload, sizes[j]);
			check_loads(&image, "unknown but optional");
			free(image.bytes);
		}
		struct migration_image image = {};

		stream_add(&image, 0, tags[i], payload, sizeof(payload));
		stream_add_bytes(&image, good.bytes, good.size);
		check_damage(&image, "unknown and not optional");
	}
}

TEST_OURS(an_optional_record_that_is_huge_is_skipped_without_memory)
{
	static const uint8_t zeroes[1 << 20];
	struct migration_image head = {};
	long long before;
	int data, none;

	open_two();
	stream_add_header(&head, 300ULL << 20, STREAM_OPTIONAL, 77);
	data = migration_set(target, STATE(RESUMING));
	before = memory_available();
	CHECK_EQ(migration_write_try(data, head.bytes, head.size), 0);
	for (int i = 0; i < 300; i++)
		CHECK_EQ(migration_write_try(data, zeroes, sizeof(zeroes)), 0);
	CHECK_LT(before - memory_available(), 64 << 20);
	CHECK_EQ(migration_write_try(data, good.bytes, good.size), 0);
	CHECK_EQ(migration_set_try(target, STATE(STOP), &none), 0);
	CHECK_EQ(window_digest(target), digest);
}

TEST_OURS(the_stop_copy_size_is_one_number)
{
	static const uint8_t bytes[16];
	struct migration_image image = {};

	open_two();
	stream_add(&image, 0, STREAM_TAG_STOP_SIZE, bytes, 16);
	stream_add_bytes(&image, good.bytes, good.size);
	check_damage(&image, "a size of 16 bytes");
}

TEST(a_stream_can_be_written_in_steps_of_any_size)
{
	static const size_t steps[] = { 1, 3, 15, 17, 4095, 4097, 65535 };

	open_two();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int data = migration_set(target, STATE(RESUMING)), none;
		size_t offset = 0;

		while (offset < good.size) {
			size_t left = good.size - offset;

			offset += CHECK_OK(write(data, good.bytes + offset,
						 left < steps[i] ? left : steps[i]));
		}
		CHECK_EQ(migration_set_try(target, STATE(STOP), &none), 0);
		close(data);
		CHECK_EQ(window_digest(target), digest);
		migration_set(target, STATE(RUNNING));
	}
}

/* Each record torn at each byte of its header, and around the ends of its payload. */
TEST_WHEN(migration_has_records, a_stream_can_be_split_anywhere_in_a_header)
{
	struct stream_header header;
	size_t offset = 0, next;

	open_two();
	while ((next = stream_next(&good, offset, &header))) {
		for (size_t split = offset + 1; split < offset + HEADER + 2; split++) {
			int data = migration_set(target, STATE(RESUMING)), none;

			CHECK_EQ(migration_write_try(data, good.bytes, split), 0);
			CHECK_EQ(migration_write_try(data, good.bytes + split, good.size - split),
				 0);
			CHECK_EQ(migration_set_try(target, STATE(STOP), &none), 0);
			close(data);
			CHECK_EQ(window_digest(target), digest);
			migration_set(target, STATE(RUNNING));
		}
		offset = next;
	}
}

/* A second stream after the first begins a new series, so the firmware takes the last one. */
TEST_WHEN(migration_has_records, a_stream_that_follows_another_replaces_it)
{
	struct migration_image twice;

	open_two();
	twice = copy_of(&good);
	stream_add_bytes(&twice, good.bytes, good.size);
	check_loads(&twice, "twice the same");
}

TEST_OURS(rubbish_after_a_stream_is_refused)
{
	struct migration_image longer;
	uint8_t rubbish[64];

	open_two();
	memset(rubbish, 0xa5, sizeof(rubbish));
	longer = copy_of(&good);
	stream_add_bytes(&longer, rubbish, sizeof(rubbish));
	check_damage(&longer, "64 bytes of rubbish at the end");
	longer = copy_of(&good);
	stream_add_bytes(&longer, rubbish, 5);
	check_damage(&longer, "5 bytes of rubbish at the end");
}

TEST_WHEN(migration_has_records, an_image_that_the_firmware_refuses_is_an_error)
{
	struct migration_image image = {};
	uint8_t zeroes[8192] = {};

	open_two();
	stream_add(&image, 0, STREAM_TAG_FIRMWARE, zeroes, sizeof(zeroes));
	check_damage(&image, "an image of zeroes");
}

/*
 * The same bits every time: a failure can be repeated. Not with the kernel's driver, which takes
 * all memory that a damaged header names: the guest dies.
 */
TEST_OURS(sixty_damaged_streams_leave_a_vf_that_works)
{
	uint64_t random = 88172645463325252ULL;
	int taken = 0;

	open_two();
	for (int round = 0; round < 60; round++) {
		struct migration_image image = copy_of(&good);

		for (int hit = 0; hit < 3; hit++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			/* Half of them in the first headers. */
			image.bytes[random % (round % 2 ? image.size : 128)] = random >> 32;
		}
		if (!migration_load_try(target, &image))
			taken++;
		free(image.bytes);
		vfio_reset(target);
		CHECK_EQ(migration_state(target), STATE(RUNNING));
	}
	test_note("%d were taken", taken);
	check_loads(&good, "a good stream after them");
}
