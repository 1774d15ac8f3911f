// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints what decides whether VFs can go to another host, or whether they can, before a guest
 * stops.
 */
#include <stdlib.h>

#include "commands/command.h"
#include "migration/migration.h"
#include "output/json.h"
#include "system/driver.h"

/* Whether @dev is a VF that a guest has or may get. */
static bool may_migrate(const struct device *dev)
{
	return device_is_vf(dev) && (is_mlx5_vf(dev) || driver_is_vfio(dev->driver));
}

/* Reads the named VFs, or all that a guest has or may get. Free vfs->device. */
static enum exit_code read_vfs(struct devices *vfs, const struct options *options)
{
	const struct device *dev;
	enum exit_code code;
	size_t n, count = 0;

	code = read_devices(vfs, options);
	for (n = 0; n < vfs->count; n++) {
		dev = &vfs->device[n];
		if (options->count && !device_is_vf(dev)) {
			error("%s: it is not a VF; only VFs are migrated", dev->bdf);
			code = graver(code, EXIT_FAILED);
		} else if (options->count || may_migrate(dev)) {
			vfs->device[count++] = *dev;
		}
	}
	vfs->count = count;
	return code;
}

static void print(const json_t *json, const struct options *options,
		  void (*print_text)(const json_t *json))
{
	if (options->format == FORMAT_JSON)
		json_print(json);
	else
		print_text(json);
}

static enum exit_code compare(const json_t *facts, const struct options *options)
{
	json_t *other = migration_read(options->compare), *answer;
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
