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

#include "access/access.h"
#include "device/device.h"
#include "system/bounded.h"
#include "system/lock.h"
#include "system/state.h"
#include "system/sysfs.h"

/* Gives @node to the user that @access names, with a mark. Returns 0 or a negative errno. */
int access_give(const struct node *node, const struct access *access)
{
	struct mark mark = { .given = *access, .is_changing = true };
	int ret;

	ret = node_read(node, &mark.before);
	if (!ret)
		ret = mark_write(node, &mark);
	if (!ret)
		ret = node_give(node, access);
	if (ret)
		return ret;
	mark.is_changing = false;
	return mark_write(node, &mark);
}

/* Gives the node back to root, if it is still as its mark says. */
static int take_back(const struct node *node, const struct access *is)
{
	struct mark mark;
	int ret;

	ret = mark_read(node, &mark);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	if (mark_fits(&mark, is))
		ret = node_give(node, &access_of_root);
	if (!ret)
		mark_remove(node);
	return ret;
}

static enum exit_code node_error(const struct device *dev, const struct node *node, int ret)
{
	if (ret == -EBADMSG)
		error("%s: %s does not say who was given /dev/%s: its owner stays", dev->bdf,
		      STATE_DIRECTORY "/access-*", node->name);
	else if (ret == -ENXIO)
		error("%s: /dev/%s is not the node that the kernel made for it", dev->bdf,
		      node->name);
	else
		error("%s: /dev/%s: %s", dev->bdf, node->name, strerror(-ret));
	return EXIT_FAILED;
}

static void print_change(const struct device *dev, const struct node *node,
			 const struct access *access, const char *verb)
{
	char text[ACCESS_SIZE];

	access_text(text, access);
	note("%s: /dev/%s %s %s", dev->bdf, node->name, verb, text);
}

/* Waits for the lock of the nodes of a group's functions. Returns its file or a negative errno. */
int access_lock(const struct device *dev)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "group-%d", dev->iommu_group);
	return lock_take_bounded(name);
}

enum exit_code access_lock_error(const struct device *dev, int ret)
{
	if (ret != -ETIMEDOUT) {
		error("%s: %s/group-%d: %s", dev->bdf, STATE_DIRECTORY, dev->iommu_group,
		      strerror(-ret));
		return EXIT_FAILED;
	}
	error("%s: another vfio-latch has been at work on IOMMU group %d for %s", dev->bdf,
	      dev->iommu_group, bounded_text());
	return EXIT_TIMEOUT;
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
		error("%s: /dev/%s is root's alone: %s", dev->bdf, node->name, why);
	if (!ret && dry_run && !access_equal(&is, &wanted))
		print_change(dev, node, &wanted, "would get");
	else if (!ret && !dry_run && !access_equal(&is, &wanted))
		ret = access_give(node, &wanted);
	if (ret)
		return node_error(dev, node, ret);
	return access_is_refused(wish) ? EXIT_CONFIG : EXIT_DONE;
}

/* Kernel's names of nodes that have become another device's. */
struct lost {
	char name[MAX_NODES][NAME_SIZE];
	size_t count;
};

/*
 * A node's name and number are used again: a node that is another device's by now is made root's,
 * and its name is added to @lost. A device may have gone since it was read.
 */
static enum exit_code apply_nodes(const struct config *config, const struct device *seen,
				  bool dry_run, bool is_quiet, struct lost *lost)
{
	enum exit_code code = EXIT_DONE;
	struct node node[MAX_NODES];
	struct device dev;
	size_t count, n;

	lost->count = 0;
	count = device_read(&dev, &seen->address) ? nodes_of(&dev, node) : 0;
	for (n = 0; n < count; n++) {
		code = graver(code, apply_node(config, &dev, &node[n], dry_run, is_quiet));
		if (dry_run || node_is_still(&node[n], &dev.address))
			continue;
		node_give(&node[n], &access_of_root);
		mark_remove(&node[n]);
		snprintf(lost->name[lost->count++], NAME_SIZE, "%s",
			 strrchr(node[n].name, '/') + 1);
	}
	return code;
}

/*
 * Gives the nodes of @dev, if it has a VFIO driver, to the user that @config names. Only one
 * command does this for a group at a time: another may be binding a function of it, for another
 * user. With @is_quiet a fault of the configuration is not reported again.
 */
enum exit_code access_apply(const struct config *config, const struct device *dev, bool dry_run,
			    bool is_quiet)
{
	struct node node[MAX_NODES];
	struct access access;
	enum exit_code code;
	char why[WHY_SIZE];
	struct lost lost;
	size_t count, n;
	int lock;

	if (dry_run)
		return apply_nodes(config, dev, true, is_quiet, &lost);
	count = nodes_of(dev, node);
	if (!count)
		return EXIT_DONE;
	/* Looks up the names that will be needed, before the lock: that may take long. */
	for (n = 0; n < count; n++)
		access_wish(config, dev, &node[n], &access, why);
	/* A name that there was no time for says nothing about the node. */
	if (bounded_is_over())
		return EXIT_TIMEOUT;
	lock = access_lock(dev);
	if (lock < 0)
		return access_lock_error(dev, lock);
	code = apply_nodes(config, dev, false, is_quiet, &lost);
	lock_release(lock);
	/* The call that udev made for the other device may have come before. */
	while (lost.count)
		access_apply_node(config, lost.name[--lost.count]);
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
