// SPDX-License-Identifier: GPL-2.0-only
/* vfio_device_ops.detach_ioas */
#include <linux/vfio.h>

const struct vfio_device_ops probe = {
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
};
