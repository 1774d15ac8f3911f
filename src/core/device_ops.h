/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VFIO_LATCH_DEVICE_OPS_H
#define VFIO_LATCH_DEVICE_OPS_H

#include "../compat/vfio_ops.h"
#include "vfio_latch.h"

/*
 * Members of struct vfio_device_ops that are the core's in every driver on it: a part of the
 * driver's initializer, with the last comma.
 */
#define VFIO_LATCH_DEVICE_OPS						\
	.open_device = vfio_latch_open,					\
	.ioctl = vfio_latch_ioctl,					\
	.read = vfio_latch_read,					\
	.write = vfio_latch_write,					\
	.mmap = vfio_latch_mmap,					\
	.request = vfio_latch_request,					\
	.match = vfio_latch_match,					\
	COMPAT_VFIO_OPS_MATCH_TOKEN_UUID(vfio_latch_match_token_uuid)	\
	COMPAT_VFIO_OPS_REGION_INFO(vfio_latch_region_info)		\
	COMPAT_VFIO_OPS_IOMMUFD						\
	COMPAT_VFIO_OPS_DETACH_IOAS					\
	COMPAT_VFIO_OPS_PASID_ATTACH

#endif
