// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claims: a driver_override that is set before any driver has the device, and that no driver has for
 * its name. So no driver gets the device, not even the one that it is for, which whoever loads its
 * module would have probe it without its tunables. What is bound is claimed no more.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "binding/bind.h"
#include "system/bounded.h"
#include "system/signals.h"
#include "system/state.h"
#include "system/sysfs.h"

#define CLAIMED "vfio-latch"

/* The driver that already had a device when it was to be claimed. */
#define LATE "late"

/* Whether @dev waits for its driver. */
bool claim_is_ours(const struct device *dev)
{
	return !dev->driver[0] && !strcmp(dev->driver_override, CLAIMED);
}

/* A claim that a driver has forestalled must not outlast it. */
static int claim_locked(struct device *dev)
{
	int ret;

	if (dev->driver[0] || dev->driver_override[0])
		return 0;
	ret = override_set(dev, CLAIMED);
	if (ret)
		return ret;
	device_read_driver(dev);
	return dev->driver[0] ? override_set(dev, "") : 0;
}

/*
 * Claims @dev, unless somebody was faster. The kernel holds a device's lock while a driver probes it:
 * after -ETIMEDOUT that driver is likely to get it.
 */
int claim_make(struct device *dev)
{
	int ret = device_lock(dev);

	if (ret)
		return ret;
	ret = claim_locked(dev);
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
	dev->driver_override[0] = '\0';
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
	signals_hold();
	ret = give_up_locked(dev, load_usual);
	signals_release();
	device_unlock(dev);
	return ret;
}

/* Notes for the doctor that @dev's driver came before the claim. It is no loss if that fails. */
void claim_is_late(const struct device *dev)
{
	state_write(dev->driver, LATE "-%s", dev->bdf);
}

/* Whether the driver that @dev has now came before the claim. */
bool claim_was_late(const struct device *dev)
{
	char text[NAME_SIZE];

	return dev->driver[0] &&
	       attr_read(text, sizeof(text), STATE_DIRECTORY "/" LATE "-%s", dev->bdf) > 0 &&
	       !strcmp(text, dev->driver);
}
