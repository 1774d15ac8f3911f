// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration space as a client sees and writes it: accesses, the header, errors.
 *
 * The kernel does not handle AER, so that injected errors stay in the registers.
 *
 * vm-machine: virtio
 * vm-drivers: ours kernel
 * vm-cmdline: pci=noaer
 */
#include "config_space.h"
#include "vmtest.h"

#define CONFIG VFIO_PCI_CONFIG_REGION_INDEX

/* Reads and writes of any size and place */

TEST(reads_of_every_width_and_alignment_agree)
{
	static const size_t widths[] = { 1, 2, 3, 4, 8, 13 };

	driver_load("disable_idle_d3=1");
	FOR_EACH_KIND(id) {
		struct vfio_device *device = vfio_bind_and_open(vm_bdf(id));
		struct config_view view = config_view_read(device);
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
		struct config_view view = config_view_read(device);
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
		config_view_check_same(device, &view);
		vfio_close(device);
	}
}

TEST(accesses_of_nothing_succeed)
{
	struct vfio_device *nvme = config_open("nvme1");

	CHECK_EQ(vfio_read_try(nvme, CONFIG, 0, NULL, 0), 0);
	CHECK_EQ(vfio_write_try(nvme, CONFIG, 0, NULL, 0), 0);
	CHECK_EQ(vfio_read_try(nvme, CONFIG, 4096, NULL, 0), 0);
}

/* The cache line size and the latency timer are the client's, and without any effect here. */
TEST(bytes_written_in_one_write_land_where_single_ones_do)
{
	struct vfio_device *nvme = config_open("nvme1");

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
	struct vfio_device *nvme = config_open("nvme1");
	struct config_view view = config_view_read(nvme);
	uint8_t bytes[PCI_STD_HEADER_SIZEOF];

	memcpy(bytes, view.bytes, sizeof(bytes));
	bytes[PCI_VENDOR_ID] = 0xaa;
	bytes[PCI_COMMAND] = PCI_COMMAND_MASTER;
	bytes[PCI_CACHE_LINE_SIZE] = 4;
	memset(bytes + PCI_BASE_ADDRESS_0, 0xff, 4);
	bytes[PCI_INTERRUPT_LINE] = 9;
	CHECK_EQ(vfio_write_try(nvme, CONFIG, 0, bytes, sizeof(bytes)), sizeof(bytes));
	CHECK_EQ(cfg32(nvme, PCI_VENDOR_ID), config_view_dword(&view, PCI_VENDOR_ID));
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
		struct config_view view = config_view_read(device);

		for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
			vfio_write(device, CONFIG, registers[i].offset, ~0u, registers[i].width);
			config_view_check_same(device, &view);
			vfio_write(device, CONFIG, registers[i].offset, 0, registers[i].width);
			config_view_check_same(device, &view);
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
	struct vfio_device *nvme = config_open("nvme1");
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
	struct vfio_device *nvme = config_open("nvme1");
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
	struct vfio_device *edu = config_open("edu0");

	CHECK_EQ(cfg16(edu, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE, 0);
	cfg_command(edu, PCI_COMMAND_INTX_DISABLE, 0);
	CHECK(cfg16(edu, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE);
	cfg_command(edu, 0, PCI_COMMAND_INTX_DISABLE);
	CHECK_EQ(cfg16(edu, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE, 0);
}

TEST(reserved_command_bits_stay_zero)
{
	struct vfio_device *nvme = config_open("nvme1");

	cfg_set16(nvme, PCI_COMMAND, 0xffff);
	CHECK_EQ(cfg16(nvme, PCI_COMMAND) & 0xf800, 0);
	CHECK_EQ(real_cfg(nvme->bdf, PCI_COMMAND, 2) & 0xf800, 0);
}

/* STATUS, device status and AER: bits that a write of one clears */

/* An error in the registers of a function that reports all of them. */
static struct vfio_device *open_with_error(void)
{
	struct vfio_device *rng = config_open("rng0");

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
