// SPDX-License-Identifier: GPL-2.0-only
#include "command.h"

enum exit_code cmd_check(const struct options *options)
{
	struct config config;
	enum exit_code code;

	if (options->count)
		config_load_files(&config, options->argument, options->count);
	else
		config_load(&config);
	code = config.fault_count ? EXIT_CONFIG : EXIT_DONE;
	print_faults(&config);
	config_free(&config);
	return code;
}
