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

#define PLACE "%s:%u"
#define PLACE_OF(section) \
	(section)->value_file[KEY_MIGRATABLE], (section)->value_line[KEY_MIGRATABLE]

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

static enum exit_code refuse(const struct device *dev, const struct want *want, const char *why)
{
	error("%s: cannot be migrated with %s, " PLACE " says migratable: %s", dev->bdf,
	      want->driver, PLACE_OF(want->migratable), why);
	return EXIT_FAILED;
}

/* Whether @dev, which a driver has, can be declared migratable. Says why not. */
enum exit_code migratable_check(const struct device *dev, const struct want *want)
{
	char why[ANSWER_SIZE];
	int ret = pf_driver_ask(ask, dev, dev->pf, dev->lock, why);

	if (!ret)
		return EXIT_DONE;
	refuse(dev, want, why);
	return ret == -ETIMEDOUT ? EXIT_TIMEOUT : EXIT_FAILED;
}

/*
 * Declares @dev, which has no driver. If that cannot be, the reason is in @why. Only a PF's driver
 * that does not answer is a failure: it would not answer the VF's driver either.
 */
enum exit_code migratable_declare(const struct device *dev, const struct want *want, char *why)
{
	int ret = vf_wait_until_added(dev);

	*why = '\0';
	if (ret == -ETIMEDOUT)
		pf_driver_is_silent(dev->pf, why);
	else
		ret = pf_driver_ask(declare, dev, dev->pf, dev->lock, why);
	if (ret != -ETIMEDOUT)
		return EXIT_DONE;
	error("%s: not given to %s, " PLACE " says migratable: %s", dev->bdf, want->driver,
	      PLACE_OF(want->migratable), why);
	return EXIT_TIMEOUT;
}

/*
 * The driver has the last word: on kernels before 6.2 nothing need be declared. The kernel's own
 * driver does not tell.
 */
enum exit_code migratable_confirm(const struct device *dev, const struct want *want,
				  const char *undeclared)
{
	char why[ANSWER_SIZE];

	if (!want->migratable || !strcmp(dev->migratable, "yes"))
		return EXIT_DONE;
	if (*undeclared)
		return refuse(dev, want, undeclared);
	if (!*dev->migratable)
		return EXIT_DONE;
	snprintf(why, sizeof(why), "it was declared so, but vfio_pci/migratable says %s",
		 dev->migratable);
	return refuse(dev, want, why);
}
