// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>
#include <strings.h>

#include "device/tunable.h"

const char *const tunable_names[NR_TUNABLES] = {
	[DISABLE_IDLE_D3] = "disable_idle_d3",
	[DISABLE_VGA] = "disable_vga",
	[NOINTXMASK] = "nointxmask",
};

bool tunables_are_said(const enum wish tunable[NR_TUNABLES])
{
	int n;

	for (n = 0; n < NR_TUNABLES; n++)
		if (tunable[n] != UNSAID)
			return true;
	return false;
}

bool bool_parse(const char *text, bool *value)
{
	static const char *const words[] = {
		"no", "yes", "off", "on", "false", "true", "0", "1", "n", "y",
	};
	size_t n;

	for (n = 0; n < sizeof(words) / sizeof(words[0]); n++) {
		if (!strcasecmp(text, words[n])) {
			*value = n % 2;
			return true;
		}
	}
	return false;
}
