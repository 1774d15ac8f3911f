// SPDX-License-Identifier: GPL-2.0-only
/* This is a file of its own because tests have a model of the kernel in its place. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "system/sysfs.h"

/* One write(): the kernel takes the bytes of each as a whole text. */
int sysfs_store(const char *path, const char *text)
{
	size_t size = strlen(text);
	ssize_t written;
	int fd, ret;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	written = write(fd, text, size);
	ret = written < 0 ? -errno : (size_t)written < size ? -EIO : 0;
	close(fd);
	return ret;
}
