// SPDX-License-Identifier: GPL-2.0-only
/* vfio_device_ops.pasid_attach_ioas and pasid_detach_ioas */
#include <linux/vfio.h>

const struct vfio_device_ops probe = {
	.pasid_attach_ioas = vfio_iommufd_physical_pasid_attach_ioas,
	.pasid_detach_ioas = vfio_iommufd_physical_pasid_detach_ioas,
};
