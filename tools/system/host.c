// SPDX-License-Identifier: GPL-2.0-only
/* This is a file of its own because tests have no udev, no block devices and no initramfs. */
#include <fcntl.h>
#include <libudev.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "system/host.h"
#include "system/sysfs.h"

/* Whether udev runs, which acts on our rules. */
bool udev_is_active(void)
{
	struct udev *udev = udev_new();
	struct udev_queue *queue = udev ? udev_queue_new(udev) : NULL;
	bool is_active = queue && udev_queue_get_udev_is_active(queue) > 0;

	udev_queue_unref(queue);
	udev_unref(udev);
	return is_active;
}

/*
 * Asks the kernel: an exclusive open fails if the device is mounted, used for swap, or part of a
 * volume. A device without a node counts as claimed.
 */
bool block_device_is_claimed(const char *name)
{
	char path[PATH_SIZE];
	int fd;

	system_path(path, "/dev/%s", name);
	fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC);
	if (fd < 0)
		return true;
	close(fd);
	return false;
}

/* Lists the files in the initramfs of @release, with the tool of its maker; or NULL. */
FILE *initramfs_open(const char *release)
{
	static const struct { const char *program, *file, *command; } makers[] = {
		{ "/usr/bin/lsinitramfs", "/boot/initrd.img-%s",
		  "lsinitramfs '/boot/initrd.img-%s' 2>/dev/null" },
		/* On Debian, dracut uses Debian's name for it. */
		{ "/usr/bin/lsinitrd", "/boot/initrd.img-%s",
		  "lsinitrd '/boot/initrd.img-%s' 2>/dev/null" },
		{ "/usr/bin/lsinitrd", "/boot/initramfs-%s.img",
		  "lsinitrd '/boot/initramfs-%s.img' 2>/dev/null" },
	};
	char file[256], command[512];
	size_t n;

	for (n = 0; n < sizeof(makers) / sizeof(makers[0]); n++) {
		snprintf(file, sizeof(file), makers[n].file, release);
		snprintf(command, sizeof(command), makers[n].command, release);
		if (!access(makers[n].program, X_OK) && !access(file, R_OK))
			return popen(command, "re");
	}
	return NULL;
}

void initramfs_close(FILE *list)
{
	pclose(list);
}
