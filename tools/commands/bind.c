// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "binding/bind.h"
#include "commands/command.h"
#include "device/device.h"
#include "system/driver.h"

/* Takes from the configuration what the command line does not say. */
static void complete(struct want *want, const struct section *section)
{
	int n;

	if (!section)
		return;
	if (!want->driver)
		want->driver = section->value[KEY_DRIVER];
	for (n = 0; n < NR_TUNABLES && driver_is_vfio(want->driver); n++)
		if (want->tunable[n] == UNSAID)
			want->tunable[n] = section->tunable[n];
}

static enum exit_code find_want(struct want *want, const struct config *config,
				const struct options *options, const struct device *dev)
{
	const struct section *section = config_find(config, dev);

	want->driver = options->driver;
	memcpy(want->tunable, options->tunable, sizeof(want->tunable));
	if (section && section->is_refused && !want->driver) {
		error("%s: section [%s] has a fault: see vfio-latch check", dev->bdf,
		      section->name);
		return EXIT_CONFIG;
	}
	complete(want, section);
	/* The others of a group are bound so that a user can open the named one. */
	if (!want->driver && options->group)
		want->driver = "vfio-pci";
	if (!want->driver) {
		error("%s: no section of the configuration is for it: name a driver with --driver",
		      dev->bdf);
		return EXIT_USAGE;
	}
	if (tunables_are_said(options->tunable) && !driver_is_vfio(want->driver)) {
		error("%s: tunables are for a VFIO driver, not for \"%s\"", dev->bdf, want->driver);
		return EXIT_USAGE;
	}
	want->migratable = migratable_wanted(config, dev, want->driver);
	return EXIT_DONE;
}

static enum exit_code bind_one(const struct config *config, const struct options *options,
			       struct device *dev)
{
	enum exit_code code;
	struct want want;

	code = find_want(&want, config, options, dev);
	if (code)
		return code;
	code = options->dry_run ? device_plan(dev, &want, options->force) :
	       access_bind(config, dev, &want, options->force);
	/* Another command, or the kernel, is still at work on it; or it is another one. */
	if (code == EXIT_TIMEOUT || code == EXIT_NO_DEVICE)
		return code;
	return graver(code, access_apply(config, dev, options->dry_run, false));
}

/* Names the functions that keep users from opening @dev. */
static void name_neighbours(const struct device *dev)
{
	struct devices group;
	size_t n;

	if (!driver_is_vfio(dev->driver) || dev->iommu_group < 0)
		return;
	group_read(&group, dev->iommu_group);
	for (n = 0; n < group.count; n++)
		if (host_has(&group.device[n]))
			error("%s: nobody can open it while %s of its IOMMU group %d has %s: bind that, too, or bind --group",
			      dev->bdf, group.device[n].bdf, dev->iommu_group,
			      group.device[n].driver);
	free(group.device);
}

enum exit_code cmd_bind(const struct options *options)
{
	struct devices devices;
	struct config config;
	enum exit_code code;
	size_t n;

	code = read_config(&config);
	if (code)
		return code;
	code = read_groups(&devices, options);
	for (n = 0; n < devices.count; n++)
		code = graver(code, bind_one(&config, options, &devices.device[n]));
	/* Only when all are bound: they may be each other's neighbours. */
	for (n = 0; n < devices.count && !options->dry_run; n++)
		name_neighbours(&devices.device[n]);
	free(devices.device);
	config_free(&config);
	return code;
}
