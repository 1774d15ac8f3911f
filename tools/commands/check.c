// SPDX-License-Identifier: GPL-2.0-only
/* Reports faults of the configuration and doubtful sections, and prints each section's devices. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "commands/command.h"
#include "device/users.h"
#include "system/driver.h"
#include "system/initramfs.h"

__attribute__((format(printf, 2, 3)))
static void warn(const struct section *section, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	error("%s:%u: warning: section [%s] %s", section->file, section->line, section->name, text);
}

/* Prints @dev, and the section that decides about it if that is another one. */
static void print_match(const struct config *config, const struct section *section,
			const struct device *dev)
{
	const struct section *decides = config_find(config, dev);

	if (decides == section)
		printf(" %s", dev->bdf);
	else
		printf(" %s ([%s] decides)", dev->bdf, decides->name);
}

/* Prints the devices that match. Returns whether there are any, or VFs may come that match. */
static bool print_matches(const struct config *config, const struct section *section,
			  const struct devices *devices)
{
	bool found = false, may_come = false;
	size_t n;

	printf("[%s] %s:", section->name, section->value[KEY_DRIVER]);
	for (n = 0; n < devices->count; n++) {
		const struct device *dev = &devices->device[n];

		may_come |= section_may_match_vfs(section, dev);
		if (!section_matches(section, dev))
			continue;
		print_match(config, section, dev);
		found = true;
	}
	puts(found ? "" : may_come ? " VFs that are not there yet" : " nothing");
	return found || may_come;
}

/* Warns about devices that are no PFs, or cannot have as many VFs. */
static void check_pfs(const struct config *config, const struct section *section,
		      const struct devices *devices)
{
	size_t n;

	for (n = 0; n < devices->count && section_is_about_pfs(section); n++) {
		const struct device *dev = &devices->device[n];

		if (config_find(config, dev) != section)
			continue;
		if (!dev->total_vfs)
			warn(section, "has keys for PFs, but %s is none", dev->bdf);
		else if (section->num_vfs > dev->total_vfs)
			warn(section, "wants %u VFs of %s, which can have %u", section->num_vfs,
			     dev->bdf, dev->total_vfs);
	}
}

/* Warns about devices that this system would lack at its next boot. VFs are not claimed. */
static void check_claims(const struct config *config, const struct section *section,
			    const struct devices *devices)
{
	char why[160];
	size_t n;

	for (n = 0; n < devices->count && section_claims(section); n++) {
		const struct device *dev = &devices->device[n];

		if (config_find(config, dev) == section && !device_is_vf(dev) &&
		    !driver_is(dev->driver, section->value[KEY_DRIVER]) &&
		    device_in_use(dev, why, sizeof(why)))
			warn(section, "takes %s %s, which is in use now: %s", dev->bdf,
			     section->in_initramfs ? "in the initramfs" : "at the next boot", why);
	}
}

static void check_section(const struct config *config, const struct section *section,
			  const struct devices *devices)
{
	if (!section->enabled || section->is_refused) {
		printf("[%s] %s\n", section->name,
		       section->enabled ? "binds nothing" : "is switched off");
		return;
	}
	if (!print_matches(config, section, devices))
		warn(section, "is for no device of this machine");
	if (section->value[MATCH_ADDRESS] && !section->value[MATCH_ID])
		warn(section, "matches by address alone, which another device may get when a card "
		     "is added: give its id, too");
	check_pfs(config, section, devices);
	check_claims(config, section, devices);
}

/* Reports names that this system does not know. */
static enum exit_code check_names(const struct section *section)
{
	struct access access;
	char why[WHY_SIZE];

	if (!section->enabled || section->is_refused || !access_is_said(section) ||
	    section_access(section, &access, why))
		return EXIT_DONE;
	error("%s: nodes of section [%s] stay root's", why, section->name);
	return EXIT_CONFIG;
}

static bool gives_access(const struct config *config, const struct device *dev)
{
	const struct section *section = config_find(config, dev);

	return section && !section->is_refused && access_is_said(section) && dev->iommu_group >= 0;
}

/* Checks each group once, at its first device for which a section has an owner, group or mode. */
static enum exit_code check_group(const struct config *config, const struct devices *devices,
				  size_t which)
{
	const struct device *dev = &devices->device[which];
	char why[WHY_SIZE];
	size_t n;

	if (!gives_access(config, dev))
		return EXIT_DONE;
	for (n = 0; n < which; n++)
		if (devices->device[n].iommu_group == dev->iommu_group &&
		    gives_access(config, &devices->device[n]))
			return EXIT_DONE;
	if (group_will_agree(config, dev, why))
		return EXIT_DONE;
	error("%s: its node stays root's", why);
	return EXIT_CONFIG;
}

static enum exit_code check_sections(const struct config *config)
{
	enum exit_code code = EXIT_DONE;
	struct devices devices;
	size_t n;

	devices_read(&devices);
	for (n = 0; n < config->section_count; n++) {
		check_section(config, &config->section[n], &devices);
		code = graver(code, check_names(&config->section[n]));
	}
	for (n = 0; n < devices.count; n++)
		code = graver(code, check_group(config, &devices, n));
	free(devices.device);
	return code;
}

enum exit_code cmd_check(const struct options *options)
{
	struct config config;
	enum exit_code code;
	char image[PATH_SIZE];

	if (options->count)
		config_load_files(&config, options->argument, options->count);
	else
		config_load(&config);
	code = config.fault_count ? EXIT_CONFIG : EXIT_DONE;
	print_faults(&config);
	if (!config_refused(&config))
		code = graver(code, check_sections(&config));
	if (!options->count && config_for_initramfs(&config) &&
	    config_is_newer_than_initramfs(&config, image, sizeof(image)))
		error("%s: warning: is older than the configuration of which it has a copy: %s",
		      image, initramfs_is_copy(image) ? INITRAMFS_COPY_AGAIN : INITRAMFS_AGAIN);
	config_free(&config);
	return code;
}
