// SPDX-License-Identifier: GPL-2.0-only
/* This is a file of its own because tests have no block devices. */
#include <fcntl.h>
#include <unistd.h>

#include "device/users.h"
#include "system/sysfs.h"

/*
 * Asks the kernel: an exclusive open fails if the device is mounted, used for swap, or part of a
 * volume. A device without a node (a path of NVMe multipath) counts as claimed.
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
