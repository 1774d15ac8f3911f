// SPDX-License-Identifier: GPL-2.0-only
/* VFIO_DEVICE_GET_REGION_INFO, for kernels whose vfio leaves the copying to the driver. */
#include <linux/uaccess.h>

#include "../core/core.h"

/**
 * compat_get_region_info - VFIO_DEVICE_GET_REGION_INFO
 * @vdev: the device
 * @arg: user address of a struct vfio_region_info
 *
 * Return: 0, -EINVAL if argsz is too small, -EFAULT, or what
 * vfio_latch_region_info() says.
 */
int compat_get_region_info(struct vfio_device *vdev, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_region_info, offset);
	struct vfio_info_cap caps = {};
	struct vfio_region_info info;
	int ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	info.cap_offset = 0;
	ret = vfio_latch_region_info(vdev, &info, &caps);
	if (ret)
		return ret;
	if (caps.size) {
		info.flags |= VFIO_REGION_INFO_FLAG_CAPS;
		ret = latch_put_caps(arg, &caps, &info.argsz, sizeof(info), &info.cap_offset);
		if (ret)
			return ret;
	}
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}
