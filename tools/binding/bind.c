// SPDX-License-Identifier: GPL-2.0-only
/* Binds a device while its rule is in force. If that fails, the device gets back what it had. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "binding/bind.h"
#include "binding/policy.h"
#include "device/users.h"
#include "system/bounded.h"
#include "system/driver.h"
#include "system/lock.h"
#include "system/state.h"

/* With a device's address; see device_lock(). */
#define LOCK_NAME "device-%s"

/* What a device had before the bind. */
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
	return dev->driver[0] && !driver_is_for_user_space(dev->driver);
}

static bool has_driver_and_tunables(const struct device *dev, const struct want *want)
{
	if (!strcmp(want->driver, DRIVER_NONE))
		return !dev->driver[0] && !strcmp(dev->driver_override, DRIVER_NONE);
	if (!strcmp(want->driver, DRIVER_USUAL))
		return has_usual(dev) && !dev->driver_override[0];
	return driver_is(dev->driver, want->driver) && has_tunables(dev, want);
}

bool device_is_as_wanted(const struct device *dev, const struct want *want)
{
	return has_driver_and_tunables(dev, want) && !migratable_is_missing(dev, want);
}

/* Restores driver_override of a device that has a driver, the old one or one that was faster. */
static int override_put_back(struct device *dev, const char *before)
{
	device_read_driver(dev);
	return strcmp(dev->driver_override, before) ? override_set(dev, before) : 0;
}

/* @driver may have got @dev when its module was loaded, if that is what driver_override said. */
static int put_back_to_none(struct device *dev, const struct before *before, const char *driver)
{
	int ret = driver_is(dev->driver, driver) ? detach(dev) : 0;

	return ret ? ret : override_set(dev, before->override);
}

static void put_back(struct device *dev, const struct before *before, const char *driver)
{
	int ret;

	if (!before->driver[0])
		ret = put_back_to_none(dev, before, driver);
	else if (!dev->driver[0])
		ret = attach_by_override(dev, before->driver, before->override);
	else
		ret = override_put_back(dev, before->override);
	if (ret)
		error("%s: cannot be put back to %s: %s", dev->bdf,
		      before->driver[0] ? before->driver : "no driver", strerror(-ret));
}

static enum exit_code refuse_in_use(const struct device *dev, const char *why)
{
	error("%s: left with %s, in use: %s", dev->bdf, dev->driver, why);
	return EXIT_IN_USE;
}

static enum exit_code refuse_another(const struct device *dev)
{
	error("%s: left as it is: another device is there now, or none", dev->bdf);
	return EXIT_NO_DEVICE;
}

/* Names the process that the kernel has asked to release the device. It may do so at any time. */
static enum exit_code tell_who_holds(const struct device *dev)
{
	const struct user *user;
	char who[128] = "see the kernel log";

	users_look_again(dev);
	if (users_of(dev, &user) == OPEN)
		snprintf(who, sizeof(who), "process %d (%s) has it open", user->pid, user->command);
	error("%s: %s has not let it go within %s: %s; when it has: vfio-latch apply or bind",
	      dev->bdf, dev->driver, bounded_text(), who);
	return EXIT_TIMEOUT;
}

/*
 * bind_locked() may have seen the processes as they were before this command waited for locks and
 * bound other devices. A process that has opened the device since then keeps it.
 */
static enum exit_code take_from_driver(struct device *dev, bool force)
{
	char why[256];
	int ret;

	if (!force && device_in_use_now(dev, why, sizeof(why)))
		return refuse_in_use(dev, why);
	ret = detach(dev);
	if (!ret)
		return EXIT_DONE;
	if (ret == -ETIMEDOUT)
		return tell_who_holds(dev);
	error("%s: cannot be taken from %s: %s", dev->bdf, dev->driver, strerror(-ret));
	return EXIT_FAILED;
}

static enum exit_code exit_code_of(int ret)
{
	return !ret ? EXIT_DONE : ret == -ETIMEDOUT ? EXIT_TIMEOUT : EXIT_FAILED;
}

/* Explains the kernel's answer to a failed bind. */
static void bind_error(const struct device *dev, const char *driver, int ret)
{
	if (ret == -ETIMEDOUT)
		error("%s: %s has not taken it within %s; see the kernel log",
		      dev->bdf, driver, bounded_text());
	else if (ret == -ENODEV)
		error("%s: %s does not take it (see the kernel log, and \"vfio-latch doctor %s\")",
		      dev->bdf, driver, dev->bdf);
	else
		error("%s: %s cannot be bound: %s (see the kernel log, and \"vfio-latch doctor %s\")",
		      dev->bdf, driver, strerror(-ret), dev->bdf);
}

/*
 * A driver that takes the device by itself needs no driver_override to take it again. Another
 * driver may have been about to take a new device: it loses the device once, and the kernel does
 * not offer the device to it again.
 *
 * A driver asks in its probe whether the device was declared migratable. @undeclared: why it was
 * not.
 */
static enum exit_code change_driver(struct device *dev, const struct want *want, bool force,
				    char *undeclared)
{
	const char *driver = want->driver, *after = usual_is(dev, driver) ? "" : driver;
	enum exit_code code;
	int ret, tries = 0;

	do {
		code = take_from_driver(dev, force);
		if (!code && want->migratable)
			code = migratable_declare(dev, want, undeclared);
		if (code)
			return code;
		ret = attach_by_override(dev, driver, after);
		if (!ret)
			return EXIT_DONE;
	} while (ret != -ETIMEDOUT && dev->driver[0] && !tries++);
	bind_error(dev, driver, ret);
	return exit_code_of(ret);
}

static void policy_error(const struct device *dev, const char *driver, const char *rule,
			 const struct policy_lease *lease, int ret)
{
	if (ret == -ENOENT)
		error("%s: the %s that is loaded takes no rules: it is the kernel's own",
		      dev->bdf, driver);
	else if (ret == -E2BIG)
		error("%s: no room for its rule in %s", dev->bdf, lease->parameter);
	else if (ret == -ETIMEDOUT)
		error("%s: another vfio-latch has been at work on the rules of %s for %s; see the kernel log",
		      dev->bdf, driver, bounded_text());
	else if (*rule)
		error("%s: rule \"%s\": %s", dev->bdf, rule, strerror(-ret));
	else
		error("%s: not bound with a rule that was left for it: %s", dev->bdf,
		      strerror(-ret));
}

/* Binds @dev with its rule in force: the driver reads it at probe. */
static enum exit_code bind_with_rule(struct device *dev, const struct want *want, const char *rule,
				     bool force, char *undeclared)
{
	struct policy_lease lease;
	enum exit_code code;
	int ret;

	ret = policy_add(&lease, want->driver, rule);
	if (ret) {
		policy_error(dev, want->driver, rule, &lease, ret);
		return exit_code_of(ret);
	}
	code = change_driver(dev, want, force, undeclared);
	policy_remove(&lease);
	return code;
}

/*
 * Somebody may have written all rules anew before the driver read them, without this one, or added
 * one that wins: then the device is bound once more.
 */
static enum exit_code bind_vfio(struct device *dev, const struct want *want, bool force,
				char *undeclared)
{
	enum exit_code code;
	char rule[RULE_SIZE];
	int ret, tries = 0;

	if (!policy_rule(rule, dev->bdf, want->tunable)) {
		ret = policy_forget(want->driver, dev->bdf);
		if (!ret)
			return change_driver(dev, want, force, undeclared);
		policy_error(dev, want->driver, "", NULL, ret);
		return exit_code_of(ret);
	}
	do {
		code = bind_with_rule(dev, want, rule, force, undeclared);
		if (code || has_tunables(dev, want))
			return code;
	} while (!tries++);
	error("%s: rule \"%s\" has not won: others are at work on the rules of %s", dev->bdf, rule,
	      want->driver);
	code = take_from_driver(dev, force);
	return code ? code : EXIT_FAILED;
}

static enum exit_code set_override(const struct device *dev, const char *driver)
{
	int ret = override_set(dev, driver);

	if (!ret)
		return EXIT_DONE;
	error("%s: driver_override: %s", dev->bdf, strerror(-ret));
	return exit_code_of(ret);
}

static enum exit_code bind_usual(struct device *dev, bool force)
{
	enum exit_code code;
	int ret;

	if (has_usual(dev))
		return set_override(dev, "");
	code = take_from_driver(dev, force);
	if (code)
		return code;
	ret = usual_attach(dev);
	if (ret)
		usual_error(dev, ret);
	return exit_code_of(ret);
}

static enum exit_code bind_none(struct device *dev, bool force)
{
	enum exit_code code = take_from_driver(dev, force);

	return code ? code : set_override(dev, DRIVER_NONE);
}

/*
 * Loads @driver's module. @spelled becomes the driver's name in the kernel's spelling. @dev may have
 * got the driver, or another, when this returns.
 */
static enum exit_code load_driver(struct device *dev, const char *driver,
				  char spelled[NAME_SIZE])
{
	int ret;

	snprintf(spelled, NAME_SIZE, "%s", driver);
	if (!strcmp(driver, DRIVER_NONE) || !strcmp(driver, DRIVER_USUAL))
		return EXIT_DONE;
	ret = driver_load(driver);
	if (!ret && driver_spell(spelled, driver)) {
		if (!device_is_still_there(dev))
			return refuse_another(dev);
		device_read_driver(dev);
		return EXIT_DONE;
	}
	if (ret == -ENOENT)
		error("%s: there is no module %s for this kernel", dev->bdf, driver);
	else if (ret == -ENODEV)
		error("%s: module %s is loaded, but has no PCI driver of this name", dev->bdf,
		      driver);
	else if (ret == -ETIMEDOUT)
		error("%s: module %s has not been loaded within %s; see the kernel log", dev->bdf,
		      driver, bounded_text());
	else
		error("%s: module %s cannot be loaded: %s", dev->bdf, driver, strerror(-ret));
	return exit_code_of(ret);
}

static enum exit_code bind_as_wanted(struct device *dev, const struct want *want, bool force,
				     char *undeclared)
{
	if (!strcmp(want->driver, DRIVER_NONE))
		return bind_none(dev, force);
	if (!strcmp(want->driver, DRIVER_USUAL))
		return bind_usual(dev, force);
	return bind_vfio(dev, want, force, undeclared);
}

/* Whether @dev must lose its driver to become as wanted. */
static bool takes_driver(const struct device *dev, const struct want *want)
{
	return strcmp(want->driver, DRIVER_USUAL) || !has_usual(dev);
}

static enum exit_code bind_locked(struct device *dev, const struct want *wanted, bool force)
{
	char why[256], undeclared[ANSWER_SIZE] = "", driver[NAME_SIZE];
	struct want want = *wanted;
	struct before before;
	enum exit_code code;

	if (device_is_as_wanted(dev, wanted))
		return EXIT_DONE;
	/* A device that is not better for it is not bound again. */
	if (has_driver_and_tunables(dev, wanted)) {
		code = migratable_check(dev, wanted);
		if (code)
			return code;
	}
	memcpy(before.driver, dev->driver, sizeof(before.driver));
	memcpy(before.override, dev->driver_override, sizeof(before.override));
	code = load_driver(dev, wanted->driver, driver);
	if (code || device_is_as_wanted(dev, wanted))
		return code;
	want.driver = driver;
	if (!force && takes_driver(dev, &want) && device_in_use(dev, why, sizeof(why)))
		return refuse_in_use(dev, why);
	/* If no time is left, nothing begins. The caller says so. */
	if (bounded_is_over())
		return EXIT_TIMEOUT;
	/* A device that has lost its driver is not left without one for lack of time. */
	bounded_begin();
	code = bind_as_wanted(dev, &want, force, undeclared);
	/* After a timeout the kernel is still at work on the device: nothing can be put back. */
	if (code && code != EXIT_TIMEOUT)
		put_back(dev, &before, driver);
	bounded_end();
	return code ? code : migratable_confirm(dev, &want, undeclared);
}

/*
 * Only one command at a time changes the driver of @dev, or makes its VFs. Another one may have
 * changed the driver until now. Returns 0 or a negative errno; -ENODEV if another device is there
 * now: what was read, and decided, was for the one before.
 */
int device_lock(struct device *dev)
{
	char name[ADDRESS_SIZE + 8];
	int lock;

	snprintf(name, sizeof(name), LOCK_NAME, dev->bdf);
	lock = lock_take_bounded(name);
	if (lock < 0)
		return lock;
	if (!device_is_still_there(dev)) {
		lock_release(lock);
		return -ENODEV;
	}
	dev->lock = lock;
	device_read_driver(dev);
	return 0;
}

void device_unlock(struct device *dev)
{
	lock_release(dev->lock);
	dev->lock = 0;
}

static enum exit_code lock_error(const struct device *dev, int ret)
{
	if (ret == -ENODEV)
		return refuse_another(dev);
	if (ret == -ETIMEDOUT)
		error("%s: another vfio-latch has been at work on it for %s; see the kernel log",
		      dev->bdf, bounded_text());
	else
		error("%s: " STATE_DIRECTORY "/" LOCK_NAME ": %s", dev->bdf, dev->bdf,
		      strerror(-ret));
	return exit_code_of(ret);
}

/*
 * Gives @dev what is wanted. Leaves a device that is in use alone, unless @force. If it fails, the
 * device gets back what it had, except after a timeout.
 */
enum exit_code device_bind(struct device *dev, const struct want *want, bool force)
{
	enum exit_code code;
	int ret = device_lock(dev);

	if (ret)
		return lock_error(dev, ret);
	code = bind_locked(dev, want, force);
	device_unlock(dev);
	return code;
}

static const char *driver_text(const char *driver)
{
	if (!strcmp(driver, DRIVER_USUAL))
		return "its usual driver";
	return *driver && strcmp(driver, DRIVER_NONE) ? driver : "no driver";
}

/* Says what device_bind() would do, as far as that can be known. */
enum exit_code device_plan(const struct device *dev, const struct want *want, bool force)
{
	char why[256];

	if (device_is_as_wanted(dev, want))
		return EXIT_DONE;
	if (!takes_driver(dev, want)) {
		note("%s: would lose its driver_override", dev->bdf);
		return EXIT_DONE;
	}
	if (!force && device_in_use(dev, why, sizeof(why))) {
		note("%s: would be left with %s, in use: %s", dev->bdf, dev->driver, why);
		return EXIT_IN_USE;
	}
	note("%s: would go from %s to %s", dev->bdf, driver_text(dev->driver),
	     driver_text(want->driver));
	return EXIT_DONE;
}
