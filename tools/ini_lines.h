/* SPDX-License-Identifier: GPL-2.0-only */
/* inih, with line numbers for all that is wrong. Pure logic. */
#ifndef INI_LINES_H
#define INI_LINES_H

#include <stdio.h>

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
