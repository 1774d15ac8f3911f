// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "commands/command.h"

static void print(const struct inventory *inventory, const struct options *options)
{
	if (options->format == FORMAT_JSON)
		json_print_list(inventory);
	else if (options->format == FORMAT_PROMETHEUS)
		prometheus_print(inventory);
	else
		table_print(inventory, &options->columns, options->no_legend);
}

/* Reports a malformed configuration, and shows the devices without it. */
enum exit_code cmd_list(const struct options *options)
{
	struct inventory inventory;
	struct devices devices;
	enum exit_code code;
	size_t n;

	inventory_open(&inventory);
	devices_read(&devices);
	for (n = 0; n < devices.count; n++)
		if (is_inventoried(&inventory, &devices.device[n]))
			inventory_add(&inventory, &devices.device[n]);
	print(&inventory, options);

	print_faults(&inventory.config);
	code = inventory.config.fault_count ? EXIT_CONFIG : EXIT_DONE;
	free(devices.device);
	inventory_close(&inventory);
	return code;
}
