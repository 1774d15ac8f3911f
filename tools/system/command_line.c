// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "system/command_line.h"
#include "system/sysfs.h"

/* Whether @word stands on the kernel's command line. */
bool command_line_has(const char *word)
{
	char text[4096], *rest = text, *one;

	attr_read(text, sizeof(text), "/proc/cmdline");
	while ((one = strsep(&rest, " ")))
		if (!strcmp(one, word))
			return true;
	return false;
}
