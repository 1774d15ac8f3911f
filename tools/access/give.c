// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gives nodes to the users that the configuration names, when a device is bound and again when udev
 * has handled a node. A mark records what was given, so that it can be taken back when the
 * configuration does not name the user any more. A node that somebody else has changed since then
 * is left alone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access/access.h"
#include "device/device.h"
#include "system/lock.h"
#include "system/sysfs.h"

static void mark_path(char path[PATH_SIZE], const struct node *node)
{
	system_path(path, STATE_DIRECTORY "/access-%s", strrchr(node->name, '/') + 1);
}

/* Comes before the node is changed: a needless mark does no harm. */
static int make_mark(const struct node *node, const struct access *access)
{
	char path[PATH_SIZE];
	FILE *mark;
	int ret;

	mark_path(path, node);
	mark = fopen(path, "we");
	if (!mark)
		return -errno;
	ret = fprintf(mark, "%u %u %o\n", access->uid, access->gid, access->mode) < 0 ? -EIO : 0;
	return fclose(mark) ? -errno : ret;
}

static bool read_mark(const struct node *node, struct access *access)
{
	char path[PATH_SIZE], text[64];

	mark_path(path, node);
	return attr_read(text, sizeof(text), "%s", path + strlen(system_root())) > 0 &&
	       sscanf(text, "%u %u %o", &access->uid, &access->gid, &access->mode) == 3;
}

static int give(const struct node *node, const struct access *access)
{
	int ret = make_mark(node, access);

	return ret ? ret : node_give(node, access);
}

/* Gives the node back to root, if it is still as its mark says. */
static int take_back(const struct node *node, const struct access *is)
{
	struct access given;
	char path[PATH_SIZE];
	int ret = 0;

	if (!read_mark(node, &given))
		return 0;
	if (access_equal(is, &given))
		ret = node_give(node, &access_of_root);
	mark_path(path, node);
	if (!ret)
		unlink(path);
	return ret;
}

static enum exit_code node_error(const struct device *dev, const struct node *node, int ret)
{
	if (ret == -ENXIO)
		error("%s: /dev/%s is not the node that the kernel made for it", dev->text,
		      node->name);
	else
		error("%s: /dev/%s: %s", dev->text, node->name, strerror(-ret));
	return EXIT_FAILED;
}

static void print_change(const struct device *dev, const struct node *node,
			 const struct access *access, const char *verb)
{
	char text[ACCESS_SIZE];

	access_text(text, access);
	printf("%s: /dev/%s %s %s\n", dev->text, node->name, verb, text);
}

static enum exit_code apply_node(const struct config *config, const struct device *dev,
				 const struct node *node, bool dry_run, bool is_quiet)
{
	struct access wanted, is;
	enum access_wish wish;
	char why[WHY_SIZE];
	int ret;

	wish = access_wish(config, dev, node, &wanted, why);
	ret = node_read(node, &is);
	if (wish == ACCESS_UNSAID) {
		ret = ret || dry_run ? 0 : take_back(node, &is);
		return ret ? node_error(dev, node, ret) : EXIT_DONE;
	}
	if (access_is_refused(wish) && !is_quiet)
		error("%s: /dev/%s is root's alone: %s", dev->text, node->name, why);
	if (!ret && dry_run && !access_equal(&is, &wanted))
		print_change(dev, node, &wanted, "would get");
	else if (!ret && !dry_run && !access_equal(&is, &wanted))
		ret = give(node, &wanted);
	if (ret)
		return node_error(dev, node, ret);
	return access_is_refused(wish) ? EXIT_CONFIG : EXIT_DONE;
}

/*
 * Gives the nodes of @dev, if it has a VFIO driver, to the user that @config names. Only one
 * command does this at a time: another may be binding a function of the same group, for another
 * user. With @is_quiet a fault of the configuration is not reported again.
 */
enum exit_code access_apply(const struct config *config, const struct device *dev, bool dry_run,
			    bool is_quiet)
{
	enum exit_code code = EXIT_DONE;
	struct node node[MAX_NODES];
	size_t count, n;
	int lock = 0;

	count = nodes_of(dev, node);
	if (!count)
		return EXIT_DONE;
	if (!dry_run)
		lock = lock_take_bounded("access");
	if (lock < 0) {
		error("%s: %s/access: %s", dev->text, STATE_DIRECTORY, strerror(-lock));
		return lock == -ETIMEDOUT ? EXIT_TIMEOUT : EXIT_FAILED;
	}
	for (n = 0; n < count; n++)
		code = graver(code, apply_node(config, dev, &node[n], dry_run, is_quiet));
	if (!dry_run)
		lock_release(lock);
	return code;
}

static bool is_said(const struct config *config)
{
	size_t n;

	for (n = 0; n < config->section_count; n++)
		if (access_is_said(&config->section[n]))
			return true;
	return false;
}

/* Reads an IOMMU group's number from the name of its node, with an IOMMU or without. */
static bool group_number(const char *name, int *number)
{
	const char *digits = strncmp(name, "noiommu-", 8) ? name : name + 8;

	if (!*digits || strlen(digits) > 9 || strspn(digits, "0123456789") != strlen(digits))
		return false;
	*number = atoi(digits);
	return true;
}

static enum exit_code apply_group(const struct config *config, int number)
{
	enum exit_code code = EXIT_DONE;
	struct devices group;
	size_t n;

	group_read(&group, number);
	for (n = 0; n < group.count; n++)
		code = graver(code, access_apply(config, &group.device[n], false, true));
	free(group.device);
	return code;
}

/* @name: the kernel's name of a node, of a group or of a device. The node may be gone again. */
enum exit_code access_apply_node(const struct config *config, const char *name)
{
	struct address address;
	char text[NAME_SIZE];
	struct device dev;
	int number;

	if (!is_said(config))
		return EXIT_DONE;
	if (group_number(name, &number))
		return apply_group(config, number);
	if (strncmp(name, "vfio", 4) || strchr(name, '/')) {
		error("--node: \"%s\" is not a node of VFIO", name);
		return EXIT_USAGE;
	}
	link_name(text, sizeof(text), "/sys/class/vfio-dev/%s/device", name);
	if (!address_parse(text, &address) || !device_read(&dev, &address))
		return EXIT_DONE;
	return access_apply(config, &dev, false, true);
}
