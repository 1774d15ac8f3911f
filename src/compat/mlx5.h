/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between kernels for mlx5-vfio-pci alone. */
#ifndef LATCH_COMPAT_MLX5_H
#define LATCH_COMPAT_MLX5_H

#include <linux/mlx5/driver.h>

#include "have.h"

static inline int compat_mlx5_comp_eqn_get(struct mlx5_core_dev *mdev, u16 vector, int *eqn)
{
#ifdef HAVE_MLX5_COMP_EQN_GET
	return mlx5_comp_eqn_get(mdev, vector, eqn);
#else
	return mlx5_vector2eqn(mdev, vector, eqn);
#endif
}

/*
 * Whether mlx5_core can declare a VF migratable: then a VF that is not declared so must not be
 * migrated.
 */
static inline bool compat_mlx5_declares_migratable(void)
{
#ifdef HAVE_MLX5_MIGRATABLE
	return true;
#else
	return false;
#endif
}

/*
 * Whether vfio can report logged DMA. Where it cannot, iova_bitmap_set() does
 * nothing, and the report fails.
 */
static inline bool compat_can_log_dma(void)
{
#ifdef HAVE_IOVA_BITMAP
	return true;
#else
	return false;
#endif
}

#endif
