// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints what decides whether VFs can go to another host, or whether they can, before a guest
 * stops.
 */
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "doctor.h"
#include "migration.h"

static void add_vf(struct devices *vfs, const struct device *dev)
{
	vfs->device = reallocarray(vfs->device, vfs->count + 1, sizeof(*dev));
	if (!vfs->device)
		abort();
	vfs->device[vfs->count++] = *dev;
}

/* Reads the named VFs, or all that a guest has or may get. */
static enum exit_code read_vfs(struct devices *vfs, const struct options *options)
{
	enum exit_code code = EXIT_DONE, one;
	struct devices devices;
	struct device dev;
	size_t n;

	*vfs = (struct devices){};
	for (n = 0; n < options->count; n++) {
		one = read_device(&dev, options->argument[n]);
		if (!one && !device_is_vf(&dev)) {
			error("%s: it is not a VF; only VFs are migrated", dev.text);
			one = EXIT_FAILED;
		}
		if (!one)
			add_vf(vfs, &dev);
		code = graver(code, one);
	}
	if (options->count)
		return code;
	devices_read(&devices);
	for (n = 0; n < devices.count; n++)
		if (device_is_vf(&devices.device[n]) &&
		    (is_mlx5_vf(&devices.device[n]) || driver_is_vfio(devices.device[n].driver)))
			add_vf(vfs, &devices.device[n]);
	free(devices.device);
	return EXIT_DONE;
}

/* Returns NULL after an error message if the file is not usable. */
static json_t *read_other(const char *file)
{
	json_error_t fault;
	json_t *json = json_load_file(file, 0, &fault);

	if (!json) {
		error("%s: %s", file, fault.text);
		return NULL;
	}
	if (json_integer_value(json_object_get(json, "version")) == MIGRATION_VERSION &&
	    json_is_array(json_object_get(json, "vfs")))
		return json;
	error("%s: not what vfio-latch migration --json prints, version %d", file,
	      MIGRATION_VERSION);
	json_decref(json);
	return NULL;
}

static void print(const json_t *json, const struct options *options,
		  void (*print_text)(const json_t *json))
{
	if (options->format != FORMAT_JSON) {
		print_text(json);
		return;
	}
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
}

static enum exit_code compare(const json_t *facts, const struct options *options)
{
	json_t *other = read_other(options->compare), *answer;
	enum exit_code code;

	if (!other)
		return EXIT_USAGE;
	answer = migration_compare(facts, other);
	print(answer, options, migration_print_answer);
	code = migration_all_can_go(answer) ? EXIT_DONE : EXIT_FAILED;
	json_decref(answer);
	json_decref(other);
	return code;
}

enum exit_code cmd_migration(const struct options *options)
{
	struct devices vfs;
	enum exit_code code;
	json_t *facts;

	code = read_vfs(&vfs, options);
	facts = migration_facts(&vfs);
	if (options->compare)
		code = graver(code, compare(facts, options));
	else
		print(facts, options, migration_print_facts);
	json_decref(facts);
	free(vfs.device);
	return code;
}
