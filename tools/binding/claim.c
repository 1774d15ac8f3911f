// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claims: a driver_override that is set before any driver has the device, so that no other driver
 * gets it. A mark has the same text. It tells a claim from what somebody else has set: a claim is
 * given up if its driver cannot be had, and leaves no device without any driver.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "binding/bind.h"
#include "system/bounded.h"
#include "system/driver.h"
#include "system/state.h"
#include "system/sysfs.h"

/* The driver that a device is claimed for. */
#define CLAIM "claim"

/* The driver that already had a device when it was to be claimed. */
#define LATE "late"

static bool mark_is(const struct device *dev, const char *mark, const char *driver)
{
	char text[NAME_SIZE];

	return *driver &&
	       attr_read(text, sizeof(text), STATE_DIRECTORY "/%s-%s", mark, dev->bdf) > 0 &&
	       !strcmp(text, driver);
}

/* Whether @dev waits for the driver that it was claimed for. */
bool claim_is_ours(const struct device *dev)
{
	return !dev->driver[0] && mark_is(dev, CLAIM, dev->driver_override);
}

/* Whether that driver has it already: somebody has loaded it, and knew of no tunables. */
bool claim_is_fulfilled(const struct device *dev)
{
	return mark_is(dev, CLAIM, dev->driver);
}

/* What comes later is nobody's claim, whatever it is. */
void claim_forget(const struct device *dev)
{
	state_remove("%s-%s", CLAIM, dev->bdf);
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
	int ret;

	if (dev->driver[0] || (dev->driver_override[0] && !claim_is_ours(dev)))
		return 0;
	/* Comes first: without it nobody would give the claim up. */
	ret = state_write(driver, "%s-%s", CLAIM, dev->bdf);
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
static int give_up_locked(struct device *dev, bool load_usual)
{
	int ret;

	if (!claim_is_ours(dev))
		return 0;
	ret = override_set(dev, "");
	if (ret)
		return ret;
	claim_forget(dev);
	if (load_usual)
		return usual_attach(dev);
	ret = store_bounded(dev, "/sys/bus/pci/drivers_probe", dev->bdf);
	if (ret != -ETIMEDOUT)
		device_read_driver(dev);
	return ret;
}

/*
 * Leaves @dev to its usual driver, now if that is loaded or @load_usual. Returns -ENODEV if that
 * was loaded and does not take it. If the claim is not ours any more after an error, the usual
 * driver is the reason: see usual_error().
 */
int claim_give_up(struct device *dev, bool load_usual)
{
	int ret = device_lock(dev);

	if (ret)
		return ret;
	ret = give_up_locked(dev, load_usual);
	device_unlock(dev);
	return ret;
}

/* Notes for the doctor that @dev's driver came before the claim. It is no loss if that fails. */
void claim_is_late(const struct device *dev)
{
	state_write(dev->driver, "%s-%s", LATE, dev->bdf);
}

/* Whether the driver that @dev has now came before the claim. */
bool claim_was_late(const struct device *dev)
{
	return mark_is(dev, LATE, dev->driver);
}
