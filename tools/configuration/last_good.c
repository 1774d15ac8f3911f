// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last configuration without a fault that was applied to all devices. It applies to devices
 * that appear while the files have a fault: a typing error decides nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configuration/config.h"
#include "configuration/last_good.h"
#include "system/lock.h"
#include "system/report.h"
#include "system/state.h"
#include "system/sysfs.h"

#define DIRECTORY "/var/lib/vfio-latch"
#define LAST_GOOD DIRECTORY "/last-good.conf"

/* A hash of the text before it: a text that was cut short or changed is not used. */
#define END_FORMAT "# end %016" PRIx64 "\n"
#define END_SIZE 24

static void write_end(char end[END_SIZE], const char *text, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325;
	size_t n;

	/* FNV-1a guards against accidents. */
	for (n = 0; n < size; n++)
		hash = (hash ^ (unsigned char)text[n]) * 0x100000001b3;
	snprintf(end, END_SIZE, END_FORMAT, hash);
}

static bool is_whole(const char *text, size_t size)
{
	char end[END_SIZE];
	size_t length;

	write_end(end, text, 0);
	length = strlen(end);
	if (size < length)
		return false;
	write_end(end, text, size - length);
	return !memcmp(text + size - length, end, length);
}

/* Returns NULL and sets errno if it cannot be read. */
static char *read_text(size_t *size)
{
	char path[PATH_SIZE], *text = NULL;
	size_t room = 0;
	ssize_t length;
	FILE *file;

	system_path(path, LAST_GOOD);
	file = fopen(path, "re");
	if (!file)
		return NULL;
	/* It has no NUL. */
	length = getdelim(&text, &room, '\0', file);
	fclose(file);
	*size = length < 0 ? 0 : length;
	return text;
}

static int write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	int ret;

	if (!file)
		return -errno;
	ret = fputs(text, file) < 0 || fflush(file) || fsync(fileno(file)) ? -EIO : 0;
	if (fclose(file))
		ret = -errno;
	return ret;
}

static int write_text(const char *text)
{
	char path[PATH_SIZE], temporary[PATH_SIZE];
	int ret;

	system_path(path, DIRECTORY);
	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	system_path(path, LAST_GOOD);
	system_path(temporary, LAST_GOOD ".new");
	ret = write_file(temporary, text);
	return ret ? ret : rename(temporary, path) ? -errno : 0;
}

static bool is_written(const char *text)
{
	size_t size;
	char *found = read_text(&size);
	bool same = found && size == strlen(text) && !memcmp(found, text, size);

	free(found);
	return same;
}

/* The text of a file that says the same, with its end. */
static char *config_text(const struct config *config)
{
	char *text = NULL, end[END_SIZE];
	size_t size, n;
	FILE *stream;

	stream = open_memstream(&text, &size);
	if (!stream)
		abort();
	fputs("# Written by vfio-latch: the last configuration that had no fault.\n", stream);
	for (n = 0; n < config->section_count; n++)
		section_write(&config->section[n], stream);
	fflush(stream);
	write_end(end, text, size);
	fputs(end, stream);
	fclose(stream);
	return text;
}

/* Only one at a time: two writers of the same temporary file would mix their texts. */
static void write_locked(const char *text)
{
	int lock = lock_take("last-good"), ret;

	if (lock < 0) {
		error(STATE_DIRECTORY "/last-good: %s", strerror(-lock));
		return;
	}
	ret = is_written(text) ? 0 : write_text(text);
	if (ret)
		error(LAST_GOOD ": %s", strerror(-ret));
	lock_release(lock);
}

/* Reports a file that cannot be written, and goes on. */
void last_good_save(const struct config *config)
{
	char *text = config_text(config), stamp[PATH_SIZE];

	write_locked(text);
	free(text);
	/* The next fault is reported even if it is the same. */
	system_path(stamp, STATE_DIRECTORY "/fault");
	unlink(stamp);
}

static enum last_good parse_text(struct config *config, char *text, size_t size)
{
	FILE *stream;

	*config = (struct config){};
	if (!is_whole(text, size))
		return LAST_GOOD_DAMAGED;
	stream = fmemopen(text, size, "r");
	if (!stream)
		abort();
	config_parse(config, LAST_GOOD, stream);
	fclose(stream);
	config_finish(config);
	return config->fault_count ? LAST_GOOD_DAMAGED : LAST_GOOD_USED;
}

/* @config is empty unless LAST_GOOD_USED is returned. */
enum last_good last_good_load(struct config *config)
{
	enum last_good outcome = LAST_GOOD_MISSING;
	size_t size;
	char *text = read_text(&size);

	*config = (struct config){};
	if (text)
		outcome = parse_text(config, text, size);
	else if (errno != ENOENT)
		outcome = LAST_GOOD_DAMAGED;
	free(text);
	if (outcome != LAST_GOOD_USED)
		config_free(config);
	return outcome;
}

static const char *consequence(enum last_good outcome)
{
	switch (outcome) {
	case LAST_GOOD_USED:
		return "the last good configuration holds";
	case LAST_GOOD_DAMAGED:
		return "new VFs that it may match get no driver: " LAST_GOOD " is damaged";
	default:
		return "new VFs that it may match get no driver: there is no good configuration";
	}
}

/* Reports a text once: udev calls for every function. */
static void report_once(const char *text)
{
	char told[1024] = "";
	int lock = lock_take_bounded("fault");

	if (lock >= 0 && pread(lock, told, sizeof(told) - 1, 0) >= 0 && !strcmp(told, text)) {
		lock_release(lock);
		return;
	}
	error("%s", text);
	if (lock < 0)
		return;
	if (ftruncate(lock, 0) || pwrite(lock, text, strlen(text), 0) < 0)
		error(STATE_DIRECTORY "/fault: %s", strerror(errno));
	lock_release(lock);
}

void last_good_report(const struct config *faulty, enum last_good outcome)
{
	char text[1024];
	size_t length;

	fault_text(config_refused(faulty), text, sizeof(text) / 2);
	length = strlen(text);
	snprintf(text + length, sizeof(text) - length, "; until this is mended, %s",
		 consequence(outcome));
	report_once(text);
}

/* Reports the first fault of a configuration whose faults are all one section's alone. */
void section_fault_report(const struct config *config)
{
	char text[1024];
	size_t length;

	fault_text(&config->fault[0], text, sizeof(text) / 2);
	length = strlen(text);
	snprintf(text + length, sizeof(text) - length,
		 "; until this is mended, section [%s] binds nothing", config->fault[0].section);
	report_once(text);
}
