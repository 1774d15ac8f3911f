// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last configuration that all devices were given, without a fault. It holds for devices that
 * appear while there is a fault in the files: who mistypes has not decided anything.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "last_good.h"
#include "lock.h"
#include "report.h"
#include "sysfs.h"

#define DIRECTORY "/var/lib/vfio-latch"
#define LAST_GOOD DIRECTORY "/last-good.conf"

static int write_text(const char *text)
{
	char path[PATH_SIZE], temporary[PATH_SIZE];
	FILE *file;
	int ret;

	system_path(path, DIRECTORY);
	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	system_path(path, LAST_GOOD);
	system_path(temporary, LAST_GOOD ".new");
	file = fopen(temporary, "we");
	if (!file)
		return -errno;
	ret = fputs(text, file) < 0 || fflush(file) || fsync(fileno(file)) ? -EIO : 0;
	if (fclose(file))
		ret = -errno;
	return ret ? ret : rename(temporary, path) ? -errno : 0;
}

static bool is_written(const char *text)
{
	char path[PATH_SIZE], *found = NULL;
	size_t size = 0;
	FILE *file;
	bool same;

	system_path(path, LAST_GOOD);
	file = fopen(path, "re");
	same = file && getdelim(&found, &size, '\0', file) >= 0 && !strcmp(found, text);
	free(found);
	if (file)
		fclose(file);
	return same;
}

/* A file that cannot be written is told, and no reason to do nothing. */
void last_good_save(const struct config *config)
{
	char *text = NULL, stamp[PATH_SIZE];
	size_t size, n;
	FILE *stream;
	int ret;

	stream = open_memstream(&text, &size);
	if (!stream)
		abort();
	fputs("# Written by vfio-latch: the last configuration that had no fault.\n", stream);
	for (n = 0; n < config->section_count; n++)
		section_write(&config->section[n], stream);
	fclose(stream);
	ret = is_written(text) ? 0 : write_text(text);
	if (ret)
		error(LAST_GOOD ": %s", strerror(-ret));
	free(text);
	/* The next fault is told, be it the same. */
	system_path(stamp, STATE_DIRECTORY "/fault");
	unlink(stamp);
}

/* False if there is none. */
bool last_good_load(struct config *config)
{
	char path[PATH_SIZE], *file = path;

	system_path(path, LAST_GOOD);
	config_load_files(config, &file, 1);
	if (!config->fault_count)
		return true;
	config_free(config);
	return false;
}

/* Once for each fault: udev calls for every function. */
void last_good_report(const struct config *faulty, bool is_used)
{
	char told[1024] = "", text[1024];
	size_t length;
	int lock;

	fault_text(&faulty->fault[0], text, sizeof(text) / 2);
	length = strlen(text);
	snprintf(text + length, sizeof(text) - length, "; until this is mended, %s",
		 is_used ? "the last good configuration holds" :
		 "new VFs that it may be about get no driver: there is no good configuration");
	lock = lock_take("fault");
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
