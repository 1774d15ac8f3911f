// SPDX-License-Identifier: GPL-2.0-only
/* Whether taking a device from its driver would hurt somebody. */
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysfs.h"
#include "users.h"

#define DEVICE "/sys/bus/pci/devices/%s/"

static bool netdev_in_use(const struct device *dev, const char *name, char *why, size_t size)
{
	long flags = attr_number(16, DEVICE "net/%s/flags", dev->text, name);

	if (flags < 0 || flags & IFF_UP) {
		snprintf(why, size, "network interface %s is up", name);
		return true;
	}
	if (exists(DEVICE "net/%s/master", dev->text, name)) {
		snprintf(why, size, "network interface %s is part of a bond or bridge", name);
		return true;
	}
	return false;
}

/* sysfs hides what another namespace has, but not the directory that it stands in. */
static bool network_in_use(const struct device *dev, char *why, size_t size)
{
	struct names names;
	bool in_use;
	size_t n;

	if (!exists(DEVICE "net", dev->text))
		return false;
	list_names(&names, DEVICE "net", dev->text);
	in_use = !names.count;
	if (in_use)
		snprintf(why, size, "its network interface is in another network namespace");
	for (n = 0; n < names.count && !in_use; n++)
		in_use = netdev_in_use(dev, names.name[n], why, size);
	free_names(&names);
	return in_use;
}

/* Whether the block device @name is on @path, which ends in a slash. */
static bool is_below(const char *name, const char *path)
{
	char block[PATH_SIZE], real[PATH_MAX];

	system_path(block, "/sys/class/block/%s", name);
	return realpath(block, real) && !strncmp(real, path, strlen(path));
}

static bool storage_in_use(const struct device *dev, char *why, size_t size)
{
	char link[PATH_SIZE], path[PATH_MAX + 1];
	struct names names;
	bool in_use = false;
	size_t n;

	system_path(link, "/sys/bus/pci/devices/%s", dev->text);
	if (!realpath(link, path))
		return false;
	strcat(path, "/");
	list_names(&names, "/sys/class/block");
	for (n = 0; n < names.count && !in_use; n++) {
		in_use = is_below(names.name[n], path) && block_device_is_claimed(names.name[n]);
		if (in_use)
			snprintf(why, size, "block device %s is in use", names.name[n]);
	}
	free_names(&names);
	return in_use;
}

static bool is_open(const struct device *dev, char *why, size_t size)
{
	const struct user *user;
	enum open_state state;
	struct users users;

	users_read(&users);
	state = users_of(&users, dev, &user);
	if (state == OPEN)
		snprintf(why, size, "process %d (%s) has it open", user->pid, user->command);
	else if (state == OPEN_UNKNOWN)
		snprintf(why, size, "whether a process has it open only root can see");
	users_free(&users);
	return state != CLOSED;
}

/*
 * Whether @dev is in use with its present driver, and by whom. Graphics counts
 * always: what a display shows has no file to be found by.
 */
bool device_in_use(const struct device *dev, char *why, size_t size)
{
	if (!dev->driver[0])
		return false;
	if (exists(DEVICE "drm", dev->text)) {
		snprintf(why, size, "it may be showing somebody's display");
		return true;
	}
	if (dev->total_vfs && attr_number(10, DEVICE "sriov_numvfs", dev->text) > 0) {
		snprintf(why, size, "its VFs are enabled");
		return true;
	}
	return network_in_use(dev, why, size) || storage_in_use(dev, why, size) ||
	       is_open(dev, why, size);
}
