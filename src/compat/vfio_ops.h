/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Members of struct vfio_device_ops that 6.1 does not have. No header in the
 * usual sense: core/device_ops.h includes it inside an initializer.
 */
#ifdef HAVE_VFIO_OPS_IOMMUFD
	.bind_iommufd = vfio_iommufd_physical_bind,
	.unbind_iommufd = vfio_iommufd_physical_unbind,
	.attach_ioas = vfio_iommufd_physical_attach_ioas,
#endif
#ifdef HAVE_VFIO_OPS_DETACH_IOAS
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
#endif
#ifdef HAVE_VFIO_OPS_PASID_ATTACH
	.pasid_attach_ioas = vfio_iommufd_physical_pasid_attach_ioas,
	.pasid_detach_ioas = vfio_iommufd_physical_pasid_detach_ioas,
#endif
#ifdef HAVE_VFIO_OPS_MATCH_TOKEN_UUID
	.match_token_uuid = vfio_latch_match_token_uuid,
#endif
#ifdef HAVE_VFIO_OPS_GET_REGION_INFO_CAPS
	.get_region_info_caps = vfio_latch_region_info,
#endif
