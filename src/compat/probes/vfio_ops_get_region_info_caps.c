// SPDX-License-Identifier: GPL-2.0-only
/* vfio handles VFIO_DEVICE_GET_REGION_INFO itself and asks for the capabilities */
#include <linux/vfio.h>

int get_region_info_caps(struct vfio_device *vdev, struct vfio_region_info *info,
			 struct vfio_info_cap *caps);

const struct vfio_device_ops probe = {
	.get_region_info_caps = get_region_info_caps,
};
