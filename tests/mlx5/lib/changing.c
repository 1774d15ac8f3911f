// SPDX-License-Identifier: GPL-2.0-only
#include "changing.h"

#include "vmtest.h"

struct migration_image save_while_it_changes(struct vfio_device *vf, uint64_t offset)
{
	struct migration_image image = {};
	int data = migration_set(vf, VFIO_DEVICE_STATE_PRE_COPY);

	migration_read_dry(data, &image);
	CHECK_EQ(window_touch(vf, offset, 300000, 8), WINDOW_DONE);
	migration_set(vf, VFIO_DEVICE_STATE_PRE_COPY_P2P);
	migration_set(vf, VFIO_DEVICE_STATE_STOP_COPY);
	migration_read(data, &image);
	close(data);
	migration_set(vf, VFIO_DEVICE_STATE_STOP);
	return image;
}
