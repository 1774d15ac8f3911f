// SPDX-License-Identifier: GPL-2.0-only
/* Devices can be bound to an iommufd: vfio_device_ops has the callbacks, vfio their defaults */
#include <linux/vfio.h>

const struct vfio_device_ops probe = {
	.bind_iommufd = vfio_iommufd_physical_bind,
	.unbind_iommufd = vfio_iommufd_physical_unbind,
	.attach_ioas = vfio_iommufd_physical_attach_ioas,
};
