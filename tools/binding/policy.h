/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules that a driver gets for the time of one bind. */
#ifndef POLICY_H
#define POLICY_H

#include "device/device.h"

struct policy_lease {
	int lock;
	char parameter[128];
	char *before, *during;
};

/* policy.c APIs: */
int policy_rule(char *rule, int size, const char *address, const enum wish tunable[NR_TUNABLES]);
int policy_add(struct policy_lease *lease, const char *driver, const char *rule);
void policy_remove(struct policy_lease *lease);

#endif
