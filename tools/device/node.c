// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nodes are changed through an O_PATH file, which does not open the node: drivers count opens.
 * node_is_open() alone opens it. No symbolic link is followed, and the node must be the character
 * device that sysfs shows. So a process that may write below /dev, or interferes meanwhile, gains
 * nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "device/node.h"
#include "system/driver.h"
#include "system/sysfs.h"

#define PERMISSIONS 07777

const struct access access_of_root = { .mode = 0600 };

/* Reads the device number of a directory of sysfs. Returns false if it shows none. */
bool node_number(const char *directory, dev_t *number)
{
	unsigned int major, minor;
	char text[32];

	if (attr_read(text, sizeof(text), "%s/dev", directory) <= 0 ||
	    sscanf(text, "%u:%u", &major, &minor) != 2)
		return false;
	*number = makedev(major, minor);
	return true;
}

static bool find_group(const struct device *dev, const char *format, struct node *node)
{
	char directory[NAME_SIZE], name[NAME_SIZE / 2];

	snprintf(name, sizeof(name), format, dev->iommu_group);
	snprintf(directory, sizeof(directory), "/sys/class/vfio/%s", name);
	*node = (struct node){ .is_group = true };
	snprintf(node->name, sizeof(node->name), "vfio/%s", name);
	return node_number(directory, &node->number);
}

static bool find_own(const struct device *dev, struct node *node)
{
	char directory[PATH_SIZE];
	struct names names;
	bool found = false;
	size_t n;

	list_names(&names, "/sys/bus/pci/devices/%s/vfio-dev", dev->bdf);
	for (n = 0; n < names.count && !found; n++) {
		snprintf(directory, sizeof(directory), "/sys/bus/pci/devices/%s/vfio-dev/%s",
			 dev->bdf, names.name[n]);
		*node = (struct node){};
		snprintf(node->name, sizeof(node->name), "vfio/devices/%.32s", names.name[n]);
		found = node_number(directory, &node->number);
	}
	free_names(&names);
	return found;
}

/* Finds the nodes that VFIO has made for @dev. Returns their number. */
size_t nodes_of(const struct device *dev, struct node node[MAX_NODES])
{
	size_t count = 0;

	if (!driver_is_vfio(dev->driver))
		return 0;
	if (dev->iommu_group >= 0)
		count += find_group(dev, "%d", &node[count]) ||
			 find_group(dev, "noiommu-%d", &node[count]);
	count += find_own(dev, &node[count]);
	return count;
}

/* Opens the node by O_PATH. Returns -ENXIO if another file is in its place. */
static int open_node(const struct node *node, struct stat *st)
{
	char name[NAME_SIZE], path[PATH_SIZE], *rest = name, *part;
	int fd, directory;

	system_path(path, "/dev");
	snprintf(name, sizeof(name), "%s", node->name);
	fd = open(path, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0 && (part = strsep(&rest, "/"))) {
		directory = fd;
		fd = openat(directory, part,
			    O_PATH | O_NOFOLLOW | O_CLOEXEC | (rest ? O_DIRECTORY : 0));
		close(directory);
	}
	if (fd < 0 || fstat(fd, st))
		return -errno;
	if (S_ISCHR(st->st_mode) && st->st_rdev == node->number)
		return fd;
	close(fd);
	return -ENXIO;
}

/* Reads owner, group and mode. Returns 0 or a negative errno: -ENXIO if it is not the node. */
int node_read(const struct node *node, struct access *access)
{
	struct stat st;
	int fd;

	*access = (struct access){};
	fd = open_node(node, &st);
	if (fd < 0)
		return fd;
	close(fd);
	*access = (struct access){ st.st_uid, st.st_gid, st.st_mode & PERMISSIONS };
	return 0;
}

/* Before 6.6 no system call changes the mode of an O_PATH file. */
static int change_mode(int fd, mode_t mode)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return chmod(path, mode) ? -errno : 0;
}

/* Meanwhile no user gains access that neither the old nor the new owner and mode give. */
static int change(int fd, const struct stat *st, const struct access *access)
{
	int ret = change_mode(fd, st->st_mode & access->mode);

	if (ret)
		return ret;
	if (fchownat(fd, "", access->uid, access->gid, AT_EMPTY_PATH))
		return -errno;
	return change_mode(fd, access->mode);
}

/* Sets owner, group and mode to @access. Returns 0 or a negative errno, like node_read(). */
int node_give(const struct node *node, const struct access *access)
{
	struct stat st;
	int fd, ret;

	fd = open_node(node, &st);
	if (fd < 0)
		return fd;
	ret = change(fd, &st, access);
	close(fd);
	return ret;
}

/* Whether @node is still a node of the device with this address. */
bool node_is_still(const struct node *node, const struct address *address)
{
	struct node now[MAX_NODES];
	struct device dev;
	size_t count, n;

	count = device_identify(&dev, address) ? nodes_of(&dev, now) : 0;
	for (n = 0; n < count; n++)
		if (now[n].number == node->number && !strcmp(now[n].name, node->name))
			return true;
	return false;
}

/* Whether a process has the node of a group open: the kernel lets only one. */
bool node_is_open(const struct node *node)
{
	char path[64];
	struct stat st;
	int fd, again;

	fd = open_node(node, &st);
	if (fd < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	close(fd);
	if (again < 0)
		return errno == EBUSY;
	close(again);
	return false;
}

bool access_equal(const struct access *one, const struct access *other)
{
	return one->uid == other->uid && one->gid == other->gid && one->mode == other->mode;
}
