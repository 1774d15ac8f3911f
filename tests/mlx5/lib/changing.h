/* SPDX-License-Identifier: GPL-2.0-only */
/* changing.h: VFs whose state changes while it is saved. */
#ifndef MLX5_CHANGING_H
#define MLX5_CHANGING_H

#include "connectx.h"
#include "migration.h"

/* From RUNNING to STOP by pre-copy; 300,000 bytes at OFFSET change when all has been sent. */
struct migration_image save_while_it_changes(struct vfio_device *vf, uint64_t offset);

#endif
