/* SPDX-License-Identifier: GPL-2.0-only */
/* The nodes in /dev that open a device, and which user may open them. */
#ifndef NODE_H
#define NODE_H

#include <sys/types.h>

#include "device/device.h"

/* Its IOMMU group's node, and its own if the kernel makes one. */
#define MAX_NODES 2

/* A node's owner, group and mode. */
struct access {
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

/* Root's alone, as VFIO makes nodes. */
extern const struct access access_of_root;

/**
 * struct node - a node of a device, as sysfs shows it
 * @name: its name below /dev
 * @number: the character device that it must be
 * @is_group: it gives access to all functions of the device's IOMMU group
 */
struct node {
	char name[NAME_SIZE];
	dev_t number;
	bool is_group;
};

/* node.c APIs: */
bool node_number(const char *directory, dev_t *number);
size_t nodes_of(const struct device *dev, struct node node[MAX_NODES]);
int node_read(const struct node *node, struct access *access);
int node_give(const struct node *node, const struct access *access);
bool node_is_still(const struct node *node, const struct address *address);
bool node_is_open(const struct node *node);
bool access_equal(const struct access *one, const struct access *other);

#endif
