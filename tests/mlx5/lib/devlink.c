// SPDX-License-Identifier: GPL-2.0-only
#include "devlink.h"

#include <linux/devlink.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "vmtest.h"

struct message {
	struct nlmsghdr header;
	struct genlmsghdr generic;
	char attributes[4096];
};

static struct message begin(uint16_t type, uint8_t command)
{
	struct message message = {
		.header = { .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
			    .nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN) },
		.generic = { .cmd = command, .version = 1 },
	};

	return message;
}

static void put(struct message *message, uint16_t type, const char *text)
{
	struct nlattr *attr = (void *)((char *)message + message->header.nlmsg_len);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + strlen(text) + 1;
	strcpy((char *)attr + NLA_HDRLEN, text);
	message->header.nlmsg_len += NLA_ALIGN(attr->nla_len);
}

/* Sends a request. Returns its error, or 0 with the first message of the answer. */
static int ask(const struct message *request, struct message *answer)
{
	int fd = CHECK_OK(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC));
	struct nlmsgerr *error;
	int ret;

	CHECK_OK(send(fd, request, request->header.nlmsg_len, 0));
	CHECK_OK(recv(fd, answer, sizeof(*answer), 0));
	error = NLMSG_DATA(&answer->header);
	ret = answer->header.nlmsg_type == NLMSG_ERROR ? error->error : 0;
	close(fd);
	return ret;
}

static uint16_t family(void)
{
	struct message request = begin(GENL_ID_CTRL, CTRL_CMD_GETFAMILY), answer;
	char *next = answer.attributes, *end;

	put(&request, CTRL_ATTR_FAMILY_NAME, DEVLINK_GENL_NAME);
	CHECK_EQ(ask(&request, &answer), 0);
	end = (char *)&answer + answer.header.nlmsg_len;
	while (next < end) {
		const struct nlattr *attr = (void *)next;

		if (attr->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(uint16_t *)(next + NLA_HDRLEN);
		next += NLA_ALIGN(attr->nla_len);
	}
	FAIL("the kernel has no devlink");
}

int devlink_reload(const char *pf)
{
	struct message request = begin(family(), DEVLINK_CMD_RELOAD), answer;

	put(&request, DEVLINK_ATTR_BUS_NAME, "pci");
	put(&request, DEVLINK_ATTR_DEV_NAME, pf);
	return ask(&request, &answer);
}
