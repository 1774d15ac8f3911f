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

int model_rules_change(char text[MODEL_RULES_SIZE], const char *rule, bool is_new)
{
	struct vfio_latch_rules_fault fault;
	struct vfio_latch_rules *before = vfio_latch_rules_parse(text, &fault), *after;
	int ret;

	if (IS_ERR(before))
		return PTR_ERR(before);
	after = is_new ? vfio_latch_rules_add(before, rule, &fault) :
			 vfio_latch_rules_remove(before, rule, &fault);
	vfio_latch_rules_free(before);
	ret = IS_ERR(after) ? PTR_ERR(after) : 0;
	if (ret)
		return ret;
	snprintf(text, MODEL_RULES_SIZE, "%s", after->text);
	vfio_latch_rules_free(after);
	return 0;
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
