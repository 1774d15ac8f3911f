// SPDX-License-Identifier: GPL-2.0-only
/* Contexts, address spaces and page tables of iommufd. */
#include "iommufd.h"

#include <fcntl.h>
#include <linux/ioctl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

/* As in linux/iommufd.h. */
#define DESTROY		_IO(';', 0x80)
#define IOAS_ALLOC	_IO(';', 0x81)
#define IOAS_MAP	_IO(';', 0x85)
#define IOAS_UNMAP	_IO(';', 0x86)
#define HWPT_ALLOC	_IO(';', 0x89)
#define IOAS_GET_PA	_IO(';', 0x95)

#define MAP_AT_IOVA	(1 << 0)
#define MAP_WRITABLE	(1 << 1)
#define MAP_READABLE	(1 << 2)

int iommufd_open(void)
{
	return CHECK_OK(open("/dev/iommu", O_RDWR | O_CLOEXEC));
}

int iommufd_destroy_try(int iommufd, uint32_t id)
{
	struct {
		uint32_t size, id;
	} destroy = { sizeof(destroy), id };

	return ioctl(iommufd, DESTROY, &destroy) ? -errno : 0;
}

uint32_t ioas_new(int iommufd)
{
	struct {
		uint32_t size, flags, id;
	} alloc = { .size = sizeof(alloc) };

	CHECK_OK(ioctl(iommufd, IOAS_ALLOC, &alloc));
	return alloc.id;
}

int ioas_map_try(int iommufd, uint32_t ioas, void *memory, uint64_t iova, size_t size)
{
	struct {
		uint32_t size, flags, ioas, reserved;
		uint64_t address, length, iova;
	} map = {
		.size = sizeof(map),
		.flags = MAP_AT_IOVA | MAP_WRITABLE | MAP_READABLE,
		.ioas = ioas,
		.address = (uintptr_t)memory,
		.length = size,
		.iova = iova,
	};

	return ioctl(iommufd, IOAS_MAP, &map) ? -errno : 0;
}

void *ioas_memory(int iommufd, uint32_t ioas, uint64_t iova, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		FAIL("no %zu bytes of memory: %m", size);
	CHECK_EQ(ioas_map_try(iommufd, ioas, memory, iova, size), 0);
	return memory;
}

void *ioas_new_memory(int iommufd, uint32_t *ioas, uint64_t iova, size_t size)
{
	*ioas = ioas_new(iommufd);
	return ioas_memory(iommufd, *ioas, iova, size);
}

void ioas_unmap(int iommufd, uint32_t ioas, uint64_t iova, size_t size)
{
	struct {
		uint32_t size, ioas;
		uint64_t iova, length;
	} unmap = { sizeof(unmap), ioas, iova, size };

	CHECK_OK(ioctl(iommufd, IOAS_UNMAP, &unmap));
	CHECK_EQ(unmap.length, size);
}

int ioas_physical_try(int iommufd, uint32_t ioas, uint64_t iova, uint64_t *physical)
{
	struct {
		uint32_t size, flags, ioas, reserved;
		uint64_t iova, length, physical;
	} get = { .size = sizeof(get), .ioas = ioas, .iova = iova, .length = 1 };

	if (ioctl(iommufd, IOAS_GET_PA, &get))
		return -errno;
	*physical = get.physical;
	return 0;
}

int hwpt_new_try(int iommufd, uint32_t devid, uint32_t ioas, uint32_t flags, uint32_t *hwpt)
{
	struct {
		uint32_t size, flags, devid, ioas, id, reserved, data_type, data_size;
		uint64_t data;
		uint32_t fault, reserved2;
	} alloc = { .size = sizeof(alloc), .flags = flags, .devid = devid, .ioas = ioas };

	if (ioctl(iommufd, HWPT_ALLOC, &alloc))
		return -errno;
	*hwpt = alloc.id;
	return 0;
}

uint32_t hwpt_new(int iommufd, uint32_t devid, uint32_t ioas, uint32_t flags)
{
	uint32_t hwpt = 0;

	CHECK_EQ(hwpt_new_try(iommufd, devid, ioas, flags, &hwpt), 0);
	return hwpt;
}
