// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capabilities in configuration space.
 *
 * vm-machine: virtio
 * vm-drivers: ours kernel
 */
#include "config_space.h"
#include "nvme.h"
#include "vmtest.h"

#define CONFIG VFIO_PCI_CONFIG_REGION_INDEX

#define NVME_CC_ON	0x00460001	/* 64 and 16 byte entries, enabled */

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
	if (vfio_region_size(device, CONFIG) > PCI_CFG_SPACE_SIZE)
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
	struct vfio_device *nvme = config_open("nvme1");
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
	struct vfio_device *nvme = config_open("nvme1");
	unsigned int control = pm_control(nvme);

	CHECK_EQ(cfg16(nvme, control - PCI_PM_CTRL + PCI_PM_PMC) &
		 (PCI_PM_CAP_D1 | PCI_PM_CAP_D2), 0);
	for (unsigned int state = 1; state <= 2; state++) {
		cfg_set16(nvme, control, state);
		CHECK_EQ(cfg16(nvme, control) & PCI_PM_CTRL_STATE_MASK, 0);
		CHECK_EQ(real_cfg(nvme->bdf, control, 2) & PCI_PM_CTRL_STATE_MASK, 0);
	}
}

TEST(from_d3hot_a_power_state_that_the_function_does_not_have_is_not_entered)
{
	struct vfio_device *nvme = config_open("nvme1");
	unsigned int control = pm_control(nvme);

	cfg_set16(nvme, control, 3);
	for (unsigned int state = 1; state <= 2; state++) {
		cfg_set16(nvme, control, state);
		CHECK_EQ(cfg16(nvme, control) & PCI_PM_CTRL_STATE_MASK, 3);
		CHECK_EQ(real_cfg(nvme->bdf, control, 2) & PCI_PM_CTRL_STATE_MASK, 3);
	}
	cfg_set16(nvme, control, 0);
	CHECK_EQ(real_cfg(nvme->bdf, control, 2) & PCI_PM_CTRL_STATE_MASK, 0);
}

TEST(configuration_written_in_d0_is_there_after_d3hot)
{
	struct vfio_device *nvme = config_open("nvme1");
	unsigned int control = pm_control(nvme);
	uint32_t bars[REAL_BARS];

	real_bars_save(nvme->bdf, bars);
	cfg_command(nvme, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	cfg_set8(nvme, PCI_INTERRUPT_LINE, 3);
	cfg_set16(nvme, control, 3);
	cfg_set16(nvme, control, 0);
	CHECK(cfg16(nvme, PCI_COMMAND) & PCI_COMMAND_MASTER);
	CHECK_EQ(cfg8(nvme, PCI_INTERRUPT_LINE), 3);
	real_bars_check(nvme->bdf, bars);
}

/* MSI and MSI-X */

TEST(msi_is_enabled_only_while_it_is_set_up)
{
	struct vfio_device *edu = config_open("edu0");
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
	struct vfio_device *edu = config_open("edu0");
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
	struct vfio_device *edu = config_open("edu0");
	unsigned int flags = cfg_cap(edu, PCI_CAP_ID_MSI) + PCI_MSI_FLAGS;

	CHECK_EQ(cfg16(edu, flags) & PCI_MSI_FLAGS_QMASK, 0);
	cfg_set16(edu, flags, PCI_MSI_FLAGS_QSIZE);
	CHECK_EQ(cfg16(edu, flags) & PCI_MSI_FLAGS_QSIZE, 0);
	CHECK_EQ(vfio_irq_info(edu, VFIO_PCI_MSI_IRQ_INDEX).count, 1);
}

/* The kernel's driver lets the client write them. */
TEST_OURS(msi_capability_bits_are_read_only)
{
	struct vfio_device *edu = config_open("edu0");
	unsigned int flags = cfg_cap(edu, PCI_CAP_ID_MSI) + PCI_MSI_FLAGS;

	cfg_set16(edu, flags, 0xffff);
	CHECK_EQ(cfg16(edu, flags), PCI_MSI_FLAGS_64BIT);
	cfg_set16(edu, flags, 0);
	CHECK_EQ(cfg16(edu, flags), PCI_MSI_FLAGS_64BIT);
	CHECK_EQ(vfio_irq_info(edu, VFIO_PCI_MSI_IRQ_INDEX).count, 1);
}

TEST(msix_registers_are_read_only)
{
	struct vfio_device *nvme = config_open("nvme1");
	unsigned int msix = cfg_cap(nvme, PCI_CAP_ID_MSIX);
	struct config_view view = config_view_read(nvme);

	CHECK_NE(msix, 0);
	for (unsigned int at = msix + PCI_MSIX_FLAGS; at < msix + PCI_CAP_MSIX_SIZEOF; at += 2) {
		cfg_set16(nvme, at, 0xffff);
		cfg_set16(nvme, at, 0);
	}
	config_view_check_same(nvme, &view);
	CHECK_EQ(real_cfg(nvme->bdf, msix + PCI_MSIX_FLAGS, 2) &
		 (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL), 0);
}

TEST(msix_flags_show_what_hardware_has)
{
	struct vfio_device *nvme = config_open("nvme1");
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
	struct vfio_device *nvme = config_open("nvme1");
	unsigned int control = device_control(nvme);
	uint16_t command;
	uint32_t bars[REAL_BARS];

	real_bars_save(nvme->bdf, bars);
	for (size_t width = 1; width <= 4; width *= 2) {
		start_controller(nvme);
		command = cfg16(nvme, PCI_COMMAND);
		if (width == 1)
			cfg_set8(nvme, control + 1, PCI_EXP_DEVCTL_BCR_FLR >> 8);
		else
			vfio_write(nvme, CONFIG, control, PCI_EXP_DEVCTL_BCR_FLR, width);
		CHECK_EQ(cfg16(nvme, control) & PCI_EXP_DEVCTL_BCR_FLR, 0);
		CHECK_EQ(cfg16(nvme, PCI_COMMAND), command);
		real_bars_check(nvme->bdf, bars);
		CHECK_EQ(vfio_read(nvme, 0, NVME_CC, 4), 0);
		CHECK_EQ(vfio_read(nvme, 0, NVME_CSTS, 4) & 1, 0);
	}
}

TEST(flr_bit_of_a_function_without_flr_does_nothing)
{
	struct vfio_device *nic = config_open("nic0");
	unsigned int control = device_control(nic);

	if (cfg32(nic, control - PCI_EXP_DEVCTL + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR)
		FAIL("nic0 has FLR, take another function");
	cfg_set16(nic, control, PCI_EXP_DEVCTL_BCR_FLR);
	CHECK_EQ(cfg16(nic, control) & PCI_EXP_DEVCTL_BCR_FLR, 0);
	CHECK_EQ(real_cfg(nic->bdf, control, 2) & PCI_EXP_DEVCTL_BCR_FLR, 0);
}

TEST(payload_size_is_virtual)
{
	struct vfio_device *nvme = config_open("nvme1");
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
	struct vfio_device *nvme = config_open("nvme1");
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
	struct vfio_device *rng = config_open("rng0");
	unsigned int control = device_control(rng);

	for (unsigned int bits = 0; bits < 16; bits++) {
		cfg_set16(rng, control, bits);
		CHECK_EQ(cfg16(rng, control) & 0xf, bits);
		CHECK_EQ(real_cfg(rng->bdf, control, 2) & 0xf, bits);
	}
}

TEST(link_control_is_the_hosts)
{
	struct vfio_device *nvme = config_open("nvme1");
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
	struct vfio_device *pf = config_open("nvme0");
	unsigned int sriov = cfg_ext_cap(pf, PCI_EXT_CAP_ID_SRIOV);
	struct config_view view = config_view_read(pf);

	CHECK_NE(sriov, 0);
	for (unsigned int at = sriov; at < sriov + PCI_EXT_CAP_SRIOV_SIZEOF; at += 4) {
		cfg_set32(pf, at, ~0u);
		cfg_set32(pf, at, 0);
	}
	config_view_check_same(pf, &view);
}
