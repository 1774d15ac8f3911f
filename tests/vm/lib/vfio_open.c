// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices and DMA mappings, in one of three ways (--access): a group in a container; a group in an
 * iommufd that acts as one; the device's own node, bound to an iommufd.
 */
#include "vfio.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cdev.h"
#include "file.h"
#include "iommufd.h"
#include "module.h"
#include "pci.h"
#include "test.h"
#include "vm.h"

static bool access_is(const char *way)
{
	const char *access = getenv("VFIO_ACCESS");

	return access && !strcmp(access, way);
}

static int open_group(const char *bdf)
{
	int number = pci_group(bdf);
	char path[64];
	int fd;

	if (number < 0)
		FAIL("%s has no IOMMU group", bdf);
	snprintf(path, sizeof(path), "/dev/vfio/%d", number);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int get_device(struct vfio_device *device, const char *name)
{
	device->fd = ioctl(device->group, VFIO_GROUP_GET_DEVICE_FD, name);
	if (device->fd < 0)
		return -errno;
	device->info.argsz = sizeof(device->info);
	CHECK_OK(ioctl(device->fd, VFIO_DEVICE_GET_INFO, &device->info));
	return 0;
}

static int open_in_new_container(struct vfio_device *device)
{
	device->container = access_is("compat") ? iommufd_open() :
			    CHECK_OK(open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC));
	device->owns_container = true;
	device->group = open_group(device->bdf);
	if (device->group < 0)
		return device->group;
	device->owns_group = true;
	if (ioctl(device->group, VFIO_GROUP_SET_CONTAINER, &device->container))
		return -errno;
	if (ioctl(device->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return -errno;
	return 0;
}

#define TOKEN_WORD	" vf_token="
#define TOKEN_SIZE	16

/* RFC 9562, 4: 32 hexadecimal digits. */
static bool parse_token(const char *words, uint8_t *token)
{
	const char *digits = words + strlen(TOKEN_WORD);
	int n = 0, end = 0;

	if (strncmp(words, TOKEN_WORD, strlen(TOKEN_WORD)))
		return false;
	for (; n < TOKEN_SIZE; n++) {
		digits += *digits == '-';
		if (sscanf(digits, "%2hhx%n", &token[n], &end) != 1 || end != 2)
			return false;
		digits += end;
	}
	return !*digits;
}

/* NAME is as a group knows it: the token is a word after the address. */
static int open_node(const char *bdf, const char *name, int iommufd, struct vfio_device **result)
{
	const char *words = name + strlen(bdf);
	uint8_t token[TOKEN_SIZE];

	if (!*words)
		return cdev_open_bound_try(bdf, iommufd, NULL, result);
	if (!parse_token(words, token))
		return -EINVAL;
	return cdev_open_bound_try(bdf, iommufd, token, result);
}

static int open_node_in_new_iommufd(const char *bdf, const char *name, struct vfio_device **result)
{
	int iommufd = iommufd_open(), error;

	error = open_node(bdf, name, iommufd, result);
	if (error) {
		close(iommufd);
		return error;
	}
	(*result)->container = iommufd;
	(*result)->owns_container = true;
	(*result)->ioas = ioas_new(iommufd);
	cdev_attach(*result, (*result)->ioas);
	return 0;
}

static struct vfio_device *open_node_with(struct vfio_device *other, const char *bdf)
{
	struct vfio_device *device = cdev_open_bound(bdf, other->container);

	device->container = other->container;
	device->ioas = other->ioas;
	cdev_attach(device, device->ioas);
	return device;
}

int vfio_open_try(const char *bdf, const char *name, struct vfio_device **result)
{
	struct vfio_device *device;
	int error;

	if (access_is("cdev"))
		return open_node_in_new_iommufd(bdf, name, result);
	device = calloc(1, sizeof(*device));
	snprintf(device->bdf, sizeof(device->bdf), "%s", bdf);
	device->fd = -1;
	device->group = -1;
	error = open_in_new_container(device);
	if (!error)
		error = get_device(device, name);
	if (error)
		vfio_close(device);
	else
		*result = device;
	return error;
}

int vfio_open_words_try(const char *bdf, const char *words, struct vfio_device **result)
{
	char name[256];

	snprintf(name, sizeof(name), "%s%s", bdf, words);
	return vfio_open_try(bdf, name, result);
}

struct vfio_device *vfio_open(const char *bdf)
{
	struct vfio_device *device;
	int error = vfio_open_try(bdf, bdf, &device);

	if (error)
		FAIL("cannot open %s: %s", bdf, strerror(-error));
	return device;
}

struct vfio_device *vfio_open_with(struct vfio_device *other, const char *bdf)
{
	struct vfio_device *device;
	int error;

	if (access_is("cdev"))
		return open_node_with(other, bdf);
	device = calloc(1, sizeof(*device));
	snprintf(device->bdf, sizeof(device->bdf), "%s", bdf);
	device->container = other->container;
	if (pci_group(bdf) == pci_group(other->bdf)) {
		device->group = other->group;
	} else {
		device->group = CHECK_OK(open_group(bdf));
		device->owns_group = true;
		CHECK_OK(ioctl(device->group, VFIO_GROUP_SET_CONTAINER, &device->container));
	}
	error = get_device(device, bdf);
	if (error)
		FAIL("cannot open %s: %s", bdf, strerror(-error));
	return device;
}

struct vfio_device *vfio_bind_and_open(const char *bdf)
{
	pci_bind(bdf, VFIO_PCI);
	return vfio_open(bdf);
}

struct vfio_device *vfio_open_with_memory(const char *id, const char *parameters)
{
	struct vfio_device *device;

	driver_load(parameters);
	device = vfio_bind_and_open(vm_bdf(id));
	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	return device;
}

void vfio_close(struct vfio_device *device)
{
	if (device->fd >= 0)
		close(device->fd);
	if (device->owns_group)
		close(device->group);
	if (device->owns_container)
		close(device->container);
	free(device);
}

void vfio_dma_map(struct vfio_device *device, void *memory, uint64_t iova, size_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = size,
	};

	if (device->ioas) {
		CHECK_EQ(ioas_map_try(device->container, device->ioas, memory, iova, size), 0);
		return;
	}
	CHECK_OK(ioctl(device->container, VFIO_IOMMU_MAP_DMA, &map));
}

void vfio_dma_unmap(struct vfio_device *device, uint64_t iova, size_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = size,
	};

	if (device->ioas) {
		ioas_unmap(device->container, device->ioas, iova, size);
		return;
	}
	CHECK_OK(ioctl(device->container, VFIO_IOMMU_UNMAP_DMA, &unmap));
	CHECK_EQ(unmap.size, size);
}

void *vfio_dma_alloc(struct vfio_device *device, uint64_t iova, size_t size)
{
	const size_t page = getpagesize();
	void *memory;

	size = (size + page - 1) / page * page;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		FAIL("no %zu bytes of memory: %m", size);
	vfio_dma_map(device, memory, iova, size);
	return memory;
}
