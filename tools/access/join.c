// SPDX-License-Identifier: GPL-2.0-only
/*
 * A function that gets a VFIO driver joins the functions that its IOMMU group's node opens. So
 * before that the node is given to the user of all of them, or to root if they differ, and nobody
 * else may have it open. If the function does not get the driver, the node is as it was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "device/users.h"
#include "system/bounded.h"
#include "system/driver.h"
#include "system/lock.h"
#include "system/signals.h"

/* The node of the group, and what it was like before. */
struct way {
	struct device function;
	struct node node;
	struct access before;
	struct mark mark;
	bool has_mark, is_changed;
};

/* Finds a function of the group of @dev that VFIO has, and the group's node. */
static bool find_way(const struct device *dev, struct way *way)
{
	struct node node[MAX_NODES];
	struct devices group;
	bool found = false;
	size_t n, count;

	*way = (struct way){};
	group_read(&group, dev->iommu_group);
	for (n = 0; n < group.count && !found; n++) {
		count = nodes_of(&group.device[n], node);
		/* The group's comes first. */
		found = count && node[0].is_group;
		if (found) {
			way->function = group.device[n];
			way->node = node[0];
		}
	}
	free(group.device);
	return found;
}

/* The node is as it was before make_way(). */
static void restore(const struct way *way)
{
	if (!way->is_changed || !node_is_still(&way->node, &way->function.address))
		return;
	node_give(&way->node, &way->before);
	if (way->has_mark)
		mark_write(&way->node, &way->mark);
	else
		mark_remove(&way->node);
}

static enum exit_code refuse(const struct device *dev, const struct user *user, const char *why)
{
	char who[128] = "a process";

	if (user)
		snprintf(who, sizeof(who), "process %d (%s)", user->pid, user->command);
	error("%s: not bound: %s has its IOMMU group open, and would have this function, too%s%s",
	      dev->bdf, who, *why ? "; " : "", why);
	return EXIT_IN_USE;
}

/* As node_find_user(), for all nodes by which functions of the group of @dev can be open. */
static const struct user *find_user(const struct device *dev, const struct access *wanted,
				    bool *has_good)
{
	const struct user *bad = NULL;
	struct node node[MAX_NODES];
	struct devices group;
	size_t n, count;
	bool is_open;

	*has_good = false;
	group_read(&group, dev->iommu_group);
	for (n = 0; n < group.count && !bad; n++) {
		count = nodes_of(&group.device[n], node);
		while (count && !bad) {
			bad = node_find_user(&node[--count], wanted, &is_open);
			*has_good |= is_open;
		}
	}
	free(group.device);
	return bad;
}

/*
 * Only one file can open a group, and processes may share it. Or its functions are open by their
 * own nodes. If no process shows that, node_is_open() finds it: the kernel refuses another open.
 */
static enum exit_code refuse_if_open(const struct device *dev, const struct way *way,
				     const struct access *wanted, bool is_refused, const char *why)
{
	bool may_be_open = !is_refused && !way->is_changed, has_good;
	const struct user *bad;

	users_look_again(&way->function);
	bad = find_user(dev, may_be_open ? wanted : NULL, &has_good);
	return bad || (!has_good && node_is_open(&way->node)) ? refuse(dev, bad, why) : EXIT_DONE;
}

static enum exit_code way_error(const struct device *dev, const struct way *way, int ret)
{
	error("%s: not bound: /dev/%s cannot be given to its user: %s", dev->bdf,
	      way->node.name, strerror(-ret));
	return EXIT_FAILED;
}

static enum exit_code make_way(const struct config *config, const struct device *dev, bool force,
			       struct way *way)
{
	char why[WHY_SIZE] = "";
	enum access_wish wish;
	struct access wanted;
	enum exit_code code;
	int ret;

	wish = access_wish_if_bound(config, dev, &wanted, why);
	if (wish == ACCESS_UNSAID)
		return EXIT_DONE;
	ret = node_read(&way->node, &way->before);
	if (ret)
		return way_error(dev, way, ret);
	way->has_mark = !mark_read(&way->node, &way->mark);
	if (!access_equal(&way->before, &wanted)) {
		way->is_changed = true;
		ret = access_give(&way->node, &wanted);
	}
	if (ret)
		code = way_error(dev, way, ret);
	else
		code = force ? EXIT_DONE : refuse_if_open(dev, way, &wanted,
							  access_is_refused(wish), why);
	if (code)
		restore(way);
	return code;
}

/*
 * Whether @dev has a VFIO driver, or may get it yet. @before: @dev before a bind that timed out, or
 * NULL; if it is unchanged, the bind had not begun.
 */
static bool may_still_join(const struct device *dev, const struct device *before)
{
	if (driver_is_vfio(dev->driver))
		return true;
	if (!before)
		return false;
	return strcmp(dev->driver, before->driver) ||
	       driver_is_vfio(dev->driver_override) ||
	       strcmp(dev->driver_override, before->driver_override);
}

static enum exit_code bind_by_way(const struct config *config, struct device *dev,
				  const struct want *want, bool force, struct way *way)
{
	enum exit_code code = make_way(config, dev, force, way);
	struct device before = *dev;

	if (code)
		return code;
	code = device_bind(dev, want, force);
	if (code == EXIT_TIMEOUT)
		device_read_driver(dev);
	if (code && !may_still_join(dev, code == EXIT_TIMEOUT ? &before : NULL))
		restore(way);
	return code;
}

static enum exit_code bind_locked(const struct config *config, struct device *dev,
				  const struct want *want, bool force)
{
	enum exit_code code;
	struct way way;
	char why[256];

	/* Another command may have changed the device until now. */
	device_read_driver(dev);
	/* device_bind() refuses a device in use. */
	if (driver_is_vfio(dev->driver) || !find_way(dev, &way) ||
	    (!force && dev->driver[0] && device_in_use(dev, why, sizeof(why))))
		return device_bind(dev, want, force);
	/* The node is not left to a user for whose sake the function was not bound. */
	signals_hold();
	code = bind_by_way(config, dev, want, force, &way);
	signals_release();
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

	if (dev->iommu_group < 0 || !driver_is_vfio(want->driver))
		return device_bind(dev, want, force);
	/* Looks up the names that will be needed. */
	access_wish_if_bound(config, dev, &access, why);
	/* A name that there was no time for says nothing about who has the group open. */
	if (bounded_is_over())
		return EXIT_TIMEOUT;
	lock = access_lock(dev);
	if (lock < 0)
		return access_lock_error(dev, lock);
	code = bind_locked(config, dev, want, force);
	lock_release(lock);
	return code;
}
