// SPDX-License-Identifier: GPL-2.0-only
/*
 * Firmware that saves in chunks and fills each buffer: what of a state does not fit is left.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 * vm-sources: lib/steps.c lib/migration_steps.c lib/stopped.c lib/running.c lib/given_up.c lib/refused.c lib/failures.c lib/loading.c
 */
#include "lib/firmware.h"

const struct firmware firmware = {
	.property = "chunks", .value = "true",
	.large = 17 << 20, .small = 100000, .amid = 9 << 20, .ahead = 2, .left = 2, .images = 3,
};
