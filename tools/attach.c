// SPDX-License-Identifier: GPL-2.0-only
/* The single steps that a driver comes and goes by. */
#include <errno.h>
#include <string.h>

#include "bind.h"
#include "sysfs.h"
#include "vf.h"

static bool has_driver(struct device *dev, const char *driver)
{
	device_read_driver(dev);
	return !strcmp(dev->driver, driver);
}

/* Has @driver, which must match @dev, probe it. Returns what the probe returned. */
static int attach(struct device *dev, const char *driver)
{
	int ret = attr_write(dev->text, "/sys/bus/pci/drivers/%s/bind", driver);

	if (has_driver(dev, driver))
		return 0;
	return ret ? ret : -ENODEV;
}

int detach(struct device *dev)
{
	int ret;

	if (!dev->driver[0])
		return 0;
	ret = attr_write(dev->text, "/sys/bus/pci/devices/%s/driver/unbind", dev->text);
	device_read_driver(dev);
	return ret;
}

/* An empty @driver leaves the choice to the kernel. */
int override_set(const struct device *dev, const char *driver)
{
	return attr_write(driver, "/sys/bus/pci/devices/%s/driver_override", dev->text);
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

	if (device_is_vf(dev))
		vf_wait_until_added(dev);
	ret = override_set(dev, driver);
	if (ret)
		return ret;
	ret = attach(dev, driver);
	undo = strcmp(driver, override_after) ? override_set(dev, override_after) : 0;
	device_read_driver(dev);
	return ret ? ret : undo;
}
