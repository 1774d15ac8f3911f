// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration space as a client sees and writes it.
 *
 * The kernel does not handle AER, so that injected errors stay in the registers.
 *
 * vm-machine: virtio
 * vm-drivers: ours kernel
 * vm-modules: nvme
 * vm-cmdline: pci=noaer
 */
#include <glob.h>

#include "vmtest.h"

#define CONFIG VFIO_PCI_CONFIG_REGION_INDEX

/* Registers of the NVMe controller in BAR 0, NVMe 1.4, 3.1. */
#define NVME_CAP	0x00
#define NVME_CC		0x14
#define NVME_CSTS	0x1c
#define NVME_AQA	0x24
#define NVME_ASQ	0x28
#define NVME_ACQ	0x30
#define NVME_CC_ON	0x00460001	/* 64 and 16 byte entries, enabled */

/* One of each kind: MSI alone, FLR and MSI-X, ROM and ports and AER, nothing, VGA. */
static const char * const kinds[] = { "edu0", "nvme1", "nic0", "testdev0", "vga0" };

#define FOR_EACH_KIND(id)								\
	for (size_t id##_n = 0; id##_n < sizeof(kinds) / sizeof(kinds[0]); id##_n++)	\
		for (const char *id = kinds[id##_n]; id; id = NULL)

static struct vfio_device *open_loaded(const char *id)
{
	driver_load("disable_idle_d3=1");
	return vfio_bind_and_open(vm_bdf(id));
}

/* The whole configuration space in one read. */
struct view {
	size_t size;
	uint8_t bytes[PCI_CFG_SPACE_EXP_SIZE];
};

static struct view read_view(struct vfio_device *device)
{
	struct vfio_region_info *info = vfio_region(device, CONFIG);
	struct view view = { .size = info->size };

	CHECK_EQ(vfio_read_try(device, CONFIG, 0, view.bytes, view.size), view.size);
	free(info);
	return view;
}

static uint32_t view_dword(const struct view *view, unsigned int offset)
{
	uint32_t value;

	memcpy(&value, view->bytes + offset, sizeof(value));
	return value;
}

static void check_same_view(struct vfio_device *device, const struct view *before)
{
	struct view now = read_view(device);

	for (unsigned int at = 0; at < now.size; at += 4)
		if (view_dword(&now, at) != view_dword(before, at))
			FAIL("%s: the dword at %#x was %#x and is %#x", device->bdf, at,
			     view_dword(before, at), view_dword(&now, at));
}

/* Reads and writes of any size and place */

TEST(reads_of_every_width_and_alignment_agree)
{
	static const size_t widths[] = { 1, 2, 3, 4, 8, 13 };

	driver_load("disable_idle_d3=1");
	FOR_EACH_KIND(id) {
		struct vfio_device *device = vfio_bind_and_open(vm_bdf(id));
		struct view view = read_view(device);
		struct vfio_region_info *info = vfio_region(device, CONFIG);

		for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
			for (unsigned int at = 0; at + widths[i] <= view.size; at++) {
				uint8_t bytes[13];

				CHECK_EQ(pread(device->fd, bytes, widths[i], info->offset + at),
					 widths[i]);
				if (memcmp(bytes, view.bytes + at, widths[i]))
					FAIL("%s: %zu bytes at %#x differ", id, widths[i], at);
			}
		free(info);
		vfio_close(device);
	}
}

TEST(accesses_across_the_end_fail_whole_and_change_nothing)
{
	driver_load("disable_idle_d3=1");
	FOR_EACH_KIND(id) {
		struct vfio_device *device = vfio_bind_and_open(vm_bdf(id));
		struct view view = read_view(device);
		uint8_t bytes[sizeof(view.bytes) + 1], untouched[sizeof(bytes)];

		memset(bytes, 0x5a, sizeof(bytes));
		memset(untouched, 0x5a, sizeof(untouched));
		for (size_t width = 2; width <= 8; width++) {
			unsigned int at = view.size - width + 1;

			CHECK_ERR(EFAULT, vfio_read_try(device, CONFIG, at, bytes, width));
			CHECK_ERR(EFAULT, vfio_write_try(device, CONFIG, at, bytes, width));
		}
		CHECK_ERR(EFAULT, vfio_read_try(device, CONFIG, view.size, bytes, 1));
		CHECK_ERR(EFAULT, vfio_write_try(device, CONFIG, view.size, bytes, 1));
		CHECK_ERR(EFAULT, vfio_read_try(device, CONFIG, view.size + 4096, bytes, 4));
		CHECK_ERR(EFAULT, vfio_read_try(device, CONFIG, 0, bytes, view.size + 1));
		CHECK_ERR(EFAULT, vfio_write_try(device, CONFIG, 0, bytes, view.size + 1));
		CHECK_MEM(bytes, untouched, sizeof(bytes));
		check_same_view(device, &view);
		vfio_close(device);
	}
}

TEST(accesses_of_nothing_succeed)
{
	struct vfio_device *nvme = open_loaded("nvme1");

	CHECK_EQ(vfio_read_try(nvme, CONFIG, 0, NULL, 0), 0);
	CHECK_EQ(vfio_write_try(nvme, CONFIG, 0, NULL, 0), 0);
	CHECK_EQ(vfio_read_try(nvme, CONFIG, 4096, NULL, 0), 0);
}

/* The cache line size and the latency timer are the client's, and without any effect here. */
TEST(bytes_written_in_one_write_land_where_single_ones_do)
{
	struct vfio_device *nvme = open_loaded("nvme1");

	cfg_set32(nvme, PCI_CACHE_LINE_SIZE, 0x00000010);
	CHECK_EQ(cfg8(nvme, PCI_CACHE_LINE_SIZE), 0x10);
	cfg_set8(nvme, PCI_CACHE_LINE_SIZE, 0x08);
	CHECK_EQ(cfg32(nvme, PCI_CACHE_LINE_SIZE) & 0xff, 0x08);
	cfg_set8(nvme, PCI_INTERRUPT_LINE, 5);
	cfg_set16(nvme, PCI_INTERRUPT_LINE, 0xff07);
	CHECK_EQ(cfg8(nvme, PCI_INTERRUPT_LINE), 7);
	CHECK_EQ(cfg8(nvme, PCI_INTERRUPT_PIN), 1);
}

TEST(a_write_over_many_registers_is_each_registers_write)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	struct view view = read_view(nvme);
	uint8_t bytes[PCI_STD_HEADER_SIZEOF];

	memcpy(bytes, view.bytes, sizeof(bytes));
	bytes[PCI_VENDOR_ID] = 0xaa;
	bytes[PCI_COMMAND] = PCI_COMMAND_MASTER;
	bytes[PCI_CACHE_LINE_SIZE] = 4;
	memset(bytes + PCI_BASE_ADDRESS_0, 0xff, 4);
	bytes[PCI_INTERRUPT_LINE] = 9;
	CHECK_EQ(vfio_write_try(nvme, CONFIG, 0, bytes, sizeof(bytes)), sizeof(bytes));
	CHECK_EQ(cfg32(nvme, PCI_VENDOR_ID), view_dword(&view, PCI_VENDOR_ID));
	CHECK_EQ(cfg8(nvme, PCI_COMMAND), PCI_COMMAND_MASTER);
	CHECK_EQ(cfg8(nvme, PCI_CACHE_LINE_SIZE), 4);
	CHECK_EQ(cfg32(nvme, PCI_BASE_ADDRESS_0), 0xffffc004);
	CHECK_EQ(cfg8(nvme, PCI_INTERRUPT_LINE), 9);
}

TEST(read_only_registers_keep_their_values)
{
	static const struct {
		unsigned int offset;
		size_t width;
	} registers[] = {
		{ PCI_VENDOR_ID, 4 }, { PCI_CLASS_REVISION, 4 }, { PCI_HEADER_TYPE, 1 },
		{ PCI_BIST, 1 }, { PCI_SUBSYSTEM_VENDOR_ID, 4 }, { PCI_CAPABILITY_LIST, 4 },
		{ PCI_INTERRUPT_PIN, 1 }, { PCI_MIN_GNT, 2 }, { PCI_CARDBUS_CIS, 4 },
	};

	driver_load("disable_idle_d3=1");
	FOR_EACH_KIND(id) {
		struct vfio_device *device = vfio_bind_and_open(vm_bdf(id));
		struct view view = read_view(device);

		for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
			vfio_write(device, CONFIG, registers[i].offset, ~0u, registers[i].width);
			check_same_view(device, &view);
			vfio_write(device, CONFIG, registers[i].offset, 0, registers[i].width);
			check_same_view(device, &view);
		}
		vfio_close(device);
	}
}

TEST(ids_are_the_hardwares)
{
	driver_load("disable_idle_d3=1");
	FOR_EACH_KIND(id) {
		struct vfio_device *device = vfio_bind_and_open(vm_bdf(id));

		CHECK_EQ(cfg32(device, PCI_VENDOR_ID), real_cfg(device->bdf, PCI_VENDOR_ID, 4));
		CHECK_EQ(cfg32(device, PCI_CLASS_REVISION),
			 real_cfg(device->bdf, PCI_CLASS_REVISION, 4));
		CHECK_EQ(cfg32(device, PCI_SUBSYSTEM_VENDOR_ID),
			 real_cfg(device->bdf, PCI_SUBSYSTEM_VENDOR_ID, 4));
		vfio_close(device);
	}
}

/* BARs: virtual, sized as in hardware */

static void check_real_bars(const char *bdf, const uint32_t *bars)
{
	for (int i = 0; i < 6; i++)
		CHECK_EQ(real_cfg(bdf, PCI_BASE_ADDRESS_0 + i * 4, 4), bars[i]);
	CHECK_EQ(real_cfg(bdf, PCI_ROM_ADDRESS, 4) & PCI_ROM_ADDRESS_MASK, bars[6]);
}

static void save_real_bars(const char *bdf, uint32_t *bars)
{
	for (int i = 0; i < 6; i++)
		bars[i] = real_cfg(bdf, PCI_BASE_ADDRESS_0 + i * 4, 4);
	bars[6] = real_cfg(bdf, PCI_ROM_ADDRESS, 4) & PCI_ROM_ADDRESS_MASK;
}

static uint64_t region_size(struct vfio_device *device, unsigned int index)
{
	struct vfio_region_info *info = vfio_region(device, index);
	uint64_t size = info->size;

	free(info);
	return size;
}

/* As firmware does it: write ones, read back, write the address. Returns the BAR's dwords. */
static int size_bar(struct vfio_device *device, int bar)
{
	unsigned int at = PCI_BASE_ADDRESS_0 + bar * 4;
	uint32_t old = cfg32(device, at), old_high = 0, low, high = ~0u;
	bool is_io = old & PCI_BASE_ADDRESS_SPACE_IO;
	uint32_t flags = is_io ? 3 : 0xf;
	int dwords = !is_io && old & PCI_BASE_ADDRESS_MEM_TYPE_64 ? 2 : 1;

	cfg_set32(device, at, ~0u);
	low = cfg32(device, at);
	if (dwords == 2) {
		old_high = cfg32(device, at + 4);
		cfg_set32(device, at + 4, ~0u);
		high = cfg32(device, at + 4);
	}
	if (region_size(device, bar)) {
		uint64_t mask = (uint64_t)high << 32 | (low & ~flags);

		CHECK_EQ(~mask + 1, region_size(device, bar));
		CHECK_EQ(low & flags, old & flags);
	} else {
		CHECK_EQ(low, 0);
	}
	cfg_set32(device, at, old);
	CHECK_EQ(cfg32(device, at), old);
	if (dwords == 2) {
		cfg_set32(device, at + 4, old_high);
		CHECK_EQ(cfg32(device, at + 4), old_high);
	}
	return dwords;
}

TEST(bars_are_sized_and_put_back_and_hardware_keeps_its_own)
{
	driver_load("disable_idle_d3=1");
	FOR_EACH_KIND(id) {
		struct vfio_device *device = vfio_bind_and_open(vm_bdf(id));
		uint32_t bars[7];

		save_real_bars(device->bdf, bars);
		for (int bar = 0; bar < 6;)
			bar += size_bar(device, bar);
		check_real_bars(device->bdf, bars);
		vfio_close(device);
	}
}

TEST(rom_bar_is_sized_with_an_enable_bit_of_its_own)
{
	static const char * const ids[] = { "nic0", "vga0" };

	driver_load("disable_idle_d3=1");
	for (int i = 0; i < 2; i++) {
		struct vfio_device *device = vfio_bind_and_open(vm_bdf(ids[i]));
		uint32_t old = cfg32(device, PCI_ROM_ADDRESS);
		uint32_t size = region_size(device, VFIO_PCI_ROM_REGION_INDEX);
		/* Read after the size: for that the kernel may have written the ROM's address. */
		uint32_t real = real_cfg(device->bdf, PCI_ROM_ADDRESS, 4);

		CHECK_GT(size, 0);
		CHECK_EQ(old & PCI_ROM_ADDRESS_ENABLE, 0);
		cfg_set32(device, PCI_ROM_ADDRESS, PCI_ROM_ADDRESS_MASK);
		CHECK_EQ(cfg32(device, PCI_ROM_ADDRESS), (uint32_t)-size);
		cfg_set32(device, PCI_ROM_ADDRESS, old | PCI_ROM_ADDRESS_ENABLE);
		CHECK_EQ(cfg32(device, PCI_ROM_ADDRESS), old | PCI_ROM_ADDRESS_ENABLE);
		CHECK_EQ(real_cfg(device->bdf, PCI_ROM_ADDRESS, 4), real);
		cfg_set32(device, PCI_ROM_ADDRESS, old);
		CHECK_EQ(cfg32(device, PCI_ROM_ADDRESS), old);
		vfio_close(device);
	}
}

TEST(function_without_a_rom_has_no_rom_bar)
{
	struct vfio_device *nvme = open_loaded("nvme1");

	CHECK_EQ(region_size(nvme, VFIO_PCI_ROM_REGION_INDEX), 0);
	cfg_set32(nvme, PCI_ROM_ADDRESS, ~0u);
	CHECK_EQ(cfg32(nvme, PCI_ROM_ADDRESS), 0);
}

TEST(bar_that_the_client_moved_is_still_the_same_registers)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	uint64_t capabilities;

	cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
	capabilities = vfio_read(nvme, 0, NVME_CAP, 8);
	cfg_set8(nvme, PCI_BASE_ADDRESS_0 + 3, 0x12);
	cfg_set16(nvme, PCI_BASE_ADDRESS_0 + 1, 0x3480);
	CHECK_EQ(cfg32(nvme, PCI_BASE_ADDRESS_0) & ~0xff000fu, 0x12008000 & ~0xff000fu);
	cfg_command(nvme, 0, PCI_COMMAND_MEMORY);
	cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(vfio_read(nvme, 0, NVME_CAP, 8), capabilities);
}

/* A client that resets the function through its own registers loses hardware's BARs. */
TEST(bars_lost_in_hardware_are_back_when_decoding_is_switched_on)
{
	static const char * const ids[] = { "nvme1", "nic0" };

	driver_load("disable_idle_d3=1");
	for (int i = 0; i < 2; i++) {
		struct vfio_device *device = vfio_bind_and_open(vm_bdf(ids[i]));
		uint32_t bars[7], value;

		save_real_bars(device->bdf, bars);
		cfg_command(device, 0, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
		for (int bar = 0; bar < 4; bar++)
			real_cfg_set(device->bdf, PCI_BASE_ADDRESS_0 + bar * 4, 0, 4);
		cfg_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_IO, 0);
		check_real_bars(device->bdf, bars);
		value = vfio_read(device, 0, 8, 4);
		CHECK_NE(value, 0xffffffff);
		vfio_close(device);
	}
}

/* COMMAND */

TEST(memory_decoding_switches_bar_access)
{
	static const char * const ids[] = { "edu0", "nvme1", "nic0", "testdev0", "vga0" };

	driver_load("disable_idle_d3=1");
	for (int i = 0; i < 5; i++) {
		struct vfio_device *device = vfio_bind_and_open(vm_bdf(ids[i]));
		uint32_t value = 0;

		for (int round = 0; round < 2; round++) {
			cfg_command(device, PCI_COMMAND_MEMORY, 0);
			CHECK(real_cfg(device->bdf, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
			CHECK_EQ(vfio_read_try(device, 0, 0, &value, 4), 4);
			cfg_command(device, 0, PCI_COMMAND_MEMORY);
			CHECK_EQ(real_cfg(device->bdf, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY, 0);
			CHECK_EQ(cfg16(device, PCI_COMMAND) & PCI_COMMAND_MEMORY, 0);
			CHECK_ERR(EIO, vfio_read_try(device, 0, 0, &value, 4));
			CHECK_ERR(EIO, vfio_write_try(device, 0, 0, &value, 4));
		}
		vfio_close(device);
	}
}

/* Some firmware writes COMMAND a byte or a dword at a time. */
TEST(memory_decoding_is_switched_by_writes_of_every_width)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	uint32_t value;

	for (size_t width = 1; width <= 4; width *= 2) {
		vfio_write(nvme, CONFIG, PCI_COMMAND, 0, width);
		CHECK_ERR(EIO, vfio_read_try(nvme, 0, 0, &value, 4));
		vfio_write(nvme, CONFIG, PCI_COMMAND, PCI_COMMAND_MEMORY, width);
		CHECK_EQ(vfio_read_try(nvme, 0, 0, &value, 4), 4);
		/* The upper half of COMMAND does not change it. */
		vfio_write(nvme, CONFIG, PCI_COMMAND + 1, 0, 1);
		CHECK_EQ(vfio_read_try(nvme, 0, 0, &value, 4), 4);
	}
}

TEST(bus_mastering_and_error_bits_reach_the_hardware)
{
	static const uint16_t bits[] = {
		PCI_COMMAND_MASTER, PCI_COMMAND_SERR, PCI_COMMAND_MASTER | PCI_COMMAND_SERR, 0,
	};
	struct vfio_device *nvme = open_loaded("nvme1");
	const uint16_t all = PCI_COMMAND_MASTER | PCI_COMMAND_SERR;

	for (int i = 0; i < 4; i++) {
		cfg_command(nvme, bits[i], all);
		CHECK_EQ(cfg16(nvme, PCI_COMMAND) & all, bits[i]);
		CHECK_EQ(real_cfg(nvme->bdf, PCI_COMMAND, 2) & all, bits[i]);
	}
}

TEST(function_opens_without_bus_mastering)
{
	driver_load("disable_idle_d3=1");
	FOR_EACH_KIND(id) {
		struct vfio_device *device;

		pci_bind(vm_bdf(id), VFIO_PCI);
		for (int round = 0; round < 2; round++) {
			device = vfio_open(vm_bdf(id));
			CHECK_EQ(cfg16(device, PCI_COMMAND) & PCI_COMMAND_MASTER, 0);
			CHECK_EQ(real_cfg(device->bdf, PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
			cfg_command(device, PCI_COMMAND_MASTER, 0);
			vfio_close(device);
			CHECK_EQ(real_cfg(vm_bdf(id), PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
		}
	}
}

TEST(intx_disable_bit_is_the_clients_own)
{
	struct vfio_device *edu = open_loaded("edu0");

	CHECK_EQ(cfg16(edu, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE, 0);
	cfg_command(edu, PCI_COMMAND_INTX_DISABLE, 0);
	CHECK(cfg16(edu, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE);
	cfg_command(edu, 0, PCI_COMMAND_INTX_DISABLE);
	CHECK_EQ(cfg16(edu, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE, 0);
}

TEST(reserved_command_bits_stay_zero)
{
	struct vfio_device *nvme = open_loaded("nvme1");

	cfg_set16(nvme, PCI_COMMAND, 0xffff);
	CHECK_EQ(cfg16(nvme, PCI_COMMAND) & 0xf800, 0);
	CHECK_EQ(real_cfg(nvme->bdf, PCI_COMMAND, 2) & 0xf800, 0);
}

/* STATUS, device status and AER: bits that a write of one clears */

/* An error in the registers of a function that reports all of them. */
static struct vfio_device *open_with_error(void)
{
	struct vfio_device *rng = open_loaded("rng0");

	cfg_command(rng, PCI_COMMAND_SERR, 0);
	cfg_set16(rng, cfg_cap(rng, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_CERE |
		  PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE);
	vm_aer("rng0", "COMP_TIME");
	return rng;
}

TEST(aer_status_is_cleared_by_ones_and_by_nothing_else)
{
	struct vfio_device *rng = open_with_error();
	unsigned int status = cfg_ext_cap(rng, PCI_EXT_CAP_ID_ERR) + PCI_ERR_UNCOR_STATUS;

	CHECK_EQ(cfg32(rng, status), PCI_ERR_UNC_COMP_TIME);
	cfg_set32(rng, status, 0);
	cfg_set32(rng, status, ~PCI_ERR_UNC_COMP_TIME);
	CHECK_EQ(cfg32(rng, status), PCI_ERR_UNC_COMP_TIME);
	cfg_set8(rng, status + 1, PCI_ERR_UNC_COMP_TIME >> 8);
	CHECK_EQ(cfg32(rng, status), 0);
}

/* Under the kernel's driver a client cannot clear these. */
TEST_OURS(error_status_is_cleared_by_ones_and_by_nothing_else)
{
	struct vfio_device *rng = open_with_error();
	unsigned int exp = cfg_cap(rng, PCI_CAP_ID_EXP);

	cfg_set32(rng, cfg_ext_cap(rng, PCI_EXT_CAP_ID_ERR) + PCI_ERR_UNCOR_STATUS, ~0u);
	CHECK(cfg16(rng, PCI_STATUS) & PCI_STATUS_SIG_SYSTEM_ERROR);
	CHECK(cfg16(rng, exp + PCI_EXP_DEVSTA) & PCI_EXP_DEVSTA_NFED);

	cfg_set16(rng, PCI_STATUS, 0);
	cfg_set16(rng, exp + PCI_EXP_DEVSTA, 0);
	/* A write to the other half of the dword must not clear it either. */
	cfg_set16(rng, PCI_COMMAND, cfg16(rng, PCI_COMMAND));
	cfg_set16(rng, exp + PCI_EXP_DEVCTL, cfg16(rng, exp + PCI_EXP_DEVCTL));
	cfg_set8(rng, exp + PCI_EXP_DEVCTL, 0);
	CHECK(cfg16(rng, PCI_STATUS) & PCI_STATUS_SIG_SYSTEM_ERROR);
	CHECK(cfg16(rng, exp + PCI_EXP_DEVSTA) & PCI_EXP_DEVSTA_NFED);

	cfg_set16(rng, PCI_STATUS, PCI_STATUS_SIG_SYSTEM_ERROR);
	cfg_set16(rng, exp + PCI_EXP_DEVSTA, PCI_EXP_DEVSTA_NFED);
	CHECK_EQ(cfg16(rng, PCI_STATUS) & PCI_STATUS_SIG_SYSTEM_ERROR, 0);
	CHECK_EQ(real_cfg(rng->bdf, PCI_STATUS, 2) & PCI_STATUS_SIG_SYSTEM_ERROR, 0);
	CHECK_EQ(cfg16(rng, exp + PCI_EXP_DEVSTA) & PCI_EXP_DEVSTA_NFED, 0);
	CHECK_EQ(real_cfg(rng->bdf, exp + PCI_EXP_DEVSTA, 2) & PCI_EXP_DEVSTA_NFED, 0);
}

/* The capability lists */

static void check_standard_list(struct vfio_device *device)
{
	unsigned int at = cfg8(device, PCI_CAPABILITY_LIST);
	unsigned int real = real_cfg(device->bdf, PCI_CAPABILITY_LIST, 1);
	int count = 0;

	/* What is left of hardware's list, in its order. */
	while (at) {
		CHECK_LT(count++, 48);
		while (real && real != at)
			real = real_cfg(device->bdf, real + PCI_CAP_LIST_NEXT, 1);
		CHECK_EQ(real, at);
		CHECK_EQ(cfg8(device, at + PCI_CAP_LIST_ID), real_cfg(device->bdf, at, 1));
		at = cfg8(device, at + PCI_CAP_LIST_NEXT);
	}
}

static void check_extended_list(struct vfio_device *device)
{
	unsigned int at = PCI_CFG_SPACE_SIZE;
	int count = 0;

	while (at && cfg32(device, at)) {
		uint32_t header = cfg32(device, at);

		CHECK_GE(at, PCI_CFG_SPACE_SIZE);
		CHECK_LT(count++, 480);
		if (PCI_EXT_CAP_ID(header))
			CHECK_EQ(header & 0xfffff, real_cfg(device->bdf, at, 4) & 0xfffff);
		CHECK(PCI_EXT_CAP_NEXT(header) == 0 || PCI_EXT_CAP_NEXT(header) > at);
		at = PCI_EXT_CAP_NEXT(header);
	}
}

static void check_lists(const char *id)
{
	struct vfio_device *device = vfio_bind_and_open(vm_bdf(id));

	check_standard_list(device);
	if (region_size(device, CONFIG) > PCI_CFG_SPACE_SIZE)
		check_extended_list(device);
	vfio_close(device);
}

TEST(capability_lists_are_whole_and_hold_the_hardwares_capabilities)
{
	driver_load("disable_idle_d3=1");
	FOR_EACH_KIND(id)
		check_lists(id);
	check_lists("rng0");
	check_lists("nvme0");
}

TEST(capabilities_that_a_client_needs_are_there)
{
	struct vfio_device *nvme, *nic;

	driver_load("disable_idle_d3=1");
	nvme = vfio_bind_and_open(vm_bdf("nvme1"));
	nic = vfio_bind_and_open(vm_bdf("nic0"));
	CHECK_NE(cfg_cap(nvme, PCI_CAP_ID_PM), 0);
	CHECK_NE(cfg_cap(nvme, PCI_CAP_ID_EXP), 0);
	CHECK_NE(cfg_cap(nvme, PCI_CAP_ID_MSIX), 0);
	CHECK_NE(cfg_cap(nic, PCI_CAP_ID_MSI), 0);
	CHECK_NE(cfg_ext_cap(nic, PCI_EXT_CAP_ID_ERR), 0);
	CHECK_NE(cfg_ext_cap(nic, PCI_EXT_CAP_ID_DSN), 0);
}

/* Power management */

static unsigned int pm_control(struct vfio_device *device)
{
	unsigned int cap = cfg_cap(device, PCI_CAP_ID_PM);

	CHECK_NE(cap, 0);
	return cap + PCI_PM_CTRL;
}

TEST(power_state_is_switched_by_writes_of_every_width)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	unsigned int control = pm_control(nvme);

	for (size_t width = 1; width <= 4; width *= 2) {
		vfio_write(nvme, CONFIG, control, 3, width);
		CHECK_EQ(cfg16(nvme, control) & PCI_PM_CTRL_STATE_MASK, 3);
		CHECK_EQ(real_cfg(nvme->bdf, control, 2) & PCI_PM_CTRL_STATE_MASK, 3);
		vfio_write(nvme, CONFIG, control + 1, 0, 1);
		CHECK_EQ(cfg16(nvme, control) & PCI_PM_CTRL_STATE_MASK, 3);
		vfio_write(nvme, CONFIG, control, 0, width);
		CHECK_EQ(cfg16(nvme, control) & PCI_PM_CTRL_STATE_MASK, 0);
		CHECK_EQ(real_cfg(nvme->bdf, control, 2) & PCI_PM_CTRL_STATE_MASK, 0);
	}
}

TEST(power_state_that_the_function_does_not_have_is_not_entered)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	unsigned int control = pm_control(nvme);

	CHECK_EQ(cfg16(nvme, control - PCI_PM_CTRL + PCI_PM_PMC) &
		 (PCI_PM_CAP_D1 | PCI_PM_CAP_D2), 0);
	for (unsigned int state = 1; state <= 2; state++) {
		cfg_set16(nvme, control, state);
		CHECK_EQ(cfg16(nvme, control) & PCI_PM_CTRL_STATE_MASK, 0);
		CHECK_EQ(real_cfg(nvme->bdf, control, 2) & PCI_PM_CTRL_STATE_MASK, 0);
	}
}

TEST(configuration_written_in_d0_is_there_after_d3hot)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	unsigned int control = pm_control(nvme);
	uint32_t bars[7];

	save_real_bars(nvme->bdf, bars);
	cfg_command(nvme, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	cfg_set8(nvme, PCI_INTERRUPT_LINE, 3);
	cfg_set16(nvme, control, 3);
	cfg_set16(nvme, control, 0);
	CHECK(cfg16(nvme, PCI_COMMAND) & PCI_COMMAND_MASTER);
	CHECK_EQ(cfg8(nvme, PCI_INTERRUPT_LINE), 3);
	check_real_bars(nvme->bdf, bars);
}

/* MSI and MSI-X */

TEST(msi_is_enabled_only_while_it_is_set_up)
{
	struct vfio_device *edu = open_loaded("edu0");
	unsigned int flags = cfg_cap(edu, PCI_CAP_ID_MSI) + PCI_MSI_FLAGS;

	CHECK_NE(flags, PCI_MSI_FLAGS);
	cfg_set16(edu, flags, PCI_MSI_FLAGS_ENABLE);
	CHECK_EQ(cfg16(edu, flags) & PCI_MSI_FLAGS_ENABLE, 0);
	CHECK_EQ(real_cfg(edu->bdf, flags, 2) & PCI_MSI_FLAGS_ENABLE, 0);
	vfio_irq_eventfd(edu, VFIO_PCI_MSI_IRQ_INDEX, 0, event_new());
	CHECK(real_cfg(edu->bdf, flags, 2) & PCI_MSI_FLAGS_ENABLE);
	for (int round = 0; round < 2; round++) {
		cfg_set16(edu, flags, PCI_MSI_FLAGS_ENABLE);
		CHECK(cfg16(edu, flags) & PCI_MSI_FLAGS_ENABLE);
		CHECK(real_cfg(edu->bdf, flags, 2) & PCI_MSI_FLAGS_ENABLE);
		cfg_set16(edu, flags, 0);
		CHECK_EQ(cfg16(edu, flags) & PCI_MSI_FLAGS_ENABLE, 0);
		CHECK_EQ(real_cfg(edu->bdf, flags, 2) & PCI_MSI_FLAGS_ENABLE, 0);
	}
	cfg_set16(edu, flags, PCI_MSI_FLAGS_ENABLE);
	vfio_irq_disable(edu, VFIO_PCI_MSI_IRQ_INDEX);
	CHECK_EQ(real_cfg(edu->bdf, flags, 2) & PCI_MSI_FLAGS_ENABLE, 0);
}

TEST(msi_address_and_data_are_the_clients_own)
{
	struct vfio_device *edu = open_loaded("edu0");
	unsigned int msi = cfg_cap(edu, PCI_CAP_ID_MSI);
	uint32_t address, high, data;
	int event = event_new();

	CHECK(cfg16(edu, msi + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_64BIT);
	vfio_irq_eventfd(edu, VFIO_PCI_MSI_IRQ_INDEX, 0, event);
	address = real_cfg(edu->bdf, msi + PCI_MSI_ADDRESS_LO, 4);
	high = real_cfg(edu->bdf, msi + PCI_MSI_ADDRESS_HI, 4);
	data = real_cfg(edu->bdf, msi + PCI_MSI_DATA_64, 2);
	cfg_set32(edu, msi + PCI_MSI_ADDRESS_LO, 0xfee12340);
	cfg_set32(edu, msi + PCI_MSI_ADDRESS_HI, 0x12345678);
	cfg_set16(edu, msi + PCI_MSI_DATA_64, 0x4321);
	cfg_set16(edu, msi + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE);
	CHECK_EQ(cfg32(edu, msi + PCI_MSI_ADDRESS_LO), 0xfee12340);
	CHECK_EQ(cfg32(edu, msi + PCI_MSI_ADDRESS_HI), 0x12345678);
	CHECK_EQ(cfg16(edu, msi + PCI_MSI_DATA_64), 0x4321);
	CHECK_EQ(real_cfg(edu->bdf, msi + PCI_MSI_ADDRESS_LO, 4), address);
	CHECK_EQ(real_cfg(edu->bdf, msi + PCI_MSI_ADDRESS_HI, 4), high);
	CHECK_EQ(real_cfg(edu->bdf, msi + PCI_MSI_DATA_64, 2), data);
}

TEST(msi_vectors_are_limited_to_what_the_function_has)
{
	struct vfio_device *edu = open_loaded("edu0");
	unsigned int flags = cfg_cap(edu, PCI_CAP_ID_MSI) + PCI_MSI_FLAGS;

	CHECK_EQ(cfg16(edu, flags) & PCI_MSI_FLAGS_QMASK, 0);
	cfg_set16(edu, flags, PCI_MSI_FLAGS_QSIZE);
	CHECK_EQ(cfg16(edu, flags) & PCI_MSI_FLAGS_QSIZE, 0);
	CHECK_EQ(vfio_irq_info(edu, VFIO_PCI_MSI_IRQ_INDEX).count, 1);
}

/* The kernel's driver lets the client write them. */
TEST_OURS(msi_capability_bits_are_read_only)
{
	struct vfio_device *edu = open_loaded("edu0");
	unsigned int flags = cfg_cap(edu, PCI_CAP_ID_MSI) + PCI_MSI_FLAGS;

	cfg_set16(edu, flags, 0xffff);
	CHECK_EQ(cfg16(edu, flags), PCI_MSI_FLAGS_64BIT);
	cfg_set16(edu, flags, 0);
	CHECK_EQ(cfg16(edu, flags), PCI_MSI_FLAGS_64BIT);
	CHECK_EQ(vfio_irq_info(edu, VFIO_PCI_MSI_IRQ_INDEX).count, 1);
}

TEST(msix_registers_are_read_only)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	unsigned int msix = cfg_cap(nvme, PCI_CAP_ID_MSIX);
	struct view view = read_view(nvme);

	CHECK_NE(msix, 0);
	for (unsigned int at = msix + PCI_MSIX_FLAGS; at < msix + PCI_CAP_MSIX_SIZEOF; at += 2) {
		cfg_set16(nvme, at, 0xffff);
		cfg_set16(nvme, at, 0);
	}
	check_same_view(nvme, &view);
	CHECK_EQ(real_cfg(nvme->bdf, msix + PCI_MSIX_FLAGS, 2) &
		 (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL), 0);
}

TEST(msix_flags_show_what_hardware_has)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	unsigned int flags = cfg_cap(nvme, PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS;

	vfio_irq_eventfd(nvme, VFIO_PCI_MSIX_IRQ_INDEX, 0, event_new());
	CHECK(cfg16(nvme, flags) & PCI_MSIX_FLAGS_ENABLE);
	cfg_set16(nvme, flags, 0);
	CHECK(real_cfg(nvme->bdf, flags, 2) & PCI_MSIX_FLAGS_ENABLE);
	vfio_irq_disable(nvme, VFIO_PCI_MSIX_IRQ_INDEX);
	CHECK_EQ(cfg16(nvme, flags) & PCI_MSIX_FLAGS_ENABLE, 0);
}

/* PCI Express device control */

static unsigned int device_control(struct vfio_device *device)
{
	unsigned int cap = cfg_cap(device, PCI_CAP_ID_EXP);

	CHECK_NE(cap, 0);
	return cap + PCI_EXP_DEVCTL;
}

/* Switch the controller on, without giving it anything to do. */
static void start_controller(struct vfio_device *nvme)
{
	cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
	vfio_write(nvme, 0, NVME_AQA, 0x000f000f, 4);
	vfio_write(nvme, 0, NVME_ASQ, 0x100000, 4);
	vfio_write(nvme, 0, NVME_ASQ + 4, 0, 4);
	vfio_write(nvme, 0, NVME_ACQ, 0x101000, 4);
	vfio_write(nvme, 0, NVME_ACQ + 4, 0, 4);
	vfio_write(nvme, 0, NVME_CC, NVME_CC_ON, 4);
	CHECK(WAIT_UNTIL(vfio_read(nvme, 0, NVME_CSTS, 4) == 1, 10000));
}

TEST(flr_bit_resets_the_function_and_keeps_configuration)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	unsigned int control = device_control(nvme);
	uint16_t command;
	uint32_t bars[7];

	save_real_bars(nvme->bdf, bars);
	for (size_t width = 1; width <= 4; width *= 2) {
		start_controller(nvme);
		command = cfg16(nvme, PCI_COMMAND);
		if (width == 1)
			cfg_set8(nvme, control + 1, PCI_EXP_DEVCTL_BCR_FLR >> 8);
		else
			vfio_write(nvme, CONFIG, control, PCI_EXP_DEVCTL_BCR_FLR, width);
		CHECK_EQ(cfg16(nvme, control) & PCI_EXP_DEVCTL_BCR_FLR, 0);
		CHECK_EQ(cfg16(nvme, PCI_COMMAND), command);
		check_real_bars(nvme->bdf, bars);
		CHECK_EQ(vfio_read(nvme, 0, NVME_CC, 4), 0);
		CHECK_EQ(vfio_read(nvme, 0, NVME_CSTS, 4) & 1, 0);
	}
}

TEST(flr_bit_of_a_function_without_flr_does_nothing)
{
	struct vfio_device *nic = open_loaded("nic0");
	unsigned int control = device_control(nic);

	if (cfg32(nic, control - PCI_EXP_DEVCTL + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR)
		FAIL("nic0 has FLR, take another function");
	cfg_set16(nic, control, PCI_EXP_DEVCTL_BCR_FLR);
	CHECK_EQ(cfg16(nic, control) & PCI_EXP_DEVCTL_BCR_FLR, 0);
	CHECK_EQ(real_cfg(nic->bdf, control, 2) & PCI_EXP_DEVCTL_BCR_FLR, 0);
}

TEST(payload_size_is_virtual)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	unsigned int control = device_control(nvme);
	uint16_t real = real_cfg(nvme->bdf, control, 2);

	for (unsigned int size = 0; size < 8; size++) {
		cfg_set16(nvme, control, size << 5);
		CHECK_EQ((cfg16(nvme, control) & PCI_EXP_DEVCTL_PAYLOAD) >> 5, size);
		CHECK_EQ(real_cfg(nvme->bdf, control, 2) & PCI_EXP_DEVCTL_PAYLOAD,
			 real & PCI_EXP_DEVCTL_PAYLOAD);
	}
}

TEST(read_request_size_is_kept_and_never_above_the_specifications)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	unsigned int control = device_control(nvme);

	for (unsigned int size = 0; size < 8; size++) {
		uint16_t real;

		cfg_set16(nvme, control, size << 12);
		CHECK_EQ((cfg16(nvme, control) & PCI_EXP_DEVCTL_READRQ) >> 12, size);
		real = (real_cfg(nvme->bdf, control, 2) & PCI_EXP_DEVCTL_READRQ) >> 12;
		CHECK_LE(real, 5);
	}
}

TEST(error_reporting_bits_reach_the_hardware)
{
	struct vfio_device *rng = open_loaded("rng0");
	unsigned int control = device_control(rng);

	for (unsigned int bits = 0; bits < 16; bits++) {
		cfg_set16(rng, control, bits);
		CHECK_EQ(cfg16(rng, control) & 0xf, bits);
		CHECK_EQ(real_cfg(rng->bdf, control, 2) & 0xf, bits);
	}
}

TEST(link_control_is_the_hosts)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	unsigned int exp = cfg_cap(nvme, PCI_CAP_ID_EXP);
	uint16_t real = real_cfg(nvme->bdf, exp + PCI_EXP_LNKCTL, 2);
	uint16_t real2 = real_cfg(nvme->bdf, exp + PCI_EXP_LNKCTL2, 2);

	cfg_set16(nvme, exp + PCI_EXP_LNKCTL, 0xffff);
	cfg_set16(nvme, exp + PCI_EXP_LNKCTL2, 0xffff);
	CHECK_EQ(real_cfg(nvme->bdf, exp + PCI_EXP_LNKCTL, 2), real);
	CHECK_EQ(real_cfg(nvme->bdf, exp + PCI_EXP_LNKCTL2, 2), real2);
}

TEST(sriov_capability_is_read_only)
{
	struct vfio_device *pf = open_loaded("nvme0");
	unsigned int sriov = cfg_ext_cap(pf, PCI_EXT_CAP_ID_SRIOV);
	struct view view = read_view(pf);

	CHECK_NE(sriov, 0);
	for (unsigned int at = sriov; at < sriov + PCI_EXT_CAP_SRIOV_SIZEOF; at += 4) {
		cfg_set32(pf, at, ~0u);
		cfg_set32(pf, at, 0);
	}
	check_same_view(pf, &view);
}

/* VFs */

static bool controller_lives(const char *bdf)
{
	char pattern[128], *state = NULL;
	bool lives = false;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "/sys/bus/pci/devices/%s/nvme/nvme*/state", bdf);
	if (!glob(pattern, 0, NULL, &found)) {
		state = file_read_try(found.gl_pathv[0]);
		lives = state && !strcmp(state, "live");
	}
	globfree(&found);
	free(state);
	return lives;
}

/* Makes a VF of a PF that the nvme driver has finished starting. */
static const char *make_vf(void)
{
	const char *pf = vm_bdf("nvme0");

	/* The nvme driver takes neither by itself when it is loaded. */
	pci_attr_set(pf, "driver_override", "none");
	pci_attr_set(vm_bdf("nvme1"), "driver_override", "none");
	module_load("base", "nvme", NULL);
	pci_bind(pf, "nvme");
	CHECK(WAIT_UNTIL(controller_lives(pf), 60000));
	pci_set_vfs(pf, 1);
	return pci_vf(pf, 0);
}

CLEAN_UP {
	const char *pf = vm_bdf("nvme0");

	if (!strcmp(pci_driver(pf), "nvme")) {
		pci_set_vfs_try(pf, 0);
		pci_unbind(pf);
	}
}

TEST(vf_shows_its_ids_and_memory_decoding_that_cannot_be_switched_off)
{
	const char *bdf = make_vf();
	struct vfio_device *vf;
	uint32_t value;

	driver_load("disable_idle_d3=1");
	vf = vfio_bind_and_open(bdf);
	CHECK_EQ(real_cfg(bdf, PCI_VENDOR_ID, 4), 0xffffffff);
	CHECK_EQ(cfg16(vf, PCI_VENDOR_ID), pci_attr_number(bdf, "vendor"));
	CHECK_EQ(cfg16(vf, PCI_DEVICE_ID), pci_attr_number(bdf, "device"));
	CHECK_EQ(cfg32(vf, PCI_CLASS_REVISION), real_cfg(bdf, PCI_CLASS_REVISION, 4));
	CHECK(cfg16(vf, PCI_COMMAND) & PCI_COMMAND_MEMORY);
	cfg_command(vf, 0, PCI_COMMAND_MEMORY);
	CHECK_EQ(vfio_read_try(vf, 0, NVME_CAP, &value, 4), 4);
	cfg_command(vf, PCI_COMMAND_MASTER, 0);
	CHECK(real_cfg(bdf, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	CHECK_EQ(cfg8(vf, PCI_INTERRUPT_PIN), 0);
}

TEST(vf_bars_are_sized_though_hardware_has_none)
{
	const char *bdf = make_vf();
	struct vfio_device *vf;

	driver_load("disable_idle_d3=1");
	vf = vfio_bind_and_open(bdf);
	CHECK_EQ(real_cfg(bdf, PCI_BASE_ADDRESS_0, 4), 0);
	CHECK_GT(region_size(vf, 0), 0);
	CHECK_EQ(cfg32(vf, PCI_BASE_ADDRESS_0) & PCI_BASE_ADDRESS_MEM_TYPE_64,
		 PCI_BASE_ADDRESS_MEM_TYPE_64);
	for (int bar = 0; bar < 6;)
		bar += size_bar(vf, bar);
	CHECK_EQ(real_cfg(bdf, PCI_BASE_ADDRESS_0, 4), 0);
}

/* Beside the kernel's driver, register by register */

static void load_driver_of(bool ours)
{
	module_load("base", "vfio_iommu_type1", NULL);
	if (ours)
		module_load("ours", "vfio_latch", NULL);
	else
		module_load("kernel", "vfio_pci_core", NULL);
	module_load(ours ? "ours" : "kernel", "vfio_pci", "disable_idle_d3=1");
}

static void unload_driver_of(bool ours)
{
	module_unload("vfio_pci");
	module_unload(ours ? "vfio_latch" : "vfio_pci_core");
}

/* What is different on purpose; offsets in the header, or in the capability with this id. */
static const struct difference {
	uint8_t cap;
	uint16_t offset;
	uint32_t mask;
	const char *why;
} differences[] = {
	{ 0, PCI_COMMAND, PCI_COMMAND_IO, "ports are decoded only where there are any" },
	{ PCI_CAP_ID_MSI, 0, 0x01fe0000,
	  "what the function can, and whether it can do 64 bits, is not the client's to write" },
	{ PCI_CAP_ID_MSI, PCI_MSI_ADDRESS_LO, 3, "the address is one of dwords" },
};

static uint32_t intended_difference(struct vfio_device *device, unsigned int at)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++) {
		const struct difference *d = &differences[i];
		unsigned int base = d->cap ? real_cfg_cap(device->bdf, d->cap) : 0;

		if ((base || !d->cap) && base + d->offset == at)
			mask |= d->mask;
	}
	return mask;
}

/* Registers in which a write does more than store bits. */
static bool acts(struct vfio_device *device, unsigned int at)
{
	return at == real_cfg_cap(device->bdf, PCI_CAP_ID_PM) + PCI_PM_CTRL ||
	       at == real_cfg_cap(device->bdf, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
}

/* All of the machine's capabilities lie below; then come registers of the functions' own. */
#define CAPABILITIES_END 0x200

struct written {
	struct view fresh, ones, zeros;
};

static void write_everywhere(const char *bdf, bool ours, struct written *result)
{
	struct vfio_device *device;

	load_driver_of(ours);
	device = vfio_bind_and_open(bdf);
	result->fresh = read_view(device);
	result->ones = result->fresh;
	result->zeros = result->fresh;
	for (unsigned int at = 0; at < result->fresh.size && at < CAPABILITIES_END; at += 4) {
		uint32_t value;

		if (acts(device, at))
			continue;
		cfg_set32(device, at, ~0u);
		value = cfg32(device, at);
		memcpy(result->ones.bytes + at, &value, 4);
		cfg_set32(device, at, 0);
		value = cfg32(device, at);
		memcpy(result->zeros.bytes + at, &value, 4);
		cfg_set32(device, at, view_dword(&result->fresh, at));
	}
	vfio_close(device);
	pci_unbind(bdf);
	unload_driver_of(ours);
}

static void compare_views(struct vfio_device *device, const char *what, const struct view *ours,
			  const struct view *kernels)
{
	CHECK_EQ(ours->size, kernels->size);
	for (unsigned int at = 0; at < ours->size; at += 4) {
		uint32_t a = view_dword(ours, at), b = view_dword(kernels, at);

		if ((a ^ b) & ~intended_difference(device, at))
			FAIL("%s at %#x, %s: %#x, the kernel's driver has %#x", device->bdf, at,
			     what, a, b);
	}
}

static void compare_with_the_kernels(const char *bdf)
{
	static struct written ours, kernels;
	struct vfio_device device = { .fd = -1 };

	write_everywhere(bdf, false, &kernels);
	write_everywhere(bdf, true, &ours);
	snprintf(device.bdf, sizeof(device.bdf), "%s", bdf);
	compare_views(&device, "at open", &ours.fresh, &kernels.fresh);
	compare_views(&device, "ones written", &ours.ones, &kernels.ones);
	compare_views(&device, "zeros written", &ours.zeros, &kernels.zeros);
}

TEST_OURS(every_register_reads_and_is_written_as_under_the_kernels_driver)
{
	FOR_EACH_KIND(id)
		compare_with_the_kernels(vm_bdf(id));
	compare_with_the_kernels(vm_bdf("nvme0"));
	compare_with_the_kernels(vm_bdf("rng0"));
}

TEST_OURS(every_register_of_a_vf_reads_and_is_written_as_under_the_kernels_driver)
{
	compare_with_the_kernels(make_vf());
}

/* Any value written anywhere */

static void check_function_works(struct vfio_device *device)
{
	struct vfio_irq_info msix = vfio_irq_info(device, VFIO_PCI_MSIX_IRQ_INDEX);
	unsigned int index = msix.count ? VFIO_PCI_MSIX_IRQ_INDEX : VFIO_PCI_MSI_IRQ_INDEX;
	unsigned int bar = 0;
	uint32_t value;
	int event;

	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	while (!region_size(device, bar))
		bar++;
	CHECK_EQ(vfio_read_try(device, bar, 0, &value, 4), 4);
	if (!vfio_irq_info(device, index).count)
		return;
	event = event_new();
	vfio_irq_eventfd(device, index, 0, event);
	vfio_irq_loopback(device, index, 0);
	CHECK_EQ(event_wait(event, 10000), 1);
	vfio_irq_disable(device, index);
	close(event);
}

/* The root port above a function, whose address sysfs has in the path. */
static uint32_t bridge_register(const char *bdf, unsigned int offset, size_t size)
{
	char path[128], link[512], *end;
	ssize_t length;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bdf);
	length = CHECK_OK(readlink(path, link, sizeof(link) - 1));
	link[length] = 0;
	end = strrchr(link, '/');
	CHECK(end);
	*end = 0;
	return real_cfg(strrchr(link, '/') + 1, offset, size);
}

static void overwrite(struct vfio_device *device, size_t width, uint32_t value)
{
	size_t size = region_size(device, CONFIG);

	for (unsigned int at = 0; at + width <= size; at += width)
		vfio_write(device, CONFIG, at, value, width);
}

TEST(ones_and_zeros_everywhere_leave_function_and_host_whole)
{
	driver_load("disable_idle_d3=1");
	FOR_EACH_KIND(id) {
		struct vfio_device *device;
		uint32_t window, command, bars[7];
		struct view fresh;

		/* The very first client may still see what firmware switched on. */
		vfio_close(vfio_bind_and_open(vm_bdf(id)));
		device = vfio_open(vm_bdf(id));
		fresh = read_view(device);
		save_real_bars(device->bdf, bars);
		window = bridge_register(device->bdf, PCI_MEMORY_BASE, 4);
		command = bridge_register(device->bdf, PCI_COMMAND, 2);
		for (size_t width = 1; width <= 4; width *= 2) {
			overwrite(device, width, ~0u);
			overwrite(device, width, 0);
			check_real_bars(device->bdf, bars);
		}
		check_function_works(device);
		CHECK_EQ(bridge_register(device->bdf, PCI_MEMORY_BASE, 4), window);
		CHECK_EQ(bridge_register(device->bdf, PCI_COMMAND, 2), command);
		vfio_close(device);
		/* The next client does not see any of the writes. */
		device = vfio_open(vm_bdf(id));
		check_same_view(device, &fresh);
		check_real_bars(device->bdf, bars);
		check_function_works(device);
		vfio_close(device);
	}
}
