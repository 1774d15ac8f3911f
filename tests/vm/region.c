// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions: GET_INFO and GET_REGION_INFO, reads and writes, mappings, ROM, VGA.
 *
 * vm-machine: default
 * vm-drivers: ours kernel
 */
#include <linux/pci_regs.h>
#include <pthread.h>

#include "vmtest.h"

#define PAGE 4096

#ifdef __aarch64__
/* The GIC's register that translates messages, as far as no mapping moves it. */
#define MSI_ADDRESS_MASK	0xfffu
#define MSI_ADDRESS		0x040u
#define VGA_ROM			0x10000
#else
#define MSI_ADDRESS_MASK	0xfff00000u
#define MSI_ADDRESS		0xfee00000u
/* The first card's ROM is the firmware's copy in memory, whatever the card has. */
#define VGA_ROM			0x20000
#endif

/* Registers of edu, which answers aligned accesses of 4 bytes only. */
#define EDU_ID		0x00
#define EDU_LIVENESS	0x04	/* reads inverted */

/* Registers of NVMe controllers. */
#define NVME_VERSION	0x08
#define NVME_AQA	0x24
#define NVME_ASQ	0x28	/* 8 bytes, can be read back */
#define NVME_TABLE	0x2000	/* the MSI-X table of nvme1 */

/* VGA's frame buffer is memory: any width, any place. */
#define VGA_FRAMEBUFFER	0

static struct vfio_device *open_with_memory(const char *id)
{
	struct vfio_device *device = vfio_bind_and_open(vm_bdf(id));

	cfg_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_IO, 0);
	return device;
}

static struct vfio_device *open_loaded(const char *id)
{
	driver_load("disable_idle_d3=1");
	return open_with_memory(id);
}

static uint32_t region_flags(struct vfio_device *device, unsigned int index)
{
	struct vfio_region_info *info = vfio_region(device, index);
	uint32_t flags = info->flags;

	free(info);
	return flags & ~VFIO_REGION_INFO_FLAG_CAPS;
}

/* Whether an access to a mapping ends in SIGBUS; in a child, which it would kill. */
static bool faults(volatile void *address)
{
	pid_t child = CHECK_OK(fork());
	int status;

	if (!child) {
		*(volatile uint32_t *)address;
		_exit(0);
	}
	CHECK_OK(waitpid(child, &status, 0));
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
}

/* Info */

#define RW (VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE)
#define RWM (RW | VFIO_REGION_INFO_FLAG_MMAP)

TEST(region_info_tells_size_and_access_of_every_region)
{
	static const struct {
		const char *id;
		struct {
			uint64_t size;
			uint32_t flags;
		} regions[VFIO_PCI_VGA_REGION_INDEX];
	} devices[] = {
		{ "edu0", { [0] = { 0x100000, RWM }, [7] = { 256, RW } } },
		{ "nvme1", { [0] = { 0x4000, RWM }, [7] = { 4096, RW } } },
		{ "nic0", { [0] = { 0x20000, RWM }, [1] = { 0x20000, RWM }, [2] = { 0x20, RW },
			    [3] = { 0x4000, RWM },
			    [6] = { 0x40000, VFIO_REGION_INFO_FLAG_READ }, [7] = { 4096, RW } } },
		{ "testdev0", { [0] = { 0x1000, RWM }, [1] = { 0x100, RW }, [7] = { 256, RW } } },
		{ "vga0", { [0] = { 0x1000000, RWM }, [2] = { 0x1000, RWM },
			    [6] = { VGA_ROM, VFIO_REGION_INFO_FLAG_READ }, [7] = { 256, RW } } },
	};

	driver_load("disable_idle_d3=1");
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		struct vfio_device *device = open_with_memory(devices[i].id);

		test_note("%s", devices[i].id);
		CHECK_EQ(device->info.num_regions, VFIO_PCI_NUM_REGIONS);
		CHECK_EQ(device->info.num_irqs, VFIO_PCI_NUM_IRQS);
		CHECK(device->info.flags & VFIO_DEVICE_FLAGS_PCI);
		for (unsigned int r = 0; r < VFIO_PCI_VGA_REGION_INDEX; r++) {
			test_note("region %u", r);
			CHECK_EQ(vfio_region_size(device, r), devices[i].regions[r].size);
			CHECK_EQ(region_flags(device, r), devices[i].regions[r].flags);
		}
		vfio_close(device);
	}
}

TEST(regions_do_not_overlap_in_the_device_file)
{
	struct vfio_device *nic = open_loaded("nic0");
	uint64_t end = 0;

	for (unsigned int r = 0; r < VFIO_PCI_VGA_REGION_INDEX; r++) {
		struct vfio_region_info *info = vfio_region(nic, r);

		CHECK_GE(info->offset, end);
		end = info->offset + info->size;
		free(info);
	}
}

TEST(region_that_there_is_not_has_no_info)
{
	struct vfio_device *nic = open_loaded("nic0");
	static const uint32_t indexes[] = { VFIO_PCI_NUM_REGIONS, 10, 255, 0x7fffffff, ~0u };

	for (size_t i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++) {
		struct vfio_region_info info = { .argsz = sizeof(info), .index = indexes[i] };

		CHECK_ERRNO(EINVAL, ioctl(nic->fd, VFIO_DEVICE_GET_REGION_INFO, &info));
	}
}

TEST(region_with_the_msix_table_says_that_it_is_mappable)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	struct vfio_region_info *info = vfio_region(nvme, 0);

	CHECK(info->flags & VFIO_REGION_INFO_FLAG_CAPS);
	CHECK(vfio_info_cap(info, info->cap_offset, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE));
	info = vfio_region(nvme, VFIO_PCI_CONFIG_REGION_INDEX);
	CHECK_EQ(info->flags & VFIO_REGION_INFO_FLAG_CAPS, 0);
}

TEST(capabilities_are_written_only_where_argsz_has_room_for_them)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	const uint32_t base = sizeof(struct vfio_region_info);
	const uint32_t needed = base + sizeof(struct vfio_info_cap_header);
	struct {
		struct vfio_region_info info;
		struct vfio_info_cap_header header;
		uint8_t behind[64];
	} answer;

	for (uint32_t argsz = base; argsz <= needed + 8; argsz += 4) {
		uint8_t untouched[64];

		memset(&answer, 0xa5, sizeof(answer));
		memset(untouched, 0xa5, sizeof(untouched));
		memset(&answer.info, 0, sizeof(answer.info));
		answer.info.argsz = argsz;
		CHECK_OK(ioctl(nvme->fd, VFIO_DEVICE_GET_REGION_INFO, &answer));
		CHECK(answer.info.flags & VFIO_REGION_INFO_FLAG_CAPS);
		CHECK_EQ(answer.info.size, 0x4000);
		if (argsz < needed) {
			CHECK_EQ(answer.info.argsz, needed);
			CHECK_EQ(answer.info.cap_offset, 0);
			CHECK_MEM(&answer.header, untouched, sizeof(answer.header));
		} else {
			CHECK_EQ(answer.info.argsz, argsz);
			CHECK_EQ(answer.info.cap_offset, base);
			CHECK_EQ(answer.header.id, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE);
			CHECK_EQ(answer.header.next, 0);
		}
		CHECK_MEM(answer.behind, untouched, sizeof(answer.behind));
	}
}

TEST(info_calls_take_a_larger_argsz_and_refuse_a_smaller_one)
{
	static const struct {
		unsigned long command;
		uint32_t least;
	} calls[] = {
		{ VFIO_DEVICE_GET_INFO, offsetof(struct vfio_device_info, num_irqs) + 4 },
		{ VFIO_DEVICE_GET_REGION_INFO, sizeof(struct vfio_region_info) },
		{ VFIO_DEVICE_GET_IRQ_INFO, sizeof(struct vfio_irq_info) },
	};
	struct vfio_device *nvme = open_loaded("nvme1");

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		uint32_t room[64], before[64];

		for (uint32_t argsz = 0; argsz < calls[i].least; argsz++) {
			memset(room, 0, sizeof(room));
			room[0] = argsz;
			memcpy(before, room, sizeof(room));
			CHECK_ERRNO(EINVAL, ioctl(nvme->fd, calls[i].command, room));
			CHECK_MEM(room, before, sizeof(room));
		}
		for (uint32_t argsz = calls[i].least; argsz < 128; argsz++) {
			memset(room, 0, sizeof(room));
			room[0] = argsz;
			CHECK_OK(ioctl(nvme->fd, calls[i].command, room));
		}
		memset(room, 0, sizeof(room));
		room[0] = ~0u;
		CHECK_OK(ioctl(nvme->fd, calls[i].command, room));
	}
}

/* The driver must not write behind the structure of a caller with an older header. */
TEST(device_info_of_the_first_header_is_not_overrun)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	const uint32_t least = offsetof(struct vfio_device_info, num_irqs) + 4;
	uint32_t room[8];

	memset(room, 0xa5, sizeof(room));
	room[0] = least;
	CHECK_OK(ioctl(nvme->fd, VFIO_DEVICE_GET_INFO, room));
	for (size_t i = least / 4; i < 8; i++)
		CHECK_EQ(room[i], 0xa5a5a5a5);
}

/* Reads and writes */

TEST(memory_is_read_and_written_at_any_width_and_place)
{
	struct vfio_device *vga = open_loaded("vga0");
	uint8_t pattern[256], read[256];

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = i * 7 + 3;
	CHECK_EQ(vfio_write_try(vga, VGA_FRAMEBUFFER, 0, pattern, 256), 256);
	for (size_t width = 1; width <= 17; width++)
		for (unsigned int at = 0; at < 19; at++) {
			memset(read, 0, sizeof(read));
			CHECK_EQ(vfio_read_try(vga, VGA_FRAMEBUFFER, at, read, width), width);
			CHECK_MEM(read, pattern + at, width);
			for (size_t i = 0; i < width; i++)
				pattern[at + i] ^= 0xff;
			CHECK_EQ(vfio_write_try(vga, VGA_FRAMEBUFFER, at, pattern + at, width),
				 width);
			CHECK_EQ(vfio_read_try(vga, VGA_FRAMEBUFFER, 0, read, 256), 256);
			CHECK_MEM(read, pattern, 256);
		}
}

TEST(a_large_read_gives_what_small_ones_give)
{
	struct vfio_device *vga = open_loaded("vga0");
	const size_t size = 300000;
	uint8_t *pattern = malloc(size), *read = malloc(size);

	for (size_t i = 0; i < size; i++)
		pattern[i] = i * 13 + (i >> 8);
	CHECK_EQ(vfio_write_try(vga, VGA_FRAMEBUFFER, 5, pattern, size), size);
	CHECK_EQ(vfio_read_try(vga, VGA_FRAMEBUFFER, 5, read, size), size);
	CHECK_MEM(read, pattern, size);
	for (size_t at = 0; at + 7 < size; at += 9973) {
		CHECK_EQ(vfio_read_try(vga, VGA_FRAMEBUFFER, 5 + at, read, 7), 7);
		CHECK_MEM(read, pattern + at, 7);
	}
}

TEST(registers_are_reached_in_accesses_of_their_width)
{
	struct vfio_device *edu, *nvme;

	driver_load("disable_idle_d3=1");
	edu = open_with_memory("edu0");
	nvme = open_with_memory("nvme1");
	CHECK_EQ(vfio_read(edu, 0, EDU_ID, 4), 0x010000ed);
	vfio_write(edu, 0, EDU_LIVENESS, 0x12345678, 4);
	CHECK_EQ(vfio_read(edu, 0, EDU_LIVENESS, 4), ~0x12345678u);
	vfio_write(nvme, 0, NVME_ASQ, 0x123456789000, 8);
	CHECK_EQ(vfio_read(nvme, 0, NVME_ASQ, 8), 0x123456789000);
	CHECK_EQ(vfio_read(nvme, 0, NVME_ASQ, 4), 0x56789000);
	CHECK_EQ(vfio_read(nvme, 0, NVME_ASQ + 4, 4), 0x1234);
}

/* edu answers an access of 8 bytes with ones: kernels since 6.11 make one of 8 aligned bytes. */
TEST_OURS(eight_aligned_bytes_are_one_access)
{
	struct vfio_device *edu = open_loaded("edu0");

	CHECK_EQ(vfio_read(edu, 0, EDU_ID, 8), ~0ull);
	CHECK_EQ(vfio_read(edu, 0, EDU_LIVENESS, 4), vfio_read(edu, 0, EDU_LIVENESS, 4));
}

TEST(ports_are_read_and_written)
{
	struct vfio_device *nic = open_loaded("nic0");

	/* IOADDR and IODATA, e1000e's window to its registers; 0x08 is STATUS. */
	vfio_write(nic, 2, 0, 0x0008, 4);
	CHECK_EQ(vfio_read(nic, 2, 0, 4), 0x0008);
	CHECK_EQ(vfio_read(nic, 2, 4, 4), vfio_read(nic, 0, 0x0008, 4));
}

TEST(accesses_are_cut_at_the_end_of_a_region)
{
	struct vfio_device *nic = open_loaded("nic0");
	uint8_t bytes[64];

	for (unsigned int r = 0; r <= VFIO_PCI_ROM_REGION_INDEX; r++) {
		uint64_t size = vfio_region_size(nic, r);

		if (size) {
			CHECK_EQ(vfio_read_try(nic, r, size - 1, bytes, 4), 1);
			CHECK_EQ(vfio_read_try(nic, r, size - 4, bytes, 8), 4);
			CHECK_EQ(vfio_read_try(nic, r, size - 3, bytes, 64), 3);
		}
		CHECK_ERR(EINVAL, vfio_read_try(nic, r, size, bytes, 1));
		CHECK_ERR(EINVAL, vfio_write_try(nic, r, size, bytes, 1));
		CHECK_ERR(EINVAL, vfio_read_try(nic, r, size + PAGE, bytes, 4));
		CHECK_EQ(vfio_read_try(nic, r, size, bytes, 0), 0);
		CHECK_EQ(vfio_write_try(nic, r, size, bytes, 0), 0);
	}
}

TEST(absent_regions_are_refused)
{
	struct vfio_device *edu = open_loaded("edu0");
	uint32_t value;

	for (unsigned int r = 1; r <= VFIO_PCI_ROM_REGION_INDEX; r++) {
		CHECK_ERR(EINVAL, vfio_read_try(edu, r, 0, &value, 4));
		CHECK_ERR(EINVAL, vfio_write_try(edu, r, 0, &value, 4));
	}
	for (uint64_t r = VFIO_PCI_VGA_REGION_INDEX; r < 12; r++) {
		CHECK_ERRNO(EINVAL, pread(edu->fd, &value, 4, r << 40));
		CHECK_ERRNO(EINVAL, pwrite(edu->fd, &value, 4, r << 40));
	}
	CHECK_ERRNO(EINVAL, pread(edu->fd, &value, 4, 0x7fffffffff000000));
}

TEST(bad_memory_is_an_error_and_what_came_before_it_counts)
{
	struct vfio_device *vga = open_loaded("vga0");
	char *memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	ssize_t got;

	CHECK_OK(munmap(memory + PAGE, PAGE));
	CHECK_ERR(EFAULT, vfio_read_try(vga, 0, 0, NULL, 4));
	CHECK_ERR(EFAULT, vfio_write_try(vga, 0, 0, NULL, 4));
	CHECK_ERR(EFAULT, vfio_read_try(vga, VFIO_PCI_CONFIG_REGION_INDEX, 0, NULL, 4));
	CHECK_ERR(EFAULT, vfio_write_try(vga, VFIO_PCI_CONFIG_REGION_INDEX, 0, NULL, 4));
	CHECK_ERR(EFAULT, vfio_read_try(vga, VFIO_PCI_ROM_REGION_INDEX, 0, NULL, 4));
	got = vfio_read_try(vga, 0, 0, memory, 2 * PAGE);
	CHECK(got == -EFAULT || (got > 0 && got <= PAGE));
}

TEST(msix_table_reads_ones_and_drops_writes)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	uint32_t entries = vfio_irq_info(nvme, VFIO_PCI_MSIX_IRQ_INDEX).count;
	uint32_t table = cfg32(nvme, cfg_cap(nvme, PCI_CAP_ID_MSIX) + PCI_MSIX_TABLE);
	int event = event_new();

	CHECK_EQ(table, NVME_TABLE);
	vfio_irq_eventfd(nvme, VFIO_PCI_MSIX_IRQ_INDEX, 0, event);
	for (uint32_t at = NVME_TABLE; at < NVME_TABLE + entries * PCI_MSIX_ENTRY_SIZE; at += 4) {
		vfio_write(nvme, 0, at, 0, 4);
		CHECK_EQ(vfio_read(nvme, 0, at, 4), 0xffffffff);
	}
	/* Through a mapping the table can be seen: it is as the host set it up. */
	if (region_flags(nvme, 0) & VFIO_REGION_INFO_FLAG_MMAP) {
		volatile uint32_t *page = vfio_mmap(nvme, 0, NVME_TABLE, PAGE, PROT_READ);

		CHECK(page != MAP_FAILED);
		CHECK_EQ(page[0] & MSI_ADDRESS_MASK, MSI_ADDRESS);
	}
}

/* An access that begins before the table and ends behind it does its other parts. */
TEST(access_across_the_msix_table_does_the_rest)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	uint8_t all[0x4000];
	uint32_t pending = cfg32(nvme, cfg_cap(nvme, PCI_CAP_ID_MSIX) + PCI_MSIX_PBA);

	CHECK_EQ(vfio_read_try(nvme, 0, 0, all, sizeof(all)), sizeof(all));
	CHECK_EQ(all[NVME_VERSION + 1], 4);
	for (int i = 0; i < 17 * PCI_MSIX_ENTRY_SIZE; i++)
		CHECK_EQ(all[NVME_TABLE + i], 0xff);
	CHECK_EQ(all[pending], 0);
}

/* Mappings */

TEST(mappings_show_the_same_registers_as_reads)
{
	struct vfio_device *edu, *vga;
	volatile uint32_t *registers;
	volatile uint8_t *memory;

	driver_load("disable_idle_d3=1");
	edu = open_with_memory("edu0");
	vga = open_with_memory("vga0");
	registers = vfio_mmap(edu, 0, 0, PAGE, PROT_READ | PROT_WRITE);
	CHECK(registers != MAP_FAILED);
	CHECK_EQ(registers[EDU_ID / 4], 0x010000ed);
	registers[EDU_LIVENESS / 4] = 0x5555aaaa;
	CHECK_EQ(vfio_read(edu, 0, EDU_LIVENESS, 4), 0xaaaa5555);
	memory = vfio_mmap(vga, VGA_FRAMEBUFFER, 0, vfio_region_size(vga, VGA_FRAMEBUFFER),
			   PROT_READ | PROT_WRITE);
	CHECK(memory != MAP_FAILED);
	for (uint32_t at = 0x10; at < vfio_region_size(vga, VGA_FRAMEBUFFER); at += 0x345678) {
		vfio_write(vga, VGA_FRAMEBUFFER, at, at >> 16 ^ 0x5a, 1);
		CHECK_EQ(memory[at], (at >> 16 & 0xff) ^ 0x5a);
		memory[at] = 0x77;
		CHECK_EQ(vfio_read(vga, VGA_FRAMEBUFFER, at, 1), 0x77);
	}
}

TEST(any_pages_of_a_bar_can_be_mapped)
{
	struct vfio_device *vga = open_loaded("vga0");
	uint64_t size = vfio_region_size(vga, VGA_FRAMEBUFFER);
	static const struct {
		uint64_t offset, size;
	} parts[] = {
		{ 0, PAGE }, { PAGE, PAGE }, { 0x1ff000, 3 * PAGE }, { 0x200000, 0x200000 },
		{ 0x345000, 0x7000 }, { 0xfff000, PAGE }, { 0xe00000, 0x200000 }, { 0, 1 },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		volatile uint8_t *part;
		uint64_t last = parts[i].offset + parts[i].size - 1;

		CHECK_LT(last, size);
		part = vfio_mmap(vga, VGA_FRAMEBUFFER, parts[i].offset, parts[i].size,
				 PROT_READ | PROT_WRITE);
		CHECK(part != MAP_FAILED);
		vfio_write(vga, VGA_FRAMEBUFFER, last, i + 1, 1);
		CHECK_EQ(part[parts[i].size - 1], i + 1);
		part[0] = 0x40 + i;
		CHECK_EQ(vfio_read(vga, VGA_FRAMEBUFFER, parts[i].offset, 1), 0x40 + i);
		if (i & 1)
			CHECK_OK(munmap((void *)part, parts[i].size));
	}
}

TEST(a_bar_can_be_mapped_many_times)
{
	struct vfio_device *edu = open_loaded("edu0");
	volatile uint32_t *pages[32];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 32; i++) {
			pages[i] = vfio_mmap(edu, 0, 0, PAGE, PROT_READ | PROT_WRITE);
			CHECK(pages[i] != MAP_FAILED);
			pages[i][EDU_LIVENESS / 4] = i;
			CHECK_EQ(pages[0][EDU_LIVENESS / 4], ~(uint32_t)i);
		}
		for (int i = 0; i < 32; i++)
			CHECK_OK(munmap((void *)pages[i], PAGE));
	}
}

static void touch_mapping(struct vfio_device *device, unsigned int bar)
{
	volatile uint32_t *page = vfio_mmap(device, bar, 0, PAGE, PROT_READ);

	CHECK(page != MAP_FAILED);
	/* An access that is not answered ends the process. */
	(void)*page;
	CHECK_OK(munmap((void *)page, PAGE));
}

TEST(every_bar_can_be_mapped_by_several_processes)
{
	struct vfio_device *nic = open_loaded("nic0");
	int bars[] = { 0, 1, 3 };

	for (int i = 0; i < 8; i++) {
		pid_t child = CHECK_OK(fork());

		if (!child) {
			for (int round = 0; round < 20; round++)
				for (int b = 0; b < 3; b++)
					touch_mapping(nic, bars[b]);
			_exit(0);
		}
	}
	for (int i = 0; i < 8; i++) {
		int status;

		CHECK_OK(wait(&status));
		CHECK_EQ(status, 0);
	}
	for (int b = 0; b < 3; b++)
		touch_mapping(nic, bars[b]);
}

TEST(protection_is_the_clients_choice)
{
	struct vfio_device *edu = open_loaded("edu0");
	static const int protections[] = {
		PROT_NONE, PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE,
	};

	for (size_t i = 0; i < 4; i++)
		CHECK(vfio_mmap(edu, 0, 0, PAGE, protections[i]) != MAP_FAILED);
}

static void check_no_mmap(int expected, struct vfio_device *device, uint64_t offset, size_t size,
			  int flags)
{
	CHECK_ERRNO(expected, (long)mmap(NULL, size, PROT_READ | PROT_WRITE, flags, device->fd,
					 offset));
}

TEST(mappings_beyond_a_region_private_or_of_other_regions_are_refused)
{
	static const char * const ids[] = { "edu0", "nvme1", "nic0", "testdev0", "vga0" };

	driver_load("disable_idle_d3=1");
	for (int i = 0; i < 5; i++) {
		struct vfio_device *device = open_with_memory(ids[i]);

		for (unsigned int r = 0; r < VFIO_PCI_VGA_REGION_INDEX; r++) {
			struct vfio_region_info *info = vfio_region(device, r);
			uint64_t size = (info->size + PAGE - 1) & ~(PAGE - 1ull);

			test_note("%s region %u", ids[i], r);
			check_no_mmap(EINVAL, device, info->offset, PAGE, MAP_PRIVATE);
			check_no_mmap(EINVAL, device, info->offset, size + PAGE, MAP_SHARED);
			check_no_mmap(EINVAL, device, info->offset + size, PAGE, MAP_SHARED);
			check_no_mmap(EINVAL, device, info->offset + (1ull << 39), PAGE,
				      MAP_SHARED);
			if (size)
				check_no_mmap(EINVAL, device, info->offset + size - PAGE, 2 * PAGE,
					      MAP_SHARED);
			if (!(info->flags & VFIO_REGION_INFO_FLAG_MMAP))
				check_no_mmap(EINVAL, device, info->offset, PAGE, MAP_SHARED);
			free(info);
		}
		for (uint64_t r = VFIO_PCI_VGA_REGION_INDEX; r < 12; r++)
			check_no_mmap(EINVAL, device, r << 40, PAGE, MAP_SHARED);
		vfio_close(device);
	}
}

TEST(mapping_is_copied_by_fork_and_gone_after_munmap)
{
	struct vfio_device *edu = open_loaded("edu0");
	volatile uint32_t *page = vfio_mmap(edu, 0, 0, PAGE, PROT_READ | PROT_WRITE);
	int status;
	pid_t child;

	CHECK_EQ(page[EDU_ID / 4], 0x010000ed);
	child = CHECK_OK(fork());
	if (!child) {
		page[EDU_LIVENESS / 4] = 1;
		_exit(page[EDU_LIVENESS / 4] == ~1u && page[EDU_ID / 4] == 0x010000ed ? 0 : 1);
	}
	CHECK_OK(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
	CHECK_EQ(page[EDU_LIVENESS / 4], ~1u);
	CHECK_OK(munmap((void *)page, PAGE));
	CHECK_EQ(vfio_read(edu, 0, EDU_ID, 4), 0x010000ed);
}

TEST(mapping_does_not_grow)
{
	struct vfio_device *edu = open_loaded("edu0");
	volatile uint32_t *page = vfio_mmap(edu, 0, 0, PAGE, PROT_READ | PROT_WRITE);

	CHECK_EQ(page[EDU_ID / 4], 0x010000ed);
	CHECK_ERRNO(EFAULT, (long)mremap((void *)page, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	CHECK_EQ(page[EDU_ID / 4], 0x010000ed);
}

/* The kernel's driver of 6.1 does not know a mapping that was moved. */
TEST_OURS(mapping_that_was_moved_is_taken_away_too)
{
	struct vfio_device *edu = open_loaded("edu0");
	volatile uint32_t *page = vfio_mmap(edu, 0, 0, PAGE, PROT_READ | PROT_WRITE), *moved;

	CHECK_EQ(page[EDU_ID / 4], 0x010000ed);
	moved = mremap((void *)page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	CHECK(moved != MAP_FAILED);
	CHECK_EQ(moved[EDU_ID / 4], 0x010000ed);
	cfg_command(edu, 0, PCI_COMMAND_MEMORY);
	CHECK(faults(moved));
	cfg_command(edu, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(moved[EDU_ID / 4], 0x010000ed);
	CHECK_OK(munmap((void *)moved, PAGE));
}

TEST(middle_of_a_mapping_can_be_unmapped)
{
	struct vfio_device *vga = open_loaded("vga0");
	volatile uint8_t *memory = vfio_mmap(vga, VGA_FRAMEBUFFER, 0, 16 * PAGE,
					     PROT_READ | PROT_WRITE);

	memory[0] = 1;
	memory[15 * PAGE] = 2;
	CHECK_OK(munmap((void *)(memory + 4 * PAGE), 4 * PAGE));
	CHECK_EQ(memory[0], 1);
	CHECK_EQ(memory[15 * PAGE], 2);
	cfg_command(vga, 0, PCI_COMMAND_MEMORY);
	CHECK(faults(memory));
	CHECK(faults(memory + 15 * PAGE));
	cfg_command(vga, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(memory[0], 1);
	CHECK_EQ(memory[15 * PAGE], 2);
	/* The part behind the hole is still that part. */
	vfio_write(vga, VGA_FRAMEBUFFER, 9 * PAGE + 3, 0x99, 1);
	CHECK_EQ(memory[9 * PAGE + 3], 0x99);
}

TEST(mapping_outlives_the_device_descriptor)
{
	struct vfio_device *edu = open_loaded("edu0");
	volatile uint32_t *page = vfio_mmap(edu, 0, 0, PAGE, PROT_READ | PROT_WRITE);

	close(edu->fd);
	edu->fd = -1;
	CHECK_EQ(page[EDU_ID / 4], 0x010000ed);
	CHECK_OK(munmap((void *)page, PAGE));
}

/* When mappings are taken away */

TEST(mappings_fault_while_memory_decoding_is_off)
{
	struct vfio_device *nic = open_loaded("nic0");
	volatile uint32_t *pages[2];

	pages[0] = vfio_mmap(nic, 0, 0, PAGE, PROT_READ | PROT_WRITE);
	pages[1] = vfio_mmap(nic, 3, 0, PAGE, PROT_READ | PROT_WRITE);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 2; i++)
			CHECK(!faults(pages[i]));
		/* This process touches it, too, so that there is a page to take away. */
		CHECK_NE(pages[0][2], 0xffffffff);
		cfg_command(nic, 0, PCI_COMMAND_MEMORY);
		for (int i = 0; i < 2; i++)
			CHECK(faults(pages[i]));
		cfg_command(nic, PCI_COMMAND_MEMORY, 0);
		CHECK_NE(pages[0][2], 0xffffffff);
	}
}

TEST(mapping_made_while_decoding_is_off_works_when_it_is_on)
{
	struct vfio_device *edu = open_loaded("edu0");
	volatile uint32_t *page;

	cfg_command(edu, 0, PCI_COMMAND_MEMORY);
	page = vfio_mmap(edu, 0, 0, PAGE, PROT_READ | PROT_WRITE);
	CHECK(page != MAP_FAILED);
	CHECK(faults(page));
	cfg_command(edu, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(page[EDU_ID / 4], 0x010000ed);
}

TEST(mapping_works_again_after_a_reset)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	volatile uint32_t *page = vfio_mmap(nvme, 0, 0, PAGE, PROT_READ | PROT_WRITE);
	uint32_t version = page[NVME_VERSION / 4];

	CHECK_EQ(version, 0x00010400);
	for (int round = 0; round < 2; round++) {
		vfio_reset(nvme);
		CHECK_EQ(page[NVME_VERSION / 4], version);
	}
}

static volatile bool stop;

struct reader {
	volatile uint32_t *page;
	int pause_ms;
	long bad;
	pthread_t thread;
};

static void *read_all_the_time(void *data)
{
	struct reader *reader = data;

	while (!stop) {
		if (reader->page[NVME_VERSION / 4] != 0x00010400)
			reader->bad++;
		if (reader->pause_ms)
			pause_ms(reader->pause_ms);
	}
	return NULL;
}

/* The second thread reads at any time what a page fault of the first one has mapped. */
TEST(readers_of_a_mapping_never_see_a_reset)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	volatile uint32_t *page = vfio_mmap(nvme, 0, 0, PAGE, PROT_READ);
	struct reader readers[] = { { .page = page }, { .page = page, .pause_ms = 1 } };

	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&readers[i].thread, NULL, read_all_the_time, &readers[i]),
			 0);
	for (int round = 0; round < 5; round++)
		vfio_reset(nvme);
	stop = true;
	for (int i = 0; i < 2; i++) {
		pthread_join(readers[i].thread, NULL);
		CHECK_EQ(readers[i].bad, 0);
	}
}

/* A mapping as the buffer of a read or write: the kernel faults on it while it copies. */

TEST(mapping_of_the_same_device_can_be_a_buffer)
{
	struct vfio_device *vga = open_loaded("vga0");
	uint8_t *memory;

	for (int round = 0; round < 2; round++) {
		memory = vfio_mmap(vga, VGA_FRAMEBUFFER, 0x10000, 16 * PAGE,
				   PROT_READ | PROT_WRITE);
		CHECK(memory != MAP_FAILED);
		vfio_write(vga, VGA_FRAMEBUFFER, 0x1000, 0x44332211, 4);
		CHECK_EQ(vfio_read_try(vga, VGA_FRAMEBUFFER, 0x1000, memory, PAGE), PAGE);
		CHECK_EQ(vfio_read(vga, VGA_FRAMEBUFFER, 0x10000, 4), 0x44332211);
		CHECK_EQ(vfio_write_try(vga, VGA_FRAMEBUFFER, 0x3000, memory, 64), 64);
		CHECK_EQ(vfio_read(vga, VGA_FRAMEBUFFER, 0x3000, 4), 0x44332211);
		CHECK_EQ(vfio_read_try(vga, VFIO_PCI_CONFIG_REGION_INDEX, 0, memory + PAGE, 64),
			 64);
		CHECK_EQ(*(uint32_t *)(memory + PAGE), cfg32(vga, PCI_VENDOR_ID));
		CHECK_EQ(vfio_read_try(vga, VFIO_PCI_ROM_REGION_INDEX, 0, memory + 2 * PAGE, PAGE),
			 PAGE);
		CHECK_EQ(memory[2 * PAGE], 0x55);
		CHECK_OK(munmap(memory, 16 * PAGE));
	}
}

TEST(mapping_of_another_device_can_be_a_buffer)
{
	struct vfio_device *vga, *other;
	uint32_t *memory, *others;

	driver_load("disable_idle_d3=1");
	vga = open_with_memory("vga0");
	other = open_with_memory("vga1");
	memory = vfio_mmap(vga, VGA_FRAMEBUFFER, 0, 4 * PAGE, PROT_READ | PROT_WRITE);
	others = vfio_mmap(other, VGA_FRAMEBUFFER, 0, 4 * PAGE, PROT_READ | PROT_WRITE);
	vfio_write(vga, VGA_FRAMEBUFFER, 0x8000, 0x12345678, 4);
	CHECK_EQ(vfio_read_try(vga, VGA_FRAMEBUFFER, 0x8000, others, 4), 4);
	CHECK_EQ(vfio_read_try(other, VGA_FRAMEBUFFER, 0, memory, 4), 4);
	CHECK_EQ(vfio_read(vga, VGA_FRAMEBUFFER, 0, 4), 0x12345678);
}

/* COMMAND written from a buffer in the mapping that the write takes away. */
TEST(decoding_can_be_switched_off_from_a_buffer_in_the_mapping)
{
	struct vfio_device *vga = open_loaded("vga0");
	uint16_t *memory = vfio_mmap(vga, VGA_FRAMEBUFFER, 0, PAGE, PROT_READ | PROT_WRITE);

	memory[0] = 0;
	CHECK_EQ(vfio_write_try(vga, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, memory, 2), 2);
	CHECK(faults(memory));
	/* With decoding off the buffer is bad memory, and nothing hangs. */
	CHECK_ERR(EFAULT, vfio_write_try(vga, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, memory,
					 2));
	CHECK_ERR(EFAULT, vfio_read_try(vga, VFIO_PCI_CONFIG_REGION_INDEX, 0, memory, 4));
	cfg_command(vga, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(memory[0], 0);
}

/* ROM */

/* The ROM through sysfs, while no driver has the function. */
static size_t sysfs_rom(const char *bdf, uint8_t *bytes, size_t size)
{
	char path[128];
	ssize_t got;
	int fd;

	pci_unbind(bdf);
	pci_attr_set(bdf, "enable", "1");
	pci_attr_set(bdf, "rom", "1");
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/rom", bdf);
	fd = CHECK_OK(open(path, O_RDONLY));
	got = CHECK_OK(pread(fd, bytes, size, 0));
	close(fd);
	pci_attr_set(bdf, "rom", "0");
	pci_attr_set(bdf, "enable", "0");
	return got;
}

TEST(rom_reads_as_through_sysfs)
{
	static const char * const ids[] = { "nic0", "vga0" };
	static uint8_t expected[0x40000], read[0x40000];

	driver_load("disable_idle_d3=1");
	for (int i = 0; i < 2; i++) {
		size_t size = sysfs_rom(vm_bdf(ids[i]), expected, PAGE);
		struct vfio_device *device = open_with_memory(ids[i]);

		CHECK_GT(size, 512);
		CHECK_EQ(vfio_read_try(device, VFIO_PCI_ROM_REGION_INDEX, 0, read, size), size);
		CHECK_MEM(read, expected, size);
		for (unsigned int at = 0; at < 64; at++) {
			uint8_t few[5];

			CHECK_EQ(vfio_read_try(device, VFIO_PCI_ROM_REGION_INDEX, at, few, 5), 5);
			CHECK_MEM(few, expected + at, 5);
		}
		/* The rest of the region can be read as well. */
		size = vfio_region_size(device, VFIO_PCI_ROM_REGION_INDEX);
		CHECK_EQ(vfio_read_try(device, VFIO_PCI_ROM_REGION_INDEX, 0, read, size), size);
		CHECK_MEM(read, expected, 512);
		vfio_close(device);
	}
}

TEST(rom_is_read_only_and_reading_it_leaves_its_decoder_off)
{
	struct vfio_device *nic = open_loaded("nic0");
	uint32_t value, rom = real_cfg(nic->bdf, PCI_ROM_ADDRESS, 4);

	CHECK_EQ(vfio_read_try(nic, VFIO_PCI_ROM_REGION_INDEX, 0, &value, 4), 4);
	CHECK_EQ(value & 0xffff, 0xaa55);
	CHECK_EQ(real_cfg(nic->bdf, PCI_ROM_ADDRESS, 4), rom);
	CHECK_ERR(EINVAL, vfio_write_try(nic, VFIO_PCI_ROM_REGION_INDEX, 0, &value, 4));
}

/* The kernel's driver fails then, for some functions with ENOMEM. */
TEST_OURS(rom_can_be_read_while_the_client_has_decoding_off)
{
	struct vfio_device *nic = open_loaded("nic0");
	uint16_t value;

	cfg_command(nic, 0, PCI_COMMAND_MEMORY);
	CHECK_EQ(vfio_read_try(nic, VFIO_PCI_ROM_REGION_INDEX, 0, &value, 2), 2);
	CHECK_EQ(value, 0xaa55);
	CHECK_EQ(real_cfg(nic->bdf, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY, 0);
	CHECK_ERR(EIO, vfio_read_try(nic, 0, 0, &value, 2));
}

/* VGA legacy ranges */

TEST(vga_region_is_there_for_vga_devices_only)
{
	struct vfio_device *vga, *edu;

	driver_load("disable_idle_d3=1");
	vga = open_with_memory("vga0");
	edu = open_with_memory("edu0");
	CHECK_EQ(vfio_region_size(vga, VFIO_PCI_VGA_REGION_INDEX), 0xc0000);
	CHECK_EQ(region_flags(vga, VFIO_PCI_VGA_REGION_INDEX), RW);
	CHECK_ERR(EINVAL, vfio_region_try(edu, VFIO_PCI_VGA_REGION_INDEX, NULL));
}

TEST(vga_accesses_are_cut_at_the_end_of_a_legacy_range)
{
	static const struct {
		uint64_t offset;
		size_t size;
		ssize_t expected;
	} accesses[] = {
		{ 0, 1, -EINVAL }, { 0x3af, 1, -EINVAL }, { 0x3af, 2, -EINVAL },
		{ 0x3b0, 12, 12 }, { 0x3b0, 13, 12 }, { 0x3bb, 2, 1 }, { 0x3bc, 4, -EINVAL },
		{ 0x3bf, 2, -EINVAL }, { 0x3c0, 32, 32 }, { 0x3c0, 33, 32 }, { 0x3df, 2, 1 },
		{ 0x3e0, 1, -EINVAL }, { 0x9ffff, 2, -EINVAL }, { 0xa0000, 4, 4 },
		{ 0xa0001, 3, 3 }, { 0xbfffc, 8, 4 }, { 0xbffff, 1, 1 }, { 0xc0000, 1, -EINVAL },
		{ 0xc0000, 0, 0 },
	};
	struct vfio_device *vga = open_loaded("vga0");
	uint8_t bytes[64];

	for (size_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
		test_note("%zu bytes at %#llx", accesses[i].size,
			  (unsigned long long)accesses[i].offset);
		CHECK_EQ(vfio_read_try(vga, VFIO_PCI_VGA_REGION_INDEX, accesses[i].offset, bytes,
				       accesses[i].size), accesses[i].expected);
	}
	check_no_mmap(EINVAL, vga, (uint64_t)VFIO_PCI_VGA_REGION_INDEX << 40, PAGE, MAP_SHARED);
}

/* Each of the two has registers and memory of its own behind the same addresses. */
TEST(two_vga_devices_do_not_share_their_legacy_ranges)
{
	struct vfio_device *vga[2];

	driver_load("disable_idle_d3=1");
	vga[0] = open_with_memory("vga0");
	vga[1] = open_with_memory("vga1");
	for (int i = 0; i < 2; i++) {
		/* Graphics controller index: a register that is written and read at 0x3ce. */
		vfio_write(vga[i], VFIO_PCI_VGA_REGION_INDEX, 0x3ce, i + 4, 1);
		vfio_write(vga[i], VFIO_PCI_VGA_REGION_INDEX, 0x3c4, i + 1, 1);
	}
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 2; i++) {
			CHECK_EQ(vfio_read(vga[i], VFIO_PCI_VGA_REGION_INDEX, 0x3ce, 1), i + 4);
			CHECK_EQ(vfio_read(vga[i], VFIO_PCI_VGA_REGION_INDEX, 0x3c4, 1), i + 1);
		}
}

TEST(with_disable_vga_there_is_no_vga_region)
{
	struct vfio_device *vga;
	uint32_t value;

	driver_load("disable_vga=1 disable_idle_d3=1");
	vga = open_with_memory("vga0");
	CHECK_ERR(EINVAL, vfio_region_try(vga, VFIO_PCI_VGA_REGION_INDEX, NULL));
	CHECK_ERRNO(EINVAL, pread(vga->fd, &value, 1,
				  ((uint64_t)VFIO_PCI_VGA_REGION_INDEX << 40) + 0x3c0));
	/* The client still has the frame buffer. */
	CHECK_EQ(vfio_read_try(vga, VGA_FRAMEBUFFER, 0, &value, 4), 4);
}
