// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that does not answer any more: all ones behind its port, as after a crash of its
 * firmware or with a broken link. Its port no longer knows its bus here.
 *
 * vm-machine: resets
 * vm-drivers: ours
 */
#include <sys/mman.h>

#include "nvme.h"
#include "vmtest.h"

/* nvme0 has an FLR and MSI-X; pci-testdev has neither, and is reset by its bus. */
static const char * const subjects[] = { "nvme0", "testdev0" };

#define SUBJECTS 2

static void kill_device(const char *bdf)
{
	real_cfg_set(pci_upstream(bdf), PCI_SECONDARY_BUS, 0xfe, 1);
	CHECK_EQ(real_cfg(bdf, PCI_COMMAND, 2), 0xffff);
}

static void revive_device(const char *bdf)
{
	unsigned int bus;

	CHECK_EQ(sscanf(bdf, "%*x:%x", &bus), 1);
	real_cfg_set(pci_upstream(bdf), PCI_SECONDARY_BUS, bus, 1);
	CHECK_NE(real_cfg(bdf, PCI_COMMAND, 2), 0xffff);
}

/* QEMU does not know the addresses of dead devices either. */
CLEAN_UP
{
	revive_device(pci_find(0x1b36, 0x0010, 0));
	revive_device(pci_find(0x1b36, 0x0005, 0));
}

/* What the PCI core says when it waits for a function after its reset. */
static int waits(int mark)
{
	return kmsg_count(mark, "not ready");
}

/* NAME: the address, and a token if it needs one. */
static void check_open_fails_as(const char *bdf, const char *name)
{
	struct vfio_device *device;
	int mark = kmsg_mark();

	CHECK_ERR(EIO, vfio_open_try(bdf, name, &device));
	CHECK_EQ(kmsg_count(mark, "vfio-pci .*does not answer"), 1);
	CHECK_EQ(waits(mark), 0);
}

static void check_open_fails(const char *bdf)
{
	check_open_fails_as(bdf, bdf);
}

static void check_open_of_dead_devices_fails(const char *parameters)
{
	driver_load(parameters);
	for (int n = 0; n < SUBJECTS; n++) {
		const char *bdf = vm_bdf(subjects[n]);

		pci_bind(bdf, VFIO_PCI);
		kill_device(bdf);
		check_open_fails(bdf);
		check_open_fails(bdf);
		revive_device(bdf);
		vfio_close(vfio_open(bdf));
		kill_device(bdf);
		check_open_fails(bdf);
	}
}

TEST_OURS(open_of_a_dead_device_says_so_and_resets_nothing)
{
	check_open_of_dead_devices_fails("disable_idle_d3=1");
}

TEST_OURS(open_of_a_device_that_died_asleep_says_so_and_resets_nothing)
{
	check_open_of_dead_devices_fails("disable_idle_d3=0");
}

TEST_OURS(open_of_a_vf_of_a_dead_pf_says_so_and_resets_nothing)
{
	struct vfio_device *pf;
	const char *vf;
	uint8_t token[16];
	char name[128];

	driver_load("enable_sriov=1");
	pf = vfio_bind_and_open(vm_bdf("nvme0"));
	memset(token, 0x11, sizeof(token));
	CHECK_EQ(vfio_set_vf_token_try(pf, token), 0);
	pci_set_vfs(pf->bdf, 1);
	vf = pci_vf(pf->bdf, 0);
	pci_bind(vf, VFIO_PCI);
	kill_device(pf->bdf);
	snprintf(name, sizeof(name), "%s vf_token=11111111-1111-1111-1111-111111111111", vf);
	check_open_fails_as(vf, name);
}

/* Opens a device, which dies after that. */
static struct vfio_device *open_and_kill(const char *id)
{
	struct vfio_device *device = vfio_bind_and_open(vm_bdf(id));

	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	if (!strcmp(id, "testdev0"))
		vfio_write(device, 0, 0, 0, 1);
	kill_device(device->bdf);
	return device;
}

/* pci-testdev's mark: the test that it has selected. A reset over the bus forgets it. */
static bool is_marked(const char *bdf)
{
	volatile uint32_t *bar;
	uint32_t offset;

	real_cfg_set(bdf, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE, 2);
	bar = pci_map_bar(bdf, 0, 0, 4096);
	offset = bar[1];
	CHECK_EQ(munmap((void *)bar, 4096), 0);
	return offset;
}

TEST_OURS(a_dead_function_is_not_reset_on_request)
{
	struct vfio_device *nvme, *testdev;
	int mark;

	driver_load("disable_idle_d3=1");
	nvme = open_and_kill("nvme0");
	testdev = open_and_kill("testdev0");
	mark = kmsg_mark();
	CHECK_ERR(EIO, vfio_reset_try(nvme));
	CHECK_ERR(EIO, vfio_reset_try(testdev));
	CHECK_ERR(EIO, vfio_hot_reset_try(nvme, &nvme->group, 1));
	CHECK_ERR(EIO, vfio_hot_reset_try(testdev, &testdev->group, 1));
	CHECK_EQ(waits(mark), 0);

	revive_device(testdev->bdf);
	CHECK_NE(vfio_read(testdev, 0, 4, 4), 0);
	vfio_reset(testdev);
	cfg_command(testdev, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(vfio_read(testdev, 0, 4, 4), 0);
}

TEST_OURS(a_dead_function_is_not_reset_at_close)
{
	const char *bdf = vm_bdf("testdev0");
	struct vfio_device *nvme, *testdev;
	int mark;

	driver_load("disable_idle_d3=1");
	nvme = open_and_kill("nvme0");
	testdev = open_and_kill("testdev0");
	mark = kmsg_mark();
	vfio_close(nvme);
	vfio_close(testdev);
	CHECK_EQ(waits(mark), 0);
	revive_device(bdf);
	CHECK(is_marked(bdf));

	/* The driver remembers the reset that it could not do, and does it now. */
	testdev = vfio_open(bdf);
	cfg_command(testdev, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(vfio_read(testdev, 0, 4, 4), 0);
}

/*
 * The driver must not save all ones as the device's state. The kernel's driver of 6.1 waits for
 * resets that never end, for longer than a test may take.
 */
TEST_OURS(a_device_that_comes_back_works_again)
{
	struct vfio_device *nvme;
	const char *bdf = vm_bdf("nvme0");
	uint32_t version;

	driver_load("disable_idle_d3=0");
	nvme = vfio_bind_and_open(bdf);
	cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
	version = vfio_read(nvme, 0, NVME_VS, 4);
	CHECK_NE(version, 0);
	CHECK_NE(version, UINT32_MAX);
	kill_device(bdf);
	kmsg_expect("not ready");
	vfio_close(nvme);
	CHECK(WAIT_UNTIL(!strcmp(pm_status(bdf), "suspended"), 120000));
	revive_device(bdf);

	nvme = vfio_open(bdf);
	cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(vfio_read(nvme, 0, NVME_VS, 4), version);
	CHECK_EQ(real_cfg(bdf, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY, PCI_COMMAND_MEMORY);
}

/* Operations that a client repeats add nothing to the log. */

static void repeat(const char *id, uint8_t state, void (*work)(struct vfio_device *device))
{
	struct vfio_device *device;
	int mark;

	driver_load("disable_idle_d3=1");
	device = vfio_bind_and_open(vm_bdf(id));
	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	cfg_set16(device, cfg_cap(device, PCI_CAP_ID_PM) + PCI_PM_CTRL, state);
	pci_wait_power_state(device->bdf, state ? "D3hot" : "D0");
	kill_device(device->bdf);
	mark = kmsg_mark();
	for (int n = 0; n < 50; n++)
		work(device);
	CHECK_EQ(kmsg_count(mark, device->bdf), 0);
}

static void set_d0(struct vfio_device *device)
{
	cfg_set16(device, cfg_cap(device, PCI_CAP_ID_PM) + PCI_PM_CTRL, 0);
}

static void set_up_msix(struct vfio_device *device)
{
	int event = event_new();

	CHECK_EQ(vfio_irq_eventfds_try(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &event), -EIO);
	close(event);
}

static void read_rom(struct vfio_device *device)
{
	char data[64];

	CHECK_EQ(vfio_read_try(device, VFIO_PCI_ROM_REGION_INDEX, 0, data, sizeof(data)), -EIO);
}

TEST_OURS(who_wakes_a_dead_function_again_and_again_fills_no_log)
{
	repeat("nvme0", 3, set_d0);
}

TEST_OURS(who_sets_up_interrupts_of_a_dead_function_again_and_again_fills_no_log)
{
	repeat("nvme0", 3, set_up_msix);
}

TEST_OURS(who_reads_the_rom_of_a_dead_function_again_and_again_fills_no_log)
{
	repeat("nic0", 0, read_rom);
}

static void enter_and_leave_low_power(struct vfio_device *device)
{
	CHECK_EQ(vfio_feature_try(device, VFIO_DEVICE_FEATURE_SET |
				  VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, NULL, 0), -EIO);
	CHECK_EQ(vfio_feature_try(device, VFIO_DEVICE_FEATURE_SET |
				  VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, NULL, 0), 0);
}

TEST_OURS(who_lets_a_dead_function_sleep_again_and_again_fills_no_log)
{
	repeat("nvme0", 0, enter_and_leave_low_power);
}

TEST_OURS(who_lets_a_function_that_died_in_d3hot_sleep_again_and_again_fills_no_log)
{
	repeat("nvme0", 3, enter_and_leave_low_power);
}

/* The log has one line when the function is found to have died asleep. */
TEST_OURS(who_looks_at_a_function_that_died_in_low_power_fills_no_log)
{
	struct vfio_device *nvme;
	int mark;

	driver_load("disable_idle_d3=1");
	nvme = vfio_bind_and_open(vm_bdf("nvme0"));
	CHECK_EQ(vfio_feature_try(nvme, VFIO_DEVICE_FEATURE_SET |
				  VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, NULL, 0), 0);
	CHECK(WAIT_UNTIL(!strcmp(pm_status(nvme->bdf), "suspended"), 20000));
	kill_device(nvme->bdf);
	mark = kmsg_mark();
	for (int n = 0; n < 50; n++) {
		cfg16(nvme, PCI_STATUS);
		/* Gives the function time to fall asleep again. */
		WAIT_UNTIL(!strcmp(pm_status(nvme->bdf), "suspended"), 20);
	}
	CHECK_LE(kmsg_count(mark, nvme->bdf), 2);
}
