// SPDX-License-Identifier: GPL-2.0-only
/*
 * inih tells its handler which line it is at only where it was built to do so,
 * cuts long lines and long section names off in silence, and takes an indented
 * line for the rest of the one before. It gets its lines from here: counted, without
 * their indentation, and none that it would read otherwise than it stands there.
 */
#include <ini.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ini_lines.h"
#include "text.h"

/* What inih has room for in its most modest build, with end of line and of string. */
#define LINE_MAX_SIZE 200
#define SECTION_MAX_SIZE 50

/* Keys below a section's faulty line are passed over: where they belong is not known. */
enum section_state { NO_SECTION, IN_SECTION, IN_FAULTY_SECTION };

struct reader {
	FILE *stream;
	const struct ini_user *user;
	unsigned int line;
	enum section_state section;
	unsigned int section_line;
};

static const char *section_fault(const char *line)
{
	size_t length = strcspn(line, "]");
	const char *rest;

	if (!line[length])
		return "section without \"]\"";
	if (length == 1)
		return "section without a name";
	if (length > SECTION_MAX_SIZE)
		return "section name too long";
	rest = line + length + 1;
	rest += strspn(rest, " \t");
	return *rest && !strchr("#;", *rest) ? "text behind the section's name" : NULL;
}

/* What is wrong with a line by itself, or NULL. */
static const char *line_fault(struct reader *reader, const char *line, size_t length)
{
	const char *fault;

	if (strlen(line) < length)
		return "NUL byte";
	if (length > LINE_MAX_SIZE - 2)
		return "line too long";
	if (!text_is_clean(line))
		return "not UTF-8, or a control character";
	if (*line != '[')
		return NULL;
	fault = section_fault(line);
	reader->section = fault ? IN_FAULTY_SECTION : IN_SECTION;
	reader->section_line = reader->line;
	return fault;
}

static bool is_comment(const char *line)
{
	return *line && strchr("#;", *line);
}

/* An ini_reader: gives @text the next line. One that is at fault counts as empty. */
static char *next_line(char *text, int size, void *user)
{
	struct reader *reader = user;
	char *line = NULL, *start;
	const char *fault;
	size_t room = 0;
	ssize_t length;

	length = getline(&line, &room, reader->stream);
	if (length < 0) {
		free(line);
		return NULL;
	}
	reader->line++;
	while (length && strchr("\r\n", line[length - 1]) && line[length - 1])
		line[--length] = '\0';
	start = line;
	if (reader->line == 1 && !strncmp(start, "\xef\xbb\xbf", 3))
		start += 3;
	start += strspn(start, " \t");

	fault = is_comment(start) ? NULL : line_fault(reader, start, length - (start - line));
	if (fault)
		reader->user->fault(reader->user->user, reader->line, fault);
	snprintf(text, size, "%s\n", fault || is_comment(start) ? "" : start);
	free(line);
	return text;
}

static int take_pair(void *user, const char *section, const char *key, const char *value)
{
	struct reader *reader = user;
	const struct ini_pair pair = { section, key, value, reader->section_line, reader->line };

	if (reader->section == NO_SECTION)
		reader->user->fault(reader->user->user, reader->line, "no section yet");
	else if (reader->section == IN_SECTION)
		reader->user->pair(reader->user->user, &pair);
	return 1;
}

/* inih with take_pair() as its handler names one line, the first that is none of its kinds. */
void ini_lines(FILE *stream, const struct ini_user *user)
{
	struct reader reader = { .stream = stream, .user = user };
	int line;

	line = ini_parse_stream(next_line, &reader, take_pair, &reader);
	if (line > 0)
		user->fault(user->user, line, "neither [section] nor key = value");
	else if (line < 0)
		user->fault(user->user, reader.line, "out of memory");
}
