// SPDX-License-Identifier: GPL-2.0-only
/* The single steps of binding and unbinding. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "binding/bind.h"
#include "device/device.h"
#include "system/bounded.h"
#include "system/sysfs.h"

struct store {
	const char *path, *text;
};

static int do_store(const void *arg)
{
	const struct store *store = arg;

	return attr_write(store->text, "%s", store->path);
}

/* Returns -ETIMEDOUT if a driver or the kernel does not return: then nothing else can be done. */
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

/* Lets @driver, which must match @dev, probe it. Returns 0 if @driver has @dev then. */
static int attach(struct device *dev, const char *driver)
{
	char path[128];
	int ret;

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/bind", driver);
	ret = store_bounded(dev, path, dev->bdf);
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
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver/unbind", dev->bdf);
	ret = store_bounded(dev, path, dev->bdf);
	/* After a timeout sysfs has removed the link, but the driver still has the device. */
	if (ret != -ETIMEDOUT)
		device_read_driver(dev);
	return ret;
}

/* An empty @driver leaves the choice to the kernel. */
int override_set(const struct device *dev, const char *driver)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", dev->bdf);
	return store_bounded(dev, path, driver);
}

/*
 * Lets @driver probe @dev. driver_override makes it match: VFIO drivers need that, and so does
 * every driver for a VF without autoprobe.
 *
 * For a VF this waits until all are added: the kernel may not let a new VF match any driver yet, or
 * the PF's driver may not know it yet. mlx5_core knows its VFs when all are there, and a VF that
 * was bound before that, even by the kernel, cannot be migrated.
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
