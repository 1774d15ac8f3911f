// SPDX-License-Identifier: GPL-2.0-only
#include "commands/command.h"

enum exit_code cmd_show(const struct options *options)
{
	struct inventory inventory;
	enum exit_code code;
	struct device dev;

	code = read_device(&dev, options->argument[0]);
	if (code)
		return code;
	inventory_open(&inventory);
	inventory_add(&inventory, &dev);
	if (options->format == FORMAT_JSON)
		json_print_device(&inventory);
	else
		sheet_print(&inventory.entry[0]);

	print_faults(&inventory.config);
	code = inventory.config.fault_count ? EXIT_CONFIG : EXIT_DONE;
	inventory_close(&inventory);
	return code;
}
