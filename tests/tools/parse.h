/* SPDX-License-Identifier: GPL-2.0-only */
/* A configuration from a text, for tests. */
#ifndef PARSE_H
#define PARSE_H

#include <stdio.h>
#include <string.h>

#include "configuration/config.h"

static inline void parse_more(struct config *config, const char *file, const char *text,
			      size_t size)
{
	FILE *stream = fmemopen((char *)text, size ? size : 1, "r");

	if (!size)
		fgetc(stream);
	config_parse(config, file, stream);
	fclose(stream);
}

static inline void parse(struct config *config, const char *text)
{
	*config = (struct config){};
	parse_more(config, "test.conf", text, strlen(text));
	config_finish(config);
}

#endif
