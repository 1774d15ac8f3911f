/* SPDX-License-Identifier: GPL-2.0-only */
/* Sections and pairs, with line numbers for all faults. Pure logic. */
#ifndef INI_LINES_H
#define INI_LINES_H

#include <stdio.h>

/* The size of a section's name, with its NUL byte. */
#define INI_SECTION_SIZE 50

struct ini_pair {
	const char *section, *key, *value;
	unsigned int section_line, line;
};

struct ini_user {
	void (*pair)(void *user, const struct ini_pair *pair);
	void (*fault)(void *user, unsigned int line, const char *text);
	void *user;
};

/* ini_lines.c APIs: */
void ini_lines(FILE *stream, const struct ini_user *user);

#endif
