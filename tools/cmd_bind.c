// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "bind.h"
#include "command.h"

/* What the command line leaves open, the configuration says. */
static void complete(struct want *want, const struct section *section)
{
	int n;

	if (!section)
		return;
	if (!want->driver)
		want->driver = section->value[KEY_DRIVER];
	for (n = 0; n < NR_TUNABLES && driver_is_vfio(want->driver); n++)
		if (want->tunable[n] == UNSAID)
			want->tunable[n] = section->tunable[n];
}

static enum exit_code bind_one(const struct config *config, const struct options *options,
			       const char *argument)
{
	struct want want = { .driver = options->driver };
	const struct section *section;
	enum exit_code code;
	struct device dev;

	memcpy(want.tunable, options->tunable, sizeof(want.tunable));
	code = read_device(&dev, argument);
	if (code)
		return code;
	section = config_find(config, &dev);
	if (section && section->is_refused && !want.driver) {
		error("%s: section [%s] has a fault: see vfio-latch check", dev.text,
		      section->name);
		return EXIT_CONFIG;
	}
	complete(&want, section);
	if (!want.driver) {
		error("%s: no section of the configuration is for it: name a driver with --driver",
		      dev.text);
		return EXIT_USAGE;
	}
	if (tunables_are_said(options->tunable) && !driver_is_vfio(want.driver)) {
		error("%s: tunables are for a VFIO driver, not for \"%s\"", dev.text, want.driver);
		return EXIT_USAGE;
	}
	return device_bind(&dev, &want, options->force);
}

enum exit_code cmd_bind(const struct options *options)
{
	enum exit_code code;
	struct config config;
	size_t n;

	code = read_config(&config);
	if (code)
		return code;
	for (n = 0; n < options->count; n++)
		code = graver(code, bind_one(&config, options, options->argument[n]));
	config_free(&config);
	return code;
}
