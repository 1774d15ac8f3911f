// SPDX-License-Identifier: GPL-2.0-only
/* Reading and writing the files of the running system. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/sysfs.h"

/* Not from the environment of a caller with fewer privileges than this program. */
const char *system_root(void)
{
	const char *root = secure_getenv("VFIO_LATCH_ROOT");

	return root ? root : "";
}

static void vpath(char path[PATH_SIZE], const char *format, va_list args)
{
	int length = snprintf(path, PATH_SIZE, "%s", system_root());

	if (length >= PATH_SIZE - 1)
		length = 0;
	vsnprintf(path + length, PATH_SIZE - length, format, args);
}

#define PATH_FROM(path, format) do {		\
	va_list args;				\
						\
	va_start(args, format);			\
	vpath(path, format, args);		\
	va_end(args);				\
} while (0)

void system_path(char path[PATH_SIZE], const char *format, ...)
{
	PATH_FROM(path, format);
}

static int read_file(char *text, size_t size, const char *path)
{
	ssize_t length;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	length = read(fd, text, size - 1);
	if (length < 0)
		length = -errno;
	close(fd);
	return length;
}

/* Reads an attribute without newlines at its end. @text is empty if it cannot be read. */
int attr_read(char *text, size_t size, const char *format, ...)
{
	char path[PATH_SIZE];
	int length;

	PATH_FROM(path, format);
	length = read_file(text, size, path);
	while (length > 0 && text[length - 1] == '\n')
		length--;
	text[length > 0 ? length : 0] = '\0';
	return length;
}

/* sysfs does not notice an empty write: an empty @text is written as an empty line. */
int attr_write(const char *text, const char *format, ...)
{
	char path[PATH_SIZE];

	PATH_FROM(path, format);
	return sysfs_store(path, *text ? text : "\n");
}

/* The number in an attribute, or -1. */
long attr_number(int base, const char *format, ...)
{
	char path[PATH_SIZE], text[64], *end;
	long number;
	int length;

	PATH_FROM(path, format);
	length = read_file(text, sizeof(text), path);
	if (length <= 0)
		return -1;
	text[length] = '\0';
	number = strtol(text, &end, base);
	return end == text ? -1 : number;
}

/* Reads the last part of a symbolic link's target. @name is empty if there is no such link. */
int link_name(char *name, size_t size, const char *format, ...)
{
	char path[PATH_SIZE], target[PATH_SIZE];
	const char *last;
	ssize_t length;

	PATH_FROM(path, format);
	name[0] = '\0';
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	last = strrchr(target, '/');
	snprintf(name, size, "%s", last ? last + 1 : target);
	return 0;
}

bool exists(const char *format, ...)
{
	char path[PATH_SIZE];

	PATH_FROM(path, format);
	return access(path, F_OK) == 0;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int is_directory(const struct dirent *entry)
{
	return is_visible(entry) && entry->d_type == DT_DIR;
}

static int by_bytes(const struct dirent **one, const struct dirent **other)
{
	return strcmp((*one)->d_name, (*other)->d_name);
}

static void scan(struct names *names, const char *path, int (*filter)(const struct dirent *entry))
{
	struct dirent **entry = NULL;
	int n, count;

	*names = (struct names){};
	count = scandir(path, &entry, filter, by_bytes);
	if (count <= 0) {
		free(entry);
		return;
	}
	names->name = calloc(count, sizeof(*names->name));
	for (n = 0; n < count; n++) {
		if (names->name)
			names->name[names->count++] = strdup(entry[n]->d_name);
		free(entry[n]);
	}
	free(entry);
}

void list_names(struct names *names, const char *format, ...)
{
	char path[PATH_SIZE];

	PATH_FROM(path, format);
	scan(names, path, is_visible);
}

/*
 * Calls @visit for @directory and all below it, until it returns true. Links are not followed,
 * except @directory itself.
 */
bool any_directory(const char *directory, bool (*visit)(const char *directory, void *arg),
		   void *arg)
{
	char path[PATH_SIZE];
	struct names names;
	bool found;
	size_t n;

	found = visit(directory, arg);
	if (found)
		return true;
	system_path(path, "%s", directory);
	scan(&names, path, is_directory);
	for (n = 0; n < names.count && !found; n++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names.name[n]);
		found = any_directory(path, visit, arg);
	}
	free_names(&names);
	return found;
}

void free_names(struct names *names)
{
	size_t n;

	for (n = 0; n < names->count; n++)
		free(names->name[n]);
	free(names->name);
	*names = (struct names){};
}
