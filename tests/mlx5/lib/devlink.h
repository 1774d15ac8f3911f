/* SPDX-License-Identifier: GPL-2.0-only */
/* devlink.h: what an administrator does to a PF by devlink. */
#ifndef MLX5_DEVLINK_H
#define MLX5_DEVLINK_H

/* "devlink dev reload pci/PF"; returns 0 or a negative errno when the PF's driver is there again. */
int devlink_reload(const char *pf);

#endif
