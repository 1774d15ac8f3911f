// SPDX-License-Identifier: GPL-2.0-only
/*
 * BARs in configuration space: virtual, sized as in hardware.
 *
 * vm-machine: virtio
 * vm-drivers: ours kernel
 */
#include "config_space.h"
#include "nvme.h"
#include "vmtest.h"

TEST(bars_are_sized_and_put_back_and_hardware_keeps_its_own)
{
	driver_load("disable_idle_d3=1");
	FOR_EACH_KIND(id) {
		struct vfio_device *device = vfio_bind_and_open(vm_bdf(id));
		uint32_t bars[REAL_BARS];

		real_bars_save(device->bdf, bars);
		for (int bar = 0; bar < 6;)
			bar += config_size_bar(device, bar);
		real_bars_check(device->bdf, bars);
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
		uint32_t size = vfio_region_size(device, VFIO_PCI_ROM_REGION_INDEX);
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
	struct vfio_device *nvme = config_open("nvme1");

	CHECK_EQ(vfio_region_size(nvme, VFIO_PCI_ROM_REGION_INDEX), 0);
	cfg_set32(nvme, PCI_ROM_ADDRESS, ~0u);
	CHECK_EQ(cfg32(nvme, PCI_ROM_ADDRESS), 0);
}

TEST(bar_that_the_client_moved_is_still_the_same_registers)
{
	struct vfio_device *nvme = config_open("nvme1");
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
		uint32_t bars[REAL_BARS], value;

		real_bars_save(device->bdf, bars);
		cfg_command(device, 0, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
		for (int bar = 0; bar < 4; bar++)
			real_cfg_set(device->bdf, PCI_BASE_ADDRESS_0 + bar * 4, 0, 4);
		cfg_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_IO, 0);
		real_bars_check(device->bdf, bars);
		value = vfio_read(device, 0, 8, 4);
		CHECK_NE(value, 0xffffffff);
		vfio_close(device);
	}
}
