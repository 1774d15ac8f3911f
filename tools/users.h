/* SPDX-License-Identifier: GPL-2.0-only */
/* Who uses a device. */
#ifndef USERS_H
#define USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "device.h"

/* A process that has a character device open. */
struct user {
	dev_t device;
	int pid;
	char command[NAME_SIZE];
};

/* All processes that have VFIO or RDMA devices open. */
struct users {
	struct user *user;
	size_t count;
	bool is_partial;
};

enum open_state { CLOSED, OPEN, OPEN_UNKNOWN };

/* users.c APIs: */
void users_read(struct users *users);
void users_free(struct users *users);
enum open_state users_of(const struct users *users, const struct device *dev,
			 const struct user **user);

/* in_use.c APIs: */
bool device_in_use(const struct device *dev, char *why, size_t size);

/* block.c APIs: */
bool block_device_is_claimed(const char *name);

#endif
