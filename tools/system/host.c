// SPDX-License-Identifier: GPL-2.0-only
/* This is a file of its own because tests have no udev, no block devices and no initramfs. */
#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
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
 * Asks the kernel: an exclusive open fails with -EBUSY if the device is mounted, used for swap, or
 * part of a volume. It may wait for the device. It moves no tray, and asks for no medium.
 */
int block_device_open_alone(const char *name)
{
	char path[PATH_SIZE];
	int fd;

	system_path(path, "/dev/%s", name);
	fd = open(path, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/*
 * Lists the files in an initramfs, or in that of a unified kernel image, which only dracut's tool
 * can read; or returns NULL.
 */
FILE *initramfs_open(const char *image)
{
	size_t length = strlen(image);
	bool is_unified = length > 4 && !strcmp(image + length - 4, ".efi");
	char command[PATH_SIZE];
	const char *tool;

	if (!is_unified && !access("/usr/bin/lsinitramfs", X_OK))
		tool = "lsinitramfs";
	else if (!access("/usr/bin/lsinitrd", X_OK))
		tool = "lsinitrd";
	else
		return NULL;
	if (access(image, R_OK) || strchr(image, '\''))
		return NULL;
	snprintf(command, sizeof(command), "%s '%s' 2>/dev/null", tool, image);
	return popen(command, "re");
}

void initramfs_close(FILE *list)
{
	pclose(list);
}
