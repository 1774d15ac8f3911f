// SPDX-License-Identifier: GPL-2.0-only
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/initramfs.h"

/* By release. */
static const char *const places[] = {
	/* Debian's name, of initramfs-tools and dracut; dracut's own; dracut's on SUSE */
	"/boot/initrd.img-%s",
	"/boot/initramfs-%s.img",
	"/boot/initrd-%s",
	/* where /boot is made of it: dracut's, and rpm-ostree's */
	"/lib/modules/%s/initrd",
	"/lib/modules/%s/initramfs.img",
};

/* By a partition for boot loaders, and by release: the Boot Loader Specification, UAPI.1. */
static const char *const boot_places[] = {
	/* beside an entry of type 1, as dracut makes it, and as kernel-install copies Debian's */
	"%1$s/*/%2$s/initrd",
	"%1$s/*/%2$s/initrd.img-%2$s",
	/* in a unified kernel image: kernel-install's names, the second one with tries left; dracut's */
	"%1$s/EFI/Linux/*-%2$s.efi",
	"%1$s/EFI/Linux/*-%2$s+*.efi",
	"%1$s/EFI/Linux/linux-%2$s-*.efi",
};

static const char *const partitions[] = { "/boot", "/efi", "/boot/efi" };

static void add_matching(struct names *images, const char *place)
{
	size_t root = strlen(system_root()), n;
	char pattern[PATH_SIZE];
	glob_t found;

	system_path(pattern, "%s", place);
	if (glob(pattern, 0, NULL, &found))
		return;
	images->name = realloc(images->name,
			       (images->count + found.gl_pathc) * sizeof(images->name[0]));
	if (!images->name)
		abort();
	for (n = 0; n < found.gl_pathc; n++)
		images->name[images->count++] = strdup(found.gl_pathv[n] + root);
	globfree(&found);
}

/*
 * Finds all files that may be the initramfs of the kernel @release, or hold it: which of them is
 * booted, only the boot loader knows. @images is for free_names().
 */
void initramfs_images(struct names *images, const char *release)
{
	char place[PATH_SIZE];
	size_t n, partition;

	*images = (struct names){};
	for (n = 0; n < sizeof(places) / sizeof(places[0]); n++) {
		snprintf(place, sizeof(place), places[n], release);
		add_matching(images, place);
	}
	for (partition = 0; partition < sizeof(partitions) / sizeof(partitions[0]); partition++) {
		for (n = 0; n < sizeof(boot_places) / sizeof(boot_places[0]); n++) {
			snprintf(place, sizeof(place), boot_places[n], partitions[partition], release);
			add_matching(images, place);
		}
	}
}

/* Whether @image is in one of boot_places: there the tools that make an initramfs may not renew it. */
bool initramfs_is_copy(const char *image)
{
	return strncmp(image, "/boot/initr", 11) && strncmp(image, "/lib/modules/", 13);
}
