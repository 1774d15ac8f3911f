// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device is open when a process has one of its nodes open, character or block: those that sysfs
 * shows below the device, and a few that it shows elsewhere or not at all. They are found among the
 * files of all processes by device number: names differ between mount namespaces.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "device/block.h"
#include "device/node.h"
#include "device/users.h"
#include "system/driver.h"
#include "system/sysfs.h"
#include "system/text.h"

/* The major number of NVIDIA's own driver. */
#define NVIDIA_MAJOR 195

/* All processes that have devices open. users_of() reads them if that was not done yet. */
static struct users {
	struct user *user;
	size_t count;
	bool is_partial;
	bool is_read;
} users;

static void add_user(int pid, const struct statx *st)
{
	users.user = reallocarray(users.user, users.count + 1, sizeof(*users.user));
	if (!users.user)
		abort();
	users.user[users.count++] = (struct user){
		.device = makedev(st->stx_rdev_major, st->stx_rdev_minor),
		.is_block = S_ISBLK(st->stx_mode), .pid = pid,
	};
}

/* Asks only for what the kernel knows already: for more it might wait for a file server. */
static bool is_device(const char *pid, const char *fd, struct statx *st)
{
	char path[PATH_SIZE];

	system_path(path, "/proc/%s/fd/%s", pid, fd);
	return !statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE, st) &&
	       (S_ISCHR(st->stx_mode) || S_ISBLK(st->stx_mode));
}

static void name_users(size_t first, const char *pid)
{
	char command[NAME_SIZE];

	if (first == users.count)
		return;
	attr_read(command, sizeof(command), "/proc/%s/comm", pid);
	text_clean(command);
	for (; first < users.count; first++)
		memcpy(users.user[first].command, command, sizeof(command));
}

static void read_process(const char *pid)
{
	size_t first = users.count, n;
	char path[PATH_SIZE];
	struct names fds;
	struct statx st;

	system_path(path, "/proc/%s/fd", pid);
	if (access(path, R_OK) || access(path, X_OK))
		users.is_partial |= exists("/proc/%s", pid);
	list_names(&fds, "/proc/%s/fd", pid);
	for (n = 0; n < fds.count; n++)
		if (is_device(pid, fds.name[n], &st))
			add_user(atoi(pid), &st);
	free_names(&fds);
	name_users(first, pid);
}

static void read_processes(void)
{
	struct names pids;
	size_t n;

	if (users.is_read)
		return;
	users.is_read = true;
	list_names(&pids, "/proc");
	for (n = 0; n < pids.count; n++)
		if (isdigit((unsigned char)pids.name[n][0]))
			read_process(pids.name[n]);
	free_names(&pids);
}

/* The next users_of() reads the processes again. */
static void forget_processes(void)
{
	free(users.user);
	users = (struct users){};
}

static const struct user *user_of(dev_t device, bool is_block)
{
	size_t n;

	for (n = 0; n < users.count; n++)
		if (users.user[n].device == device && users.user[n].is_block == is_block)
			return &users.user[n];
	return NULL;
}

/* A visitor. Ends at the first node that a process has open. */
static bool find_user(const char *directory, void *arg)
{
	const struct user **user = arg;
	struct disk disk;
	dev_t number;

	if (path_find_disk(directory, &disk))
		return any_of_disk(&disk, find_user, arg);
	if (!node_number(directory, &number))
		return false;
	*user = user_of(number, is_block_device(directory));
	return *user;
}

/* Visits its IOMMU group's node, which has another name without an IOMMU. */
static bool any_of_group(const struct device *dev,
			 bool (*visit)(const char *directory, void *arg), void *arg)
{
	static const char *const names[] = {
		"/sys/class/vfio/%d", "/sys/class/vfio/noiommu-%d",
	};
	char directory[NAME_SIZE];
	bool found = false;
	size_t n;

	for (n = 0; n < sizeof(names) / sizeof(names[0]) && !found; n++) {
		snprintf(directory, sizeof(directory), names[n], dev->iommu_group);
		found = visit(directory, arg);
	}
	return found;
}

/* sysfs does not show nodes of NVIDIA's driver, which makes them by itself. */
static void find_user_of_nvidia(const struct device *dev, const struct user **user)
{
	char text[1024], *minor;

	attr_read(text, sizeof(text), "/proc/driver/nvidia/gpus/%s/information", dev->bdf);
	minor = strstr(text, "Device Minor:");
	if (minor)
		*user = user_of(makedev(NVIDIA_MAJOR, atoi(minor + strlen("Device Minor:"))),
				false);
}

/* The major number of the character devices of this name, or 0. */
static unsigned int major_of(const char *name)
{
	char text[8192], *rest = text, *line, is[NAME_SIZE];
	unsigned int number;

	attr_read(text, sizeof(text), "/proc/devices");
	/* Block devices come after these. */
	while ((line = strsep(&rest, "\n")) && strncmp(line, "Block", 5))
		if (sscanf(line, "%u %63s", &number, is) == 2 && !strcmp(is, name))
			return number;
	return 0;
}

/* Nor those of NVSwitches: a process that has one open counts for all of them. */
static void find_user_of_nvswitch(const struct device *dev, const struct user **user)
{
	unsigned int number;
	size_t n;

	if (strcmp(dev->driver, "nvidia-nvswitch"))
		return;
	number = major_of(dev->driver);
	for (n = 0; n < users.count && number && !*user; n++)
		if (!users.user[n].is_block && major(users.user[n].device) == number)
			*user = &users.user[n];
}

/* Whether a process has @dev open, and which. @user may be NULL. */
enum open_state users_of(const struct device *dev, const struct user **user)
{
	const struct user *found = NULL;
	char directory[NAME_SIZE];

	read_processes();
	snprintf(directory, sizeof(directory), "/sys/bus/pci/devices/%s", dev->bdf);
	if (driver_is_vfio(dev->driver))
		any_of_group(dev, find_user, &found);
	else
		find_user_of_nvidia(dev, &found);
	if (!found)
		find_user_of_nvswitch(dev, &found);
	if (!found)
		any_directory(directory, find_user, &found);
	if (user)
		*user = found;
	return found ? OPEN : users.is_partial ? OPEN_UNKNOWN : CLOSED;
}

/* Whether @text, numbers with blanks between, has @number. */
static bool has_number(const char *text, unsigned int number)
{
	char *end;

	for (; isspace((unsigned char)*text) || isdigit((unsigned char)*text); text = end) {
		if (strtoul(text, &end, 10) == number && end != text)
			return true;
		if (end == text)
			break;
	}
	return false;
}

static bool id_may_open(unsigned int uid, bool is_in_group, const struct access *access)
{
	if (!uid || (uid == access->uid && access->mode & 0600))
		return true;
	return access->mode & (is_in_group ? 0060 : 0006);
}

/*
 * Whether the process could open a node with this owner, group and mode, as its real and as its
 * effective user. False if it has gone.
 */
static bool may_open(const struct user *user, const struct access *access)
{
	char text[8192], *uids, *gids, *groups;
	unsigned int uid, effective, gid;
	bool is_in_group;

	attr_read(text, sizeof(text), "/proc/%d/status", user->pid);
	uids = strstr(text, "\nUid:");
	gids = strstr(text, "\nGid:");
	groups = strstr(text, "\nGroups:");
	if (!uids || !gids || !groups || sscanf(uids, "\nUid: %u %u", &uid, &effective) != 2 ||
	    sscanf(gids, "\nGid: %*u %u", &gid) != 1)
		return false;
	groups += strlen("\nGroups:");
	groups[strcspn(groups, "\n")] = 0;
	is_in_group = gid == access->gid || has_number(groups, access->gid);
	return id_may_open(uid, is_in_group, access) && id_may_open(effective, is_in_group, access);
}

/*
 * Finds a process that has @node open and may not, by @access (NULL: none may). If there is none,
 * @has_good is whether one has it open that may.
 */
const struct user *node_find_user(const struct node *node, const struct access *access,
				  bool *has_good)
{
	const struct user *user;

	*has_good = false;
	read_processes();
	for (user = users.user; user < users.user + users.count; user++) {
		if (user->device != node->number || user->is_block)
			continue;
		if (!access || !may_open(user, access))
			return user;
		*has_good = true;
	}
	return NULL;
}

/* A visitor. */
static bool has_node(const char *directory, void *arg)
{
	dev_t number;

	(void)arg;
	return node_number(directory, &number);
}

/* Forgets the processes that were read, unless @dev has no node that could be open. */
void users_look_again(const struct device *dev)
{
	char directory[NAME_SIZE];

	snprintf(directory, sizeof(directory), "/sys/bus/pci/devices/%s", dev->bdf);
	if (any_directory(directory, has_node, NULL) || any_of_group(dev, has_node, NULL) ||
	    exists("/proc/driver/nvidia/gpus/%s", dev->bdf) ||
	    !strcmp(dev->driver, "nvidia-nvswitch"))
		forget_processes();
}
