// SPDX-License-Identifier: GPL-2.0-only
/* vfio_device_ops.match_token_uuid: the VF token of a device opened through its cdev */
#include <linux/vfio.h>

int match_token_uuid(struct vfio_device *vdev, const uuid_t *uuid);

const struct vfio_device_ops probe = {
	.match_token_uuid = match_token_uuid,
};
