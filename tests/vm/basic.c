// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shortest way through everything: bind, open, look, move data, close.
 *
 * vm-machine: default
 * vm-drivers: ours kernel
 */
#include "vmtest.h"

/* Registers of QEMU's edu device: docs/specs/edu.txt */
#define EDU_ID		0x00
#define EDU_LIVENESS	0x04
#define EDU_IRQ_RAISE	0x60
#define EDU_IRQ_ACK	0x64
#define EDU_DMA_SRC	0x80
#define EDU_DMA_DST	0x88
#define EDU_DMA_COUNT	0x90
#define EDU_DMA_COMMAND	0x98
#define EDU_DMA_RUN	1
#define EDU_DMA_TO_RAM	2
#define EDU_BUFFER	0x40000

TEST(bound_function_opens_and_shows_its_config_space)
{
	const char *bdf = vm_bdf("edu0");
	struct vfio_device *edu;

	driver_load(NULL);
	edu = vfio_bind_and_open(bdf);
	CHECK(edu->info.flags & VFIO_DEVICE_FLAGS_PCI);
	CHECK_EQ(cfg32(edu, PCI_VENDOR_ID), 0x11e81234);
	CHECK_EQ(cfg8(edu, cfg_cap(edu, PCI_CAP_ID_MSI)), PCI_CAP_ID_MSI);
	vfio_close(edu);
}

TEST(bar_reads_and_writes_reach_the_device)
{
	struct vfio_device *edu;

	driver_load(NULL);
	edu = vfio_bind_and_open(vm_bdf("edu0"));
	cfg_command(edu, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(vfio_read(edu, 0, EDU_ID, 4), 0x010000edu);
	vfio_write(edu, 0, EDU_LIVENESS, 0x12345678, 4);
	CHECK_EQ(vfio_read(edu, 0, EDU_LIVENESS, 4), 0xedcba987u);
}

TEST(msi_reaches_its_eventfd)
{
	struct vfio_device *edu;
	int event = event_new();

	driver_load(NULL);
	edu = vfio_bind_and_open(vm_bdf("edu0"));
	cfg_command(edu, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	vfio_irq_eventfd(edu, VFIO_PCI_MSI_IRQ_INDEX, 0, event);
	vfio_write(edu, 0, EDU_IRQ_RAISE, 1, 4);
	CHECK_EQ(event_wait(event, 5000), 1);
	vfio_write(edu, 0, EDU_IRQ_ACK, 1, 4);
}

TEST(dma_moves_data_through_the_iommu)
{
	/* The device takes less than a whole page at a time. */
	const size_t size = 2048;
	const uint64_t from = 0x100000, to = 0x200000;
	struct vfio_device *edu;
	char *source, *target;

	driver_load(NULL);
	edu = vfio_bind_and_open(vm_bdf("edu0"));
	source = vfio_dma_alloc(edu, from, 4096);
	target = vfio_dma_alloc(edu, to, 4096);
	for (int i = 0; i < (int)size; i++)
		source[i] = i * 7;
	cfg_command(edu, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);

	vfio_write(edu, 0, EDU_DMA_SRC, from, 8);
	vfio_write(edu, 0, EDU_DMA_DST, EDU_BUFFER, 8);
	vfio_write(edu, 0, EDU_DMA_COUNT, size, 8);
	vfio_write(edu, 0, EDU_DMA_COMMAND, EDU_DMA_RUN, 8);
	CHECK(WAIT_UNTIL(!(vfio_read(edu, 0, EDU_DMA_COMMAND, 8) & EDU_DMA_RUN), 10000));
	vfio_write(edu, 0, EDU_DMA_SRC, EDU_BUFFER, 8);
	vfio_write(edu, 0, EDU_DMA_DST, to, 8);
	vfio_write(edu, 0, EDU_DMA_COMMAND, EDU_DMA_RUN | EDU_DMA_TO_RAM, 8);
	CHECK(WAIT_UNTIL(!(vfio_read(edu, 0, EDU_DMA_COMMAND, 8) & EDU_DMA_RUN), 10000));
	CHECK_MEM(source, target, size);
}

TEST(every_device_of_the_machine_binds_and_opens)
{
	static const char * const ids[] = {
		"edu0", "edu1", "nvme0", "nvme1", "nic0", "testdev0", "vga0", "vga1",
	};

	driver_load(NULL);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		vfio_close(vfio_bind_and_open(vm_bdf(ids[i])));
}

/* Tools read registers of functions that are not open; gpu-admin-tools does so at each boot. */
static uint32_t register_through_sysfs(const char *bdf, unsigned int bar, unsigned int at)
{
	uint32_t command = real_cfg(bdf, PCI_COMMAND, 2), value;
	volatile uint32_t *page;

	real_cfg_set(bdf, PCI_COMMAND, command | PCI_COMMAND_MEMORY, 2);
	page = pci_map_bar(bdf, bar, 0, 4096);
	value = page[at / 4];
	CHECK_EQ(munmap((void *)page, 4096), 0);
	real_cfg_set(bdf, PCI_COMMAND, command, 2);
	return value;
}

TEST(registers_of_a_function_that_was_never_open_can_be_mapped_through_sysfs)
{
	driver_load("disable_idle_d3=1");
	pci_bind(vm_bdf("edu0"), VFIO_PCI);
	pci_bind(vm_bdf("nvme1"), VFIO_PCI);
	CHECK_EQ(register_through_sysfs(vm_bdf("edu0"), 0, 0), 0x010000ed);
	CHECK_EQ(register_through_sysfs(vm_bdf("nvme1"), 0, 8), 0x00010400);
}

TEST(registers_of_a_closed_gpu_can_be_mapped_through_sysfs)
{
	const char *bdf = vm_bdf("vga0");

	driver_load("disable_idle_d3=1");
	pci_bind(bdf, VFIO_PCI);
	vfio_close(vfio_open(bdf));
	register_through_sysfs(bdf, 0, 0);
	vfio_close(vfio_open(bdf));
	register_through_sysfs(bdf, 2, 0);
}

TEST(registers_of_a_closed_function_that_was_woken_can_be_mapped_through_sysfs)
{
	const char *bdf = vm_bdf("nvme1");

	driver_load("disable_idle_d3=0");
	pci_bind(bdf, VFIO_PCI);
	for (int round = 0; round < 2; round++) {
		vfio_close(vfio_open(bdf));
		pci_wait_power_state(bdf, "D3hot");
		pci_attr_set(bdf, "power/control", "on");
		pci_wait_power_state(bdf, "D0");
		CHECK_EQ(register_through_sysfs(bdf, 0, 8), 0x00010400);
		pci_attr_set(bdf, "power/control", "auto");
	}
}

/* Without idle states the function need not wake. A reset says that someone is about to read it. */
TEST(registers_of_a_closed_function_that_was_reset_can_be_mapped_through_sysfs)
{
	const char *bdf = vm_bdf("nvme1");

	driver_load("disable_idle_d3=1");
	pci_bind(bdf, VFIO_PCI);
	vfio_close(vfio_open(bdf));
	pci_attr_set(bdf, "reset", "1");
	CHECK_EQ(register_through_sysfs(bdf, 0, 8), 0x00010400);
}
