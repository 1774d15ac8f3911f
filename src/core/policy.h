/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policy: the values of a driver's tunables, and the values latched into each
 * device.
 *
 * A driver owns one struct vfio_latch_params, in its struct vfio_latch_driver,
 * and exposes it with VFIO_LATCH_MODULE_PARAMS(). Its members are written by
 * the kernel's parameter code and by the driver's attributes, and read by
 * vfio_latch_register(), all under the driver module's parameter lock,
 * kernel_param_lock(). Nothing else reads them.
 */
#ifndef VFIO_LATCH_POLICY_H
#define VFIO_LATCH_POLICY_H

#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "rules.h"

/**
 * struct vfio_latch_tunable_param - a tunable's module-wide value
 * @value: the value
 * @is_set: the parameter was written, so that its value is not the default
 */
struct vfio_latch_tunable_param {
	bool value;
	bool is_set;
};

/**
 * struct vfio_latch_params - all policy input of one driver
 * @tunable: the module-wide values
 * @rules: the rules in force, or NULL
 */
struct vfio_latch_params {
	struct vfio_latch_tunable_param tunable[VFIO_LATCH_NR_TUNABLES];
	struct vfio_latch_rules *rules;
};

/**
 * struct vfio_latch_driver - a driver on the core
 * @pci: the driver; its groups are vfio_latch_driver_groups
 * @params: its policy input
 */
struct vfio_latch_driver {
	struct pci_driver pci;
	struct vfio_latch_params params;
};

/**
 * struct vfio_latch_policy - the values of one device
 * @value: by tunable
 * @source: by tunable, "default", "parameter" or the matching rule
 *
 * Written once, in probe, before the device is registered; read-only until
 * the device is freed.
 */
struct vfio_latch_policy {
	bool value[VFIO_LATCH_NR_TUNABLES];
	char source[VFIO_LATCH_NR_TUNABLES][VFIO_LATCH_RULE_TEXT_MAX];
};

int vfio_latch_tunable_set(const char *text, const struct kernel_param *kp);
int vfio_latch_tunable_get(char *buffer, const struct kernel_param *kp);
int vfio_latch_rules_set(const char *text, const struct kernel_param *kp);
int vfio_latch_rules_get(char *buffer, const struct kernel_param *kp);
extern const struct attribute_group *vfio_latch_driver_groups[];

/*
 * A module's parameters are freed after it has dropped its reference to the
 * core, which may be gone. So the operations, and the function that frees the
 * rules, are the driver's own. vfio_latch_rules_free() does the same.
 */
static inline void vfio_latch_rules_param_free(void *arg)
{
	struct vfio_latch_rules **rules = arg;

	if (*rules)
		kfree((*rules)->text);
	kvfree(*rules);
	*rules = NULL;
}

/**
 * VFIO_LATCH_MODULE_PARAMS() - declare a driver's policy parameters
 * @params: those of the driver's static struct vfio_latch_driver
 */
#define VFIO_LATCH_MODULE_PARAMS(params)							\
	static const struct kernel_param_ops vfio_latch_tunable_param_ops = {			\
		.flags = KERNEL_PARAM_OPS_FL_NOARG,						\
		.set = vfio_latch_tunable_set,							\
		.get = vfio_latch_tunable_get,							\
	};											\
	static const struct kernel_param_ops vfio_latch_rules_param_ops = {			\
		.set = vfio_latch_rules_set,							\
		.get = vfio_latch_rules_get,							\
		.free = vfio_latch_rules_param_free,						\
	};											\
	VFIO_LATCH_TUNABLE_PARAM(params, disable_idle_d3, VFIO_LATCH_DISABLE_IDLE_D3, 0644,	\
		"Keep idle devices, not opened by a user, in D0 (bool, default N)");		\
	VFIO_LATCH_TUNABLE_PARAM(params, disable_vga, VFIO_LATCH_DISABLE_VGA, 0444,		\
		"Offer no VGA legacy regions and release legacy decoding (bool, default N)");	\
	VFIO_LATCH_TUNABLE_PARAM(params, nointxmask, VFIO_LATCH_NOINTXMASK, 0644,		\
		"Do not use PCI 2.3 INTx masking (bool, default N)");				\
	module_param_cb(policy, &vfio_latch_rules_param_ops, &(params).rules, 0644);		\
	MODULE_PARM_DESC(policy, "Per-device values: MATCH/KEY=VALUE[,KEY=VALUE...], separated"	\
		" by ';' or white space; MATCH is DDDD:BB:DD.F or VVVV:DDDD[:SVVV:SDDD]")

#define VFIO_LATCH_TUNABLE_PARAM(params, name, index, perm, desc)				\
	module_param_cb(name, &vfio_latch_tunable_param_ops, &(params).tunable[index], perm);	\
	__MODULE_PARM_TYPE(name, "bool");							\
	MODULE_PARM_DESC(name, desc)

#endif
