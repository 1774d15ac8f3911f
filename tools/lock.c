// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lock.h"
#include "sysfs.h"

/* Waits for the lock. Returns its file, which its holder may write, or -errno. */
int lock_take(const char *name)
{
	char path[PATH_SIZE];
	int lock;

	system_path(path, STATE_DIRECTORY);
	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	system_path(path, STATE_DIRECTORY "/%s", name);
	lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0)
		return -errno;
	while (flock(lock, LOCK_EX)) {
		if (errno != EINTR) {
			close(lock);
			return -errno;
		}
	}
	return lock;
}

void lock_release(int lock)
{
	close(lock);
}
