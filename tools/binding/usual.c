// SPDX-License-Identifier: GPL-2.0-only
/* A device's usual driver: the one that the kernel chooses by itself. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "binding/bind.h"
#include "system/bounded.h"
#include "system/driver.h"
#include "system/module.h"
#include "system/report.h"
#include "system/sysfs.h"

static void usual_modules(const struct device *dev, struct names *modules)
{
	char alias[256];

	*modules = (struct names){};
	if (attr_read(alias, sizeof(alias), "/sys/bus/pci/devices/%s/modalias", dev->bdf) > 0)
		modules_for_alias(alias, modules);
}

/* Whether @driver, which is registered, is one that the kernel would choose for @dev. */
bool usual_is(const struct device *dev, const char *driver)
{
	struct names modules;
	bool found = false;
	size_t n;

	usual_modules(dev, &modules);
	for (n = 0; n < modules.count && !found; n++)
		found = exists("/sys/module/%s/drivers/pci:%s", modules.name[n], driver);
	free_names(&modules);
	return found;
}

/* Tries a module's drivers until @dev has one. Of all errors only -ETIMEDOUT ends this. */
static int attach_from_module(struct device *dev, const char *module)
{
	struct names drivers;
	int ret = 0;
	size_t n;

	list_names(&drivers, "/sys/module/%s/drivers", module);
	for (n = 0; n < drivers.count && !dev->driver[0] && ret != -ETIMEDOUT; n++)
		if (!strncmp(drivers.name[n], "pci:", 4))
			ret = attach_by_override(dev, drivers.name[n] + 4, "");
	free_names(&drivers);
	return ret == -ETIMEDOUT ? ret : 0;
}

/*
 * Gives @dev, which has no driver, its usual one. Returns -ENODEV if there are modules for it and
 * none of their drivers took it, and 0 if there is no module for it.
 */
int usual_attach(struct device *dev)
{
	struct names modules;
	int ret;
	size_t n;

	ret = override_set(dev, "");
	if (ret)
		return ret;
	usual_modules(dev, &modules);
	/* If one does not load, the others are still tried. */
	for (n = 0; n < modules.count && ret != -ETIMEDOUT; n++)
		ret = module_load_bounded(modules.name[n], dev->lock);
	if (ret != -ETIMEDOUT)
		ret = store_bounded(dev, "/sys/bus/pci/drivers_probe", dev->bdf);
	device_read_driver(dev);
	/* The kernel probes no VF without autoprobe, unless driver_override names the driver. */
	for (n = 0; n < modules.count && !ret && !dev->driver[0] && device_is_vf(dev); n++)
		ret = attach_from_module(dev, modules.name[n]);
	if (dev->driver[0] && ret != -ETIMEDOUT)
		ret = 0;
	else if (!ret && modules.count)
		ret = -ENODEV;
	free_names(&modules);
	return ret;
}

void usual_error(const struct device *dev, int ret)
{
	if (ret == -ETIMEDOUT)
		error("%s: its usual driver has not taken it within %s; see the kernel log",
		      dev->bdf, bounded_text());
	else
		error("%s: its usual driver cannot be bound: %s", dev->bdf, strerror(-ret));
}
