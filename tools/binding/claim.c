// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claims: a driver_override that is set before any driver has the device, so that no other driver
 * gets it. A mark has the same text. It tells a claim from what somebody else has set: a claim is
 * given up if its driver cannot be had, and leaves no device without any driver.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binding/bind.h"
#include "system/bounded.h"
#include "system/driver.h"
#include "system/lock.h"
#include "system/sysfs.h"

/* The driver that a device is claimed for. */
#define CLAIMED STATE_DIRECTORY "/claim-%s"

/* The driver that already had a device when it was to be claimed. */
#define TOO_LATE STATE_DIRECTORY "/late-%s"

static int mark_write(const char *path, const char *text)
{
	size_t length = strlen(text);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, length) != (ssize_t)length)
		ret = -EIO;
	close(fd);
	return ret;
}

static bool is_claimed_for(const struct device *dev, const char *driver)
{
	char claimed[NAME_SIZE];

	return *driver && attr_read(claimed, sizeof(claimed), CLAIMED, dev->bdf) > 0 &&
	       !strcmp(claimed, driver);
}

/* Whether @dev waits for the driver that it was claimed for. */
bool claim_is_ours(const struct device *dev)
{
	return !dev->driver[0] && is_claimed_for(dev, dev->driver_override);
}

/* Whether that driver has it already: somebody has loaded it, and knew of no tunables. */
bool claim_is_fulfilled(const struct device *dev)
{
	return is_claimed_for(dev, dev->driver);
}

/* What comes later is nobody's claim, whatever it is. */
void claim_forget(const struct device *dev)
{
	char path[PATH_SIZE];

	system_path(path, CLAIMED, dev->bdf);
	unlink(path);
}

/* The kernel's spelling of @driver. Those that are not loaded yet have that of their modules. */
static void spell(char spelled[NAME_SIZE], const char *driver)
{
	static const char *const others[] = { "vfio-pci", "xe-vfio-pci", "pci-stub" };
	size_t n;

	if (driver_spell(spelled, driver))
		return;
	module_name(spelled, driver);
	for (n = 0; n < sizeof(others) / sizeof(others[0]); n++)
		if (driver_is(others[n], driver))
			snprintf(spelled, NAME_SIZE, "%s", others[n]);
}

/* A claim that a driver has forestalled must not outlast it. One for another driver is changed. */
static int claim_locked(struct device *dev, const char *driver)
{
	char path[PATH_SIZE];
	int ret;

	if (dev->driver[0] || (dev->driver_override[0] && !claim_is_ours(dev)))
		return 0;
	/* Comes first: without it nobody would give the claim up. */
	system_path(path, CLAIMED, dev->bdf);
	ret = mark_write(path, driver);
	if (!ret)
		ret = override_set(dev, driver);
	/* After a timeout it may still come. */
	if (ret && ret != -ETIMEDOUT)
		claim_forget(dev);
	if (ret)
		return ret;
	device_read_driver(dev);
	if (!dev->driver[0] || !strcmp(dev->driver, driver))
		return 0;
	claim_forget(dev);
	return override_set(dev, "");
}

/*
 * Claims @dev for @driver, unless somebody was faster. The kernel holds a device's lock while a
 * driver probes it: after -ETIMEDOUT that driver is likely to get it.
 */
int claim_make(struct device *dev, const char *driver)
{
	char spelled[NAME_SIZE];
	int ret = device_lock(dev);

	if (ret)
		return ret;
	spell(spelled, driver);
	ret = claim_locked(dev, spelled);
	device_unlock(dev);
	return ret;
}

/* A driver that is loaded would not be offered the device again by anybody. */
static int give_up_locked(struct device *dev)
{
	int ret;

	if (!claim_is_ours(dev))
		return 0;
	ret = override_set(dev, "");
	if (ret)
		return ret;
	claim_forget(dev);
	ret = store_bounded(dev, "/sys/bus/pci/drivers_probe", dev->bdf);
	if (ret != -ETIMEDOUT)
		device_read_driver(dev);
	return ret;
}

/* Leaves @dev to its usual driver, now if that is loaded. */
int claim_give_up(struct device *dev)
{
	int ret = device_lock(dev);

	if (ret)
		return ret;
	ret = give_up_locked(dev);
	device_unlock(dev);
	return ret;
}

/* Notes for the doctor that @dev's driver came before the claim. It is no loss if that fails. */
void claim_is_late(const struct device *dev)
{
	char path[PATH_SIZE];

	system_path(path, STATE_DIRECTORY);
	mkdir(path, 0755);
	system_path(path, TOO_LATE, dev->bdf);
	mark_write(path, dev->driver);
}

/* Whether the driver that @dev has now came before the claim. */
bool claim_was_late(const struct device *dev)
{
	char driver[NAME_SIZE];

	return dev->driver[0] && attr_read(driver, sizeof(driver), TOO_LATE, dev->bdf) > 0 &&
	       !strcmp(driver, dev->driver);
}
