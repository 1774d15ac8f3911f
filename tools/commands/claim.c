// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps other drivers from devices until udev's events come: a unit calls this before udev looks at
 * the devices that are there, and so does the initramfs. It takes no device from a driver, and loads
 * no module.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binding/bind.h"
#include "commands/command.h"
#include "configuration/last_good.h"
#include "system/bounded.h"
#include "system/command_line.h"
#include "system/driver.h"

/* The boot waits for this. On a slow host the command's own work counts, too. */
#define SECONDS 30

/* For a machine that does not boot because a disk that it needs is claimed. */
static bool is_switched_off(const struct options *options)
{
	return command_line_has(SWITCHED_OFF) ||
	       (options->initramfs && command_line_has(INITRAMFS_SWITCHED_OFF));
}

/* If the files have a fault, the last good configuration claims, or nothing does. */
static bool read_good_config(struct config *config)
{
	enum last_good outcome;
	struct config faulty;
	char text[512];

	config_load(config);
	if (!config_refused(config))
		return true;
	faulty = *config;
	outcome = last_good_load(config);
	if (outcome == LAST_GOOD_USED) {
		last_good_report(&faulty, outcome);
	} else {
		fault_text(config_refused(&faulty), text, sizeof(text));
		error("%s; no device is claimed before udev finds it", text);
	}
	config_free(&faulty);
	return outcome == LAST_GOOD_USED;
}

/* VFs appear later, and their PF's autoprobe is for them. */
static bool claims(const struct section *section, const struct device *dev,
		   const struct options *options)
{
	return section && section_claims(section) && !device_is_vf(dev) &&
	       (section->in_initramfs || !options->initramfs);
}

/* The initramfs has not all modules: what it claims is looked at again when the system has. */
static bool can_be_bound(const struct device *dev, const struct section *section,
			 const struct options *options)
{
	const char *driver = section->value[KEY_DRIVER];
	char why[512];

	if (options->initramfs || !strcmp(driver, DRIVER_NONE) ||
	    !driver_cannot_load(driver, why, sizeof(why)))
		return true;
	if (!dev->driver[0])
		error("%s: gets its usual driver, not that of section [%s]: %s", dev->bdf,
		      section->name, why);
	return false;
}

static enum exit_code exit_code_of(int ret)
{
	return ret == -ETIMEDOUT ? EXIT_TIMEOUT : EXIT_FAILED;
}

static enum exit_code give_up(struct device *dev, const struct options *options)
{
	int ret;

	if (options->dry_run) {
		note("%s: would not be claimed any more", dev->bdf);
		return EXIT_DONE;
	}
	ret = claim_give_up(dev, false);
	if (ret && !claim_is_ours(dev)) {
		usual_error(dev, ret);
		return exit_code_of(ret);
	}
	if (ret) {
		error("%s: stays claimed: %s", dev->bdf, strerror(-ret));
		return exit_code_of(ret);
	}
	note("%s: is not claimed any more", dev->bdf);
	return EXIT_DONE;
}

static enum exit_code make(struct device *dev, const char *driver, const struct options *options)
{
	int ret;

	if (options->dry_run) {
		note("%s: would be claimed for %s", dev->bdf, driver);
		return EXIT_DONE;
	}
	ret = claim_make(dev);
	if (!ret && claim_is_ours(dev))
		note("%s: is claimed for %s", dev->bdf, driver);
	if (!ret)
		return EXIT_DONE;
	if (ret == -ETIMEDOUT)
		error("%s: not claimed within %s; see the kernel log", dev->bdf, bounded_text());
	else
		error("%s: not claimed: %s", dev->bdf, strerror(-ret));
	return exit_code_of(ret);
}

/* A driver that somebody else has chosen, or that was faster, stays. */
static enum exit_code claim(struct device *dev, const char *driver, const struct options *options)
{
	if (!dev->driver[0] && !dev->driver_override[0])
		return make(dev, driver, options);
	if (dev->driver[0] && !driver_is(dev->driver, driver) && !options->initramfs &&
	    !options->dry_run)
		claim_is_late(dev);
	return EXIT_DONE;
}

static enum exit_code claim_or_give_up(const struct config *config, struct device *dev,
				       const struct options *options)
{
	const struct section *section = config_find(config, dev);
	enum exit_code code = EXIT_DONE;
	const char *driver = NULL;

	/* Until it is mended it decides nothing. */
	if (section && section->is_refused)
		return EXIT_DONE;
	if (claims(section, dev, options) && can_be_bound(dev, section, options))
		driver = section->value[KEY_DRIVER];
	if (!driver && !options->initramfs && claim_is_ours(dev))
		code = give_up(dev, options);
	return driver ? graver(code, claim(dev, driver, options)) : code;
}

enum exit_code cmd_claim(const struct options *options)
{
	enum exit_code code = EXIT_DONE;
	struct devices devices;
	struct config config;
	size_t n;

	if (options->initramfs)
		report_to_kernel_log();
	if (is_switched_off(options))
		return EXIT_DONE;
	bounded_set_whole(options->deadline ? options->deadline : SECONDS);
	/* A typing error is no failure of the boot. */
	if (!read_good_config(&config))
		return EXIT_DONE;
	if (config.fault_count)
		section_fault_report(&config);
	devices_read(&devices);
	/* The claims are to have the rest. */
	bounded_count_waits_only();
	for (n = 0; n < devices.count; n++)
		code = graver(code, claim_or_give_up(&config, &devices.device[n], options));
	free(devices.device);
	config_free(&config);
	return code;
}
