// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "binding/bind.h"
#include "commands/command.h"

/* Reads no configuration, so a malformed one does not get in the way. */
enum exit_code cmd_unbind(const struct options *options)
{
	const struct want want = { DRIVER_USUAL, { UNSAID, UNSAID, UNSAID }, NULL };
	struct devices devices;
	enum exit_code code;
	size_t n;

	code = read_groups(&devices, options);
	for (n = 0; n < devices.count; n++) {
		struct device *dev = &devices.device[n];

		code = graver(code, options->dry_run ? device_plan(dev, &want, options->force) :
			      device_bind(dev, &want, options->force));
	}
	free(devices.device);
	return code;
}
