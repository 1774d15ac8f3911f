// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which user may open a node. The node of an IOMMU group opens all its functions, so all functions
 * that a VFIO driver has must be for the same user.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "configuration/values.h"
#include "device/device.h"
#include "system/driver.h"
#include "system/text.h"

/* Looks the name up that @section has at @key. If that fails, sets @why. */
static bool find(const struct section *section, enum key key, unsigned int *id, char why[WHY_SIZE])
{
	const char *what = key == KEY_OWNER ? "user" : "group";
	const char *name = section->value[key];
	int ret = look_up(name, key == KEY_GROUP, id);
	int length;

	if (!ret)
		return true;
	length = snprintf(why, WHY_SIZE, "%s:%u: %s: ", section->value_file[key],
			  section->value_line[key], key == KEY_OWNER ? "owner" : "group");
	if (length < 0 || length >= WHY_SIZE)
		return false;
	if (ret == -ENOENT)
		snprintf(why + length, WHY_SIZE - length, "there is no %s \"%s\"", what, name);
	else
		snprintf(why + length, WHY_SIZE - length, "%s \"%s\" cannot be looked up: %s",
			 what, name, strerror(-ret));
	return false;
}

/*
 * Reads owner, group and mode of @section, with udev's defaults: root, and 0600 or, with a group,
 * 0660. If a name cannot be looked up, returns false, sets @why, and @access is root's alone.
 */
bool section_access(const struct section *section, struct access *access, char why[WHY_SIZE])
{
	*access = access_of_root;
	if ((section->value[KEY_OWNER] && !find(section, KEY_OWNER, &access->uid, why)) ||
	    (section->value[KEY_GROUP] && !find(section, KEY_GROUP, &access->gid, why))) {
		*access = access_of_root;
		return false;
	}
	if (section->value[KEY_MODE])
		mode_parse(section->value[KEY_MODE], &access->mode);
	else if (section->value[KEY_GROUP])
		access->mode = 0660;
	return true;
}

/* Writes "owner:group mode". */
void access_text(char text[ACCESS_SIZE], const struct access *access)
{
	char owner[ACCESS_NAME_SIZE], group[ACCESS_NAME_SIZE];

	name_of(owner, access->uid, false);
	name_of(group, access->gid, true);
	snprintf(text, ACCESS_SIZE, "%s:%s %04o", owner, group, access->mode);
}

/* What the section of @dev says, without the other functions of its group. */
static enum access_wish own_wish(const struct config *config, const struct device *dev,
				 struct access *access, char why[WHY_SIZE])
{
	const struct section *section = config_find(config, dev);

	*access = access_of_root;
	if (!section || section->is_refused || !access_is_said(section))
		return ACCESS_UNSAID;
	return section_access(section, access, why) ? ACCESS_SAID : ACCESS_NO_NAME;
}

static void set_conflict(char why[WHY_SIZE], const struct device *one,
			 const struct access *of_one, const struct device *other,
			 const struct access *of_other)
{
	char text[ACCESS_SIZE], other_text[ACCESS_SIZE];

	access_text(text, of_one);
	access_text(other_text, of_other);
	snprintf(why, WHY_SIZE, "IOMMU group %d is shared: %s is for %s, and %s for %s",
		 one->iommu_group, one->bdf, text, other->bdf, other_text);
}

/* Whether @dev has a VFIO driver, or its driver_override names one. */
static bool has_vfio_driver(const struct config *config, const struct device *dev)
{
	(void)config;
	return driver_is_vfio(dev->driver[0] ? dev->driver : dev->driver_override);
}

/* Whether @dev has a VFIO driver once the configuration is applied. */
static bool will_have_vfio_driver(const struct config *config, const struct device *dev)
{
	const struct section *section = config_find(config, dev);

	return driver_is_vfio(section ? section->value[KEY_DRIVER] : dev->driver);
}

bool access_is_refused(enum access_wish wish)
{
	return wish == ACCESS_NO_NAME || wish == ACCESS_CONFLICT;
}

/* Returns the wish of @dev and @function together. @wish and @access are those of @dev. */
static enum access_wish both_wish(const struct config *config, const struct device *dev,
				  const struct device *function, enum access_wish wish,
				  const struct access *access, char why[WHY_SIZE])
{
	enum access_wish others;
	struct access other;

	others = own_wish(config, function, &other, why);
	if (access_is_refused(others))
		return others;
	if (access_equal(access, &other))
		return others == ACCESS_SAID ? others : wish;
	set_conflict(why, dev, access, function, &other);
	return ACCESS_CONFLICT;
}

/* The wish of @dev together with those functions of its group for which @counts is true. */
static enum access_wish group_wish(const struct config *config, const struct device *dev,
				   bool (*counts)(const struct config *config,
						  const struct device *dev),
				   struct access *access, char why[WHY_SIZE])
{
	enum access_wish wish = own_wish(config, dev, access, why);
	struct devices group;
	bool is_read;
	size_t n;

	is_read = group_read(&group, dev->iommu_group) || dev->iommu_group < 0;
	for (n = 0; n < group.count && !access_is_refused(wish); n++)
		if (counts(config, &group.device[n]))
			wish = both_wish(config, dev, &group.device[n], wish, access, why);
	free(group.device);
	if (!is_read && wish == ACCESS_SAID) {
		snprintf(why, WHY_SIZE, "the functions of IOMMU group %d cannot be read",
			 dev->iommu_group);
		wish = ACCESS_CONFLICT;
	}
	if (access_is_refused(wish))
		*access = access_of_root;
	return wish;
}

/* Reads which user may open @node of @dev. @why has the reason if the wish is refused. */
enum access_wish access_wish(const struct config *config, const struct device *dev,
			     const struct node *node, struct access *access, char why[WHY_SIZE])
{
	if (node->is_group)
		return group_wish(config, dev, has_vfio_driver, access, why);
	return own_wish(config, dev, access, why);
}

/* The wish for the node of its group if @dev had a VFIO driver, too. */
enum access_wish access_wish_if_bound(const struct config *config, const struct device *dev,
				      struct access *access, char why[WHY_SIZE])
{
	return group_wish(config, dev, has_vfio_driver, access, why);
}

/* Whether all functions of its group will be for the same user, or a name is not known. */
bool group_will_agree(const struct config *config, const struct device *dev, char why[WHY_SIZE])
{
	struct access access;

	return group_wish(config, dev, will_have_vfio_driver, &access, why) != ACCESS_CONFLICT;
}
