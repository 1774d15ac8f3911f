// SPDX-License-Identifier: GPL-2.0-only
/*
 * Declares VFs migratable. mlx5_core of their PF does that in the firmware, and the VF's driver
 * asks for it in its probe: so it comes before the bind, each time.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "binding/bind.h"
#include "system/bounded.h"
#include "system/devlink.h"
#include "system/driver.h"

/* The section that wants @dev to be declared migratable if it gets @driver, or NULL. */
const struct section *migratable_wanted(const struct config *config, const struct device *dev,
					const char *driver)
{
	return driver_is(driver, MLX5_DRIVER) ? config_find_migratable(config, dev) : NULL;
}

/* Whether a driver of ours has @dev, and has found that it was not declared. */
bool migratable_is_missing(const struct device *dev, const struct want *want)
{
	return want->migratable && !strcmp(dev->migratable, "not-enabled");
}

static int ask(const void *arg, char *why)
{
	const struct device *dev = arg;

	return devlink_migratable_get(dev->pf, dev->vf_index, why);
}

static int declare(const void *arg, char *why)
{
	const struct device *dev = arg;

	return devlink_migratable_set(dev->pf, dev->vf_index, why);
}

static int bounded_with_why(int (*action)(const void *arg, char *why), const struct device *dev,
			    char *why)
{
	int ret = bounded_answer(action, dev, dev->lock, why);

	if (ret && !*why)
		snprintf(why, ANSWER_SIZE, "%s", strerror(-ret));
	return ret;
}

/* Whether @dev can be declared migratable: 0, or a negative errno with the reason in @why. */
int migratable_check(const struct device *dev, char *why)
{
	return bounded_with_why(ask, dev, why);
}

/* Likewise, and declares it. */
int migratable_declare(const struct device *dev, char *why)
{
	int ret = vf_wait_until_added(dev);

	*why = '\0';
	return ret ? ret : bounded_with_why(declare, dev, why);
}

enum exit_code migratable_refuse(const struct device *dev, const struct want *want,
				 const char *why)
{
	error("%s: cannot be migrated with %s, %s:%u says migratable: %s", dev->bdf, dev->driver,
	      want->migratable->value_file[KEY_MIGRATABLE],
	      want->migratable->value_line[KEY_MIGRATABLE], why);
	return EXIT_FAILED;
}
