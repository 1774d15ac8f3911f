// SPDX-License-Identifier: GPL-2.0-only
/* Steps that most subcommands begin with. */
#include <stdlib.h>
#include <string.h>

#include "commands/command.h"
#include "device/device.h"
#include "system/sysfs.h"

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
		error("%s: no such device", dev->bdf);
		return EXIT_NO_DEVICE;
	}
	return EXIT_DONE;
}

/*
 * udev may call before the kernel has linked a VF with its PF, or when the device has already gone
 * again: that is no error.
 */
static enum exit_code read_new_device(struct device *dev, const char *argument)
{
	enum exit_code code;

	if (!exists("/sys/bus/pci/devices/%s", argument))
		return EXIT_NO_DEVICE;
	code = read_device(dev, argument);
	if (code || !device_is_vf(dev) || vf_is_linked(dev))
		return code;
	vf_wait_until_added(dev);
	return read_device(dev, argument);
}

/* Reads the named devices, or all. Free devices->device. */
enum exit_code read_devices(struct devices *devices, const struct options *options)
{
	enum exit_code code = EXIT_DONE, one;
	size_t n;

	if (!options->count) {
		devices_read(devices);
		return EXIT_DONE;
	}
	*devices = (struct devices){
		.device = calloc(options->count, sizeof(*devices->device))
	};
	for (n = 0; devices->device && n < options->count; n++) {
		struct device *dev = &devices->device[devices->count];
		const char *argument = options->argument[n];

		one = options->is_new ? read_new_device(dev, argument) : read_device(dev, argument);
		devices->count += !one;
		if (!options->is_new || one != EXIT_NO_DEVICE)
			code = graver(code, one);
	}
	return code;
}

/* Adds @dev once: it may be named twice, or be in the group of another named device. */
static void add_device(struct devices *devices, const struct device *dev)
{
	size_t n;

	for (n = 0; n < devices->count; n++)
		if (!strcmp(devices->device[n].bdf, dev->bdf))
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
