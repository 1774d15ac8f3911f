/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages to and from the kernel's devlink, without a socket. */
#ifndef DEVLINK_MESSAGE_H
#define DEVLINK_MESSAGE_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "system/devlink.h"

/**
 * struct devlink_port - a port of a PF's eswitch
 * @index: its number in devlink
 * @is_vf: a VF of the PF itself is behind it
 * @vf: then the VF's number, from 0
 * @can_migrate: that VF can be declared migratable
 * @is_migratable: it is
 */
struct devlink_port {
	uint32_t index;
	bool is_vf;
	unsigned int vf;
	bool can_migrate;
	bool is_migratable;
};

/* devlink_message.c APIs: */
struct nlmsghdr *message_family(void *buffer);
struct nlmsghdr *message_begin(void *buffer, uint16_t family, uint8_t command, uint16_t flags,
			       const char *pf);
void message_put_mode(struct nlmsghdr *message, enum eswitch_mode mode);
void message_put_migratable(struct nlmsghdr *message, uint32_t port);
int message_read_family(const struct nlmsghdr *message);
int message_read_mode(const struct nlmsghdr *message);
bool message_read_port(const struct nlmsghdr *message, const char *pf, struct devlink_port *port);
int message_read_done(const struct nlmsghdr *message);
int message_read_error(const struct nlmsghdr *message, char *why, size_t size);

#endif
