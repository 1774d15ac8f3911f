/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Members of struct vfio_device_ops that are the core's in every driver on it.
 * No header in the usual sense: a driver includes it inside its initializer.
 */
	.open_device = vfio_latch_open,
	.ioctl = vfio_latch_ioctl,
	.read = vfio_latch_read,
	.write = vfio_latch_write,
	.mmap = vfio_latch_mmap,
	.request = vfio_latch_request,
	.match = vfio_latch_match,
#include "../compat/vfio_ops.h"
