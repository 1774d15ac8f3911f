// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "system/bounded.h"
#include "system/lock.h"
#include "system/state.h"

static int wait_for_lock(const void *arg)
{
	return flock(*(const int *)arg, LOCK_EX) ? -errno : 0;
}

/* Waits for the lock. Returns its file, which its holder may write, or -errno. */
int lock_take(const char *name)
{
	int lock = state_open(name, O_RDWR, 0600);

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
	int lock = state_open(name, O_RDWR, 0600), ret;

	if (lock < 0 || !flock(lock, LOCK_EX | LOCK_NB))
		return lock;
	ret = bounded(wait_for_lock, &lock, lock);
	if (!ret)
		return lock;
	close(lock);
	return ret;
}

/* Likewise without a wait: -EWOULDBLOCK while another has it. */
int lock_try(const char *name)
{
	int lock = state_open(name, O_RDWR, 0600), ret;

	if (lock < 0 || !flock(lock, LOCK_EX | LOCK_NB))
		return lock;
	ret = -errno;
	close(lock);
	return ret;
}

void lock_release(int lock)
{
	close(lock);
}
