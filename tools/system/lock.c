// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/bounded.h"
#include "system/lock.h"
#include "system/sysfs.h"

static int wait_for_lock(const void *arg)
{
	return flock(*(const int *)arg, LOCK_EX) ? -errno : 0;
}

static int open_lock(const char *name)
{
	char path[PATH_SIZE];
	int lock;

	system_path(path, STATE_DIRECTORY);
	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	system_path(path, STATE_DIRECTORY "/%s", name);
	lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return lock < 0 ? -errno : lock;
}

/* Waits for the lock. Returns its file, which its holder may write, or -errno. */
int lock_take(const char *name)
{
	int lock = open_lock(name);

	if (lock < 0)
		return lock;
	while (flock(lock, LOCK_EX)) {
		if (errno != EINTR) {
			close(lock);
			return -errno;
		}
	}
	return lock;
}

/*
 * Likewise for a lock whose holder may be stuck: then returns -ETIMEDOUT. The child that waits
 * shares the open file, so its lock is also ours.
 */
int lock_take_bounded(const char *name)
{
	int lock = open_lock(name), ret;

	if (lock < 0 || !flock(lock, LOCK_EX | LOCK_NB))
		return lock;
	ret = bounded(wait_for_lock, &lock, lock);
	if (!ret)
		return lock;
	close(lock);
	return ret;
}

void lock_release(int lock)
{
	close(lock);
}
