/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules that a driver gets for the time of one bind. */
#ifndef POLICY_H
#define POLICY_H

#include "device/device.h"

/* For an address and three tunables. */
#define RULE_SIZE 128

/**
 * struct policy_lease - a rule that is in force during a bind
 * @lock: of the rules of @driver, and its journal
 * @driver: as the kernel spells it
 * @parameter: the file that has all rules
 * @rule: the rule
 * @before: how many rules that read like it others had written
 */
struct policy_lease {
	int lock;
	char driver[NAME_SIZE];
	char parameter[128];
	char rule[RULE_SIZE];
	unsigned int before;
};

/* policy.c APIs: */
int policy_rule(char rule[RULE_SIZE], const char *address, const enum wish tunable[NR_TUNABLES]);
int policy_add(struct policy_lease *lease, const char *driver, const char *rule);
void policy_remove(struct policy_lease *lease);
int policy_forget(const char *driver, const char *address);

#endif
