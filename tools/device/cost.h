/* SPDX-License-Identifier: GPL-2.0-only */
/* What a device's last migration cost: vfio_pci/last_migration, docs/sysfs-abi.txt. */
#ifndef COST_H
#define COST_H

#include <stdint.h>

#include "device/address.h"

enum fw_command { SUSPEND, RESUME, SAVE, LOAD, NR_COMMANDS };

extern const char *const command_names[NR_COMMANDS];

/**
 * struct cost - what a migration cost
 * @direction: "save" or "load"; "" if there was none
 * @end: how it ended
 * @bytes: of images
 * @precopy_bytes: those of them that were saved before the device was stopped
 * @count: commands of each kind
 * @us: microseconds that these commands took
 */
struct cost {
	char direction[16];
	char end[16];
	uint64_t bytes;
	uint64_t precopy_bytes;
	uint64_t count[NR_COMMANDS];
	uint64_t us[NR_COMMANDS];
};

/* cost.c APIs: */
void cost_read(struct cost *cost, const char address[ADDRESS_SIZE]);

#endif
