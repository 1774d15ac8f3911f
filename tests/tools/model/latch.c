// SPDX-License-Identifier: GPL-2.0-only
/* What a bound device lives under is found out by the driver's own code, src/core/rules.c. */
#include <linux/err.h>
#include <linux/pci.h>
#include <linux/types.h>

#include <stdio.h>

#include "latch.h"
#include "../../../src/core/rules.h"

bool model_rules_are_good(const char *text)
{
	struct vfio_latch_rules_fault fault;
	struct vfio_latch_rules *rules = vfio_latch_rules_parse(text, &fault);

	if (IS_ERR(rules))
		return false;
	vfio_latch_rules_free(rules);
	return true;
}

void model_rules_latch(const char *text, const struct model_function *function, int tunable,
		       bool *value, char source[80])
{
	const struct vfio_latch_identity id = {
		function->domain, function->bus, function->devfn, function->vendor,
		function->device, function->subvendor, function->subdevice,
	};
	struct vfio_latch_rules_fault fault;
	struct vfio_latch_rules *rules = vfio_latch_rules_parse(text, &fault);
	const struct vfio_latch_rule *rule = vfio_latch_rules_find(rules, &id, tunable);

	*value = rule && rule->value;
	snprintf(source, 80, "%s", rule ? rule->text : "default");
	vfio_latch_rules_free(rules);
}

const char *model_tunable_name(int tunable)
{
	return vfio_latch_tunable_names[tunable];
}
