// SPDX-License-Identifier: GPL-2.0-only
/* Reads lines of sections and pairs, of any length, and reports each faulty line by its number. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "configuration/ini_lines.h"
#include "system/text.h"

/* Keys below a faulty section line are skipped: their section is not known. */
enum section_state { NO_SECTION, IN_SECTION, IN_FAULTY_SECTION };

struct reader {
	const struct ini_user *user;
	unsigned int line;
	enum section_state state;
	char section[INI_SECTION_SIZE];
	unsigned int section_line;
};

static const char *section_fault(const char *line)
{
	size_t length = strcspn(line, "]");

	if (!line[length])
		return "section without \"]\"";
	if (length == 1)
		return "section without a name";
	if (length > INI_SECTION_SIZE)
		return "section name too long";
	return line[length + 1] ? "text behind the section's name" : NULL;
}

static const char *take_section(struct reader *reader, const char *line)
{
	const char *fault = section_fault(line);

	reader->state = fault ? IN_FAULTY_SECTION : IN_SECTION;
	reader->section_line = reader->line;
	if (!fault) {
		size_t length = strcspn(line, "]") - 1;

		memcpy(reader->section, line + 1, length);
		reader->section[length] = '\0';
	}
	return fault;
}

static char *skip_blanks(char *text)
{
	return text + strspn(text, " \t");
}

static void cut_blanks(char *text)
{
	size_t length = strlen(text);

	while (length && strchr(" \t", text[length - 1]))
		text[--length] = '\0';
}

static const char *take_pair(struct reader *reader, char *line)
{
	char *equals = strpbrk(line, "=:");

	if (!equals || equals == line)
		return "neither [section] nor key = value";
	if (reader->state == NO_SECTION)
		return "no section yet";
	*equals = '\0';
	cut_blanks(line);
	if (reader->state == IN_SECTION) {
		const struct ini_pair pair = {
			reader->section, line, skip_blanks(equals + 1), reader->section_line,
			reader->line
		};

		reader->user->pair(reader->user->user, &pair);
	}
	return NULL;
}

/* Cuts from # or ; at the line's start or after a blank. A section's name may have them. */
static void cut_comment(char *line)
{
	char *c = line;

	if (*c == '[')
		c += strcspn(c, "]");
	for (; *c; c++)
		if (strchr("#;", *c) && (c == line || strchr(" \t", c[-1]))) {
			*c = '\0';
			return;
		}
}

/* Returns the line's fault, or NULL. Comments may have any bytes but NUL. */
static const char *take_line(struct reader *reader, char *line, size_t length)
{
	bool has_nul = strlen(line) < length;

	line = skip_blanks(line);
	cut_comment(line);
	cut_blanks(line);
	if (has_nul)
		return "NUL byte";
	if (!text_is_clean(line))
		return "not UTF-8, or a control character";
	if (*line == '[')
		return take_section(reader, line);
	return *line ? take_pair(reader, line) : NULL;
}

/* Calls @user for each pair and for each faulty line. */
void ini_lines(FILE *stream, const struct ini_user *user)
{
	struct reader reader = { .user = user };
	const char *fault;
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	while ((length = getline(&line, &room, stream)) >= 0) {
		size_t mark = 0;

		reader.line++;
		while (length && (line[length - 1] == '\n' || line[length - 1] == '\r'))
			line[--length] = '\0';
		if (reader.line == 1 && !strncmp(line, "\xef\xbb\xbf", 3))
			mark = 3;
		fault = take_line(&reader, line + mark, length - mark);
		if (fault)
			user->fault(user->user, reader.line, fault);
	}
	free(line);
}
