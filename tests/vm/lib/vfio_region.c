// SPDX-License-Identifier: GPL-2.0-only
/* Regions and config space. */
#include "vfio.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pci.h"
#include "test.h"

int vfio_region_try(struct vfio_device *device, unsigned int index,
		    struct vfio_region_info **result)
{
	struct vfio_region_info *info = calloc(1, sizeof(*info));
	int error;

	for (uint32_t room = sizeof(*info);; room = info->argsz) {
		info = realloc(info, room);
		memset(info, 0, room);
		info->argsz = room;
		info->index = index;
		if (ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, info)) {
			error = -errno;
			free(info);
			return error;
		}
		if (info->argsz <= room)
			break;
	}
	*result = info;
	return 0;
}

struct vfio_region_info *vfio_region(struct vfio_device *device, unsigned int index)
{
	struct vfio_region_info *info;
	int error = vfio_region_try(device, index, &info);

	if (error)
		FAIL("no info for region %u of %s: %s", index, device->bdf, strerror(-error));
	return info;
}

uint64_t vfio_region_size(struct vfio_device *device, unsigned int index)
{
	struct vfio_region_info *info = vfio_region(device, index);
	uint64_t size = info->size;

	free(info);
	return size;
}

struct vfio_info_cap_header *vfio_info_cap(void *info, uint32_t first, uint16_t id)
{
	uint32_t offset = first;

	while (offset) {
		struct vfio_info_cap_header *header = (void *)((char *)info + offset);

		if (header->id == id)
			return header;
		offset = header->next;
	}
	return NULL;
}

/* A region's offset in the device file never changes, but only the driver knows it. */
static int region_offset(struct vfio_device *device, unsigned int index, uint64_t *offset)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	if (ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, &info))
		return -errno;
	*offset = info.offset;
	return 0;
}

ssize_t vfio_read_try(struct vfio_device *device, unsigned int index, uint64_t offset,
		      void *data, size_t size)
{
	uint64_t base;
	ssize_t ret = region_offset(device, index, &base);

	if (!ret)
		ret = pread(device->fd, data, size, base + offset);
	else
		return ret;
	return ret < 0 ? -errno : ret;
}

ssize_t vfio_write_try(struct vfio_device *device, unsigned int index, uint64_t offset,
		       const void *data, size_t size)
{
	uint64_t base;
	ssize_t ret = region_offset(device, index, &base);

	if (!ret)
		ret = pwrite(device->fd, data, size, base + offset);
	else
		return ret;
	return ret < 0 ? -errno : ret;
}

uint64_t vfio_read(struct vfio_device *device, unsigned int index, uint64_t offset, size_t size)
{
	uint64_t value = 0;
	ssize_t ret = vfio_read_try(device, index, offset, &value, size);

	if (ret != (ssize_t)size)
		FAIL("reading %zu bytes at %#llx of region %u of %s gives %zd (%s)", size,
		     (unsigned long long)offset, index, device->bdf, ret,
		     ret < 0 ? strerror((int)-ret) : "bytes");
	return value;
}

void vfio_write(struct vfio_device *device, unsigned int index, uint64_t offset, uint64_t value,
		size_t size)
{
	ssize_t ret = vfio_write_try(device, index, offset, &value, size);

	if (ret != (ssize_t)size)
		FAIL("writing %zu bytes at %#llx of region %u of %s gives %zd (%s)", size,
		     (unsigned long long)offset, index, device->bdf, ret,
		     ret < 0 ? strerror((int)-ret) : "bytes");
}

void *vfio_mmap(struct vfio_device *device, unsigned int index, uint64_t offset, size_t size,
		int protection)
{
	uint64_t base;
	int error = region_offset(device, index, &base);

	if (error) {
		errno = -error;
		return MAP_FAILED;
	}
	return mmap(NULL, size, protection, MAP_SHARED, device->fd, base + offset);
}

uint8_t cfg8(struct vfio_device *device, unsigned int offset)
{
	return vfio_read(device, VFIO_PCI_CONFIG_REGION_INDEX, offset, 1);
}

uint16_t cfg16(struct vfio_device *device, unsigned int offset)
{
	return vfio_read(device, VFIO_PCI_CONFIG_REGION_INDEX, offset, 2);
}

uint32_t cfg32(struct vfio_device *device, unsigned int offset)
{
	return vfio_read(device, VFIO_PCI_CONFIG_REGION_INDEX, offset, 4);
}

void cfg_set8(struct vfio_device *device, unsigned int offset, uint8_t value)
{
	vfio_write(device, VFIO_PCI_CONFIG_REGION_INDEX, offset, value, 1);
}

void cfg_set16(struct vfio_device *device, unsigned int offset, uint16_t value)
{
	vfio_write(device, VFIO_PCI_CONFIG_REGION_INDEX, offset, value, 2);
}

void cfg_set32(struct vfio_device *device, unsigned int offset, uint32_t value)
{
	vfio_write(device, VFIO_PCI_CONFIG_REGION_INDEX, offset, value, 4);
}

unsigned int cfg_cap(struct vfio_device *device, uint8_t id)
{
	unsigned int offset;

	if (!(cfg16(device, PCI_STATUS) & PCI_STATUS_CAP_LIST))
		return 0;
	offset = cfg8(device, PCI_CAPABILITY_LIST) & ~3u;
	for (int left = 48; offset && left; left--) {
		if (cfg8(device, offset) == id)
			return offset;
		offset = cfg8(device, offset + PCI_CAP_LIST_NEXT) & ~3u;
	}
	return 0;
}

unsigned int cfg_ext_cap(struct vfio_device *device, uint16_t id)
{
	unsigned int offset = PCI_CFG_SPACE_SIZE;
	struct vfio_region_info *info = vfio_region(device, VFIO_PCI_CONFIG_REGION_INDEX);
	uint64_t size = info->size;

	free(info);
	for (int left = 480; offset && offset < size && left; left--) {
		uint32_t header = cfg32(device, offset);

		if (header && PCI_EXT_CAP_ID(header) == id)
			return offset;
		offset = PCI_EXT_CAP_NEXT(header);
	}
	return 0;
}

static int open_real_config(const char *bdf, int flags)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", bdf);
	return CHECK_OK(open(path, flags | O_CLOEXEC));
}

uint32_t real_cfg(const char *bdf, unsigned int offset, size_t size)
{
	int fd = open_real_config(bdf, O_RDONLY);
	uint32_t value = 0;

	CHECK_EQ(CHECK_OK(pread(fd, &value, size, offset)), size);
	close(fd);
	return value;
}

void real_cfg_set(const char *bdf, unsigned int offset, uint32_t value, size_t size)
{
	int fd = open_real_config(bdf, O_WRONLY);

	CHECK_EQ(CHECK_OK(pwrite(fd, &value, size, offset)), size);
	close(fd);
}

unsigned int real_cfg_cap(const char *bdf, uint8_t id)
{
	unsigned int offset;

	if (!(real_cfg(bdf, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return 0;
	offset = real_cfg(bdf, PCI_CAPABILITY_LIST, 1) & ~3u;
	for (int left = 48; offset && left; left--) {
		if (real_cfg(bdf, offset, 1) == id)
			return offset;
		offset = real_cfg(bdf, offset + PCI_CAP_LIST_NEXT, 1) & ~3u;
	}
	return 0;
}

void cfg_command(struct vfio_device *device, uint16_t set, uint16_t clear)
{
	cfg_set16(device, PCI_COMMAND, (cfg16(device, PCI_COMMAND) & ~clear) | set);
}
