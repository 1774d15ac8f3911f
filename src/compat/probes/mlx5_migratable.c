// SPDX-License-Identifier: GPL-2.0-only
/* Newer: mlx5_core can declare a VF migratable, and only those may be migrated. */
#include <linux/mlx5/device.h>
#include <linux/mlx5/mlx5_ifc.h>

int probe(const void *cap);

int probe(const void *cap)
{
	return MLX5_GET(cmd_hca_cap_2, cap, migratable);
}
