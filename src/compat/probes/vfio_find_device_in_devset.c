// SPDX-License-Identifier: GPL-2.0-only
/* vfio_find_device_in_devset() */
#include <linux/vfio.h>

struct vfio_device *probe(struct vfio_device_set *dev_set, struct device *dev)
{
	return vfio_find_device_in_devset(dev_set, dev);
}
