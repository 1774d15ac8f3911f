// SPDX-License-Identifier: GPL-2.0-only
/* What most subcommands begin with. */
#include "command.h"

void print_faults(const struct config *config)
{
	char text[1024];
	size_t n;

	for (n = 0; n < config->fault_count; n++) {
		fault_text(&config->fault[n], text, sizeof(text));
		error("%s", text);
	}
}

/* Half of a configuration is none: with a fault in it that is not one section's, nothing is done. */
enum exit_code read_config(struct config *config)
{
	config_load(config);
	if (!config_refused(config))
		return EXIT_DONE;
	print_faults(config);
	config_free(config);
	return EXIT_CONFIG;
}

enum exit_code read_device(struct device *dev, const char *argument)
{
	struct address address;

	if (!address_parse(argument, &address)) {
		error("\"%s\" is not an address DDDD:BB:DD.F", argument);
		return EXIT_USAGE;
	}
	if (!device_read(dev, &address)) {
		error("%s: no such device", dev->text);
		return EXIT_NO_DEVICE;
	}
	return EXIT_DONE;
}
