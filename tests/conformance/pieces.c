// SPDX-License-Identifier: GPL-2.0-only
/*
 * Firmware that saves in chunks smaller than the buffers: there is room, and something is left. Of the
 * situations those in which that makes a difference: a stopped VF is saved from the beginning.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 * vm-sources: lib/steps.c lib/migration_steps.c lib/stopped.c lib/refused.c
 */
#include "lib/firmware.h"

const struct firmware firmware = {
	.property = "chunk-size", .value = "262144",
	.large = 1 << 20, .small = 100000, .amid = 300000, .ahead = 2, .left = 2, .images = 5,
};
