// SPDX-License-Identifier: GPL-2.0-only
#include "migration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "file.h"
#include "test.h"

#define PART (1 << 20)

uint64_t migration_flags(struct vfio_device *device)
{
	struct vfio_device_feature_migration migration = {};

	if (vfio_feature_try(device, VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIGRATION,
			     &migration, sizeof(migration)))
		return 0;
	return migration.flags;
}

int migration_set_try(struct vfio_device *device, unsigned int state, int *data)
{
	struct vfio_device_feature_mig_state set = { .device_state = state, .data_fd = -1 };
	int error = vfio_feature_try(device, VFIO_DEVICE_FEATURE_SET |
				     VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, &set, sizeof(set));

	*data = error ? -1 : set.data_fd;
	return error;
}

int migration_set(struct vfio_device *device, unsigned int state)
{
	int data, error = migration_set_try(device, state, &data);

	if (error)
		FAIL("%s: state %u is refused: %s", device->bdf, state, strerror(-error));
	return data;
}

unsigned int migration_state(struct vfio_device *device)
{
	struct vfio_device_feature_mig_state get = {};
	int error = vfio_feature_try(device, VFIO_DEVICE_FEATURE_GET |
				     VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, &get, sizeof(get));

	if (error)
		FAIL("%s: no migration state: %s", device->bdf, strerror(-error));
	return get.device_state;
}

int migration_bring_to(struct vfio_device *device, unsigned int state)
{
	if (migration_state(device) != VFIO_DEVICE_STATE_RUNNING)
		vfio_reset(device);
	return state == VFIO_DEVICE_STATE_RUNNING ? -1 : migration_set(device, state);
}

const char *migration_state_name(unsigned int state)
{
	static const char * const names[] = {
		"ERROR", "STOP", "RUNNING", "STOP_COPY", "RESUMING", "RUNNING_P2P", "PRE_COPY",
		"PRE_COPY_P2P",
	};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

static bool is_kernels_driver_of_6_1(void)
{
	return !driver_is_ours() && kernel_is("6.1");
}

bool migration_has_precopy(void)
{
	return !is_kernels_driver_of_6_1();
}

bool migration_has_records(void)
{
	return !is_kernels_driver_of_6_1();
}

bool migration_has_data_size(void)
{
	return !is_kernels_driver_of_6_1();
}

bool a_save_may_fail(void)
{
	return !is_kernels_driver_of_6_1();
}

bool dma_logging_can_report(void)
{
	return kernel_is("6.1") || !kernel_is_debians();
}

bool dma_logging_cannot_report(void)
{
	return !dma_logging_can_report();
}

long long migration_data_size(struct vfio_device *device)
{
	uint64_t size = 0;
	int error = vfio_feature_try(device, VFIO_DEVICE_FEATURE_GET |
				     VFIO_DEVICE_FEATURE_MIG_DATA_SIZE, &size, sizeof(size));

	return error ?: (long long)size;
}

int migration_precopy_info(int data, struct vfio_precopy_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	return ioctl(data, VFIO_MIG_GET_PRECOPY_INFO, info) ? -errno : 0;
}

/*
 * The kernel's driver gives back the resources of a save only after the last byte can be read. No
 * event tells when, and a change of state that comes first makes it keep the memory key and a
 * reference to its module for ever.
 */
static void let_the_kernels_driver_finish(void)
{
	if (!driver_is_ours())
		pause_ms(50);
}

int migration_read_try(int data, struct migration_image *image)
{
	for (;;) {
		ssize_t got;

		image->bytes = realloc(image->bytes, image->size + PART);
		got = read(data, image->bytes + image->size, PART);
		if (got < 0)
			return -errno;
		if (!got) {
			let_the_kernels_driver_finish();
			return 0;
		}
		image->size += got;
	}
}

void migration_read(int data, struct migration_image *image)
{
	int error = migration_read_try(data, image);

	if (error)
		FAIL("reading an image, after %zu bytes: %s", image->size, strerror(-error));
}

void migration_read_dry(int data, struct migration_image *image)
{
	int error = migration_read_try(data, image);

	if (error != -ENOMSG)
		FAIL("a stream in PRE_COPY ends with %s after %zu bytes, not with ENOMSG",
		     error ? strerrorname_np(-error) : "its end", image->size);
}

int migration_write_try(int data, const void *bytes, size_t size)
{
	const uint8_t *next = bytes;

	while (size) {
		ssize_t done = write(data, next, size < PART ? size : PART);

		if (done <= 0)
			return done ? -errno : -EIO;
		next += done;
		size -= done;
	}
	return 0;
}

struct migration_image migration_save(struct vfio_device *device)
{
	struct migration_image image = {};
	int data = migration_set(device, VFIO_DEVICE_STATE_STOP_COPY);

	migration_read(data, &image);
	close(data);
	migration_set(device, VFIO_DEVICE_STATE_STOP);
	return image;
}

struct migration_image migration_save_precopy(struct vfio_device *device)
{
	struct migration_image image = {};
	int data = migration_set(device, VFIO_DEVICE_STATE_PRE_COPY);

	migration_read_dry(data, &image);
	migration_set(device, VFIO_DEVICE_STATE_STOP_COPY);
	migration_read(data, &image);
	close(data);
	migration_set(device, VFIO_DEVICE_STATE_STOP);
	return image;
}

int migration_load_try(struct vfio_device *device, const struct migration_image *image)
{
	int data, none, error;

	error = migration_set_try(device, VFIO_DEVICE_STATE_RESUMING, &data);
	if (error)
		return error;
	error = migration_write_try(data, image->bytes, image->size);
	if (!error)
		error = migration_set_try(device, VFIO_DEVICE_STATE_STOP, &none);
	close(data);
	return error;
}

void migration_load(struct vfio_device *device, const struct migration_image *image)
{
	int error = migration_load_try(device, image);

	if (error)
		FAIL("%s: loading an image of %zu bytes: %s", device->bdf, image->size,
		     strerror(-error));
}

int dma_logging_start_try(struct vfio_device *device, const struct dma_range *ranges,
			  unsigned int count, uint64_t page_size)
{
	struct vfio_device_feature_dma_logging_range *list = calloc(count, sizeof(*list));
	struct vfio_device_feature_dma_logging_control control = {
		.page_size = page_size,
		.num_ranges = count,
		.ranges = (uintptr_t)list,
	};
	int error;

	for (unsigned int index = 0; index < count; index++) {
		list[index].iova = ranges[index].iova;
		list[index].length = ranges[index].length;
	}
	error = vfio_feature_try(device, VFIO_DEVICE_FEATURE_SET |
				 VFIO_DEVICE_FEATURE_DMA_LOGGING_START, &control, sizeof(control));
	free(list);
	return error;
}

int dma_logging_stop_try(struct vfio_device *device)
{
	return vfio_feature_try(device, VFIO_DEVICE_FEATURE_SET |
				VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP, NULL, 0);
}

int dma_logging_report_try(struct vfio_device *device, uint64_t iova, uint64_t length,
			   uint64_t page_size, uint64_t *bitmap)
{
	struct vfio_device_feature_dma_logging_report report = {
		.iova = iova,
		.length = length,
		.page_size = page_size,
		.bitmap = (uintptr_t)bitmap,
	};

	return vfio_feature_try(device, VFIO_DEVICE_FEATURE_GET |
				VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT, &report, sizeof(report));
}
