// SPDX-License-Identifier: GPL-2.0-only
/* Nodes of devices: open, bind, attach. */
#include "cdev.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "test.h"

/* As in newer headers than those at hand. */
#define BIND_IOMMUFD	_IO(VFIO_TYPE, VFIO_BASE + 18)
#define ATTACH_PT	_IO(VFIO_TYPE, VFIO_BASE + 19)
#define DETACH_PT	_IO(VFIO_TYPE, VFIO_BASE + 20)
#define FLAG_TOKEN	1
#define FLAG_PASID	1

bool kernel_has_cdev(void)
{
	return !kernel_is_debians() && !kernel_is("6.1");
}

bool kernel_has_cdev_and_driver_is_ours(void)
{
	return kernel_has_cdev() && driver_is_ours();
}

/* The node's name is that of its device, which sysfs shows in the function's directory. */
static int open_node(const char *bdf)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int fd = -ENODEV;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", bdf);
	dir = opendir(path);
	if (!dir)
		FAIL("%s: %m", path);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%s", entry->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		fd = fd < 0 ? -errno : fd;
	}
	closedir(dir);
	return fd;
}

int cdev_open_try(const char *bdf, struct vfio_device **result)
{
	int fd = open_node(bdf);
	struct vfio_device *device;

	if (fd < 0)
		return fd;
	device = calloc(1, sizeof(*device));
	snprintf(device->bdf, sizeof(device->bdf), "%s", bdf);
	device->fd = fd;
	device->group = -1;
	device->container = -1;
	*result = device;
	return 0;
}

struct vfio_device *cdev_open(const char *bdf)
{
	struct vfio_device *device;
	int error = cdev_open_try(bdf, &device);

	if (error)
		FAIL("cannot open the node of %s: %s", bdf, strerror(-error));
	return device;
}

int cdev_bind_try(struct vfio_device *device, int iommufd, const uint8_t *token)
{
	struct {
		uint32_t argsz, flags;
		int32_t iommufd;
		uint32_t devid;
		uint64_t token;
	} bind = {
		.argsz = sizeof(bind),
		.flags = token ? FLAG_TOKEN : 0,
		.iommufd = iommufd,
		.token = (uintptr_t)token,
	};

	if (ioctl(device->fd, BIND_IOMMUFD, &bind))
		return -errno;
	device->devid = bind.devid;
	device->info.argsz = sizeof(device->info);
	CHECK_OK(ioctl(device->fd, VFIO_DEVICE_GET_INFO, &device->info));
	return 0;
}

void cdev_bind(struct vfio_device *device, int iommufd)
{
	int error = cdev_bind_try(device, iommufd, NULL);

	if (error)
		FAIL("cannot bind %s: %s", device->bdf, strerror(-error));
}

int cdev_open_bound_try(const char *bdf, int iommufd, const uint8_t *token,
			struct vfio_device **result)
{
	struct vfio_device *device = cdev_open(bdf);
	int error = cdev_bind_try(device, iommufd, token);

	if (error)
		vfio_close(device);
	else
		*result = device;
	return error;
}

struct vfio_device *cdev_open_bound(const char *bdf, int iommufd)
{
	struct vfio_device *device = cdev_open(bdf);

	cdev_bind(device, iommufd);
	return device;
}

struct attach {
	uint32_t argsz, flags, pt, pasid;
};

int cdev_attach_try(struct vfio_device *device, uint32_t pt)
{
	struct attach attach = { .argsz = offsetof(struct attach, pasid), .pt = pt };

	return ioctl(device->fd, ATTACH_PT, &attach) ? -errno : 0;
}

void cdev_attach(struct vfio_device *device, uint32_t pt)
{
	CHECK_EQ(cdev_attach_try(device, pt), 0);
}

int cdev_attach_pasid_try(struct vfio_device *device, uint32_t pasid, uint32_t pt)
{
	struct attach attach = { sizeof(attach), FLAG_PASID, pt, pasid };

	return ioctl(device->fd, ATTACH_PT, &attach) ? -errno : 0;
}

struct detach {
	uint32_t argsz, flags, pasid;
};

int cdev_detach_try(struct vfio_device *device)
{
	struct detach detach = { .argsz = offsetof(struct detach, pasid) };

	return ioctl(device->fd, DETACH_PT, &detach) ? -errno : 0;
}

void cdev_detach(struct vfio_device *device)
{
	CHECK_EQ(cdev_detach_try(device), 0);
}

int cdev_detach_pasid_try(struct vfio_device *device, uint32_t pasid)
{
	struct detach detach = { sizeof(detach), FLAG_PASID, pasid };

	return ioctl(device->fd, DETACH_PT, &detach) ? -errno : 0;
}

int cdev_hot_reset_try(struct vfio_device *device)
{
	return vfio_hot_reset_try(device, NULL, 0);
}
