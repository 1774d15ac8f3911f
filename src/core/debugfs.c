// SPDX-License-Identifier: GPL-2.0-only
/*
 * pci/ in the directory that vfio has for a device in debugfs, as Linux 7.2 documents it
 * (Documentation/ABI/testing/debugfs-vfio): two of its tunables. sysfs.c shows all of them, and
 * where they come from.
 */
#include <linux/debugfs.h>

#include "core.h"

/**
 * latch_debugfs_add - show a device's tunables in debugfs, if vfio shows the device
 * @dev: the device, registered, its policy latched
 *
 * vfio removes them with its own directory when the device is unregistered: no reader is left then.
 */
void latch_debugfs_add(struct vfio_latch_device *dev)
{
#if IS_ENABLED(CONFIG_VFIO_DEBUGFS)
	struct dentry *pci = debugfs_create_dir("pci", dev->vdev.debug_root);
	bool *value = dev->policy.value;

	debugfs_create_bool("nointxmask", 0444, pci, &value[VFIO_LATCH_NOINTXMASK]);
	debugfs_create_bool("disable_idle_d3", 0444, pci, &value[VFIO_LATCH_DISABLE_IDLE_D3]);
#endif
}
