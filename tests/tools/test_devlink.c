// SPDX-License-Identifier: GPL-2.0-only
/*
 * What goes to the kernel's devlink and comes from it, byte for byte as linux/netlink.h,
 * linux/genetlink.h and linux/devlink.h lay it out. The bytes are written out here: they do not
 * come from the code under test. Numbers in them are little-endian.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_test.h"
#include "system/bounded.h"
#include "system/devlink_message.h"

#define FAMILY 0x15
#define PF "0000:41:00.0"

/* Attributes, padded to four bytes. */
#define BUS_NAME 8, 0, 1, 0, 'p', 'c', 'i', 0
#define DEV_NAME(function) \
	17, 0, 2, 0, '0', '0', '0', '0', ':', '4', '1', ':', '0', '0', '.', function, 0, 0, 0, 0
#define PORT_INDEX(n) 8, 0, 3, 0, n, 0, 1, 0
#define FLAVOUR(n) 6, 0, 77, 0, n, 0, 0, 0
#define VF_NUMBER(n) 6, 0, 128, 0, n, 0, 0, 0
#define EXTERNAL(n) 5, 0, 149, 0, n, 0, 0, 0
/* A nest of hardware address and capabilities: value, selector. */
#define FUNCTION(value, selector) \
	28, 0, 145, 128, 10, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 0, 12, 0, 4, 0, value, 0, 0, 0, \
	selector, 0, 0, 0

#define REQUEST 1
#define ACK 4
#define DUMP 0x300

static void is_message(const struct nlmsghdr *message, const uint8_t *bytes, size_t size)
{
	assert_int_equal(message->nlmsg_len, size + 20);
	assert_memory_equal((const char *)message + 20, bytes, size);
}

static void is_header(const struct nlmsghdr *message, uint16_t type, uint16_t flags,
		      uint8_t command)
{
	const uint8_t *generic = mnl_nlmsg_get_payload(message);

	assert_int_equal(message->nlmsg_type, type);
	assert_int_equal(message->nlmsg_flags, flags);
	assert_int_equal(generic[0], command);
	assert_int_equal(generic[1], 1);
}

static void the_family_is_asked_for_by_its_name(void **state)
{
	static const uint8_t name[] = { 12, 0, 2, 0, 'd', 'e', 'v', 'l', 'i', 'n', 'k', 0 };
	char buffer[256] = {};
	struct nlmsghdr *message = message_family(buffer);

	(void)state;
	is_header(message, 0x10, REQUEST | ACK, 3);
	is_message(message, name, sizeof(name));
}

static void the_mode_is_set_for_the_pf(void **state)
{
	static const uint8_t bytes[] = { BUS_NAME, DEV_NAME('0'), 6, 0, 25, 0, 1, 0, 0, 0 };
	char buffer[256] = {};
	struct nlmsghdr *message = message_begin(buffer, FAMILY, 30, NLM_F_ACK, PF);

	(void)state;
	message_put_mode(message, ESWITCH_SWITCHDEV);
	is_header(message, FAMILY, REQUEST | ACK, 30);
	is_message(message, bytes, sizeof(bytes));
}

static void ports_are_asked_for_with_their_pf(void **state)
{
	static const uint8_t bytes[] = { BUS_NAME, DEV_NAME('0') };
	char buffer[256] = {};
	struct nlmsghdr *message = message_begin(buffer, FAMILY, 5, NLM_F_DUMP, PF);

	(void)state;
	is_header(message, FAMILY, REQUEST | DUMP, 5);
	is_message(message, bytes, sizeof(bytes));
}

/* No other capability of the VF changes: the selector has this bit alone. */
static void a_declaration_is_about_migratable_alone(void **state)
{
	static const uint8_t bytes[] = {
		BUS_NAME, DEV_NAME('0'), PORT_INDEX(3),
		16, 0, 145, 128, 12, 0, 4, 0, 2, 0, 0, 0, 2, 0, 0, 0,
	};
	char buffer[256] = {};
	struct nlmsghdr *message = message_begin(buffer, FAMILY, 6, NLM_F_ACK, PF);

	(void)state;
	message_put_migratable(message, 0x10003);
	is_message(message, bytes, sizeof(bytes));
}

/* A message of the kernel with these attributes. Free it: a byte beyond its end is an error. */
static struct nlmsghdr *message_of(const uint8_t *bytes, size_t size)
{
	struct nlmsghdr *message = calloc(1, size + 20);

	assert_non_null(message);
	message->nlmsg_len = size + 20;
	message->nlmsg_type = FAMILY;
	memcpy((char *)message + 20, bytes, size);
	return message;
}

static bool reads(struct devlink_port *port, const uint8_t *bytes, size_t size)
{
	struct nlmsghdr *message = message_of(bytes, size);
	bool is_of_pf = message_read_port(message, PF, port);

	free(message);
	return is_of_pf;
}

static void a_vfs_port_is_known_by_its_number_and_flavour(void **state)
{
	static const uint8_t vf[] = { BUS_NAME, DEV_NAME('0'), PORT_INDEX(3), FLAVOUR(4),
				      VF_NUMBER(2), EXTERNAL(0), FUNCTION(1, 3) };
	static const uint8_t uplink[] = { BUS_NAME, DEV_NAME('0'), PORT_INDEX(3), FLAVOUR(0),
					  VF_NUMBER(2) };
	struct devlink_port port;

	(void)state;
	assert_true(reads(&port, vf, sizeof(vf)));
	assert_true(port.is_vf);
	assert_int_equal(port.vf, 2);
	assert_int_equal(port.index, 0x10003);
	assert_true(port.can_migrate);
	assert_false(port.is_migratable);
	assert_true(reads(&port, uplink, sizeof(uplink)));
	assert_false(port.is_vf);
}

static void capabilities_count_if_the_kernel_knows_them(void **state)
{
	static const uint8_t is[] = { BUS_NAME, DEV_NAME('0'), PORT_INDEX(3), FLAVOUR(4),
				      VF_NUMBER(2), FUNCTION(2, 3) };
	static const uint8_t roce_only[] = { BUS_NAME, DEV_NAME('0'), PORT_INDEX(3), FLAVOUR(4),
					     VF_NUMBER(2), FUNCTION(3, 1) };
	static const uint8_t none[] = { BUS_NAME, DEV_NAME('0'), PORT_INDEX(3), FLAVOUR(4),
					VF_NUMBER(2) };
	struct devlink_port port;

	(void)state;
	assert_true(reads(&port, is, sizeof(is)));
	assert_true(port.can_migrate && port.is_migratable);
	assert_true(reads(&port, roce_only, sizeof(roce_only)));
	assert_false(port.can_migrate || port.is_migratable);
	assert_true(reads(&port, none, sizeof(none)));
	assert_true(port.is_vf);
	assert_false(port.can_migrate);
}

/* Kernels before 6.5 send the ports of all; a SmartNIC has those of another host. */
static void ports_of_others_are_not_the_vfs(void **state)
{
	static const uint8_t other[] = { BUS_NAME, DEV_NAME('1'), PORT_INDEX(3), FLAVOUR(4),
					 VF_NUMBER(2) };
	static const uint8_t external[] = { BUS_NAME, DEV_NAME('0'), PORT_INDEX(3), FLAVOUR(4),
					    VF_NUMBER(2), EXTERNAL(1) };
	static const uint8_t no_index[] = { BUS_NAME, DEV_NAME('0'), FLAVOUR(4), VF_NUMBER(2) };
	struct devlink_port port;

	(void)state;
	assert_false(reads(&port, other, sizeof(other)));
	assert_true(reads(&port, external, sizeof(external)));
	assert_false(port.is_vf);
	assert_false(reads(&port, no_index, sizeof(no_index)));
}

/* Whatever is cut off is absent, and nothing beyond the end is read. */
static void a_message_that_is_cut_short_is_read_to_its_end(void **state)
{
	static const uint8_t bytes[] = { BUS_NAME, DEV_NAME('0'), PORT_INDEX(3), FLAVOUR(4),
					 VF_NUMBER(2), FUNCTION(2, 3) };
	struct devlink_port port;
	size_t size;

	(void)state;
	for (size = 0; size < sizeof(bytes); size++) {
		reads(&port, bytes, size);
		assert_false(port.is_migratable);
	}
}

static void the_mode_and_the_familys_number_are_read(void **state)
{
	static const uint8_t modes[][8] = {
		{ 6, 0, 25, 0, 0, 0 }, { 6, 0, 25, 0, 1, 0 }, { 6, 0, 25, 0, 2, 0 },
		{ 6, 0, 25, 0, 7, 0 }, { 6, 0, 26, 0, 1, 0 },
	};
	static const int expected[] = {
		ESWITCH_LEGACY, ESWITCH_SWITCHDEV, ESWITCH_SWITCHDEV_INACTIVE, -EOPNOTSUPP,
		-EOPNOTSUPP,
	};
	static const uint8_t family[] = { 6, 0, 1, 0, 0x15, 0, 0, 0 };
	struct nlmsghdr *message;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(modes) / sizeof(modes[0]); n++) {
		message = message_of(modes[n], sizeof(modes[n]));
		assert_int_equal(message_read_mode(message), expected[n]);
		free(message);
	}
	message = message_of(family, sizeof(family));
	assert_int_equal(message_read_family(message), 0x15);
	free(message);
	message = message_of(modes[0], sizeof(modes[0]));
	assert_int_equal(message_read_family(message), -ENOENT);
	free(message);
}

/* An error, the header of the request, @rest of it, and a text. */
static struct nlmsghdr *error_of(int number, uint16_t flags, size_t rest, const char *text)
{
	size_t length = strlen(text) + 1, size = 16 + 4 + 16 + rest + 4 + (length + 3) / 4 * 4;
	struct nlmsghdr *message = calloc(1, size), *request;
	char *bytes = (char *)message;

	assert_non_null(message);
	message->nlmsg_len = size;
	message->nlmsg_type = NLMSG_ERROR;
	message->nlmsg_flags = flags;
	memcpy(bytes + 16, &number, 4);
	request = (struct nlmsghdr *)(bytes + 20);
	request->nlmsg_len = 16 + (flags & NLM_F_CAPPED ? 64 : rest);
	memcpy(bytes + 36 + rest, &(uint16_t){ 4 + length }, 2);
	memcpy(bytes + 38 + rest, &(uint16_t){ 1 }, 2);
	memcpy(bytes + 40 + rest, text, length);
	return message;
}

static void the_kernels_own_explanation_is_read(void **state)
{
	static const struct { uint16_t flags; size_t rest; const char *expected; } cases[] = {
		{ 0x200 | 0x100, 0, "VFs are bound" }, { 0x200, 28, "VFs are bound" },
		{ 0, 28, "" }, { 0x100, 0, "" },
	};
	char why[ANSWER_SIZE];
	struct nlmsghdr *message;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(cases) / sizeof(cases[0]); n++) {
		*why = '\0';
		message = error_of(-EBUSY, cases[n].flags, cases[n].rest, "VFs are bound");
		assert_int_equal(message_read_error(message, why, sizeof(why)), -EBUSY);
		assert_string_equal(why, cases[n].expected);
		free(message);
	}
	*why = '\0';
	message = error_of(0, 0x300, 0, "a warning");
	assert_int_equal(message_read_error(message, why, sizeof(why)), 0);
	assert_string_equal(why, "");
	message->nlmsg_len = 30;
	assert_int_equal(message_read_error(message, why, sizeof(why)), -EBADMSG);
	free(message);
}

/* Else ports that were not told would count as absent. */
static void a_dump_that_ends_in_an_error_is_one(void **state)
{
	static const uint8_t failed[] = { 0xf0, 0xff, 0xff, 0xff }, good[] = { 0, 0, 0, 0 };
	struct nlmsghdr *message = calloc(1, 20);

	(void)state;
	assert_non_null(message);
	message->nlmsg_type = NLMSG_DONE;
	message->nlmsg_len = 20;
	memcpy((char *)message + 16, failed, 4);
	assert_int_equal(message_read_done(message), -EBUSY);
	memcpy((char *)message + 16, good, 4);
	assert_int_equal(message_read_done(message), 0);
	memcpy((char *)message + 16, failed, 4);
	message->nlmsg_len = 16;
	assert_int_equal(message_read_done(message), 0);
	free(message);
}

/* The real socket, with what this kernel answers: it has no such device, or no devlink. */
static void a_device_that_is_not_there_is_an_error(void **state)
{
	char why[ANSWER_SIZE] = "";

	(void)state;
	assert_true(devlink_eswitch_get("ffff:ff:1f.7", why) < 0);
	assert_true(devlink_eswitch_set("ffff:ff:1f.7", ESWITCH_LEGACY, why) < 0);
	assert_true(devlink_migratable_set("ffff:ff:1f.7", 0, why) < 0);
	assert_true(*why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_family_is_asked_for_by_its_name),
		cmocka_unit_test(the_mode_is_set_for_the_pf),
		cmocka_unit_test(ports_are_asked_for_with_their_pf),
		cmocka_unit_test(a_declaration_is_about_migratable_alone),
		cmocka_unit_test(a_vfs_port_is_known_by_its_number_and_flavour),
		cmocka_unit_test(capabilities_count_if_the_kernel_knows_them),
		cmocka_unit_test(ports_of_others_are_not_the_vfs),
		cmocka_unit_test(a_message_that_is_cut_short_is_read_to_its_end),
		cmocka_unit_test(the_mode_and_the_familys_number_are_read),
		cmocka_unit_test(the_kernels_own_explanation_is_read),
		cmocka_unit_test(a_dump_that_ends_in_an_error_is_one),
		cmocka_unit_test(a_device_that_is_not_there_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
