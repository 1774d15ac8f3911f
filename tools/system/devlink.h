/* SPDX-License-Identifier: GPL-2.0-only */
/* What devlink says of a PF's eswitch, and of the ports of its VFs. */
#ifndef DEVLINK_H
#define DEVLINK_H

#include <stdbool.h>

/* As the kernel numbers them. */
enum eswitch_mode {
	ESWITCH_LEGACY,
	ESWITCH_SWITCHDEV,
	ESWITCH_SWITCHDEV_INACTIVE,
	NR_ESWITCH_MODES
};

extern const char *const eswitch_mode_names[NR_ESWITCH_MODES];

/*
 * devlink.c APIs: tests have a model of it. Each waits for the PF's driver, and returns a negative
 * errno if it fails: then @why, of ANSWER_SIZE bytes, has a text if the kernel has given one.
 */
int devlink_eswitch_get(const char *pf, char *why);
int devlink_eswitch_set(const char *pf, enum eswitch_mode mode, char *why);
int devlink_migratable_get(const char *pf, unsigned int vf, char *why);
int devlink_migratable_set(const char *pf, unsigned int vf, char *why);

#endif
