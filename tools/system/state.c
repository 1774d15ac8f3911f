// SPDX-License-Identifier: GPL-2.0-only
/* Files of STATE_DIRECTORY, which is made for the first of them. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/state.h"
#include "system/sysfs.h"

/* Opens or makes a file. Returns it, or -errno. */
int state_open(const char *name, int flags, mode_t mode)
{
	char path[PATH_SIZE];
	int fd;

	system_path(path, STATE_DIRECTORY);
	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	system_path(path, STATE_DIRECTORY "/%s", name);
	fd = open(path, flags | O_CREAT | O_CLOEXEC, mode);
	return fd < 0 ? -errno : fd;
}

/* Leaves @text as the content of a file that everybody may read. Returns 0 or -errno. */
int state_write(const char *text, const char *format, ...)
{
	ssize_t length = strlen(text);
	char name[NAME_SIZE];
	va_list args;
	int fd, ret;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	fd = state_open(name, O_WRONLY | O_TRUNC, 0644);
	if (fd < 0)
		return fd;
	ret = write(fd, text, length) == length ? 0 : -EIO;
	close(fd);
	return ret;
}

void state_remove(const char *format, ...)
{
	char name[NAME_SIZE], path[PATH_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	system_path(path, STATE_DIRECTORY "/%s", name);
	unlink(path);
}
