// SPDX-License-Identifier: GPL-2.0-only
/* Policy input: the parameters of a driver, and the latch of a device. */
#include <linux/module.h>
#include <linux/slab.h>

#include "core.h"

/* Called by the parameter code under kernel_param_lock(). */
static int tunable_set(const char *text, const struct kernel_param *kp)
{
	struct vfio_latch_tunable_param *param = kp->arg;
	bool value = true;
	int ret;

	if (text) {
		ret = kstrtobool(text, &value);
		if (ret)
			return ret;
	}
	param->value = value;
	param->is_set = true;
	return 0;
}

static int tunable_get(char *buffer, const struct kernel_param *kp)
{
	const struct vfio_latch_tunable_param *param = kp->arg;

	return sysfs_emit(buffer, "%c\n", param->value ? 'Y' : 'N');
}

/*
 * Parameter operations of a tunable.
 *
 * The argument is a struct vfio_latch_tunable_param. A parameter without a
 * value means true, as with the kernel's bool parameters.
 */
const struct kernel_param_ops vfio_latch_tunable_param_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = tunable_set,
	.get = tunable_get,
};
EXPORT_SYMBOL_GPL(vfio_latch_tunable_param_ops);

/* Called by the parameter code under kernel_param_lock(). */
static int rules_set(const char *text, const struct kernel_param *kp)
{
	struct vfio_latch_rules **rules = kp->arg;
	struct vfio_latch_rules_fault fault;
	struct vfio_latch_rules *parsed;

	parsed = vfio_latch_rules_parse(text, &fault);
	if (IS_ERR(parsed)) {
		pr_err("vfio-latch: policy refused: rule \"%s\": %s\n", fault.rule, fault.reason);
		return PTR_ERR(parsed);
	}
	vfio_latch_rules_free(*rules);
	*rules = parsed;
	return 0;
}

static int rules_get(char *buffer, const struct kernel_param *kp)
{
	struct vfio_latch_rules *const *rules = kp->arg;

	return sysfs_emit(buffer, "%s\n", *rules ? (*rules)->text : "");
}

/* Called when the driver's module goes away. */
static void rules_free(void *arg)
{
	struct vfio_latch_rules **rules = arg;

	vfio_latch_rules_free(*rules);
	*rules = NULL;
}

/*
 * Parameter operations of a list of rules.
 *
 * The argument is a pointer to struct vfio_latch_rules. A text with a
 * malformed rule is refused whole with -EINVAL and one line in the log; the
 * rules in force stay.
 */
const struct kernel_param_ops vfio_latch_rules_param_ops = {
	.set = rules_set,
	.get = rules_get,
	.free = rules_free,
};
EXPORT_SYMBOL_GPL(vfio_latch_rules_param_ops);

static void latch_tunable(struct vfio_latch_policy *policy, const struct vfio_latch_params *params,
			  const struct vfio_latch_identity *id, enum vfio_latch_tunable tunable)
{
	const struct vfio_latch_tunable_param *param = &params->tunable[tunable];
	const struct vfio_latch_rule *rule = vfio_latch_rules_find(params->rules, id, tunable);
	const char *source = rule ? rule->text : param->is_set ? "parameter" : "default";

	policy->value[tunable] = rule ? rule->value : param->value;
	strscpy(policy->source[tunable], source, sizeof(policy->source[tunable]));
}

/**
 * latch_policy - latch the values that a device will live under
 * @policy: filled
 * @pdev: the device
 * @params: the policy input of @pdev's driver
 *
 * Context: probe; takes the parameter lock of the driver's module.
 */
void latch_policy(struct vfio_latch_policy *policy, struct pci_dev *pdev,
		  const struct vfio_latch_params *params)
{
	const struct vfio_latch_identity id = {
		.domain = pci_domain_nr(pdev->bus),
		.bus = pdev->bus->number,
		.devfn = pdev->devfn,
		.vendor = pdev->vendor,
		.device = pdev->device,
		.subvendor = pdev->subsystem_vendor,
		.subdevice = pdev->subsystem_device,
	};
	struct module *driver = pdev->dev.driver->owner;
	int tunable;

	kernel_param_lock(driver);
	for (tunable = 0; tunable < VFIO_LATCH_NR_TUNABLES; tunable++)
		latch_tunable(policy, params, &id, tunable);
	kernel_param_unlock(driver);
}
