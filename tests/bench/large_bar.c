// SPDX-License-Identifier: GPL-2.0-only
/*
 * What mappings of large BARs cost, in instructions, and how many page faults. As a VMM has
 * them: mapped at an address that is aligned like the BAR, and given to the IOMMU. And what
 * read() and write() of their first 4 MiB cost.
 *
 * Minutes may pass without output: to give 64 GiB to the IOMMU takes 16 thousand million
 * instructions on 6.1, five times.
 *
 * vm-machine: large-bar-icount
 * vm-drivers: ours kernel
 * vm-seconds: 600
 * vm-timeout: 900
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"
#include "vmtest.h"

#define STEP	(2UL << 20)
#define BLOCK	(4UL << 20)
#define ALIGNED	(1UL << 30)
#define IOVA	(1UL << 37)

static long faults(void)
{
	struct rusage usage;

	CHECK_OK(getrusage(RUSAGE_SELF, &usage));
	return usage.ru_minflt;
}

static void touch(const volatile char *memory, size_t size)
{
	for (size_t at = 0; at < size; at += STEP)
		(void)memory[at];
}

static void print(const char *size, const char *name, long long value, const char *unit)
{
	printf("bench bar_%s_%s %s %lld\n", size, name, unit, value);
}

static void *map(struct vfio_device *device, const struct vfio_region_info *bar)
{
	char *room = mmap(NULL, bar->size + ALIGNED, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	void *aligned = (void *)(((uintptr_t)room + ALIGNED - 1) & ~(ALIGNED - 1));
	void *memory;

	CHECK_NE(room, MAP_FAILED);
	memory = mmap(aligned, bar->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, device->fd,
		      bar->offset);
	CHECK_NE(memory, MAP_FAILED);
	return memory;
}

/* The least of several times: whatever interrupts one of them is not the driver's. */
static long long dma_map(struct vfio_device *device, void *memory, size_t size)
{
	long long least = 0;

	for (int i = 0; i < 5; i++) {
		long long start = clock_ns();
		long long cost;

		vfio_dma_map(device, memory, IOVA, size);
		cost = clock_ns() - start;
		if (!i || cost < least)
			least = cost;
		vfio_dma_unmap(device, IOVA, size);
	}
	return least;
}

static void read_and_write(const struct vfio_device *device, const struct vfio_region_info *bar,
			   const char *size)
{
	char *block = calloc(1, BLOCK);
	long long start;

	CHECK(block);
	start = clock_ns();
	CHECK_EQ(pread(device->fd, block, BLOCK, bar->offset), BLOCK);
	print(size, "read_4_mib", clock_ns() - start, "instructions");

	start = clock_ns();
	CHECK_EQ(pwrite(device->fd, block, BLOCK, bar->offset), BLOCK);
	print(size, "write_4_mib", clock_ns() - start, "instructions");
	free(block);
}

static void measure(const char *id, const char *size)
{
	struct vfio_region_info *bar;
	struct vfio_device *device;
	long long start;
	long before;
	char *memory;

	driver_load(NULL);
	device = vfio_bind_and_open(vm_bdf(id));
	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	bar = vfio_region(device, VFIO_PCI_BAR2_REGION_INDEX);

	before = faults();
	start = clock_ns();
	memory = map(device, bar);
	touch(memory, bar->size);
	print(size, "map_touch", clock_ns() - start, "instructions");
	print(size, "faults", faults() - before, "faults");

	cfg_command(device, 0, PCI_COMMAND_MEMORY);
	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	start = clock_ns();
	touch(memory, bar->size);
	print(size, "touch_again", clock_ns() - start, "instructions");

	print(size, "dma_map", dma_map(device, memory, bar->size), "instructions");

	read_and_write(device, bar, size);

	start = clock_ns();
	CHECK_OK(munmap(memory, bar->size));
	print(size, "unmap", clock_ns() - start, "instructions");
}

TEST(a_bar_of_1_gib)
{
	measure("large0", "1g");
}

TEST(a_bar_of_64_gib)
{
	measure("large1", "64g");
}
