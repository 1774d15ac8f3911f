// SPDX-License-Identifier: GPL-2.0-only
#include "bind.h"
#include "command.h"

/* Needs no configuration, so a malformed one does not get in its way. */
enum exit_code cmd_unbind(const struct options *options)
{
	const struct want want = { DRIVER_USUAL, { UNSAID, UNSAID, UNSAID } };
	enum exit_code code = EXIT_DONE, one;
	struct device dev;
	size_t n;

	for (n = 0; n < options->count; n++) {
		one = read_device(&dev, options->argument[n]);
		if (!one)
			one = device_bind(&dev, &want, options->force);
		code = graver(code, one);
	}
	return code;
}
