// SPDX-License-Identifier: GPL-2.0-only
/*
 * A function that gets a VFIO driver joins the functions that its IOMMU group's node opens. If the
 * node's user may not have it, the node is root's before that, and nobody may have it open.
 */
#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "device/users.h"
#include "system/driver.h"
#include "system/lock.h"

/* Finds a function of the group of @dev that VFIO has, and the group's node. */
static bool find_group_node(const struct device *dev, struct device *function, struct node *node)
{
	struct node nodes[MAX_NODES];
	struct devices group;
	bool found = false;
	size_t n, count, m;

	group_read(&group, dev->iommu_group);
	for (n = 0; n < group.count && !found; n++) {
		count = nodes_of(&group.device[n], nodes);
		for (m = 0; m < count && !found; m++) {
			found = nodes[m].is_group;
			*function = group.device[n];
			*node = nodes[m];
		}
	}
	free(group.device);
	return found;
}

static enum exit_code refuse_if_open(const struct device *dev, const struct device *function,
				     const char *why)
{
	const struct user *user;

	users_look_again(function);
	if (users_of(function, &user) != OPEN)
		return EXIT_DONE;
	error("%s: not bound: process %d (%s) has its IOMMU group open, and would have this function, too; %s",
	      dev->text, user->pid, user->command, why);
	return EXIT_IN_USE;
}

/* Takes @node, by which @function is opened, from a user who may not have @dev. */
static enum exit_code make_way(const struct config *config, const struct device *dev,
			       const struct device *function, const struct node *node, bool force)
{
	struct access wanted;
	char why[WHY_SIZE];
	int ret;

	if (!access_is_refused(access_wish_if_bound(config, dev, &wanted, why)))
		return EXIT_DONE;
	ret = access_give(node, &wanted);
	if (!ret)
		return force ? EXIT_DONE : refuse_if_open(dev, function, why);
	error("%s: not bound: /dev/%s cannot be made root's: %s; %s", dev->text, node->name,
	      strerror(-ret), why);
	return EXIT_FAILED;
}

static enum exit_code bind_locked(const struct config *config, struct device *dev,
				  const struct want *want, bool force)
{
	struct device function;
	enum exit_code code;
	struct node node;
	bool joins;

	joins = find_group_node(dev, &function, &node);
	code = joins ? make_way(config, dev, &function, &node, force) : EXIT_DONE;
	if (!code)
		code = device_bind(dev, want, force);
	/* It has not joined: the user of the others has the node again. */
	if (code && joins && !driver_is_vfio(dev->driver))
		access_apply_locked(config, &function);
	return code;
}

/*
 * As device_bind(). While @dev gets a VFIO driver, no other command binds a function of its group,
 * or gives the group's node away.
 */
enum exit_code access_bind(const struct config *config, struct device *dev, const struct want *want,
			   bool force)
{
	struct access access;
	enum exit_code code;
	char why[WHY_SIZE];
	int lock;

	if (dev->iommu_group < 0 || !driver_is_vfio(want->driver) || driver_is_vfio(dev->driver))
		return device_bind(dev, want, force);
	/* Looks up the names that will be needed. */
	access_wish_if_bound(config, dev, &access, why);
	lock = access_lock(dev);
	if (lock < 0)
		return access_lock_error(dev, lock);
	code = bind_locked(config, dev, want, force);
	lock_release(lock);
	return code;
}
