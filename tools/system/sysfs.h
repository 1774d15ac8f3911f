/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files of the running system, below $VFIO_LATCH_ROOT if that is set: tests have a model of the
 * system there.
 *
 * Paths are given as format and arguments. Functions that return int return a negative errno when
 * they fail.
 */
#ifndef SYSFS_H
#define SYSFS_H

#include <stdbool.h>
#include <stddef.h>

#define PATH_SIZE 4096
#define NAME_SIZE 64

#define PRINTF(text, args) __attribute__((format(printf, text, args)))

/* Names of directory entries, sorted, without those that begin with a dot. */
struct names {
	char **name;
	size_t count;
};

/* sysfs.c APIs: */
const char *system_root(void);
void system_path(char path[PATH_SIZE], const char *format, ...) PRINTF(2, 3);
int attr_read(char *text, size_t size, const char *format, ...) PRINTF(3, 4);
int attr_write(const char *text, const char *format, ...) PRINTF(2, 3);
long attr_number(int base, const char *format, ...) PRINTF(2, 3);
int link_name(char *name, size_t size, const char *format, ...) PRINTF(3, 4);
bool exists(const char *format, ...) PRINTF(1, 2);
void list_names(struct names *names, const char *format, ...) PRINTF(2, 3);
bool any_directory(const char *directory, bool (*visit)(const char *directory, void *arg),
		   void *arg);
void free_names(struct names *names);

/* sysfs_store.c APIs: all writes to sysfs. */
int sysfs_store(const char *path, const char *text);

#endif
