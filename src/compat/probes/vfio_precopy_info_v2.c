// SPDX-License-Identifier: GPL-2.0-only
/* Newer: a user may ask that struct vfio_precopy_info's flags are an output. */
#include <linux/vfio.h>

u8 probe(struct vfio_device *vdev);

u8 probe(struct vfio_device *vdev)
{
	return vdev->precopy_info_v2;
}
