// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <string.h>

#include "configuration/values.h"
#include "system/devlink.h"
#include "system/sysfs.h"

/* A driver's name becomes part of paths. */
bool is_driver_name(const char *text)
{
	size_t n;

	for (n = 0; text[n]; n++)
		if (!isalnum((unsigned char)text[n]) && text[n] != '-' && text[n] != '_')
			return false;
	return n > 0 && n < NAME_SIZE;
}

/* Returns the fault of @text, the name or number of a user or of a group, or NULL. */
const char *owner_fault(const char *text)
{
	size_t n;

	for (n = 0; text[n]; n++)
		if (isspace((unsigned char)text[n]) || strchr(":/,", text[n]))
			return "not a name";
	return !n || n > 32 || *text == '-' ? "not a name" : NULL;
}

bool mode_parse(const char *text, mode_t *mode)
{
	size_t n;

	*mode = 0;
	for (n = 0; text[n]; n++) {
		if (n == 4 || text[n] < '0' || text[n] > '7')
			return false;
		*mode = *mode * 8 + (text[n] - '0');
	}
	return n && !(*mode & ~0666);
}

const char *mode_fault(const char *text)
{
	mode_t mode;

	return mode_parse(text, &mode) ? NULL : "not an octal mode of at most 0666, to read and to write";
}

bool num_vfs_parse(const char *text, unsigned int *number)
{
	size_t n;

	*number = 0;
	for (n = 0; text[n]; n++) {
		if (n == 5 || !isdigit((unsigned char)text[n]))
			return false;
		*number = *number * 10 + (text[n] - '0');
	}
	return n && *number <= 65535;
}

/* Returns ESWITCH_LEGACY or ESWITCH_SWITCHDEV, or -1. */
int eswitch_mode_parse(const char *text)
{
	int mode;

	for (mode = ESWITCH_SWITCHDEV; mode >= 0; mode--)
		if (!strcmp(text, eswitch_mode_names[mode]))
			break;
	return mode;
}
