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
#include <limits.h>
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

/* The least of several costs: whatever interrupts one of them is not the driver's. */
#define TIMES	5
#define NOT_YET	LLONG_MAX

static void keep_least(long long *least, long long cost)
{
	if (cost < *least)
		*least = cost;
}

static void *reserve(size_t size)
{
	char *room = mmap(NULL, size + ALIGNED, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK_NE(room, MAP_FAILED);
	return (void *)(((uintptr_t)room + ALIGNED - 1) & ~(ALIGNED - 1));
}

static void map(struct vfio_device *device, const struct vfio_region_info *bar, void *at)
{
	CHECK_EQ(mmap(at, bar->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, device->fd,
		      bar->offset), at);
}

static void measure_mapping(struct vfio_device *device, const struct vfio_region_info *bar,
			    void *memory, const char *size)
{
	long long map_touch = NOT_YET, touch_again = NOT_YET, unmap = NOT_YET, count = NOT_YET;

	for (int i = 0; i < TIMES; i++) {
		long before = faults();
		long long start = clock_ns();

		map(device, bar, memory);
		touch(memory, bar->size);
		keep_least(&map_touch, clock_ns() - start);
		keep_least(&count, faults() - before);

		cfg_command(device, 0, PCI_COMMAND_MEMORY);
		cfg_command(device, PCI_COMMAND_MEMORY, 0);
		start = clock_ns();
		touch(memory, bar->size);
		keep_least(&touch_again, clock_ns() - start);

		start = clock_ns();
		CHECK_OK(munmap(memory, bar->size));
		keep_least(&unmap, clock_ns() - start);
	}
	print(size, "map_touch", map_touch, "instructions");
	print(size, "faults", count, "faults");
	print(size, "touch_again", touch_again, "instructions");
	print(size, "unmap", unmap, "instructions");
}

static void measure_dma_map(struct vfio_device *device, void *memory, size_t length,
			    const char *size)
{
	long long least = NOT_YET;

	for (int i = 0; i < TIMES; i++) {
		long long start = clock_ns();

		vfio_dma_map(device, memory, IOVA, length);
		keep_least(&least, clock_ns() - start);
		vfio_dma_unmap(device, IOVA, length);
	}
	print(size, "dma_map", least, "instructions");
}

static void measure_read_and_write(const struct vfio_device *device,
				   const struct vfio_region_info *bar, const char *size)
{
	long long reads = NOT_YET, writes = NOT_YET;
	char *block = calloc(1, BLOCK);

	CHECK(block);
	for (int i = 0; i < TIMES; i++) {
		long long start = clock_ns();

		CHECK_EQ(pread(device->fd, block, BLOCK, bar->offset), BLOCK);
		keep_least(&reads, clock_ns() - start);
		start = clock_ns();
		CHECK_EQ(pwrite(device->fd, block, BLOCK, bar->offset), BLOCK);
		keep_least(&writes, clock_ns() - start);
	}
	print(size, "read_4_mib", reads, "instructions");
	print(size, "write_4_mib", writes, "instructions");
	free(block);
}

static void measure(const char *id, const char *size)
{
	struct vfio_region_info *bar;
	struct vfio_device *device;
	void *memory;

	driver_load(NULL);
	device = vfio_bind_and_open(vm_bdf(id));
	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	bar = vfio_region(device, VFIO_PCI_BAR2_REGION_INDEX);
	memory = reserve(bar->size);

	let_others_finish();
	measure_mapping(device, bar, memory, size);
	map(device, bar, memory);
	measure_dma_map(device, memory, bar->size, size);
	measure_read_and_write(device, bar, size);
}

TEST(a_bar_of_1_gib)
{
	measure("large0", "1g");
}

TEST(a_bar_of_64_gib)
{
	measure("large1", "64g");
}
