// SPDX-License-Identifier: GPL-2.0-only
/* What the configuration wants of the initramfs, which has a copy of it. */
#include <stdio.h>
#include <sys/stat.h>

#include "configuration/config.h"
#include "system/initramfs.h"
#include "system/sysfs.h"

/* A section whose devices are claimed in the initramfs, or NULL. */
const struct section *config_for_initramfs(const struct config *config)
{
	size_t n;

	for (n = 0; n < config->section_count; n++) {
		const struct section *section = &config->section[n];

		if (section->enabled && section->in_initramfs && section_claims(section))
			return section;
	}
	return NULL;
}

static bool is_newer(const char *file, const struct stat *than)
{
	char path[PATH_SIZE];
	struct stat st;

	system_path(path, "%s", file);
	if (stat(path, &st))
		return false;
	return st.st_mtim.tv_sec > than->st_mtim.tv_sec ||
	       (st.st_mtim.tv_sec == than->st_mtim.tv_sec &&
		st.st_mtim.tv_nsec > than->st_mtim.tv_nsec);
}

static bool config_is_newer(const struct config *config, const char *image)
{
	char path[PATH_SIZE];
	struct stat st;
	size_t n;

	system_path(path, "%s", image);
	if (stat(path, &st))
		return false;
	for (n = 0; n < config->file_count; n++)
		if (is_newer(config->file[n], &st))
			return true;
	return is_newer(CONFIG_DIRECTORY, &st);
}

/*
 * Whether a file of @config, as config_load() has read it, was written after an initramfs of the
 * running kernel, or one came or went. @image gets the initramfs's name.
 */
bool config_is_newer_than_initramfs(const struct config *config, char *image, size_t size)
{
	char release[NAME_SIZE];
	bool found = false;
	struct names images;
	size_t n;

	attr_read(release, sizeof(release), "/proc/sys/kernel/osrelease");
	initramfs_images(&images, release);
	for (n = 0; n < images.count && !found; n++) {
		found = config_is_newer(config, images.name[n]);
		snprintf(image, size, "%s", images.name[n]);
	}
	free_names(&images);
	return found;
}
