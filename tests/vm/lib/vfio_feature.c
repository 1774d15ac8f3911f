// SPDX-License-Identifier: GPL-2.0-only
/* Device features and resets. */
#include "vfio.h"

#include <stdlib.h>
#include <sys/ioctl.h>

#include "test.h"

int vfio_feature_try(struct vfio_device *device, uint32_t flags, void *data, size_t size)
{
	struct vfio_device_feature *feature = calloc(1, sizeof(*feature) + size);
	int error;

	feature->argsz = sizeof(*feature) + size;
	feature->flags = flags;
	if (size)
		memcpy(feature->data, data, size);
	error = ioctl(device->fd, VFIO_DEVICE_FEATURE, feature) ? -errno : 0;
	if (!error && size)
		memcpy(data, feature->data, size);
	free(feature);
	return error;
}

void vfio_low_power(struct vfio_device *device, uint32_t feature)
{
	int ret = vfio_feature_try(device, VFIO_DEVICE_FEATURE_SET | feature, NULL, 0);

	if (ret == -ENOTTY && !driver_is_ours())
		SKIP("this kernel's driver has no low power feature");
	CHECK_EQ(ret, 0);
}

int vfio_set_vf_token_try(struct vfio_device *pf, const uint8_t uuid[16])
{
	uint8_t copy[16];

	memcpy(copy, uuid, sizeof(copy));
	return vfio_feature_try(pf, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_PCI_VF_TOKEN,
				copy, sizeof(copy));
}

int vfio_reset_try(struct vfio_device *device)
{
	return ioctl(device->fd, VFIO_DEVICE_RESET) ? -errno : 0;
}

void vfio_reset(struct vfio_device *device)
{
	int error = vfio_reset_try(device);

	if (error)
		FAIL("cannot reset %s: %s", device->bdf, strerror(-error));
}

int vfio_hot_reset_info_try(struct vfio_device *device, struct vfio_pci_hot_reset_info **result)
{
	struct vfio_pci_hot_reset_info *info = NULL;
	unsigned int count = 0;
	int error;

	for (;;) {
		size_t size = sizeof(*info) + count * sizeof(info->devices[0]);

		info = realloc(info, size);
		memset(info, 0, size);
		info->argsz = size;
		error = ioctl(device->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info) ? -errno : 0;
		if (error != -ENOSPC || info->count <= count)
			break;
		count = info->count;
	}
	if (error)
		free(info);
	else
		*result = info;
	return error;
}

int vfio_hot_reset_try(struct vfio_device *device, const int *groups, unsigned int count)
{
	struct vfio_pci_hot_reset *reset;
	size_t size;
	int error;

	/* Who has a device by its node names no groups: what the iommufd has is the caller's. */
	if (device->ioas)
		count = 0;
	size = sizeof(*reset) + count * sizeof(*groups);
	reset = calloc(1, size);
	reset->argsz = size;
	reset->count = count;
	if (count)
		memcpy(reset->group_fds, groups, count * sizeof(*groups));
	error = ioctl(device->fd, VFIO_DEVICE_PCI_HOT_RESET, reset) ? -errno : 0;
	free(reset);
	return error;
}
