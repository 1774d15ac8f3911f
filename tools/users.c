// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VFIO device is open when a process holds its group, /dev/vfio/N, or its
 * own character device, /dev/vfio/devices/vfioN. Both are found among the files of
 * all processes by device number: names differ between mount namespaces.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sysfs.h"
#include "text.h"
#include "users.h"

/* Looked at by name first: to stat() any file at all may wait for a server. */
static bool is_interesting(const char *pid, const char *fd)
{
	char path[PATH_SIZE], target[PATH_SIZE];
	ssize_t length;

	system_path(path, "/proc/%s/fd/%s", pid, fd);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	return strstr(target, "vfio/") || strstr(target, "uverbs");
}

static void add_user(struct users *users, const char *pid, dev_t device)
{
	struct user *user = reallocarray(users->user, users->count + 1, sizeof(*user));

	if (!user)
		abort();
	users->user = user;
	user += users->count++;
	*user = (struct user){ .device = device, .pid = atoi(pid) };
	attr_read(user->command, sizeof(user->command), "/proc/%s/comm", pid);
	text_clean(user->command);
}

static void read_process(struct users *users, const char *pid)
{
	char path[PATH_SIZE];
	struct names fds;
	struct stat st;
	size_t n;

	system_path(path, "/proc/%s/fd", pid);
	if (access(path, R_OK) || access(path, X_OK))
		users->is_partial |= exists("/proc/%s", pid);
	list_names(&fds, "/proc/%s/fd", pid);
	for (n = 0; n < fds.count; n++) {
		if (!is_interesting(pid, fds.name[n]))
			continue;
		system_path(path, "/proc/%s/fd/%s", pid, fds.name[n]);
		if (!stat(path, &st) && S_ISCHR(st.st_mode))
			add_user(users, pid, st.st_rdev);
	}
	free_names(&fds);
}

void users_read(struct users *users)
{
	struct names pids;
	size_t n;

	*users = (struct users){};
	list_names(&pids, "/proc");
	for (n = 0; n < pids.count; n++)
		if (isdigit((unsigned char)pids.name[n][0]))
			read_process(users, pids.name[n]);
	free_names(&pids);
}

void users_free(struct users *users)
{
	free(users->user);
	*users = (struct users){};
}

static const struct user *user_of(const struct users *users, const char *number)
{
	unsigned int major, minor;
	size_t n;

	if (sscanf(number, "%u:%u", &major, &minor) != 2)
		return NULL;
	for (n = 0; n < users->count; n++)
		if (users->user[n].device == makedev(major, minor))
			return &users->user[n];
	return NULL;
}

/* The character devices that @dev has in the directory @class below it. */
static const struct user *user_of_class(const struct users *users, const struct device *dev,
					const char *class)
{
	const struct user *user = NULL;
	struct names names;
	char number[32];
	size_t n;

	list_names(&names, "/sys/bus/pci/devices/%s/%s", dev->text, class);
	for (n = 0; n < names.count && !user; n++) {
		attr_read(number, sizeof(number), "/sys/bus/pci/devices/%s/%s/%s/dev", dev->text,
			  class, names.name[n]);
		user = user_of(users, number);
	}
	free_names(&names);
	return user;
}

/* Whether somebody has @dev open, and who. @user may be NULL. */
enum open_state users_of(const struct users *users, const struct device *dev,
			 const struct user **user)
{
	const struct user *found = NULL;
	char number[32];

	if (driver_is_vfio(dev->driver)) {
		attr_read(number, sizeof(number), "/sys/class/vfio/%d/dev", dev->iommu_group);
		found = user_of(users, number);
		if (!found)
			found = user_of_class(users, dev, "vfio-dev");
	} else {
		found = user_of_class(users, dev, "infiniband_verbs");
	}
	if (user)
		*user = found;
	return found ? OPEN : users->is_partial ? OPEN_UNKNOWN : CLOSED;
}
