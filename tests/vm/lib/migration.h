/* SPDX-License-Identifier: GPL-2.0-only */
/* migration.h: a client of VFIO's migration protocol, version 2, and of DMA logging. */
#ifndef VMTEST_MIGRATION_H
#define VMTEST_MIGRATION_H

#include "vfio.h"

/* Newer than Debian 12's uAPI header. */
#ifndef VFIO_MIGRATION_PRE_COPY
#define VFIO_MIGRATION_PRE_COPY		(1 << 2)
#define VFIO_DEVICE_STATE_PRE_COPY	6
#define VFIO_DEVICE_STATE_PRE_COPY_P2P	7
struct vfio_precopy_info {
	__u32 argsz;
	__u32 flags;
	__aligned_u64 initial_bytes;
	__aligned_u64 dirty_bytes;
};
#define VFIO_MIG_GET_PRECOPY_INFO	_IO(VFIO_TYPE, VFIO_BASE + 21)
#endif
#ifndef VFIO_DEVICE_FEATURE_MIG_DATA_SIZE
#define VFIO_DEVICE_FEATURE_MIG_DATA_SIZE	9
#endif

/* Conditions for TEST_WHEN: the kernel's driver of 6.1 knows neither. */
bool migration_has_precopy(void);
bool migration_has_data_size(void);
/* Whether the driver's stream is that of stream.h: the kernel's of 6.1 writes only an image. */
bool migration_has_records(void);
/*
 * Whether the driver survives a save that fails or is cut off by the end of its session. In the
 * kernel's driver of 6.1, mlx5_core calls it back when a save completes. If the save fails,
 * mlx5_core enables interrupts within its handler (a WARNING); if the session has already ended, a
 * read that waits for the save waits for ever.
 */
bool a_save_may_fail(void);
/*
 * Whether this kernel's vfio reports DMA logs: since 6.12 it needs iommufd, which Debian leaves
 * out.
 */
bool dma_logging_can_report(void);
bool dma_logging_cannot_report(void);

/* What a device sends, as a client keeps it. */
struct migration_image {
	uint8_t *bytes;
	size_t size;
};

/* The flags of VFIO_DEVICE_FEATURE_MIGRATION; 0 when the device cannot be migrated. */
uint64_t migration_flags(struct vfio_device *device);
/* Ask for a state. Returns the data fd, or -1 when there is none; the _try form -errno too. */
int migration_set(struct vfio_device *device, unsigned int state);
int migration_set_try(struct vfio_device *device, unsigned int state, int *data);
unsigned int migration_state(struct vfio_device *device);
/* Bring the device to a state, after a reset if it is not in RUNNING; returns the data fd or -1. */
int migration_bring_to(struct vfio_device *device, unsigned int state);
/* "RUNNING_P2P" */
const char *migration_state_name(unsigned int state);
/* VFIO_DEVICE_FEATURE_MIG_DATA_SIZE; a negative errno when it is refused. */
long long migration_data_size(struct vfio_device *device);
/* VFIO_MIG_GET_PRECOPY_INFO; a negative errno when it is refused. */
int migration_precopy_info(int data, struct vfio_precopy_info *info);

/* Append all that the data fd gives until its end; returns 0 or a negative errno. */
int migration_read_try(int data, struct migration_image *image);
void migration_read(int data, struct migration_image *image);
/* The same in PRE_COPY, whose streams run dry: what there is. */
void migration_read_dry(int data, struct migration_image *image);
int migration_write_try(int data, const void *bytes, size_t size);
/* RUNNING to STOP_COPY, all read; the device is in STOP after it. */
struct migration_image migration_save(struct vfio_device *device);
/* RUNNING, PRE_COPY, then STOP_COPY: the same with the state sent while the device runs. */
struct migration_image migration_save_precopy(struct vfio_device *device);
/* Into a device in RUNNING, which is in STOP after it. */
int migration_load_try(struct vfio_device *device, const struct migration_image *image);
void migration_load(struct vfio_device *device, const struct migration_image *image);

/* DMA logging; ranges of IOVAs. Returns 0 or a negative errno. */
struct dma_range {
	uint64_t iova, length;
};
int dma_logging_start_try(struct vfio_device *device, const struct dma_range *ranges,
			  unsigned int count, uint64_t page_size);
int dma_logging_stop_try(struct vfio_device *device);
/* One bit for every page, ORed into BITMAP. */
int dma_logging_report_try(struct vfio_device *device, uint64_t iova, uint64_t length,
			   uint64_t page_size, uint64_t *bitmap);

#endif
