// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/cost.h"
#include "system/sysfs.h"

const char *const command_names[NR_COMMANDS] = {
	[SUSPEND] = "suspend", [RESUME] = "resume", [SAVE] = "save", [LOAD] = "load",
};

static void take_line(struct cost *cost, const char *name, const char *value)
{
	char key[16];
	int n;

	if (!strcmp(name, "direction"))
		snprintf(cost->direction, sizeof(cost->direction), "%s", value);
	else if (!strcmp(name, "end"))
		snprintf(cost->end, sizeof(cost->end), "%s", value);
	else if (!strcmp(name, "bytes"))
		cost->bytes = strtoull(value, NULL, 10);
	else if (!strcmp(name, "precopy_bytes"))
		cost->precopy_bytes = strtoull(value, NULL, 10);
	for (n = 0; n < NR_COMMANDS; n++) {
		snprintf(key, sizeof(key), "%s_count", command_names[n]);
		if (!strcmp(name, key))
			cost->count[n] = strtoull(value, NULL, 10);
		snprintf(key, sizeof(key), "%s_us", command_names[n]);
		if (!strcmp(name, key))
			cost->us[n] = strtoull(value, NULL, 10);
	}
}

/* Ignores unknown names: a newer driver may have more. */
void cost_read(struct cost *cost, const char address[ADDRESS_SIZE])
{
	char text[1024], *rest = text, *line, *value;

	*cost = (struct cost){};
	if (attr_read(text, sizeof(text), "/sys/bus/pci/devices/%s/vfio_pci/last_migration",
		      address) < 0)
		return;
	while ((line = strsep(&rest, "\n"))) {
		value = strchr(line, ' ');
		if (!value)
			continue;
		*value++ = '\0';
		take_line(cost, line, value);
	}
}
