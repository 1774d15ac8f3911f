/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policy rules: which devices get which values of the three tunables.
 *
 * Pure logic, no device and no lock: it also compiles in user space, where
 * tests/unit runs and fuzzes it.
 *
 * A rule text is a list of rules separated by ';' or white space:
 *
 *	MATCH/KEY=VALUE[,KEY=VALUE...]
 *
 * MATCH is an address DDDD:BB:DD.F or an id VVVV:DDDD[:SVVV:SDDD], KEY the
 * name of a tunable, VALUE what kstrtobool() takes.
 */
#ifndef VFIO_LATCH_RULES_H
#define VFIO_LATCH_RULES_H

#include <linux/types.h>

enum vfio_latch_tunable {
	VFIO_LATCH_DISABLE_IDLE_D3,
	VFIO_LATCH_DISABLE_VGA,
	VFIO_LATCH_NOINTXMASK,
	VFIO_LATCH_NR_TUNABLES
};

extern const char *const vfio_latch_tunable_names[VFIO_LATCH_NR_TUNABLES];

/* Longest text of one MATCH/KEY=VALUE, with the end of the string. */
#define VFIO_LATCH_RULE_TEXT_MAX	64

/* Longest rule text that is parsed: what a write to a parameter can hold. */
#define VFIO_LATCH_RULES_TEXT_MAX	4096

/* Ordered: a greater value is a more specific match. */
enum vfio_latch_match {
	VFIO_LATCH_MATCH_ID,
	VFIO_LATCH_MATCH_SUBSYSTEM,
	VFIO_LATCH_MATCH_ADDRESS,
};

/**
 * struct vfio_latch_identity - what a rule can match of a PCI function
 * @domain: PCI segment
 * @bus: bus number
 * @devfn: device and function number, as in PCI_DEVFN()
 * @vendor: vendor ID
 * @device: device ID
 * @subvendor: subsystem vendor ID
 * @subdevice: subsystem ID
 */
struct vfio_latch_identity {
	u32 domain;
	u8 bus;
	u8 devfn;
	u16 vendor;
	u16 device;
	u16 subvendor;
	u16 subdevice;
};

/**
 * struct vfio_latch_rule - one tunable's value for the devices that match
 * @kind: which members of @want count
 * @tunable: what the rule sets
 * @value: what it sets it to
 * @want: the identity that a device must have
 * @text: the rule as it was written, for policy_source
 */
struct vfio_latch_rule {
	enum vfio_latch_match kind;
	enum vfio_latch_tunable tunable;
	bool value;
	struct vfio_latch_identity want;
	char text[VFIO_LATCH_RULE_TEXT_MAX];
};

/**
 * struct vfio_latch_rules - a parsed rule text, read-only once parsed
 * @text: the text as it was written
 * @count: number of entries of @rule
 * @rule: one entry for each KEY=VALUE, in the order of the text
 */
struct vfio_latch_rules {
	char *text;
	unsigned int count;
	struct vfio_latch_rule rule[];
};

/**
 * struct vfio_latch_rules_fault - why a rule text was refused
 * @reason: what is wrong, a constant string
 * @rule: the rule that is wrong, truncated to the buffer
 */
struct vfio_latch_rules_fault {
	const char *reason;
	char rule[VFIO_LATCH_RULE_TEXT_MAX];
};

/* rules.c APIs: */
struct vfio_latch_rules *vfio_latch_rules_parse(const char *text,
						struct vfio_latch_rules_fault *fault);
struct vfio_latch_rules *vfio_latch_rules_add(const struct vfio_latch_rules *rules,
					      const char *rule,
					      struct vfio_latch_rules_fault *fault);
struct vfio_latch_rules *vfio_latch_rules_remove(const struct vfio_latch_rules *rules,
						 const char *rule,
						 struct vfio_latch_rules_fault *fault);
void vfio_latch_rules_free(struct vfio_latch_rules *rules);
const struct vfio_latch_rule *
vfio_latch_rules_find(const struct vfio_latch_rules *rules,
		      const struct vfio_latch_identity *id,
		      enum vfio_latch_tunable tunable);

#endif
