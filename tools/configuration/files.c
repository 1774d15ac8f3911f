// SPDX-License-Identifier: GPL-2.0-only
/* Finds and reads the files of the configuration. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "configuration/config.h"
#include "system/sysfs.h"
#include "system/text.h"

#define MAIN_FILE "/etc/vfio-latch.conf"

static void load_file(struct config *config, const char *path, const char *shown, bool may_miss)
{
	FILE *stream = fopen(path, "re");

	if (!stream && may_miss && errno == ENOENT)
		return;
	if (!stream) {
		config_unreadable(config, shown, strerror(errno));
		return;
	}
	config_parse(config, shown, stream);
	if (ferror(stream))
		config_unreadable(config, shown, strerror(errno));
	fclose(stream);
}

static bool is_ours(const char *name)
{
	size_t length = strlen(name);

	return length > 5 && !strcmp(name + length - 5, ".conf") && text_is_clean(name);
}

/* Reads the configuration. Without any file it is empty. */
void config_load(struct config *config)
{
	char path[PATH_SIZE];
	struct names names;
	size_t n;

	*config = (struct config){};
	system_path(path, MAIN_FILE);
	load_file(config, path, MAIN_FILE, true);

	list_names(&names, CONFIG_DIRECTORY);
	for (n = 0; n < names.count; n++) {
		if (!is_ours(names.name[n]))
			continue;
		system_path(path, CONFIG_DIRECTORY "/%s", names.name[n]);
		load_file(config, path, path + strlen(system_root()), false);
	}
	free_names(&names);
	config_finish(config);
}

/* Reads these files as the whole configuration. */
void config_load_files(struct config *config, char *const *file, size_t count)
{
	size_t n;

	*config = (struct config){};
	for (n = 0; n < count; n++)
		load_file(config, file[n], file[n], false);
	config_finish(config);
}
