// SPDX-License-Identifier: GPL-2.0-only
/* The device file's ioctls: which file answers which. */
#include "core.h"

/**
 * vfio_latch_ioctl - answer an ioctl of a device file
 * @vdev: the device, open
 * @cmd: VFIO_DEVICE_*
 * @arg: user address of its argument
 *
 * Context: may sleep; vfio keeps the device resumed during the call.
 * Return: as the ioctl says, -ENOTTY for an unknown one.
 */
long vfio_latch_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg)
{
	struct vfio_latch_device *dev = vfio_latch_from_vdev(vdev);
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return latch_get_info(dev, uarg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return compat_get_region_info(vdev, uarg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return latch_get_irq_info(dev, uarg);
	case VFIO_DEVICE_SET_IRQS:
		return latch_set_irqs(dev, uarg);
	case VFIO_DEVICE_RESET:
		return latch_reset(dev);
	case VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
		return latch_hot_reset_info(dev, uarg);
	case VFIO_DEVICE_PCI_HOT_RESET:
		return latch_hot_reset(dev, uarg);
	case VFIO_DEVICE_IOEVENTFD:
		return latch_ioeventfd(dev, uarg);
	default:
		return -ENOTTY;
	}
}
EXPORT_SYMBOL_GPL(vfio_latch_ioctl);

/**
 * vfio_latch_device_feature - answer VFIO_DEVICE_FEATURE
 * @vdev: the device, open
 * @flags: VFIO_DEVICE_FEATURE_{GET,SET,PROBE} and the feature
 * @arg: user address of the feature's data
 * @argsz: bytes of it
 *
 * Context: may sleep.
 * Return: as the feature says, -ENOTTY for an unknown one.
 */
int vfio_latch_device_feature(struct vfio_device *vdev, u32 flags, void __user *arg,
			      size_t argsz)
{
	struct vfio_latch_device *dev = vfio_latch_from_vdev(vdev);

	switch (flags & VFIO_DEVICE_FEATURE_MASK) {
	case VFIO_DEVICE_FEATURE_PCI_VF_TOKEN:
		return latch_feature_vf_token(dev, flags, arg, argsz);
	case VFIO_DEVICE_FEATURE_DMA_BUF:
		return latch_feature_dma_buf(dev, flags, arg, argsz);
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY:
		return latch_feature_low_power_entry(dev, flags, arg, argsz);
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP:
		return latch_feature_low_power_wakeup(dev, flags, arg, argsz);
	case VFIO_DEVICE_FEATURE_LOW_POWER_EXIT:
		return latch_feature_low_power_exit(dev, flags, arg, argsz);
	default:
		return -ENOTTY;
	}
}
EXPORT_SYMBOL_GPL(vfio_latch_device_feature);
