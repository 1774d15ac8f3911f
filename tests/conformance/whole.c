// SPDX-License-Identifier: GPL-2.0-only
/*
 * Firmware without chunks: what is saved is saved at once.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 * vm-sources: lib/steps.c lib/migration_steps.c lib/stopped.c lib/running.c lib/given_up.c lib/refused.c lib/failures.c lib/loading.c
 */
#include "lib/firmware.h"

const struct firmware firmware = {
	.property = "chunks", .value = "false",
	.large = 1 << 20, .small = 100000, .amid = 100000, .ahead = 1, .left = 1, .images = 1,
};
