// SPDX-License-Identifier: GPL-2.0-only
/* Drivers and the modules that they are in. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lock.h"
#include "module.h"

/* A VFIO driver is in the module of its name, which sysfs writes with underscores. */
void module_name(char name[NAME_SIZE], const char *driver)
{
	char *c;

	snprintf(name, NAME_SIZE, "%s", driver);
	for (c = name; *c; c++)
		if (*c == '-')
			*c = '_';
}

bool driver_is_registered(const char *driver)
{
	return exists("/sys/bus/pci/drivers/%s", driver);
}

/*
 * Loads @driver's module unless the driver is there. One at a time: a module
 * that another instance is still loading looks loaded.
 */
int driver_load(const char *driver)
{
	char module[NAME_SIZE];
	int lock, ret;

	if (driver_is_registered(driver))
		return 0;
	lock = lock_take("modules");
	if (lock < 0)
		return lock;
	module_name(module, driver);
	ret = driver_is_registered(driver) ? 0 : module_load(module);
	lock_release(lock);
	if (ret)
		return ret;
	return driver_is_registered(driver) ? 0 : -ENODEV;
}
