// SPDX-License-Identifier: GPL-2.0-only
/* Policy input: the parameters of a driver, its single rules, and the latch of a device. */
#include <linux/module.h>
#include <linux/slab.h>

#include "core.h"

/**
 * vfio_latch_tunable_set - write a tunable's parameter
 * @text: what kstrtobool() takes, or NULL for true, as with the kernel's bool parameters
 * @kp: its argument is a struct vfio_latch_tunable_param
 *
 * Context: the parameter code, under kernel_param_lock().
 * Return: 0 or -EINVAL.
 */
int vfio_latch_tunable_set(const char *text, const struct kernel_param *kp)
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
EXPORT_SYMBOL_GPL(vfio_latch_tunable_set);

/**
 * vfio_latch_tunable_get - read a tunable's parameter
 * @buffer: a page
 * @kp: its argument is a struct vfio_latch_tunable_param
 *
 * Context: the parameter code, under kernel_param_lock().
 * Return: the length of the text.
 */
int vfio_latch_tunable_get(char *buffer, const struct kernel_param *kp)
{
	const struct vfio_latch_tunable_param *param = kp->arg;

	return sysfs_emit(buffer, "%c\n", param->value ? 'Y' : 'N');
}
EXPORT_SYMBOL_GPL(vfio_latch_tunable_get);

/**
 * vfio_latch_rules_set - write a list of rules
 * @text: the rules; a text with a malformed one is refused whole, with one line in the log, and
 *	the rules in force stay
 * @kp: its argument is a pointer to struct vfio_latch_rules
 *
 * Context: the parameter code, under kernel_param_lock().
 * Return: 0, -EINVAL or -ENOMEM.
 */
int vfio_latch_rules_set(const char *text, const struct kernel_param *kp)
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
EXPORT_SYMBOL_GPL(vfio_latch_rules_set);

/**
 * vfio_latch_rules_get - read a list of rules
 * @buffer: a page
 * @kp: its argument is a pointer to struct vfio_latch_rules
 *
 * Context: the parameter code, under kernel_param_lock().
 * Return: the length of the text.
 */
int vfio_latch_rules_get(char *buffer, const struct kernel_param *kp)
{
	struct vfio_latch_rules *const *rules = kp->arg;

	return sysfs_emit(buffer, "%s\n", *rules ? (*rules)->text : "");
}
EXPORT_SYMBOL_GPL(vfio_latch_rules_get);

/* One of the changes of rules.h. */
typedef struct vfio_latch_rules *(*rules_change)(const struct vfio_latch_rules *rules,
						 const char *rule,
						 struct vfio_latch_rules_fault *fault);

/*
 * A write to an attribute of a driver. Probes, and whoever writes the parameter, see the list
 * before the change, or the one after it. When pci_unregister_driver() returns, nobody is in here
 * any more.
 */
static ssize_t change_rules(struct device_driver *driver, const char *text, size_t count,
			    rules_change change)
{
	struct vfio_latch_params *params =
		&container_of(driver, struct vfio_latch_driver, pci.driver)->params;
	struct vfio_latch_rules_fault fault;
	struct vfio_latch_rules *rules;

	kernel_param_lock(driver->owner);
	rules = change(params->rules, text, &fault);
	if (!IS_ERR(rules))
		swap(params->rules, rules);
	kernel_param_unlock(driver->owner);
	if (IS_ERR(rules)) {
		pr_err("vfio-latch: rule refused: \"%s\": %s\n", fault.rule, fault.reason);
		return PTR_ERR(rules);
	}
	vfio_latch_rules_free(rules);
	return count;
}

static ssize_t new_rule_store(struct device_driver *driver, const char *text, size_t count)
{
	return change_rules(driver, text, count, vfio_latch_rules_add);
}
static DRIVER_ATTR_WO(new_rule);

static ssize_t remove_rule_store(struct device_driver *driver, const char *text, size_t count)
{
	return change_rules(driver, text, count, vfio_latch_rules_remove);
}
static DRIVER_ATTR_WO(remove_rule);

static struct attribute *driver_attrs[] = {
	&driver_attr_new_rule.attr,
	&driver_attr_remove_rule.attr,
	NULL
};

static const struct attribute_group driver_group = {
	.attrs = driver_attrs,
};

/* The attributes of a driver, which is in a struct vfio_latch_driver. */
const struct attribute_group *vfio_latch_driver_groups[] = {
	&driver_group,
	NULL
};
EXPORT_SYMBOL_GPL(vfio_latch_driver_groups);

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
 * latch_policy - latch the values of a device's tunables
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
