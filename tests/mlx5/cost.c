// SPDX-License-Identifier: GPL-2.0-only
/*
 * sysfs shows what a VF's last migration cost: its bytes, the firmware's commands and their
 * time, and its result.
 *
 * vm-machine: connectx
 * vm-drivers: ours
 * vm-modules: mlx5_core
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connectx.h"
#include "stream.h"
#include "vmtest.h"

#define MIB (1 << 20)
/* What the model takes for a command, in microseconds: see the machine. */
#define COMMAND_US 200

CLEAN_UP
{
	connectx_clean_up();
}

static struct vfio_device *source, *target;

static void open_two(uint64_t size)
{
	connectx_open_two(&source, &target);
	CHECK_EQ(window_fill(source, size, 77), WINDOW_DONE);
}

static char *record(const char *bdf)
{
	return pci_attr(bdf, "vfio_pci/last_migration");
}

/* The text behind KEY, to be freed. */
static char *word(const char *bdf, const char *key)
{
	char *text = record(bdf), *line, *rest = text, *found = NULL;
	size_t length = strlen(key);

	while (!found && (line = strsep(&rest, "\n")))
		if (!strncmp(line, key, length) && line[length] == ' ')
			found = strdup(line + length + 1);
	if (!found)
		FAIL("the record has no %s", key);
	free(text);
	return found;
}

static unsigned long long number(const char *bdf, const char *key)
{
	char *text = word(bdf, key);
	unsigned long long value = strtoull(text, NULL, 10);

	free(text);
	return value;
}

static void check_record(const char *bdf, const char *direction, const char *end)
{
	char *text = word(bdf, "direction");

	CHECK_STR(text, direction);
	free(text);
	text = word(bdf, "end");
	CHECK_STR(text, end);
	free(text);
}

/* COUNT commands, each of which took its time. */
static void check_commands(const char *bdf, const char *command, unsigned int count)
{
	char key[32];

	snprintf(key, sizeof(key), "%s_count", command);
	CHECK_EQ(number(bdf, key), count);
	snprintf(key, sizeof(key), "%s_us", command);
	CHECK_LE(count * COMMAND_US, number(bdf, key));
}

static uint64_t image_bytes(const struct migration_image *image)
{
	struct stream_header header;
	uint64_t bytes = 0;
	size_t offset = 0;

	while ((offset = stream_next(image, offset, &header)))
		if (header.tag == STREAM_TAG_FIRMWARE)
			bytes += header.size;
	return bytes;
}

TEST(a_vf_that_was_not_migrated_has_an_empty_record)
{
	char *text;

	open_two(MIB);
	migration_set(source, VFIO_DEVICE_STATE_STOP);
	migration_set(source, VFIO_DEVICE_STATE_RUNNING);
	text = record(source->bdf);
	CHECK_STR(text, "");
	free(text);
}

TEST(both_sides_say_what_a_migration_cost)
{
	struct migration_image image;

	connectx_configure("chunk-size", "262144");
	open_two(3 * MIB);
	image = migration_save(source);
	check_record(source->bdf, "save", "completed");
	CHECK_EQ(number(source->bdf, "bytes"), image_bytes(&image));
	CHECK_EQ(number(source->bdf, "precopy_bytes"), 0);
	check_commands(source->bdf, "suspend", 2);
	check_commands(source->bdf, "save", stream_count(&image, STREAM_TAG_FIRMWARE));
	check_commands(source->bdf, "load", 0);
	check_commands(source->bdf, "resume", 0);

	migration_load(target, &image);
	migration_set(target, VFIO_DEVICE_STATE_RUNNING);
	check_record(target->bdf, "load", "completed");
	CHECK_EQ(number(target->bdf, "bytes"), image_bytes(&image));
	CHECK_EQ(number(target->bdf, "precopy_bytes"), 0);
	check_commands(target->bdf, "suspend", 2);
	check_commands(target->bdf, "save", 0);
	check_commands(target->bdf, "load", stream_count(&image, STREAM_TAG_FIRMWARE));
	check_commands(target->bdf, "resume", 2);
}

TEST(what_was_saved_before_the_stop_is_told_apart)
{
	struct migration_image first = {}, rest = {};
	int data;

	open_two(2 * MIB);
	data = migration_set(source, VFIO_DEVICE_STATE_PRE_COPY);
	migration_read_dry(data, &first);
	check_record(source->bdf, "save", "under-way");
	migration_set(source, VFIO_DEVICE_STATE_STOP_COPY);
	migration_read(data, &rest);
	migration_set(source, VFIO_DEVICE_STATE_STOP);
	check_record(source->bdf, "save", "completed");
	CHECK_EQ(number(source->bdf, "precopy_bytes"), image_bytes(&first));
	CHECK_EQ(number(source->bdf, "bytes"), image_bytes(&first) + image_bytes(&rest));
	check_commands(source->bdf, "suspend", 2);
}

TEST(the_record_stays_until_the_next_migration)
{
	struct migration_image image;
	char *before, *after;
	const char *vf;

	open_two(MIB);
	vf = pci_vf(connectx_pf(), 0);
	image = migration_save(source);
	migration_set(source, VFIO_DEVICE_STATE_RUNNING);
	before = record(source->bdf);
	migration_set(source, VFIO_DEVICE_STATE_STOP);
	migration_set(source, VFIO_DEVICE_STATE_RUNNING);
	vfio_close(source);
	after = record(vf);
	CHECK_STR(after, before);
	source = vfio_open(vf);
	migration_load(source, &image);
	check_record(source->bdf, "load", "completed");
}

TEST(a_migration_that_is_given_up_is_recorded_as_given_up)
{
	open_two(MIB);
	migration_set(source, VFIO_DEVICE_STATE_PRE_COPY);
	migration_set(source, VFIO_DEVICE_STATE_RUNNING);
	check_record(source->bdf, "save", "given-up");
}

TEST(a_stream_that_is_not_read_to_its_end_is_given_up)
{
	char some[1000];
	int data;

	open_two(MIB);
	data = migration_set(source, VFIO_DEVICE_STATE_STOP_COPY);
	CHECK_LT(0, read(data, some, sizeof(some)));
	migration_set(source, VFIO_DEVICE_STATE_STOP);
	check_record(source->bdf, "save", "given-up");
}

TEST(what_the_firmware_refuses_has_failed)
{
	struct migration_image image = {};
	int data;

	kmsg_expect(MLX5_COMPLAINT);
	open_two(MIB);
	connectx_set("fault", "SAVE_VHCA_STATE status=0x1");
	data = migration_set(source, VFIO_DEVICE_STATE_STOP_COPY);
	CHECK_NE(migration_read_try(data, &image), 0);
	migration_set(source, VFIO_DEVICE_STATE_STOP);
	check_record(source->bdf, "save", "failed");
	check_commands(source->bdf, "save", 1);
}

TEST(a_migration_that_does_not_begin_has_failed)
{
	open_two(MIB);
	migration_set(source, VFIO_DEVICE_STATE_STOP);
	kmsg_expect(MLX5_COMPLAINT);
	connectx_set("fault", "QUERY_VHCA_MIGRATION_STATE status=0x1");
	CHECK_NE(migration_set_try(source, VFIO_DEVICE_STATE_STOP_COPY, &(int){ -1 }), 0);
	check_record(source->bdf, "save", "failed");
	CHECK_EQ(number(source->bdf, "bytes"), 0);
	check_commands(source->bdf, "save", 0);
}

TEST(a_stream_that_is_refused_has_failed)
{
	struct migration_image image = {};

	open_two(MIB);
	stream_add(&image, 0, 99, "?", 1);
	CHECK_NE(migration_load_try(target, &image), 0);
	check_record(target->bdf, "load", "under-way");
	CHECK_NE(migration_set_try(target, VFIO_DEVICE_STATE_STOP, &(int){ -1 }), 0);
	check_record(target->bdf, "load", "failed");
}

/* A save that does not begin because the VF is being reset has not failed. */
TEST(a_reset_amid_the_chunks_is_recorded_as_a_reset)
{
	connectx_configure("chunk-size", "262144");
	open_two(3 * MIB);
	connectx_set("fault", "SAVE_VHCA_STATE delay=60");
	migration_set(source, VFIO_DEVICE_STATE_STOP_COPY);
	vfio_reset(source);
	CHECK_EQ(migration_state(source), VFIO_DEVICE_STATE_RUNNING);
	/* The next request that takes the driver's lock ends the session, or has it ended. */
	migration_data_size(source);
	check_record(source->bdf, "save", "reset");
}

TEST(a_reset_and_a_close_amid_a_migration_are_recorded)
{
	open_two(MIB);
	migration_set(source, VFIO_DEVICE_STATE_PRE_COPY);
	vfio_reset(source);
	CHECK_EQ(migration_state(source), VFIO_DEVICE_STATE_RUNNING);
	/* The next request that takes the driver's lock ends the session, or has it ended. */
	migration_data_size(source);
	check_record(source->bdf, "save", "reset");
	migration_bring_to(source, VFIO_DEVICE_STATE_RESUMING);
	vfio_close(source);
	check_record(pci_vf(connectx_pf(), 0), "load", "closed");
}
