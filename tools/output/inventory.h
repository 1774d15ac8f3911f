/* SPDX-License-Identifier: GPL-2.0-only */
/* What list and show print about a device, and in which formats. */
#ifndef INVENTORY_H
#define INVENTORY_H

#include "access/access.h"
#include "configuration/config.h"
#include "device/device.h"
#include "device/users.h"

/**
 * struct node_state - a node, and which user may open it
 * @fault: a negative errno if @is cannot be read, or 0
 * @is: its owner, group and mode
 * @wish, @wanted, @why: what they should be, see access_wish()
 */
struct node_state {
	struct node node;
	int fault;
	struct access is;
	enum access_wish wish;
	struct access wanted;
	char why[WHY_SIZE];
};

/**
 * struct entry - a device, and what is known about it
 * @section: the section that decides about it, or NULL
 * @is_bound: it has the driver that the section names
 * @is_as_wanted: and the tunables
 * @as_configured: and a PF its VFs, and a VF was declared migratable if it shall be
 * @vfs: how many VFs a PF has
 * @open, @user: whether a process has it open, and which
 * @node, @node_count: its nodes
 */
struct entry {
	struct device device;
	char name[256];
	const struct section *section;
	bool is_bound;
	bool is_as_wanted;
	bool as_configured;
	unsigned int vfs;
	enum open_state open;
	const struct user *user;
	struct node_state node[MAX_NODES];
	size_t node_count;
};

struct inventory {
	struct config config;
	struct entry *entry;
	size_t count;
};

/* inventory.c APIs: */
void inventory_open(struct inventory *inventory);
void inventory_add(struct inventory *inventory, const struct device *dev);
void inventory_close(struct inventory *inventory);
bool node_is_as_configured(const struct node_state *state);
bool is_inventoried(const struct inventory *inventory, const struct device *dev);
const char *source_kind(const char *source);

/* json.c APIs: */
void json_print_list(const struct inventory *inventory);
void json_print_device(const struct inventory *inventory);

/* prometheus.c APIs: */
void prometheus_print(const struct inventory *inventory);

#endif
