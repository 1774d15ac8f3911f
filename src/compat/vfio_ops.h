/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Members of struct vfio_device_ops that 6.1 does not have: each macro is a part of an initializer,
 * with its comma, or nothing.
 */
#ifndef LATCH_COMPAT_VFIO_OPS_H
#define LATCH_COMPAT_VFIO_OPS_H

#include <linux/vfio.h>

#include "have.h"

#ifdef HAVE_VFIO_OPS_IOMMUFD
#define COMPAT_VFIO_OPS_IOMMUFD						\
	.bind_iommufd = vfio_iommufd_physical_bind,			\
	.unbind_iommufd = vfio_iommufd_physical_unbind,			\
	.attach_ioas = vfio_iommufd_physical_attach_ioas,
#else
#define COMPAT_VFIO_OPS_IOMMUFD
#endif

#ifdef HAVE_VFIO_OPS_DETACH_IOAS
#define COMPAT_VFIO_OPS_DETACH_IOAS					\
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
#else
#define COMPAT_VFIO_OPS_DETACH_IOAS
#endif

#ifdef HAVE_VFIO_OPS_PASID_ATTACH
#define COMPAT_VFIO_OPS_PASID_ATTACH					\
	.pasid_attach_ioas = vfio_iommufd_physical_pasid_attach_ioas,	\
	.pasid_detach_ioas = vfio_iommufd_physical_pasid_detach_ioas,
#else
#define COMPAT_VFIO_OPS_PASID_ATTACH
#endif

#ifdef HAVE_VFIO_OPS_MATCH_TOKEN_UUID
#define COMPAT_VFIO_OPS_MATCH_TOKEN_UUID(match)				\
	.match_token_uuid = match,
#else
#define COMPAT_VFIO_OPS_MATCH_TOKEN_UUID(match)
#endif

#ifdef HAVE_VFIO_OPS_GET_REGION_INFO_CAPS
#define COMPAT_VFIO_OPS_REGION_INFO(get)				\
	.get_region_info_caps = get,
#else
#define COMPAT_VFIO_OPS_REGION_INFO(get)
#endif

#endif
