// SPDX-License-Identifier: GPL-2.0-only
/* Whether a device is in use: taking it from its driver would do harm then. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "device/block.h"
#include "device/users.h"
#include "system/bounded.h"
#include "system/host.h"
#include "system/sysfs.h"

#define DEVICE "/sys/bus/pci/devices/%s"

/* How long udev may have a device open before that counts, and how often it is looked at. */
#define UDEV_SECONDS 10
#define UDEV_STEP_MS 100

/* The buffer for the reason, found below a device's directory, whatever bus or driver made it. */
struct reason {
	char *text;
	size_t size;
};

static bool netdev_in_use(const char *directory, const char *name, struct reason *why)
{
	long flags = attr_number(16, "%s/%s/flags", directory, name);

	if (flags < 0 || flags & IFF_UP) {
		snprintf(why->text, why->size, "network interface %s is up", name);
		return true;
	}
	if (exists("%s/%s/master", directory, name)) {
		snprintf(why->text, why->size, "network interface %s is part of a bond or bridge",
			 name);
		return true;
	}
	return false;
}

/* sysfs hides the interfaces of other network namespaces, but not the directory above them. */
static bool network_in_use(const char *directory, struct reason *why)
{
	struct names names;
	bool in_use;
	size_t n;

	list_names(&names, "%s", directory);
	in_use = !names.count;
	if (in_use)
		snprintf(why->text, why->size,
			 "its network interface is in another network namespace");
	for (n = 0; n < names.count && !in_use; n++)
		in_use = netdev_in_use(directory, names.name[n], why);
	free_names(&names);
	return in_use;
}

static int open_alone(const void *name)
{
	return block_device_open_alone(name);
}

/*
 * The open may wait for a disk whose errors are being handled. A drive without a medium, and a disk
 * that is offline, can be in nobody's use.
 */
static bool block_device_in_use(const char *name, struct reason *why)
{
	int ret = bounded(open_alone, name, 0);

	if (!ret || ret == -ENOMEDIUM || ret == -ENXIO)
		return false;
	if (ret == -EBUSY)
		snprintf(why->text, why->size, "block device %s is in use", name);
	else if (ret == -ETIMEDOUT)
		snprintf(why->text, why->size, "block device %s has not answered within %s", name,
			 bounded_text());
	else
		snprintf(why->text, why->size, "whether block device %s is in use is not known: %s",
			 name, strerror(-ret));
	return true;
}

/* A visitor. Graphics always counts: no open file shows that a display is in use. */
static bool directory_in_use(const char *directory, void *arg)
{
	const char *name = strrchr(directory, '/') + 1;
	struct reason *why = arg;
	struct disk disk;

	if (!strcmp(name, "net"))
		return network_in_use(directory, why);
	if (!strcmp(name, "drm") || !strcmp(name, "graphics")) {
		snprintf(why->text, why->size, "it may be showing somebody's display");
		return true;
	}
	if (path_find_disk(directory, &disk))
		return any_of_disk(&disk, directory_in_use, arg);
	return kernel_uses(directory, why->text, why->size) ||
	       (is_block_device(directory) && block_device_in_use(name, why));
}

/* A process of udev that handles an event; older ones have the daemon's name. */
static bool is_udev(const struct user *user)
{
	return !strcmp(user->command, "(udev-worker)") || !strcmp(user->command, "systemd-udevd");
}

/* udev opens each new disk for a moment, to see what is on it: that is no use. */
static enum open_state users_but_udev(const struct device *dev, const struct user **user)
{
	const struct timespec step = { .tv_nsec = UDEV_STEP_MS * 1000000L };
	unsigned int seconds = bounded_seconds(UDEV_SECONDS), left;
	enum open_state state = users_of(dev, user);

	left = (seconds < UDEV_SECONDS ? seconds : UDEV_SECONDS) * 1000 / UDEV_STEP_MS;
	for (; left && state == OPEN && is_udev(*user) && !bounded_is_over(); left--) {
		nanosleep(&step, NULL);
		users_look_again(dev);
		state = users_of(dev, user);
	}
	return state;
}

static bool is_open(const struct device *dev, char *why, size_t size)
{
	const struct user *user;
	enum open_state state = users_but_udev(dev, &user);

	if (state == OPEN)
		snprintf(why, size, "process %d (%s) has it open", user->pid, user->command);
	else if (state == OPEN_UNKNOWN)
		snprintf(why, size, "only root can see whether a process has it open");
	return state != CLOSED;
}

/* VFs that the kernel is adding, or about to, are VFs. */
static bool has_vfs(const struct device *pf, char *why, size_t size)
{
	int vfs = pf->total_vfs ? vf_count(pf) : 0;

	if (vfs > 0)
		snprintf(why, size, "its VFs are enabled");
	else if (vfs == -ETIMEDOUT)
		snprintf(why, size, "whether it has VFs is not known: the kernel is at work on it");
	return vfs > 0 || vfs == -ETIMEDOUT;
}

static bool is_a_domains(const struct device *dev, char *why, size_t size)
{
	if (strcmp(dev->driver, "pciback") || !xen_domain_has_functions())
		return false;
	snprintf(why, size, "a domain of Xen has functions, and may have this one");
	return true;
}

/* Whether @dev is in use with its present driver. @why says by what. */
bool device_in_use(const struct device *dev, char *why, size_t size)
{
	struct reason reason = { why, size };
	char directory[NAME_SIZE];

	if (!dev->driver[0])
		return false;
	if (has_vfs(dev, why, size) || is_a_domains(dev, why, size))
		return true;
	snprintf(directory, sizeof(directory), DEVICE, dev->bdf);
	return any_directory(directory, directory_in_use, &reason) || is_open(dev, why, size);
}

/* Likewise, after a new look at the processes. */
bool device_in_use_now(const struct device *dev, char *why, size_t size)
{
	if (dev->driver[0])
		users_look_again(dev);
	return device_in_use(dev, why, size);
}
