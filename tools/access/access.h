/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys owner, group and mode of a section: which user may open its devices. */
#ifndef ACCESS_H
#define ACCESS_H

#include "binding/bind.h"
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

/* The record of who was given a node, and, while it is changed, who had it before. */
struct mark {
	struct access given, before;
	bool is_changing;
};

/* look_up.c APIs: */
int look_up(const char *name, bool is_group, unsigned int *id);
void name_of(char text[ACCESS_NAME_SIZE], unsigned int id, bool is_group);

/* mark.c APIs: */
int mark_write(const struct node *node, const struct mark *mark);
int mark_read(const struct node *node, struct mark *mark);
void mark_remove(const struct node *node);
bool mark_fits(const struct mark *mark, const struct access *is);

/* access.c APIs: */
bool section_access(const struct section *section, struct access *access, char why[WHY_SIZE]);
enum access_wish access_wish(const struct config *config, const struct device *dev,
			     const struct node *node, struct access *access, char why[WHY_SIZE]);
bool access_is_refused(enum access_wish wish);
enum access_wish access_wish_if_bound(const struct config *config, const struct device *dev,
				      struct access *access, char why[WHY_SIZE]);
bool group_will_agree(const struct config *config, const struct device *dev, char why[WHY_SIZE]);
void access_text(char text[ACCESS_SIZE], const struct access *access);

/* give.c APIs: */
int access_give(const struct node *node, const struct access *access);
int access_lock(const struct device *dev);
enum exit_code access_lock_error(const struct device *dev, int ret);
enum exit_code access_apply(const struct config *config, const struct device *dev, bool dry_run,
			    bool is_quiet);
enum exit_code access_apply_node(const struct config *config, const char *name);

/* join.c APIs: */
enum exit_code access_bind(const struct config *config, struct device *dev, const struct want *want,
			   bool force);

#endif
