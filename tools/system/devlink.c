// SPDX-License-Identifier: GPL-2.0-only
/* Talks to the kernel's devlink. This is a file of its own because tests have a model of it. */
#include <errno.h>
#include <linux/devlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "system/bounded.h"
#include "system/devlink_message.h"

/* The largest part of a dump that the kernel sends. */
#define BUFFER_SIZE 32768

/* What an answer is read for: returns true if it is found. */
typedef bool (*reader)(const struct nlmsghdr *message, void *arg);

struct talk {
	struct mnl_socket *socket;
	uint16_t family;
	_Alignas(struct nlmsghdr) char request[1024];
	_Alignas(struct nlmsghdr) char buffer[BUFFER_SIZE];
};

/*
 * Reads the answer to the end. Returns 1 if @read has found what it looks for, 0 if not, or a
 * negative errno.
 */
static int receive(struct talk *talk, reader read, void *arg, char *why)
{
	bool is_found = false;
	struct nlmsghdr *message;
	ssize_t length;
	int left, ret;

	for (;;) {
		length = mnl_socket_recvfrom(talk->socket, talk->buffer, sizeof(talk->buffer));
		if (length < 0)
			return -errno;
		left = length;
		for (message = (void *)talk->buffer; mnl_nlmsg_ok(message, left);
		     message = mnl_nlmsg_next(message, &left)) {
			if (message->nlmsg_type == NLMSG_ERROR) {
				ret = message_read_error(message, why, ANSWER_SIZE);
				return ret ? ret : is_found;
			}
			if (message->nlmsg_type == NLMSG_DONE) {
				ret = message_read_done(message);
				return ret < 0 ? ret : is_found;
			}
			if (read && !is_found)
				is_found = read(message, arg);
		}
	}
}

static int ask(struct talk *talk, const struct nlmsghdr *request, reader read, void *arg, char *why)
{
	if (mnl_socket_sendto(talk->socket, request, request->nlmsg_len) < 0)
		return -errno;
	return receive(talk, read, arg, why);
}

static bool read_family(const struct nlmsghdr *message, void *arg)
{
	int family = message_read_family(message);

	*(uint16_t *)arg = family;
	return family > 0;
}

static int open_talk(struct talk *talk, char *why)
{
	int on = 1, ret;

	talk->socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!talk->socket)
		return -errno;
	/* A kernel that gives no texts is no worse for it. */
	mnl_socket_setsockopt(talk->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(talk->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	ret = mnl_socket_bind(talk->socket, 0, MNL_SOCKET_AUTOPID) ? -errno :
	      ask(talk, message_family(talk->request), read_family, &talk->family, why);
	if (ret > 0)
		return 0;
	mnl_socket_close(talk->socket);
	if (!ret || ret == -ENOENT) {
		snprintf(why, ANSWER_SIZE, "the kernel has no devlink, or its module is not loaded");
		return -ENOENT;
	}
	return ret;
}

static bool read_mode(const struct nlmsghdr *message, void *arg)
{
	*(int *)arg = message_read_mode(message);
	return true;
}

/* Returns an enum eswitch_mode, or a negative errno. */
int devlink_eswitch_get(const char *pf, char *why)
{
	int ret, mode = -EOPNOTSUPP;
	struct talk talk;

	ret = open_talk(&talk, why);
	if (ret)
		return ret;
	ret = ask(&talk, message_begin(talk.request, talk.family, DEVLINK_CMD_ESWITCH_GET,
				       NLM_F_ACK, pf), read_mode, &mode, why);
	mnl_socket_close(talk.socket);
	return ret < 0 ? ret : mode;
}

int devlink_eswitch_set(const char *pf, enum eswitch_mode mode, char *why)
{
	struct nlmsghdr *request;
	struct talk talk;
	int ret;

	ret = open_talk(&talk, why);
	if (ret)
		return ret;
	request = message_begin(talk.request, talk.family, DEVLINK_CMD_ESWITCH_SET, NLM_F_ACK, pf);
	message_put_mode(request, mode);
	ret = ask(&talk, request, NULL, NULL, why);
	mnl_socket_close(talk.socket);
	return ret;
}

/* The port that is looked for, and then what was found. */
struct wanted {
	const char *pf;
	unsigned int vf;
	struct devlink_port port;
};

static bool read_port(const struct nlmsghdr *message, void *arg)
{
	struct wanted *wanted = arg;

	return message_read_port(message, wanted->pf, &wanted->port) && wanted->port.is_vf &&
	       wanted->port.vf == wanted->vf;
}

static int find_port(struct talk *talk, struct wanted *wanted, char *why)
{
	int ret = ask(talk, message_begin(talk->request, talk->family, DEVLINK_CMD_PORT_GET,
					  NLM_F_DUMP, wanted->pf), read_port, wanted, why);

	if (ret > 0)
		return 0;
	if (!ret)
		snprintf(why, ANSWER_SIZE,
			 "devlink has no port for it: its PF's eswitch is not in mode switchdev");
	return ret ? ret : -ENODEV;
}

static int migratable(struct talk *talk, struct wanted *wanted, bool set, char *why)
{
	struct nlmsghdr *request;
	int ret = find_port(talk, wanted, why);

	if (ret)
		return ret;
	if (!wanted->port.can_migrate) {
		snprintf(why, ANSWER_SIZE,
			 "the kernel's mlx5_core, or the firmware, cannot declare it migratable");
		return -EOPNOTSUPP;
	}
	if (wanted->port.is_migratable || !set)
		return 0;
	request = message_begin(talk->request, talk->family, DEVLINK_CMD_PORT_SET, NLM_F_ACK,
				wanted->pf);
	message_put_migratable(request, wanted->port.index);
	return ask(talk, request, NULL, NULL, why);
}

static int migratable_of(const char *pf, unsigned int vf, bool set, char *why)
{
	struct wanted wanted = { .pf = pf, .vf = vf };
	struct talk talk;
	int ret;

	ret = open_talk(&talk, why);
	if (ret)
		return ret;
	ret = migratable(&talk, &wanted, set, why);
	mnl_socket_close(talk.socket);
	return ret;
}

/* Returns 0 if VF number @vf is declared migratable, or can be. */
int devlink_migratable_get(const char *pf, unsigned int vf, char *why)
{
	return migratable_of(pf, vf, false, why);
}

/* Declares VF number @vf migratable. Its driver must ask for its capabilities after that. */
int devlink_migratable_set(const char *pf, unsigned int vf, char *why)
{
	return migratable_of(pf, vf, true, why);
}
