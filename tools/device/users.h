/* SPDX-License-Identifier: GPL-2.0-only */
/* Which process has a device open, and whether a device is in use. */
#ifndef USERS_H
#define USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "device/device.h"
#include "device/node.h"

/* A process that has a character or block device open. */
struct user {
	dev_t device;
	bool is_block;
	int pid;
	char command[NAME_SIZE];
};

enum open_state { CLOSED, OPEN, OPEN_UNKNOWN };

/* users.c APIs: */
enum open_state users_of(const struct device *dev, const struct user **user);
void users_look_again(const struct device *dev);
const struct user *node_find_user(const struct node *node, const struct access *access,
				  bool *has_good);

/* kernel_users.c APIs: */
bool kernel_uses(const char *directory, char *why, size_t size);
bool xen_domain_has_functions(void);

/* in_use.c APIs: */
bool device_in_use(const struct device *dev, char *why, size_t size);
bool device_in_use_now(const struct device *dev, char *why, size_t size);

#endif
