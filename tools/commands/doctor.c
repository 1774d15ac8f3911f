// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "commands/command.h"
#include "doctor/doctor.h"
#include "system/driver.h"

static enum exit_code add_devices(struct inventory *inventory, const struct options *options)
{
	struct devices devices;
	enum exit_code code;
	size_t n;

	code = read_devices(&devices, options);
	for (n = 0; n < devices.count; n++)
		if (options->count || is_inventoried(inventory, &devices.device[n]))
			inventory_add(inventory, &devices.device[n]);
	free(devices.device);
	return code;
}

/* The driver that @entry should have, or else has, if it is a VFIO driver; otherwise NULL. */
static const char *driver_of(const struct entry *entry)
{
	const char *driver = entry->section ? entry->section->value[KEY_DRIVER] :
			     entry->device.driver;

	return driver_is_vfio(driver) ? driver : NULL;
}

/* Examines the module of each driver of the devices, once. */
static void examine_modules(struct findings *findings, const struct inventory *inventory)
{
	const char *driver;
	size_t n, before;

	for (n = 0; n < inventory->count; n++) {
		driver = driver_of(&inventory->entry[n]);
		for (before = 0; driver && before < n; before++) {
			const char *other = driver_of(&inventory->entry[before]);

			if (other && driver_is(driver, other))
				driver = NULL;
		}
		if (driver)
			examine_module(findings, driver);
	}
}

enum exit_code cmd_doctor(const struct options *options)
{
	struct findings findings = {};
	struct inventory inventory;
	enum exit_code code;
	size_t n;

	inventory_open(&inventory);
	code = add_devices(&inventory, options);
	examine_system(&findings, &inventory.config);
	examine_modules(&findings, &inventory);
	for (n = 0; n < inventory.count; n++)
		examine_device(&findings, &inventory.config, &inventory.entry[n]);

	if (options->format == FORMAT_JSON)
		findings_print_json(&findings);
	else
		findings_print(&findings);
	if (has_problems(&findings))
		code = graver(code, EXIT_FAILED);
	free(findings.finding);
	inventory_close(&inventory);
	return code;
}
