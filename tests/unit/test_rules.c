// SPDX-License-Identifier: GPL-2.0-only
/* What src/core/rules.h promises of rule texts and of the rule that decides. */
#include <linux/err.h>
#include <stdio.h>
#include <string.h>

#include "cmocka_test.h"
#include "rules.h"
#include "shim/shim.h"

#define ADDRESS "0000:41:00.0"
#define ID "10de:2684"
#define SUBSYSTEM "10de:2684:1028:0a01"

/* The function that ADDRESS, ID and SUBSYSTEM all match. */
static const struct vfio_latch_identity gpu = {
	.domain = 0, .bus = 0x41, .devfn = 0,
	.vendor = 0x10de, .device = 0x2684, .subvendor = 0x1028, .subdevice = 0x0a01,
};

static struct vfio_latch_rules *parse(const char *text)
{
	struct vfio_latch_rules_fault fault;
	struct vfio_latch_rules *rules = vfio_latch_rules_parse(text, &fault);

	if (IS_ERR(rules))
		fail_msg("\"%s\" is refused: %s: %s", text, fault.rule, fault.reason);
	return rules;
}

/* The value of a tunable for a function under these rules; -1 when no rule decides. */
static int value_for(const char *text, const struct vfio_latch_identity *id,
		     enum vfio_latch_tunable tunable)
{
	struct vfio_latch_rules *rules = parse(text);
	const struct vfio_latch_rule *rule = vfio_latch_rules_find(rules, id, tunable);
	int value = rule ? rule->value : -1;

	vfio_latch_rules_free(rules);
	return value;
}

static int vga_for(const char *text, const struct vfio_latch_identity *id)
{
	return value_for(text, id, VFIO_LATCH_DISABLE_VGA);
}

static void assert_refused(const char *text, int error, const char *rule, const char *reason)
{
	struct vfio_latch_rules_fault fault;
	struct vfio_latch_rules *rules = vfio_latch_rules_parse(text, &fault);

	if (!IS_ERR(rules))
		fail_msg("\"%s\" is accepted", text);
	assert_int_equal(PTR_ERR(rules), error);
	assert_string_equal(fault.rule, rule);
	assert_string_equal(fault.reason, reason);
}

/* Grammar */

static void an_empty_text_is_a_list_without_rules(void **state)
{
	static const char *const texts[] = { "", " ", "\n", ";", " ;\t;;\r\n\v\f ; " };
	unsigned int n;

	(void)state;
	for (n = 0; n < sizeof(texts) / sizeof(texts[0]); n++) {
		struct vfio_latch_rules *rules = parse(texts[n]);

		assert_int_equal(rules->count, 0);
		vfio_latch_rules_free(rules);
	}
}

static void an_address_matches_that_function_only(void **state)
{
	static const struct vfio_latch_identity others[] = {
		{ .domain = 0x10000, .bus = 0x41, .devfn = 0x0a },
		{ .domain = 0, .bus = 0x41, .devfn = 0x0a },
		{ .domain = 1, .bus = 0x42, .devfn = 0x0a },
		{ .domain = 1, .bus = 0x41, .devfn = 0x0b },
		{ .domain = 1, .bus = 0x41, .devfn = 0x12 },
	};
	const struct vfio_latch_identity it = { .domain = 1, .bus = 0x41, .devfn = 0x0a };
	unsigned int n;

	(void)state;
	assert_int_equal(vga_for("0001:41:01.2/disable_vga=1", &it), 1);
	for (n = 0; n < sizeof(others) / sizeof(others[0]); n++)
		assert_int_equal(vga_for("0001:41:01.2/disable_vga=1", &others[n]), -1);
}

static void the_whole_range_of_addresses_can_be_written(void **state)
{
	const struct vfio_latch_identity last = { .domain = 0xffff, .bus = 0xff, .devfn = 0xff };
	const struct vfio_latch_identity vmd = { .domain = 0x10000, .bus = 0, .devfn = 0 };
	const struct vfio_latch_identity highest = { .domain = ~0U, .bus = 0xff, .devfn = 0xff };

	(void)state;
	assert_int_equal(vga_for("ffff:ff:1f.7/disable_vga=1", &last), 1);
	assert_int_equal(vga_for("10000:00:00.0/disable_vga=1", &vmd), 1);
	assert_int_equal(vga_for("ffffffff:ff:1f.7/disable_vga=1", &highest), 1);
}

static void hexadecimal_digits_may_be_of_either_case(void **state)
{
	const struct vfio_latch_identity it = {
		.domain = 0xabcd, .bus = 0xef, .devfn = 0xf8, .vendor = 0xabcd, .device = 0xef01,
	};

	(void)state;
	assert_int_equal(vga_for("aBcD:Ef:1F.0/disable_vga=1", &it), 1);
	assert_int_equal(vga_for("AbCd:eF01/disable_vga=1", &it), 1);
}

static void an_id_matches_every_function_that_has_it(void **state)
{
	struct vfio_latch_identity id = gpu;

	(void)state;
	assert_int_equal(vga_for(ID "/disable_vga=1", &id), 1);
	id.bus = 0x99;
	id.subvendor = 0x1234;
	assert_int_equal(vga_for(ID "/disable_vga=1", &id), 1);
	id.device++;
	assert_int_equal(vga_for(ID "/disable_vga=1", &id), -1);
	id.device--;
	id.vendor++;
	assert_int_equal(vga_for(ID "/disable_vga=1", &id), -1);
}

static void an_id_with_subsystem_matches_all_four(void **state)
{
	struct vfio_latch_identity id = gpu;

	(void)state;
	assert_int_equal(vga_for(SUBSYSTEM "/disable_vga=1", &id), 1);
	id.subdevice++;
	assert_int_equal(vga_for(SUBSYSTEM "/disable_vga=1", &id), -1);
	id = gpu;
	id.subvendor++;
	assert_int_equal(vga_for(SUBSYSTEM "/disable_vga=1", &id), -1);
	id = gpu;
	id.device++;
	assert_int_equal(vga_for(SUBSYSTEM "/disable_vga=1", &id), -1);
	id = gpu;
	id.vendor++;
	assert_int_equal(vga_for(SUBSYSTEM "/disable_vga=1", &id), -1);
}

static void rules_are_separated_by_semicolons_or_white_space(void **state)
{
	static const char *const separators[] = { ";", " ", "\t", "\n", "\r", "\v", "\f", " ;\n; " };
	unsigned int n;
	char text[128];

	(void)state;
	for (n = 0; n < sizeof(separators) / sizeof(separators[0]); n++) {
		struct vfio_latch_rules *rules;

		snprintf(text, sizeof(text), ADDRESS "/disable_vga=1%s" ID "/nointxmask=1",
			 separators[n]);
		rules = parse(text);
		assert_int_equal(rules->count, 2);
		vfio_latch_rules_free(rules);
	}
}

static void a_rule_may_set_several_tunables(void **state)
{
	const char *text = ID "/disable_idle_d3=1,disable_vga=0,nointxmask=y";

	(void)state;
	assert_int_equal(value_for(text, &gpu, VFIO_LATCH_DISABLE_IDLE_D3), 1);
	assert_int_equal(value_for(text, &gpu, VFIO_LATCH_DISABLE_VGA), 0);
	assert_int_equal(value_for(text, &gpu, VFIO_LATCH_NOINTXMASK), 1);
}

static void a_value_is_whatever_the_kernel_takes_for_a_bool(void **state)
{
	static const char *const yes[] = { "1", "y", "Y", "yes", "on", "ON", "oN" };
	static const char *const no[] = { "0", "n", "N", "no", "off", "OFF", "oF" };
	char text[64];
	unsigned int n;

	(void)state;
	for (n = 0; n < sizeof(yes) / sizeof(yes[0]); n++) {
		snprintf(text, sizeof(text), ID "/disable_vga=%s", yes[n]);
		assert_int_equal(vga_for(text, &gpu), 1);
		snprintf(text, sizeof(text), ID "/disable_vga=%s", no[n]);
		assert_int_equal(vga_for(text, &gpu), 0);
	}
}

/* Precedence */

static void an_address_beats_a_subsystem_and_a_subsystem_an_id(void **state)
{
	static const char *const texts[] = {
		ADDRESS "/disable_vga=1;" SUBSYSTEM "/disable_vga=0;" ID "/disable_vga=0",
		ID "/disable_vga=0;" SUBSYSTEM "/disable_vga=0;" ADDRESS "/disable_vga=1",
		SUBSYSTEM "/disable_vga=0;" ADDRESS "/disable_vga=1;" ID "/disable_vga=0",
		SUBSYSTEM "/disable_vga=1;" ID "/disable_vga=0",
		ID "/disable_vga=0;" SUBSYSTEM "/disable_vga=1",
	};
	unsigned int n;

	(void)state;
	for (n = 0; n < sizeof(texts) / sizeof(texts[0]); n++)
		assert_int_equal(vga_for(texts[n], &gpu), 1);
}

static void a_more_specific_rule_that_does_not_match_decides_nothing(void **state)
{
	(void)state;
	assert_int_equal(vga_for("0000:42:00.0/disable_vga=0;10de:2684:1028:ffff/disable_vga=0;"
				 ID "/disable_vga=1", &gpu), 1);
}

static void among_equals_the_last_one_wins(void **state)
{
	(void)state;
	assert_int_equal(vga_for(ADDRESS "/disable_vga=0;" ADDRESS "/disable_vga=1", &gpu), 1);
	assert_int_equal(vga_for(SUBSYSTEM "/disable_vga=0 " SUBSYSTEM "/disable_vga=1", &gpu), 1);
	assert_int_equal(vga_for(ID "/disable_vga=1;" ID "/disable_vga=0", &gpu), 0);
	assert_int_equal(vga_for(ID "/disable_vga=1,disable_vga=0", &gpu), 0);
}

static void precedence_is_decided_for_each_tunable_alone(void **state)
{
	const char *text = ADDRESS "/disable_vga=0;" ID "/disable_vga=1,nointxmask=1";

	(void)state;
	assert_int_equal(value_for(text, &gpu, VFIO_LATCH_DISABLE_VGA), 0);
	assert_int_equal(value_for(text, &gpu, VFIO_LATCH_NOINTXMASK), 1);
	assert_int_equal(value_for(text, &gpu, VFIO_LATCH_DISABLE_IDLE_D3), -1);
}

static void without_rules_nothing_is_decided(void **state)
{
	(void)state;
	assert_null(vfio_latch_rules_find(NULL, &gpu, VFIO_LATCH_DISABLE_VGA));
	assert_int_equal(vga_for("", &gpu), -1);
	vfio_latch_rules_free(NULL);
}

/* Text */

static void a_rules_text_is_kept_as_it_was_written(void **state)
{
	struct vfio_latch_rules *rules = parse("aBcD:0001/disable_vga=Yes,nointxmask=oFf");

	(void)state;
	assert_string_equal(rules->rule[0].text, "aBcD:0001/disable_vga=Yes");
	assert_string_equal(rules->rule[1].text, "aBcD:0001/nointxmask=oFf");
	vfio_latch_rules_free(rules);
}

static void the_whole_text_is_kept_without_its_newline(void **state)
{
	struct vfio_latch_rules *rules = parse(ADDRESS "/disable_vga=1;\t" ID "/nointxmask=0\n");

	(void)state;
	assert_string_equal(rules->text, ADDRESS "/disable_vga=1;\t" ID "/nointxmask=0");
	vfio_latch_rules_free(rules);
}

/* Refusals */

#define NO_MATCH "neither an address DDDD:BB:DD.F nor an id VVVV:DDDD[:SVVV:SDDD]"
#define NO_RULE "MATCH/KEY=VALUE expected"
#define NO_SETTING "KEY=VALUE expected"
#define NO_TUNABLE "no such tunable"
#define NO_BOOL "not a boolean value"

static void a_malformed_rule_is_refused_and_its_fault_named(void **state)
{
	static const struct {
		const char *rule;
		const char *reason;
	} bad[] = {
		{ "disable_vga=1", NO_RULE },
		{ ADDRESS, NO_RULE },
		{ "=", NO_RULE },
		{ "/", NO_MATCH },
		{ "/disable_vga=1", NO_MATCH },
		{ "000:41:00.0/disable_vga=1", NO_MATCH },
		{ "000000000:41:00.0/disable_vga=1", NO_MATCH },
		{ "41:00.0/disable_vga=1", NO_MATCH },
		{ "0000:4:00.0/disable_vga=1", NO_MATCH },
		{ "0000:041:00.0/disable_vga=1", NO_MATCH },
		{ "0000:41:0.0/disable_vga=1", NO_MATCH },
		{ "0000:41:20.0/disable_vga=1", NO_MATCH },
		{ "0000:41:00.8/disable_vga=1", NO_MATCH },
		{ "0000:41:00.00/disable_vga=1", NO_MATCH },
		{ "0000:41:00./disable_vga=1", NO_MATCH },
		{ "0000:41:00/disable_vga=1", NO_MATCH },
		{ "0000:41:00.0:/disable_vga=1", NO_MATCH },
		{ "000g:41:00.0/disable_vga=1", NO_MATCH },
		{ "0000-41:00.0/disable_vga=1", NO_MATCH },
		{ "10de/disable_vga=1", NO_MATCH },
		{ "10de:/disable_vga=1", NO_MATCH },
		{ "10de:268/disable_vga=1", NO_MATCH },
		{ "10de:26845/disable_vga=1", NO_MATCH },
		{ "10de:2684:1028/disable_vga=1", NO_MATCH },
		{ "10de:2684:1028:/disable_vga=1", NO_MATCH },
		{ "10de:2684:1028:a01/disable_vga=1", NO_MATCH },
		{ "10de:2684:1028:0a01:/disable_vga=1", NO_MATCH },
		{ "0x10de:2684/disable_vga=1", NO_MATCH },
		{ "*:2684/disable_vga=1", NO_MATCH },
		{ ID "/", NO_SETTING },
		{ ID "/disable_vga", NO_SETTING },
		{ ID "/disable_vga=1,", NO_SETTING },
		{ ID "/,disable_vga=1", NO_SETTING },
		{ ID "/disable_vga=1,,nointxmask=1", NO_SETTING },
		{ ID "/=1", NO_TUNABLE },
		{ ID "/vga=1", NO_TUNABLE },
		{ ID "/disable_vg=1", NO_TUNABLE },
		{ ID "/disable_vga2=1", NO_TUNABLE },
		{ ID "/DISABLE_VGA=1", NO_TUNABLE },
		{ ID "//disable_vga=1", NO_TUNABLE },
		{ ID "/disable_vga=", NO_BOOL },
		{ ID "/disable_vga=2", NO_BOOL },
		{ ID "/disable_vga=o", NO_BOOL },
		{ ID "/disable_vga==1", NO_BOOL },
	};
	unsigned int n;

	(void)state;
	for (n = 0; n < sizeof(bad) / sizeof(bad[0]); n++)
		assert_refused(bad[n].rule, -EINVAL, bad[n].rule, bad[n].reason);
}

static void one_malformed_rule_refuses_the_whole_text(void **state)
{
	(void)state;
	assert_refused(ADDRESS "/disable_vga=1;" ID "/bogus=1;" ID "/nointxmask=1", -EINVAL,
		       ID "/bogus=1", NO_TUNABLE);
	assert_refused(ID "/disable_vga=1 " ADDRESS "/nointxmask=1,disable_vga=maybe\n", -EINVAL,
		       ADDRESS "/nointxmask=1,disable_vga=maybe", NO_BOOL);
}

/* Lengths */

static void a_rule_fills_its_text_and_not_more(void **state)
{
	char text[VFIO_LATCH_RULE_TEXT_MAX + 1] = "10de:2684/disable_vga=1";
	char cut[VFIO_LATCH_RULE_TEXT_MAX];
	struct vfio_latch_rules *rules;
	size_t length = strlen(text);

	(void)state;
	memset(text + length, 'x', VFIO_LATCH_RULE_TEXT_MAX - 1 - length);
	rules = parse(text);
	assert_string_equal(rules->rule[0].text, text);
	vfio_latch_rules_free(rules);

	strcpy(cut, text);
	text[VFIO_LATCH_RULE_TEXT_MAX - 1] = 'x';
	assert_refused(text, -EINVAL, cut, "too long");
}

static void a_faulty_rules_name_is_cut_to_its_buffer(void **state)
{
	char text[1000];
	char cut[VFIO_LATCH_RULE_TEXT_MAX];

	(void)state;
	memset(text, 'z', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	memset(cut, 'z', sizeof(cut));
	cut[sizeof(cut) - 1] = '\0';
	assert_refused(text, -EINVAL, cut, NO_RULE);
}

static void a_text_fills_a_page_and_not_more(void **state)
{
	char text[VFIO_LATCH_RULES_TEXT_MAX + 1];
	struct vfio_latch_rules *rules;

	(void)state;
	memset(text, ';', sizeof(text));
	memcpy(text, ID "/disable_vga=1", strlen(ID "/disable_vga=1"));
	text[VFIO_LATCH_RULES_TEXT_MAX] = '\0';
	assert_refused(text, -E2BIG, "", "too long");
	text[VFIO_LATCH_RULES_TEXT_MAX - 1] = '\0';
	rules = parse(text);
	assert_int_equal(rules->count, 1);
	vfio_latch_rules_free(rules);
}

static void as_many_settings_as_fit_are_kept(void **state)
{
	char text[VFIO_LATCH_RULES_TEXT_MAX] = ID "/nointxmask=0";
	size_t length = strlen(text);
	unsigned int settings = 1;
	struct vfio_latch_rules *rules;

	(void)state;
	while (length + strlen(",nointxmask=1") < sizeof(text)) {
		length += sprintf(text + length, ",nointxmask=1");
		settings++;
	}
	rules = parse(text);
	assert_int_equal(rules->count, settings);
	vfio_latch_rules_free(rules);
}

/* Single rules */

/* Adds or removes a rule, and checks the new text; the old list stays as it was. */
static void assert_changed(const char *text, const char *rule, bool is_new, const char *after)
{
	struct vfio_latch_rules *rules = text ? parse(text) : NULL, *changed;
	struct vfio_latch_rules_fault fault;

	changed = is_new ? vfio_latch_rules_add(rules, rule, &fault) :
			   vfio_latch_rules_remove(rules, rule, &fault);
	if (IS_ERR(changed))
		fail_msg("\"%s\" is refused: %s: %s", rule, fault.rule, fault.reason);
	assert_string_equal(changed->text, after);
	if (rules)
		assert_string_equal(rules->text, text);
	vfio_latch_rules_free(changed);
	vfio_latch_rules_free(rules);
}

static void assert_not_changed(const char *text, const char *rule, bool is_new, int error,
			       const char *named, const char *reason)
{
	struct vfio_latch_rules *rules = text ? parse(text) : NULL, *changed;
	struct vfio_latch_rules_fault fault;

	changed = is_new ? vfio_latch_rules_add(rules, rule, &fault) :
			   vfio_latch_rules_remove(rules, rule, &fault);
	if (!IS_ERR(changed))
		fail_msg("\"%s\" is accepted", rule);
	assert_int_equal(PTR_ERR(changed), error);
	assert_string_equal(fault.rule, named);
	assert_string_equal(fault.reason, reason);
	if (rules)
		assert_string_equal(rules->text, text);
	vfio_latch_rules_free(rules);
}

#define VGA ID "/disable_vga=1"
#define INTX ID "/nointxmask=1"
#define BOTH ID "/disable_vga=1,nointxmask=1"

static void a_rule_is_added_behind_the_others(void **state)
{
	(void)state;
	assert_changed(NULL, VGA, true, VGA);
	assert_changed("", VGA "\n", true, VGA);
	assert_changed(INTX, VGA, true, INTX ";" VGA);
	assert_changed(INTX ";" BOTH, " ;" VGA "\n;", true, INTX ";" BOTH ";" VGA);
	/* A second one like it: one of each writer. */
	assert_changed(VGA ";" INTX, VGA, true, VGA ";" INTX ";" VGA);
	assert_changed(VGA " " INTX ";", BOTH, true, VGA " " INTX ";;" BOTH);
}

static void the_last_rule_that_reads_alike_is_removed(void **state)
{
	(void)state;
	assert_changed(VGA, VGA, false, "");
	assert_changed(VGA ";" INTX, VGA "\n", false, INTX);
	assert_changed(INTX ";" VGA, VGA, false, INTX);
	assert_changed(INTX " ;\t" VGA, VGA, false, INTX);
	assert_changed(INTX "\n" VGA "\n" BOTH, VGA, false, INTX "\n" BOTH);
	assert_changed(VGA ";" INTX ";" VGA, VGA, false, VGA ";" INTX);
	assert_changed(VGA ";" INTX ";" VGA ";" BOTH, VGA, false, VGA ";" INTX ";" BOTH);
}

/* What means the same, or is a part, is another rule. */
static void a_rule_that_is_not_there_is_not_removed(void **state)
{
	static const char *const others[] = {
		INTX, ID "/disable_vga=Y", ID "/disable_vga=", ID, "0" ID "/disable_vga=1",
		ID "/disable_vga=11", "10DE:2684/disable_vga=1", ID "/disable_vga=1,nointxmask",
	};
	unsigned int n;

	(void)state;
	for (n = 0; n < sizeof(others) / sizeof(others[0]); n++)
		assert_not_changed(VGA ";" BOTH, others[n], false, -ENOENT, others[n],
				   "no such rule");
	assert_not_changed("", VGA, false, -ENOENT, VGA, "no such rule");
	assert_not_changed(NULL, VGA, false, -ENOENT, VGA, "no such rule");
}

static void one_rule_at_a_time_is_added_or_removed(void **state)
{
	static const char *const none[] = { "", "\n", " ;; " };
	unsigned int n;

	(void)state;
	for (n = 0; n < sizeof(none) / sizeof(none[0]); n++) {
		assert_not_changed(VGA, none[n], true, -EINVAL, "", "one rule expected");
		assert_not_changed(VGA, none[n], false, -EINVAL, "", "one rule expected");
	}
	assert_not_changed(VGA ";" INTX, VGA ";" INTX, true, -EINVAL, VGA, "one rule expected");
	assert_not_changed(VGA ";" INTX, VGA " " INTX, false, -EINVAL, VGA, "one rule expected");
}

static void a_malformed_rule_is_not_added(void **state)
{
	(void)state;
	assert_not_changed(VGA, ID, true, -EINVAL, ID, NO_RULE);
	assert_not_changed(VGA, ID "/nointxmask=2\n", true, -EINVAL, ID "/nointxmask=2", NO_BOOL);
	assert_not_changed(NULL, ID "/vga=1", true, -EINVAL, ID "/vga=1", NO_TUNABLE);
}

static void rules_are_added_until_their_text_is_full(void **state)
{
	char text[VFIO_LATCH_RULES_TEXT_MAX], full[VFIO_LATCH_RULES_TEXT_MAX];
	size_t room = sizeof(text) - 1 - strlen(";" VGA);

	(void)state;
	memset(text, ';', sizeof(text));
	memcpy(text, INTX, strlen(INTX));
	text[room] = '\0';
	snprintf(full, sizeof(full), "%.*s;" VGA, (int)room, text);
	assert_int_equal(strlen(full), sizeof(full) - 1);
	assert_changed(text, VGA, true, full);
	assert_not_changed(full, VGA, true, -E2BIG, VGA, "no room for it");
	text[room] = ';';
	text[room + 1] = '\0';
	assert_not_changed(text, VGA, true, -E2BIG, VGA, "no room for it");
}

static void every_failed_allocation_of_a_change_is_enomem(void **state)
{
	struct vfio_latch_rules *rules = parse(VGA ";" INTX), *changed;
	struct vfio_latch_rules_fault fault;
	int is_new, n;

	(void)state;
	for (is_new = 0; is_new < 2; is_new++) {
		n = 0;
		do {
			shim_fail_allocation(n++);
			changed = is_new ? vfio_latch_rules_add(rules, VGA, &fault) :
					   vfio_latch_rules_remove(rules, VGA, &fault);
			if (IS_ERR(changed)) {
				assert_int_equal(PTR_ERR(changed), -ENOMEM);
				assert_string_equal(fault.reason, "out of memory");
			}
		} while (IS_ERR(changed));
		shim_fail_allocation(-1);
		assert_in_range(n, 4, 10);
		vfio_latch_rules_free(changed);
	}
	assert_string_equal(rules->text, VGA ";" INTX);
	vfio_latch_rules_free(rules);
}

/* Memory */

static void every_failed_allocation_is_enomem_and_leaks_nothing(void **state)
{
	struct vfio_latch_rules_fault fault;
	struct vfio_latch_rules *rules;
	int n = 0;

	(void)state;
	do {
		shim_fail_allocation(n++);
		rules = vfio_latch_rules_parse(ID "/disable_vga=1", &fault);
		if (IS_ERR(rules)) {
			assert_int_equal(PTR_ERR(rules), -ENOMEM);
			assert_string_equal(fault.reason, "out of memory");
		}
	} while (IS_ERR(rules));
	shim_fail_allocation(-1);
	assert_in_range(n, 3, 10);
	vfio_latch_rules_free(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_text_is_a_list_without_rules),
		cmocka_unit_test(an_address_matches_that_function_only),
		cmocka_unit_test(the_whole_range_of_addresses_can_be_written),
		cmocka_unit_test(hexadecimal_digits_may_be_of_either_case),
		cmocka_unit_test(an_id_matches_every_function_that_has_it),
		cmocka_unit_test(an_id_with_subsystem_matches_all_four),
		cmocka_unit_test(rules_are_separated_by_semicolons_or_white_space),
		cmocka_unit_test(a_rule_may_set_several_tunables),
		cmocka_unit_test(a_value_is_whatever_the_kernel_takes_for_a_bool),
		cmocka_unit_test(an_address_beats_a_subsystem_and_a_subsystem_an_id),
		cmocka_unit_test(a_more_specific_rule_that_does_not_match_decides_nothing),
		cmocka_unit_test(among_equals_the_last_one_wins),
		cmocka_unit_test(precedence_is_decided_for_each_tunable_alone),
		cmocka_unit_test(without_rules_nothing_is_decided),
		cmocka_unit_test(a_rules_text_is_kept_as_it_was_written),
		cmocka_unit_test(the_whole_text_is_kept_without_its_newline),
		cmocka_unit_test(a_malformed_rule_is_refused_and_its_fault_named),
		cmocka_unit_test(one_malformed_rule_refuses_the_whole_text),
		cmocka_unit_test(a_rule_fills_its_text_and_not_more),
		cmocka_unit_test(a_faulty_rules_name_is_cut_to_its_buffer),
		cmocka_unit_test(a_text_fills_a_page_and_not_more),
		cmocka_unit_test(as_many_settings_as_fit_are_kept),
		cmocka_unit_test(a_rule_is_added_behind_the_others),
		cmocka_unit_test(the_last_rule_that_reads_alike_is_removed),
		cmocka_unit_test(a_rule_that_is_not_there_is_not_removed),
		cmocka_unit_test(one_rule_at_a_time_is_added_or_removed),
		cmocka_unit_test(a_malformed_rule_is_not_added),
		cmocka_unit_test(rules_are_added_until_their_text_is_full),
		cmocka_unit_test(every_failed_allocation_of_a_change_is_enomem),
		cmocka_unit_test(every_failed_allocation_is_enomem_and_leaks_nothing),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
