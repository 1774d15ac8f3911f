// SPDX-License-Identifier: GPL-2.0-only
/* The single steps that a driver comes and goes by. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bind.h"
#include "bounded.h"
#include "sysfs.h"
#include "vf.h"

struct store {
	const char *path, *text;
};

static int do_store(const void *arg)
{
	const struct store *store = arg;

	return attr_write(store->text, "%s", store->path);
}

/* -ETIMEDOUT if a driver, or the kernel, does not come back from it: nothing else can be done then. */
int store_bounded(const struct device *dev, const char *path, const char *text)
{
	const struct store store = { path, text };

	return bounded(do_store, &store, dev->lock);
}

static bool has_driver(struct device *dev, const char *driver)
{
	device_read_driver(dev);
	return !strcmp(dev->driver, driver);
}

/* Has @driver, which must match @dev, probe it. Returns what the probe returned. */
static int attach(struct device *dev, const char *driver)
{
	char path[128];
	int ret;

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/bind", driver);
	ret = store_bounded(dev, path, dev->text);
	if (ret == -ETIMEDOUT)
		return ret;
	if (has_driver(dev, driver))
		return 0;
	return ret ? ret : -ENODEV;
}

int detach(struct device *dev)
{
	char path[128];
	int ret;

	if (!dev->driver[0])
		return 0;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver/unbind", dev->text);
	ret = store_bounded(dev, path, dev->text);
	/* It has lost its link already, though not its driver. */
	if (ret != -ETIMEDOUT)
		device_read_driver(dev);
	return ret;
}

/* An empty @driver leaves the choice to the kernel. */
int override_set(const struct device *dev, const char *driver)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", dev->text);
	return store_bounded(dev, path, driver);
}

/*
 * Has @driver probe @dev. driver_override is what lets it match: the VFIO drivers
 * want it, and so does every driver for a VF without autoprobe.
 *
 * A VF may be so new that the kernel does not let it match any driver yet, or that
 * its PF's driver does not know it: mlx5_core does when all of them are there, and
 * one that was bound before, be it by the kernel, cannot be migrated.
 */
int attach_by_override(struct device *dev, const char *driver, const char *override_after)
{
	int ret, undo;

	ret = device_is_vf(dev) ? vf_wait_until_added(dev) : 0;
	if (!ret)
		ret = override_set(dev, driver);
	if (ret)
		return ret;
	ret = attach(dev, driver);
	if (ret == -ETIMEDOUT)
		return ret;
	undo = strcmp(driver, override_after) ? override_set(dev, override_after) : 0;
	device_read_driver(dev);
	return ret ? ret : undo;
}
