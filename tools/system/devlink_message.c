// SPDX-License-Identifier: GPL-2.0-only
/* Pure logic. The numbers are those of linux/devlink.h, see also the kernel's devlink.yaml. */
#include <errno.h>
#include <linux/devlink.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#include "system/devlink_message.h"

/* Of linux/devlink.h since 6.2: an attribute of DEVLINK_ATTR_PORT_FUNCTION, and one of its bits. */
#define FUNCTION_CAPS 4
#define CAP_MIGRATABLE (1 << 1)

#define BUS "pci"

const char *const eswitch_mode_names[] = {
	[ESWITCH_LEGACY] = "legacy", [ESWITCH_SWITCHDEV] = "switchdev",
	[ESWITCH_SWITCHDEV_INACTIVE] = "switchdev_inactive",
};

static struct nlmsghdr *begin(void *buffer, uint16_t type, uint16_t flags, uint8_t command,
			      uint8_t version)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *generic;

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	generic = mnl_nlmsg_put_extra_header(message, sizeof(*generic));
	generic->cmd = command;
	generic->version = version;
	return message;
}

/* Asks for the number of the family, which is the type of all other messages. */
struct nlmsghdr *message_family(void *buffer)
{
	struct nlmsghdr *message = begin(buffer, GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY, 1);

	mnl_attr_put_strz(message, CTRL_ATTR_FAMILY_NAME, DEVLINK_GENL_NAME);
	return message;
}

/* @flags: NLM_F_ACK or NLM_F_DUMP */
struct nlmsghdr *message_begin(void *buffer, uint16_t family, uint8_t command, uint16_t flags,
			       const char *pf)
{
	struct nlmsghdr *message = begin(buffer, family, flags, command, DEVLINK_GENL_VERSION);

	mnl_attr_put_strz(message, DEVLINK_ATTR_BUS_NAME, BUS);
	mnl_attr_put_strz(message, DEVLINK_ATTR_DEV_NAME, pf);
	return message;
}

void message_put_mode(struct nlmsghdr *message, enum eswitch_mode mode)
{
	mnl_attr_put_u16(message, DEVLINK_ATTR_ESWITCH_MODE, mode);
}

void message_put_migratable(struct nlmsghdr *message, uint32_t port)
{
	const struct nla_bitfield32 caps = { .value = CAP_MIGRATABLE, .selector = CAP_MIGRATABLE };
	struct nlattr *function;

	mnl_attr_put_u32(message, DEVLINK_ATTR_PORT_INDEX, port);
	function = mnl_attr_nest_start(message, DEVLINK_ATTR_PORT_FUNCTION);
	mnl_attr_put(message, FUNCTION_CAPS, sizeof(caps), &caps);
	mnl_attr_nest_end(message, function);
}

/* libmnl rounds the end of a message up. */
static bool is_whole(const struct nlmsghdr *message, const struct nlattr *attr)
{
	return (const char *)attr + attr->nla_len <= (const char *)message + message->nlmsg_len;
}

/* The attribute @type of @message, of at least @size bytes, or NULL. */
static const struct nlattr *find(const struct nlmsghdr *message, uint16_t type, size_t size)
{
	const struct nlattr *attr;

	if (message->nlmsg_len < mnl_nlmsg_size(sizeof(struct genlmsghdr)))
		return NULL;
	mnl_attr_for_each(attr, message, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == type && mnl_attr_get_payload_len(attr) >= size &&
		    is_whole(message, attr))
			return attr;
	return NULL;
}

static bool has_text(const struct nlmsghdr *message, uint16_t type, const char *text)
{
	const struct nlattr *attr = find(message, type, strlen(text) + 1);

	return attr && !memcmp(mnl_attr_get_payload(attr), text, strlen(text) + 1);
}

/* Returns the number of the family, or -ENOENT. */
int message_read_family(const struct nlmsghdr *message)
{
	const struct nlattr *attr = find(message, CTRL_ATTR_FAMILY_ID, sizeof(uint16_t));

	return attr ? mnl_attr_get_u16(attr) : -ENOENT;
}

/* Returns an enum eswitch_mode, or -EOPNOTSUPP. */
int message_read_mode(const struct nlmsghdr *message)
{
	const struct nlattr *attr = find(message, DEVLINK_ATTR_ESWITCH_MODE, sizeof(uint16_t));

	if (!attr || mnl_attr_get_u16(attr) >= NR_ESWITCH_MODES)
		return -EOPNOTSUPP;
	return mnl_attr_get_u16(attr);
}

static void read_caps(const struct nlmsghdr *message, struct devlink_port *port)
{
	const struct nlattr *function = find(message, DEVLINK_ATTR_PORT_FUNCTION, 0), *attr;
	struct nla_bitfield32 caps;

	if (!function)
		return;
	mnl_attr_for_each_nested(attr, function) {
		if (mnl_attr_get_type(attr) != FUNCTION_CAPS ||
		    mnl_attr_get_payload_len(attr) < sizeof(caps))
			continue;
		memcpy(&caps, mnl_attr_get_payload(attr), sizeof(caps));
		port->can_migrate = caps.selector & CAP_MIGRATABLE;
		port->is_migratable = caps.value & caps.selector & CAP_MIGRATABLE;
	}
}

/*
 * Whether @message is of a port of @pf: kernels before 6.5 send those of all devices. An external
 * port is of another host's function, as a SmartNIC has them.
 */
bool message_read_port(const struct nlmsghdr *message, const char *pf, struct devlink_port *port)
{
	const struct nlattr *index = find(message, DEVLINK_ATTR_PORT_INDEX, sizeof(uint32_t));
	const struct nlattr *flavour = find(message, DEVLINK_ATTR_PORT_FLAVOUR, sizeof(uint16_t));
	const struct nlattr *vf = find(message, DEVLINK_ATTR_PORT_PCI_VF_NUMBER, sizeof(uint16_t));
	const struct nlattr *external = find(message, DEVLINK_ATTR_PORT_EXTERNAL, sizeof(uint8_t));

	*port = (struct devlink_port){};
	if (!index || !has_text(message, DEVLINK_ATTR_BUS_NAME, BUS) ||
	    !has_text(message, DEVLINK_ATTR_DEV_NAME, pf))
		return false;
	port->index = mnl_attr_get_u32(index);
	port->is_vf = flavour && mnl_attr_get_u16(flavour) == DEVLINK_PORT_FLAVOUR_PCI_VF && vf &&
		      !(external && mnl_attr_get_u8(external));
	if (!port->is_vf)
		return true;
	port->vf = mnl_attr_get_u16(vf);
	read_caps(message, port);
	return true;
}

/* The kernel's text stands behind the header, and behind the request if the kernel repeats it. */
static void read_why(const struct nlmsghdr *message, const struct nlmsgerr *error, char *why,
		     size_t size)
{
	size_t offset = sizeof(*error);
	const struct nlattr *attr;

	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS) ||
	    error->msg.nlmsg_len < sizeof(error->msg))
		return;
	if (!(message->nlmsg_flags & NLM_F_CAPPED))
		offset += error->msg.nlmsg_len - sizeof(error->msg);
	if (message->nlmsg_len < mnl_nlmsg_size(offset))
		return;
	mnl_attr_for_each(attr, message, offset)
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG && is_whole(message, attr))
			snprintf(why, size, "%.*s", mnl_attr_get_payload_len(attr),
				 (const char *)mnl_attr_get_payload(attr));
}

/* Reads a message of type NLMSG_DONE: returns 0, or the negative errno that has ended a dump. */
int message_read_done(const struct nlmsghdr *message)
{
	if (message->nlmsg_len < mnl_nlmsg_size(sizeof(int)))
		return 0;
	return *(const int *)mnl_nlmsg_get_payload(message);
}

/* Reads a message of type NLMSG_ERROR: returns 0, or a negative errno with the kernel's @why. */
int message_read_error(const struct nlmsghdr *message, char *why, size_t size)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_len < mnl_nlmsg_size(sizeof(*error)))
		return -EBADMSG;
	if (error->error)
		read_why(message, error, why, size);
	return error->error;
}
