// SPDX-License-Identifier: GPL-2.0-only
/* Binding: with a driver's rules in place, and back to where it was when it fails. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bind.h"
#include "lock.h"
#include "module.h"
#include "policy.h"
#include "users.h"

/* What a device had before. */
struct before {
	char driver[NAME_SIZE];
	char override[NAME_SIZE];
};

static bool has_tunables(const struct device *dev, const struct want *want)
{
	int n;

	for (n = 0; n < NR_TUNABLES; n++)
		if (want->tunable[n] != UNSAID &&
		    (!dev->is_latched || (int)dev->latched[n].value != (int)want->tunable[n]))
			return false;
	return true;
}

static bool has_usual(const struct device *dev)
{
	return dev->driver[0] && !driver_is_stand_in(dev->driver);
}

bool device_is_as_wanted(const struct device *dev, const struct want *want)
{
	if (!strcmp(want->driver, DRIVER_NONE))
		return !dev->driver[0] && !strcmp(dev->driver_override, DRIVER_NONE);
	if (!strcmp(want->driver, DRIVER_USUAL))
		return has_usual(dev) && !dev->driver_override[0];
	return driver_is(dev->driver, want->driver) && has_tunables(dev, want);
}

static void put_back(struct device *dev, const struct before *before)
{
	int ret;

	if (!before->driver[0])
		ret = override_set(dev, before->override);
	else if (!dev->driver[0])
		ret = attach_by_override(dev, before->driver, before->override);
	else
		return;
	if (ret)
		error("%s: cannot be put back to %s: %s", dev->text,
		      before->driver[0] ? before->driver : "no driver", strerror(-ret));
}

static int take_from_driver(struct device *dev)
{
	int ret = detach(dev);

	if (ret)
		error("%s: cannot be taken from %s: %s", dev->text, dev->driver, strerror(-ret));
	return ret;
}

/* Why a bind failed, where the kernel's answer needs explaining. */
static void bind_error(const struct device *dev, const char *driver, int ret)
{
	if (ret == -ENODEV)
		error("%s: %s does not take it (see the kernel log, and \"vfio-latch doctor %s\")",
		      dev->text, driver, dev->text);
	else
		error("%s: %s cannot be bound: %s (see the kernel log, and \"vfio-latch doctor %s\")",
		      dev->text, driver, strerror(-ret), dev->text);
}

/* A driver that takes the device by itself needs no driver_override to take it again. */
static int attach_driver(struct device *dev, const char *driver)
{
	int ret = attach_by_override(dev, driver, usual_is(dev, driver) ? "" : driver);

	if (ret)
		bind_error(dev, driver, ret);
	return ret;
}

/* With the rule in force, so that it is what the probe reads. */
static int attach_with_rule(struct device *dev, const char *driver, const char *rule)
{
	struct policy_lease lease;
	int ret;

	ret = policy_add(&lease, driver, rule);
	if (ret) {
		if (ret == -ENOENT)
			error("%s: the %s that is loaded takes no rules: it is the kernel's own",
			      dev->text, driver);
		else if (ret == -E2BIG)
			error("%s: no room for its rule in %s", dev->text, lease.parameter);
		else
			error("%s: rule \"%s\": %s", dev->text, rule, strerror(-ret));
		return ret;
	}
	ret = take_from_driver(dev);
	if (!ret)
		ret = attach_driver(dev, driver);
	policy_remove(&lease);
	return ret;
}

static int bind_vfio(struct device *dev, const struct want *want)
{
	char rule[256];
	int ret;

	if (policy_rule(rule, sizeof(rule), dev->text, want->tunable))
		return attach_with_rule(dev, want->driver, rule);
	ret = take_from_driver(dev);
	return ret ? ret : attach_driver(dev, want->driver);
}

static int set_override(const struct device *dev, const char *driver)
{
	int ret = override_set(dev, driver);

	if (ret)
		error("%s: driver_override: %s", dev->text, strerror(-ret));
	return ret;
}

static int bind_usual(struct device *dev)
{
	int ret;

	if (has_usual(dev))
		return set_override(dev, "");
	ret = take_from_driver(dev);
	if (ret)
		return ret;
	ret = usual_attach(dev);
	if (ret)
		error("%s: its usual driver cannot be bound: %s", dev->text, strerror(-ret));
	return ret;
}

static int bind_none(struct device *dev)
{
	int ret = take_from_driver(dev);

	return ret ? ret : set_override(dev, DRIVER_NONE);
}

/* @spelled becomes the name of the driver as the kernel has it. */
static enum exit_code load_driver(const struct device *dev, const char *driver,
				  char spelled[NAME_SIZE])
{
	int ret;

	snprintf(spelled, NAME_SIZE, "%s", driver);
	if (!strcmp(driver, DRIVER_NONE) || !strcmp(driver, DRIVER_USUAL))
		return EXIT_DONE;
	ret = driver_load(driver);
	if (!ret && driver_spell(spelled, driver))
		return EXIT_DONE;
	if (ret == -ENOENT)
		error("%s: there is no module %s for this kernel", dev->text, driver);
	else if (ret == -ENODEV)
		error("%s: module %s is loaded, but has no PCI driver of this name", dev->text,
		      driver);
	else
		error("%s: module %s cannot be loaded: %s", dev->text, driver, strerror(-ret));
	return EXIT_FAILED;
}

static int bind_as_wanted(struct device *dev, const struct want *want)
{
	if (!strcmp(want->driver, DRIVER_NONE))
		return bind_none(dev);
	if (!strcmp(want->driver, DRIVER_USUAL))
		return bind_usual(dev);
	return bind_vfio(dev, want);
}

/* Whether @dev loses its driver to become as wanted. */
static bool takes_driver(const struct device *dev, const struct want *want)
{
	return strcmp(want->driver, DRIVER_USUAL) || !has_usual(dev);
}

static enum exit_code bind_locked(struct device *dev, const struct want *wanted, bool force)
{
	char why[256], driver[NAME_SIZE];
	struct want want = *wanted;
	struct before before;
	enum exit_code code;

	if (device_is_as_wanted(dev, wanted))
		return EXIT_DONE;
	code = load_driver(dev, wanted->driver, driver);
	if (code)
		return code;
	want.driver = driver;
	if (!force && takes_driver(dev, &want) && device_in_use(dev, why, sizeof(why))) {
		error("%s: left with %s, in use: %s", dev->text, dev->driver, why);
		return EXIT_IN_USE;
	}
	memcpy(before.driver, dev->driver, sizeof(before.driver));
	memcpy(before.override, dev->driver_override, sizeof(before.override));
	if (!bind_as_wanted(dev, &want))
		return EXIT_DONE;
	put_back(dev, &before);
	return EXIT_FAILED;
}

/*
 * Gives @dev what is wanted. A device that is in use is left alone, unless
 * @force. When it fails, the device gets back what it had.
 */
enum exit_code device_bind(struct device *dev, const struct want *want, bool force)
{
	char name[ADDRESS_SIZE + 8];
	enum exit_code code;
	int lock;

	snprintf(name, sizeof(name), "device-%s", dev->text);
	lock = lock_take(name);
	if (lock < 0) {
		error("%s: %s/%s: %s", dev->text, STATE_DIRECTORY, name, strerror(-lock));
		return EXIT_FAILED;
	}
	/* Another instance may have been at work until now. */
	device_read_driver(dev);
	code = bind_locked(dev, want, force);
	lock_release(lock);
	return code;
}
