// SPDX-License-Identifier: GPL-2.0-only
/* Steps that most subcommands begin with. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "group.h"

void print_faults(const struct config *config)
{
	char text[1024];
	size_t n;

	for (n = 0; n < config->fault_count; n++) {
		fault_text(&config->fault[n], text, sizeof(text));
		error("%s", text);
	}
}

/* Reads the configuration. A fault that is not one section's alone makes all of it unusable. */
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

/* Adds @dev once: it may be named twice, or be in the group of another named device. */
static void add_device(struct devices *devices, const struct device *dev)
{
	size_t n;

	for (n = 0; n < devices->count; n++)
		if (!strcmp(devices->device[n].text, dev->text))
			return;
	devices->device = reallocarray(devices->device, devices->count + 1, sizeof(*dev));
	if (!devices->device)
		abort();
	devices->device[devices->count++] = *dev;
}

static void add_group(struct devices *devices, int number)
{
	struct devices group;
	size_t n;

	group_read(&group, number);
	for (n = 0; n < group.count; n++)
		add_device(devices, &group.device[n]);
	free(group.device);
}

/* Reads the named devices, with --group all of their IOMMU groups. Free devices->device. */
enum exit_code read_groups(struct devices *devices, const struct options *options)
{
	enum exit_code code = EXIT_DONE, one;
	struct device dev;
	size_t n;

	*devices = (struct devices){};
	for (n = 0; n < options->count; n++) {
		one = read_device(&dev, options->argument[n]);
		code = graver(code, one);
		if (one)
			continue;
		add_device(devices, &dev);
		if (options->group && dev.iommu_group >= 0)
			add_group(devices, dev.iommu_group);
	}
	return code;
}
