// SPDX-License-Identifier: GPL-2.0-only
/*
 * Applies the configuration to devices that are there, or (--new, which udev calls) to one that has
 * just appeared.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "binding/bind.h"
#include "commands/command.h"
#include "configuration/last_good.h"
#include "system/bounded.h"
#include "system/command_line.h"
#include "system/driver.h"
#include "system/lock.h"

/* For a device that no section matches, but that the kernel did not probe because of us. */
static const struct section usual_section = {
	.enabled = true,
	.value = { [KEY_DRIVER] = (char *)DRIVER_USUAL },
	.tunable = { UNSAID, UNSAID, UNSAID },
};

static bool is_passed_over(const struct device *dev)
{
	if (dev->driver[0])
		return false;
	return claim_is_ours(dev) || (device_is_vf(dev) && autoprobe_is_ours(dev->pf));
}

static const struct section *section_for(const struct config *config, const struct device *dev)
{
	const struct section *section = config_find(config, dev);

	return !section && is_passed_over(dev) ? &usual_section : section;
}

/*
 * A new device is left alone if it has a driver, or if driver_override names another one than
 * @want. With @hotplug a usual driver does not count: it was just faster than the event. Usual
 * drivers come by themselves, except to VFs that the kernel does not probe.
 */
static bool is_decided(const struct device *dev, const struct want *want, bool hotplug)
{
	if (dev->driver[0] && (!hotplug || driver_is_for_user_space(dev->driver)))
		return true;
	if (claim_is_ours(dev))
		return false;
	if (dev->driver_override[0] && !driver_is(dev->driver_override, want->driver))
		return true;
	return !strcmp(want->driver, DRIVER_USUAL) &&
	       !(device_is_vf(dev) && autoprobe_is_off(dev->pf));
}

/*
 * Gives a device that could not be bound its usual driver if it is passed over. Says what to do.
 * Other devices than VFs that are not get it by themselves: udev loads it next.
 */
static void leave_failed(struct device *dev, const struct want *want)
{
	const struct want usual = { DRIVER_USUAL, { UNSAID, UNSAID, UNSAID }, NULL };

	device_read_driver(dev);
	if (dev->driver[0])
		return;
	if (!claim_is_ours(dev) && (!device_is_vf(dev) || dev->driver_override[0]))
		return;
	if (strcmp(want->driver, DRIVER_USUAL) && is_passed_over(dev))
		device_bind(dev, &usual, false);
	if (dev->driver[0])
		error("%s: has its usual driver, %s, instead; when this is mended: vfio-latch apply %s",
		      dev->bdf, dev->driver, dev->bdf);
	else
		error("%s: has no driver; when this is mended: vfio-latch apply %s", dev->bdf,
		      dev->bdf);
}

/* udev and the unit do not call again by themselves. */
static void tell_what_is_left(const struct device *dev, const struct want *want)
{
	const char *driver = want->driver;

	if (!strcmp(driver, DRIVER_USUAL))
		driver = "its usual driver";
	else if (!strcmp(driver, DRIVER_NONE))
		driver = "driver none";
	error("%s: not given to %s within %s; vfio-latch.service does that when it is started or reloaded, or: vfio-latch apply %s",
	      dev->bdf, driver, bounded_text(), dev->bdf);
}

static enum exit_code apply_section(const struct config *config, struct device *dev,
				    const struct want *want, const struct options *options)
{
	char before[NAME_SIZE];
	enum exit_code code;

	if (device_is_as_wanted(dev, want))
		return EXIT_DONE;
	if (options->is_new && is_decided(dev, want, options->hotplug))
		return EXIT_DONE;
	if (options->dry_run)
		return device_plan(dev, want, options->force);
	snprintf(before, sizeof(before), "%s", dev->driver[0] ? dev->driver : "no driver");
	code = access_bind(config, dev, want, options->force);
	if (code == EXIT_FAILED)
		leave_failed(dev, want);
	else if (code == EXIT_TIMEOUT && (options->is_new || options->deadline))
		tell_what_is_left(dev, want);
	/* Prints nothing if it has no usual driver, and got none. */
	if (!code && !options->is_new && device_is_as_wanted(dev, want))
		note("%s: went from %s to %s", dev->bdf, before,
		     dev->driver[0] ? dev->driver : "no driver");
	return code;
}

/* A section with a fault of its own binds nothing, but may leave a VF to its usual driver. */
static const struct section *section_in_force(const struct device *dev,
					      const struct section *section)
{
	if (!section->is_refused)
		return section;
	return is_passed_over(dev) && !strcmp(section->value[KEY_DRIVER], DRIVER_USUAL) ?
	       &usual_section : NULL;
}

static enum exit_code apply_device(const struct config *config, struct device *dev,
				   const struct options *options)
{
	const struct section *section = section_for(config, dev);
	enum exit_code code = EXIT_DONE;
	struct want want;

	if (section) {
		section = section_in_force(dev, section);
		if (!section)
			return EXIT_DONE;
		want.driver = section->value[KEY_DRIVER];
		memcpy(want.tunable, section->tunable, sizeof(want.tunable));
		want.migratable = migratable_wanted(config, dev, want.driver);
		code = apply_section(config, dev, &want, options);
		/* Another command, or the kernel, is still at work on it; or it is another one. */
		if (code == EXIT_TIMEOUT || code == EXIT_NO_DEVICE)
			return code;
	}
	/* Also takes nodes back from users that no section names any more. */
	return graver(code, access_apply(config, dev, options->dry_run, false));
}

/* If no good configuration is known, VFs that may be for a guest stay out of the host. */
static enum exit_code keep_vfs_free(const struct config *faulty, const struct devices *devices,
				    const struct options *options)
{
	enum exit_code code = EXIT_DONE;
	size_t n;

	for (n = 0; n < devices->count; n++)
		if (config_may_bind_vfs(faulty, &devices->device[n]))
			code = graver(code, autoprobe_set(&devices->device[n], true,
							  options->dry_run));
	return code;
}

static bool can_bind(const struct section *section, const struct device *pf)
{
	const char *driver = section->value[KEY_DRIVER];
	char why[512];

	if (!strcmp(driver, DRIVER_NONE) || !driver_cannot_load(driver, why, sizeof(why)))
		return true;
	error("%s: VFs of section [%s] get their usual driver: %s", pf->bdf, section->name, why);
	return false;
}

/* Whether VFs of @pf will get another driver than the kernel's, which is better than none. */
static bool will_bind_vfs(const struct config *config, const struct device *pf)
{
	bool will = false;
	size_t n;

	for (n = 0; n < config->section_count; n++)
		if (section_may_bind_vfs(&config->section[n], pf))
			will |= can_bind(&config->section[n], pf);
	return will;
}

static enum exit_code apply_autoprobe(const struct config *config, const struct device *pf,
				      const struct options *options)
{
	return autoprobe_set(pf, !options->off && will_bind_vfs(config, pf), options->dry_run);
}

/* udev does it, too, where it runs. Says nothing of what goes well. */
static enum exit_code apply_new_vfs(const struct config *config, const struct device *pf,
				    const struct options *options)
{
	struct options of_vfs = *options;
	enum exit_code code = EXIT_DONE;
	struct device vf;
	unsigned int n;

	of_vfs.is_new = true;
	of_vfs.hotplug = true;
	for (n = 0; vf_at(&vf, pf, n); n++)
		code = graver(code, apply_device(config, &vf, &of_vfs));
	return code;
}

/* The section that says how many VFs @pf has, or NULL. */
static const struct section *section_with_vfs(const struct config *config, const struct device *pf)
{
	const struct section *section = config_find(config, pf);

	return section && !section->is_refused && section->num_vfs && !device_is_vf(pf) ?
	       section : NULL;
}

static enum exit_code apply_num_vfs(const struct config *config, struct device *pf,
				    const struct section *section, const struct options *options)
{
	unsigned int before = vf_links(pf), made;
	enum exit_code code;

	code = vfs_make(pf, section, options->is_new, options->dry_run);
	made = vf_links(pf);
	if (before || !made || options->is_new)
		return code;
	note("%s: has %u VFs now", pf->bdf, made);
	return graver(code, apply_new_vfs(config, pf, options));
}

/* New VFs must not be probed by the host's driver if they are not for the host. */
static enum exit_code apply_pf(const struct config *config, struct device *pf,
			       const struct options *options)
{
	const struct section *section = section_with_vfs(config, pf);
	enum exit_code code = EXIT_DONE;

	if (pf->total_vfs)
		code = apply_autoprobe(config, pf, options);
	if (!section)
		return code;
	if (!code)
		return apply_num_vfs(config, pf, section, options);
	if (!vf_links(pf))
		vfs_refuse_probing(pf, section);
	return code;
}

/* Autoprobe is last: what a present VF gets depends on the value with which it appeared. */
static enum exit_code apply_all(const struct config *config, struct devices *devices,
				const struct options *options)
{
	enum exit_code code = EXIT_DONE;
	size_t n;

	for (n = 0; n < devices->count; n++)
		code = graver(code, apply_device(config, &devices->device[n], options));
	for (n = 0; n < devices->count; n++)
		code = graver(code, apply_pf(config, &devices->device[n], options));
	return code;
}

/* Nobody waits any more for the driver that @dev was claimed for. */
static enum exit_code give_claim_up(struct device *dev, const struct options *options)
{
	int ret;

	if (!claim_is_ours(dev))
		return EXIT_DONE;
	if (options->dry_run) {
		note("%s: would lose its driver_override", dev->bdf);
		return EXIT_DONE;
	}
	/* After the event of the device nobody else loads its driver. */
	ret = claim_give_up(dev, true);
	if (!ret)
		return EXIT_DONE;
	if (!claim_is_ours(dev))
		usual_error(dev, ret);
	else
		error("%s: driver_override: %s", dev->bdf, strerror(-ret));
	return ret == -ETIMEDOUT ? EXIT_TIMEOUT : EXIT_FAILED;
}

/* No driver loses its device. Nodes are last: they may have to be waited for. */
static enum exit_code apply_off(const struct config *empty, const struct devices *devices,
				const struct options *options)
{
	enum exit_code code = EXIT_DONE;
	size_t n;

	for (n = 0; n < devices->count; n++)
		if (devices->device[n].total_vfs)
			code = graver(code, apply_autoprobe(empty, &devices->device[n], options));
	for (n = 0; n < devices->count; n++)
		code = graver(code, give_claim_up(&devices->device[n], options));
	for (n = 0; n < devices->count; n++)
		code = graver(code, access_apply(empty, &devices->device[n], options->dry_run, false));
	return code;
}

/* If the files have a fault, calls of udev and the unit use the last good configuration or none. */
static enum exit_code read_or_last_good(struct config *config, const struct options *options)
{
	enum last_good outcome;
	struct config faulty;

	if (!options->is_new && !options->last_good)
		return read_config(config);
	config_load(config);
	if (!config_refused(config))
		return EXIT_DONE;
	faulty = *config;
	outcome = last_good_load(config);
	last_good_report(&faulty, outcome);
	if (outcome == LAST_GOOD_USED)
		config_free(&faulty);
	else
		*config = faulty;
	/* udev would log the exit code for each function. */
	return options->last_good ? EXIT_CONFIG : EXIT_DONE;
}

/* Reports the refused sections of a configuration that otherwise applies. */
static enum exit_code tell_refused_sections(const struct config *config,
					    const struct options *options)
{
	if (config_refused(config) || !config->fault_count)
		return EXIT_DONE;
	/* udev calls for each function: the fault is logged once. */
	if (options->is_new)
		section_fault_report(config);
	else
		print_faults(config);
	return options->is_new ? EXIT_DONE : EXIT_CONFIG;
}

/* udev calls this when it has handled a node, and may have set its owner and mode. */
static enum exit_code apply_nodes(const struct config *config, const struct options *options)
{
	enum exit_code code = EXIT_DONE;
	size_t n;

	for (n = 0; n < options->count && !config_refused(config); n++)
		code = graver(code, access_apply_node(config, options->argument[n]));
	return code;
}

static enum exit_code apply_devices(const struct config *config, const struct options *options)
{
	struct devices devices;
	enum exit_code code;

	code = read_devices(&devices, options);
	if (config_refused(config))
		code = graver(code, keep_vfs_free(config, &devices, options));
	else if (options->off)
		code = graver(code, apply_off(config, &devices, options));
	else
		code = graver(code, apply_all(config, &devices, options));
	free(devices.device);
	return code;
}

/* udev's call may need its whole time for one wait. */
static void set_bounds(const struct options *options)
{
	unsigned int of_udev = bounded_seconds(BOUNDED_SECONDS_OF_UDEV);

	if (options->is_new)
		bounded_set(of_udev);
	if (options->deadline || options->is_new)
		bounded_set_whole(options->deadline ? options->deadline : of_udev);
}

static enum exit_code apply(const struct options *options)
{
	bool goes_on = options->is_new || options->last_good;
	enum exit_code code = EXIT_DONE;
	struct config config = {};

	/* --off must work with a malformed configuration, too. */
	if (!options->off)
		code = read_or_last_good(&config, options);
	if (code && !goes_on)
		return code;
	if (!code && !options->count && !options->off && !options->dry_run && !config.fault_count)
		last_good_save(&config);
	code = graver(code, tell_refused_sections(&config, options));
	code = graver(code, options->node ? apply_nodes(&config, options) :
		      apply_devices(&config, options));
	config_free(&config);
	return code;
}

/*
 * Whether udev has found a VF that the kernel offers to no driver. While it waits, no other driver
 * takes it.
 */
static bool waits_for_its_turn(const struct options *options, struct device *vf)
{
	if (!options->is_new || options->dry_run || options->count != 1)
		return false;
	*vf = (struct device){};
	if (options->node || !address_parse(options->argument[0], &vf->address))
		return false;
	address_format(vf->bdf, &vf->address);
	vf_find_pf(vf);
	return device_is_vf(vf) && autoprobe_is_off(vf->pf) && !turn_wait(vf, options->hotplug);
}

/*
 * Applies the configuration, as it is by then, to each VF of the PF of @vf that waits. If that takes
 * long, although the PF is not stuck, the rest is left to another call, which has time of its own.
 * Returns false then.
 */
static bool apply_to_those_that_wait(const struct device *vf, const struct options *options,
				     enum exit_code *code)
{
	bool is_stuck = vf_wait_until_added(vf) == -ETIMEDOUT;
	char next[ADDRESS_SIZE], *argument = next;
	struct options one = *options;

	if (is_stuck)
		error("%s: its driver is still at work on its VFs after %s; see the kernel log",
		      vf->pf, bounded_text());
	one.argument = &argument;
	while (turn_next(vf->pf, next, &one.hotplug)) {
		*code = graver(*code, apply(&one));
		if (!is_stuck && bounded_is_half_over())
			return false;
	}
	return true;
}

static enum exit_code apply_in_turn(const struct device *vf, const struct options *options)
{
	enum exit_code code = EXIT_DONE;
	bool is_done = true;
	int turn;

	while (is_done && turn_is_wanted(vf->pf)) {
		turn = turn_take(vf->pf);
		if (turn < 0)
			return code;
		is_done = apply_to_those_that_wait(vf, options, &code);
		lock_release(turn);
	}
	if (!is_done)
		turn_hand_over(vf->pf);
	return code;
}

/* What the boot and udev call is; who calls by hand means it. Nodes of what is bound are set. */
static bool is_switched_off(const struct options *options)
{
	return (options->is_new || options->last_good) && !options->node &&
	       command_line_has(SWITCHED_OFF);
}

enum exit_code cmd_apply(const struct options *options)
{
	struct device vf;

	if (is_switched_off(options))
		return EXIT_DONE;
	if (options->is_new)
		report_to_syslog();
	set_bounds(options);
	if (waits_for_its_turn(options, &vf))
		return apply_in_turn(&vf, options);
	return apply(options);
}
