/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys owner, group and mode of a section: which user may open its devices. */
#ifndef ACCESS_H
#define ACCESS_H

#include "configuration/config.h"
#include "device/node.h"
#include "system/report.h"

#define ACCESS_NAME_SIZE 65
#define ACCESS_SIZE 160
#define WHY_SIZE 512

/* What the configuration says about a node. */
enum access_wish {
	/* Nothing: udev's rules or the administrator decide. */
	ACCESS_UNSAID,
	ACCESS_SAID,
	/* A name is not known, or functions of the group differ: the node is root's alone. */
	ACCESS_NO_NAME,
	ACCESS_CONFLICT,
};

/* access.c APIs: */
bool section_access(const struct section *section, struct access *access, char why[WHY_SIZE]);
enum access_wish access_wish(const struct config *config, const struct device *dev,
			     const struct node *node, struct access *access, char why[WHY_SIZE]);
bool access_is_refused(enum access_wish wish);
bool group_will_agree(const struct config *config, const struct device *dev, char why[WHY_SIZE]);
void owner_text(char text[ACCESS_NAME_SIZE], uid_t uid);
void group_text(char text[ACCESS_NAME_SIZE], gid_t gid);
void access_text(char text[ACCESS_SIZE], const struct access *access);

/* give.c APIs: */
enum exit_code access_apply(const struct config *config, const struct device *dev, bool dry_run,
			    bool is_quiet);
enum exit_code access_apply_node(const struct config *config, const char *name);

#endif
