/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of VFIO's migration interface that an older kernel's linux/vfio.h lacks. */
#ifndef LATCH_COMPAT_VFIO_MIGRATION_H
#define LATCH_COMPAT_VFIO_MIGRATION_H

#include <linux/bits.h>
#include <linux/vfio.h>

#include "have.h"

#ifndef VFIO_MIGRATION_PRE_COPY
#define VFIO_MIGRATION_PRE_COPY	BIT(2)

struct vfio_precopy_info {
	__u32 argsz;
	__u32 flags;
	__aligned_u64 initial_bytes;
	__aligned_u64 dirty_bytes;
};

#define VFIO_MIG_GET_PRECOPY_INFO	_IO(VFIO_TYPE, VFIO_BASE + 21)
#endif

#ifndef VFIO_PRECOPY_INFO_REINIT
#define VFIO_PRECOPY_INFO_REINIT	BIT(0)
#endif

#ifndef VFIO_DEVICE_FEATURE_MIG_DATA_SIZE
#define VFIO_DEVICE_FEATURE_MIG_DATA_SIZE	9

struct vfio_device_feature_mig_data_size {
	__aligned_u64 stop_copy_length;
};
#endif

/* For the initializer of a vfio_migration_ops, if that has the member. */
#ifdef HAVE_VFIO_MIGRATION_GET_DATA_SIZE
#define COMPAT_MIGRATION_GET_DATA_SIZE(get)	.migration_get_data_size = get,
#else
#define COMPAT_MIGRATION_GET_DATA_SIZE(get)
#endif

/* Without v2 a reader may pass anything in the flags, and gets it back. */
static inline bool compat_precopy_flags_are_output(const struct vfio_device *vdev)
{
#ifdef HAVE_VFIO_PRECOPY_INFO_V2
	return vdev->precopy_info_v2;
#else
	return false;
#endif
}

#endif
