// SPDX-License-Identifier: GPL-2.0-only
/*
 * A BAR of 2 TiB. The device file gives each region 1 TiB: offsets beyond that are the next
 * region's, and only an access or a mapping that begins before reaches the rest of the BAR.
 *
 * vm-machine: huge-bar
 * vm-drivers: ours kernel
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vmtest.h"

#define BAR	VFIO_PCI_BAR2_REGION_INDEX
#define PAGE	4096UL
#define MIB	(1UL << 20)
#define TIB	(1UL << 40)

/* Behind 1 TiB, as far as the processor's reset vector is from physical address 0. */
#define BEHIND	0xffff0UL

static struct vfio_device *open_huge(void)
{
	struct vfio_region_info *info;
	struct vfio_device *device;

	driver_load("disable_idle_d3=1");
	device = vfio_bind_and_open(vm_bdf("huge0"));
	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	info = vfio_region(device, BAR);
	CHECK_EQ(info->size, 2 * TIB);
	free(info);
	return device;
}

/* To map the BAR for read() and write(). */
static bool kernel_has_room(void)
{
	return !kernel_has_kasan();
}

/* Maps the MiB before 1 TiB and the one behind it; returns where the second one begins. */
static volatile char *map_across(struct vfio_device *device)
{
	char *memory = vfio_mmap(device, BAR, TIB - MIB, 2 * MIB, PROT_READ | PROT_WRITE);

	CHECK(memory != MAP_FAILED);
	return memory + MIB;
}

/* One read() or write() from 1 TiB - 4 to 1 TiB + BEHIND + 4; returns the last 4 bytes of it. */
static uint32_t *buffer_across(void)
{
	return calloc(1, 4 + BEHIND + 4);
}

static uint32_t read_across(struct vfio_device *device)
{
	uint32_t *buffer = buffer_across();
	uint32_t value;

	CHECK_EQ(vfio_read_try(device, BAR, TIB - 4, buffer, 4 + BEHIND + 4), 4 + BEHIND + 4);
	value = buffer[1 + BEHIND / 4];
	free(buffer);
	return value;
}

static void write_across(struct vfio_device *device, uint32_t value)
{
	uint32_t *buffer = buffer_across();

	buffer[1 + BEHIND / 4] = value;
	CHECK_EQ(vfio_write_try(device, BAR, TIB - 4, buffer, 4 + BEHIND + 4), 4 + BEHIND + 4);
	free(buffer);
}

static void check_is_the_bar(struct vfio_device *device, volatile char *behind)
{
	volatile uint32_t *word = (volatile uint32_t *)(behind + BEHIND);

	write_across(device, 0x12345678);
	CHECK_EQ(*word, 0x12345678);
	*word = 0x9abcdef0;
	CHECK_EQ(read_across(device), 0x9abcdef0);
}

TEST_WHEN(kernel_has_room, a_mapping_across_1_tib_is_the_bars_on_both_sides)
{
	struct vfio_device *device = open_huge();
	volatile char *behind = map_across(device);

	/* Nothing was written there; the host's memory at this address is not zero. */
	CHECK_EQ(*(volatile uint32_t *)(behind + BEHIND), 0);
	check_is_the_bar(device, behind);
	vfio_write(device, BAR, TIB - 8, 0x55aa1234, 4);
	CHECK_EQ(*(volatile uint32_t *)(behind - 8), 0x55aa1234);
}

/* The rest of it begins where an offset would name the next region. */
TEST_WHEN(kernel_has_room, a_mapping_that_is_cut_at_1_tib_is_the_bars)
{
	struct vfio_device *device = open_huge();
	volatile char *behind = map_across(device);

	CHECK_OK(munmap((char *)behind - MIB, MIB));
	check_is_the_bar(device, behind);
}

TEST_WHEN(kernel_has_room, no_offset_names_what_is_beyond_1_tib)
{
	static const uint64_t places[] = { TIB, TIB + MIB, 2 * TIB - PAGE, 2 * TIB };
	struct vfio_device *device = open_huge();
	uint32_t value;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		test_note("at %#lx", (unsigned long)places[i]);
		CHECK(vfio_mmap(device, BAR, places[i], PAGE, PROT_READ) == MAP_FAILED);
		CHECK_EQ(errno, EINVAL);
		CHECK_ERR(EINVAL, vfio_read_try(device, BAR, places[i], &value, 4));
	}
}

TEST_WHEN(kernel_has_room, no_mapping_is_longer_than_the_bar)
{
	struct vfio_device *device = open_huge();

	/* Nothing is touched: page tables for all of it would be 4 GiB. */
	CHECK(vfio_mmap(device, BAR, PAGE, 2 * TIB - PAGE, PROT_READ) != MAP_FAILED);
	CHECK(vfio_mmap(device, BAR, PAGE, 2 * TIB, PROT_READ) == MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
	CHECK(vfio_mmap(device, BAR, TIB - PAGE, TIB + 2 * PAGE, PROT_READ) == MAP_FAILED);
	CHECK_EQ(errno, EINVAL);
}
