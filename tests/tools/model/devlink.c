// SPDX-License-Identifier: GPL-2.0-only
/*
 * The answers of a PF's mlx5_core to devlink, in the place of tools/system/devlink.c. What it does
 * with sockets and messages is for test_devlink. In model/:
 *
 *	devlink/PF		the mode of the PF's eswitch; without it the PF is none of devlink's
 *	fail/eswitch		an errno, in which a change of the mode ends
 *	fail/declare		an errno, in which a declaration ends
 *	in-vain			a declaration changes nothing (of kernel.c)
 *	no-caps			mlx5_core, or the firmware, cannot declare VFs migratable
 *	hang/devlink		a FIFO: no answer until somebody has written
 *	migratable/VF		the VF was declared migratable
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/address.h"
#include "model.h"
#include "system/bounded.h"
#include "system/devlink.h"
#include "system/sysfs.h"

int devlink_eswitch_get(const char *pf, char *why)
{
	char text[32];
	int mode;

	(void)why;
	model_hang("devlink");
	if (attr_read(text, sizeof(text), "/model/devlink/%s", pf) < 0)
		return -ENODEV;
	for (mode = 0; mode < NR_ESWITCH_MODES; mode++)
		if (!strcmp(text, eswitch_mode_names[mode]))
			return mode;
	abort();
}

static void put(const char *text, const char *kind, const char *name)
{
	char path[PATH_SIZE];
	FILE *file;

	system_path(path, "/model/%s/%s", kind, name);
	file = fopen(path, "we");
	if (!file || fputs(text, file) < 0 || fclose(file))
		abort();
}

int devlink_eswitch_set(const char *pf, enum eswitch_mode mode, char *why)
{
	long failure = attr_number(10, "/model/fail/eswitch");

	model_log("eswitch", eswitch_mode_names[mode]);
	if (failure > 0) {
		snprintf(why, ANSWER_SIZE, "Can't change mode");
		return -failure;
	}
	put(eswitch_mode_names[mode], "devlink", pf);
	return 0;
}

int devlink_migratable_get(const char *pf, unsigned int vf, char *why)
{
	(void)vf;
	if (devlink_eswitch_get(pf, why) == ESWITCH_LEGACY) {
		snprintf(why, ANSWER_SIZE, "no port");
		return -ENODEV;
	}
	if (exists("/model/no-caps")) {
		snprintf(why, ANSWER_SIZE, "no capability");
		return -EOPNOTSUPP;
	}
	return 0;
}

int devlink_migratable_set(const char *pf, unsigned int vf, char *why)
{
	int ret = devlink_migratable_get(pf, vf, why);
	char name[ADDRESS_SIZE];
	long failure = attr_number(10, "/model/fail/declare");

	if (ret)
		return ret;
	if (link_name(name, sizeof(name), "/sys/bus/pci/devices/%s/virtfn%u", pf, vf))
		abort();
	model_log("migratable", name);
	if (failure > 0)
		return -failure;
	put("", "migratable", name);
	return 0;
}
