/* SPDX-License-Identifier: GPL-2.0-only */
/* file.h: small files of /sys and /proc. */
#ifndef VMTEST_FILE_H
#define VMTEST_FILE_H

#include <stdbool.h>

/* The whole file, without its last newline, to be freed; NULL with errno when it cannot be read. */
char *file_read_try(const char *path);
/* The same; fails the test. */
char *file_read(const char *path);
long long file_read_number(const char *path);

/* Write TEXT in one write; returns 0 or a negative errno. */
int file_write_try(const char *path, const char *text);
/* The same; fails the test. */
void file_write(const char *path, const char *text);

bool file_exists(const char *path);
/* The permission bits, such as 0444. */
unsigned int file_mode(const char *path);

/* Milliseconds since boot, for deadlines. */
long long now_ms(void);
/* Let other tasks run for a moment, in loops that wait for a condition without an event. */
void pause_ms(int ms);
/* Wait until CONDITION holds, for at most MS milliseconds; is a bool. */
#define WAIT_UNTIL(condition, ms)							\
	({										\
		long long wait_end = now_ms() + (ms);					\
		bool wait_held;								\
											\
		while (!(wait_held = (condition)) && now_ms() < wait_end)		\
			pause_ms(5);							\
		wait_held;								\
	})

#endif
