// SPDX-License-Identifier: GPL-2.0-only
/* vfio_device_cdev_opened(): was the device opened through its character device */
#include <linux/vfio.h>

bool probe(struct vfio_device *vdev)
{
	return vfio_device_cdev_opened(vdev);
}
