// SPDX-License-Identifier: GPL-2.0-only
/* A file of its own: tests have no block devices. */
#include <fcntl.h>
#include <unistd.h>

#include "sysfs.h"
#include "users.h"

/*
 * The kernel's own answer: an exclusive open fails when the device is mounted,
 * swapped to, or part of a volume. One without a node (a path of NVMe multipath)
 * cannot be asked, and counts as claimed.
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
