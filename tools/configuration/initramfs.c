// SPDX-License-Identifier: GPL-2.0-only
/* What the configuration wants of the initramfs, which has a copy of it. */
#include <stdio.h>
#include <sys/stat.h>

#include "configuration/config.h"
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

/*
 * Whether a file of @config, as config_load() has read it, was written after the running kernel's
 * initramfs, or one came or went. @image gets the initramfs's name.
 */
bool config_is_newer_than_initramfs(const struct config *config, char *image, size_t size)
{
	static const char *const names[] = { "/boot/initrd.img-%s", "/boot/initramfs-%s.img" };
	char release[NAME_SIZE], path[PATH_SIZE];
	struct stat st;
	size_t n;

	attr_read(release, sizeof(release), "/proc/sys/kernel/osrelease");
	for (n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		snprintf(image, size, names[n], release);
		system_path(path, "%s", image);
		if (!stat(path, &st))
			break;
	}
	if (n == sizeof(names) / sizeof(names[0]))
		return false;
	for (n = 0; n < config->file_count; n++)
		if (is_newer(config->file[n], &st))
			return true;
	return is_newer(CONFIG_DIRECTORY, &st);
}
