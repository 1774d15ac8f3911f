// SPDX-License-Identifier: GPL-2.0-only
/*
 * Function reset: on request, at open and at close; and when an open needs none.
 *
 * The device shows whether a reset happened: a mark is written into a register that a reset
 * clears and that nothing else writes. Behind the driver's back it is written through sysfs,
 * which iomem=relaxed allows although the driver holds the BAR.
 *
 * vm-machine: resets
 * vm-drivers: ours kernel
 * vm-cmdline: iomem=relaxed
 */
#include <linux/serial.h>
#include <pthread.h>
#include <stdatomic.h>

#include "nvme.h"
#include "vmtest.h"

/*
 * Marks: NVMe's CC without its enable bit, cleared by FLR; the test that pci-testdev has selected,
 * which then reads as an offset at 4, cleared by a bus reset; virtio's device status, by FLR;
 * e1000e's RCTL, by a bus reset.
 */
struct subject {
	const char *id;
	unsigned int bar;
	uint32_t write_at, write_width, value;
	uint32_t read_at;
};

static const struct subject by_flr = { "nvme0", 0, NVME_CC, 4, 0x00460000, NVME_CC };
static const struct subject by_bus = { "testdev0", 0, 0, 1, 0, 4 };
static const struct subject nic_by_bus = { "nic0", 0, 0x100, 4, 4, 0x100 };

static struct vfio_device *open_subject(const struct subject *subject)
{
	struct vfio_device *device = vfio_open(vm_bdf(subject->id));

	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	return device;
}

static void mark(struct vfio_device *device, const struct subject *subject)
{
	vfio_write(device, subject->bar, subject->write_at, subject->value, subject->write_width);
	CHECK_NE(vfio_read(device, subject->bar, subject->read_at, 4), 0);
}

static bool is_marked(struct vfio_device *device, const struct subject *subject)
{
	return vfio_read(device, subject->bar, subject->read_at, 4);
}

static void set_command(const char *bdf, uint32_t value)
{
	real_cfg_set(bdf, PCI_COMMAND, value, 2);
}

/*
 * Leaves a mark in a closed device and changes nothing else. The mark shows whether the next open
 * resets.
 */
static void mark_behind_the_drivers_back(const struct subject *subject)
{
	const char *bdf = vm_bdf(subject->id);
	uint32_t command = real_cfg(bdf, PCI_COMMAND, 2);
	volatile uint8_t *bar;

	set_command(bdf, command | PCI_COMMAND_MEMORY);
	bar = pci_map_bar(bdf, subject->bar, 0, 4096);
	if (subject->write_width == 1)
		bar[subject->write_at] = subject->value;
	else
		*(volatile uint32_t *)(bar + subject->write_at) = subject->value;
	CHECK_NE(*(volatile uint32_t *)(bar + subject->read_at), 0);
	CHECK_EQ(munmap((void *)bar, 4096), 0);
	set_command(bdf, command);
}

/* Binds, opens and closes the function once: with our driver it is clean then. */
static const char *prepare(const struct subject *subject)
{
	const char *bdf = vm_bdf(subject->id);

	/* It stays awake, so that the mark can be written at any time. */
	driver_load("disable_idle_d3=1");
	pci_bind(bdf, VFIO_PCI);
	vfio_close(vfio_open(bdf));
	return bdf;
}

static bool next_open_resets(const struct subject *subject)
{
	struct vfio_device *device;
	bool marked;

	mark_behind_the_drivers_back(subject);
	device = open_subject(subject);
	marked = is_marked(device, subject);
	vfio_close(device);
	return !marked;
}

/* VFIO_DEVICE_RESET */

TEST(reset_by_flr_resets)
{
	struct vfio_device *nvme;

	prepare(&by_flr);
	nvme = open_subject(&by_flr);
	nvme_start(nvme, 2);
	CHECK_EQ(vfio_read(nvme, 0, NVME_CC, 4) & NVME_CC_EN, NVME_CC_EN);
	vfio_reset(nvme);
	cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(vfio_read(nvme, 0, NVME_CC, 4), 0);
	CHECK_EQ(vfio_read(nvme, 0, NVME_CSTS, 4) & NVME_CSTS_RDY, 0);
}

TEST(reset_over_the_bus_resets)
{
	struct vfio_device *testdev;

	CHECK_STR(pci_attr(prepare(&by_bus), "reset_method"), "bus");
	testdev = open_subject(&by_bus);
	mark(testdev, &by_bus);
	vfio_reset(testdev);
	cfg_command(testdev, PCI_COMMAND_MEMORY, 0);
	CHECK(!is_marked(testdev, &by_bus));
}

static struct watcher {
	const char *bridge;
	atomic_bool is_over;
	atomic_uint looks, resets;
} watcher;

static void *watch_the_bridge(void *data)
{
	for (; !watcher.is_over; watcher.looks++)
		if (real_cfg(watcher.bridge, PCI_BRIDGE_CONTROL, 2) & PCI_BRIDGE_CTL_BUS_RESET)
			watcher.resets++;
	return data;
}

/*
 * What others write to it could end the reset early. The bit is set for 2 ms. The kernel's driver
 * does not lock the bridge when its user resets.
 */
TEST_OURS(nobody_reaches_the_bridge_while_it_resets_the_function)
{
	struct vfio_device *testdev;
	const char *bdf = prepare(&by_bus);
	pthread_t thread;

	watcher.bridge = pci_upstream(bdf);
	CHECK_EQ(pthread_create(&thread, NULL, watch_the_bridge, NULL), 0);
	for (int round = 0; round < 3; round++) {
		/* Then it is not clean. */
		real_cfg_set(bdf, PCI_INTERRUPT_LINE, 0x50 + round, 1);
		mark_behind_the_drivers_back(&by_bus);
		testdev = open_subject(&by_bus);
		CHECK(!is_marked(testdev, &by_bus));
		mark(testdev, &by_bus);
		vfio_reset(testdev);
		cfg_command(testdev, PCI_COMMAND_MEMORY, 0);
		CHECK(!is_marked(testdev, &by_bus));
		vfio_close(testdev);
	}
	watcher.is_over = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_GE(watcher.looks, 9);
	CHECK_EQ(watcher.resets, 0);
}

TEST(function_reset_is_offered_where_there_is_one)
{
	driver_load(NULL);
	pci_bind(vm_bdf("nic1"), VFIO_PCI);
	CHECK(vfio_bind_and_open(vm_bdf("nvme0"))->info.flags & VFIO_DEVICE_FLAGS_RESET);
	CHECK(vfio_bind_and_open(vm_bdf("testdev0"))->info.flags & VFIO_DEVICE_FLAGS_RESET);
}

/* Beside other functions of the slot the bus cannot be reset for one alone. */
TEST(function_without_a_reset_says_so)
{
	struct vfio_device *testdev;

	driver_load(NULL);
	testdev = vfio_bind_and_open(vm_bdf("testdev1"));
	CHECK(!(testdev->info.flags & VFIO_DEVICE_FLAGS_RESET));
	CHECK_ERR(EINVAL, vfio_reset_try(testdev));
}

TEST(config_space_survives_a_reset)
{
	struct vfio_device *nvme;
	uint32_t before[64];

	prepare(&by_flr);
	nvme = open_subject(&by_flr);
	cfg_command(nvme, PCI_COMMAND_MASTER, 0);
	cfg_set8(nvme, PCI_CACHE_LINE_SIZE, 0x10);
	for (int n = 0; n < 64; n++)
		before[n] = cfg32(nvme, 4 * n);
	vfio_reset(nvme);
	for (int n = 0; n < 64; n++)
		CHECK_EQ(cfg32(nvme, 4 * n), before[n]);
	CHECK_EQ(vfio_read(nvme, 0, NVME_CC, 4), 0);
}

TEST(mapping_survives_a_reset)
{
	volatile uint32_t *bar;
	struct vfio_device *nvme;

	prepare(&by_flr);
	nvme = open_subject(&by_flr);
	bar = vfio_mmap(nvme, 0, 0, 4096, PROT_READ | PROT_WRITE);
	CHECK(bar != MAP_FAILED);
	for (int round = 0; round < 3; round++) {
		bar[NVME_CC / 4] = 0x00460000;
		CHECK_EQ(bar[NVME_CC / 4], 0x00460000);
		vfio_reset(nvme);
		CHECK_EQ(bar[NVME_CC / 4], 0);
	}
}

/* Another thread touches the mapping all the time: it waits, and never sees all ones. */
TEST(mapping_waits_while_the_function_is_reset)
{
	volatile uint32_t *bar;
	struct vfio_device *nvme;
	uint32_t version;
	pid_t child;
	int status;

	prepare(&by_flr);
	nvme = open_subject(&by_flr);
	bar = vfio_mmap(nvme, 0, 0, 4096, PROT_READ | PROT_WRITE);
	version = bar[2];
	CHECK_NE(version, 0xffffffff);
	child = CHECK_OK(fork());
	if (!child)
		while (bar[2] == version)
			;
	for (int round = 0; round < 5; round++)
		vfio_reset(nvme);
	CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
	kill(child, SIGKILL);
}

/* Reset bits of configuration space */

TEST(flr_by_config_space_resets)
{
	struct vfio_device *nvme;
	unsigned int control;

	prepare(&by_flr);
	nvme = open_subject(&by_flr);
	control = cfg_cap(nvme, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
	mark(nvme, &by_flr);
	cfg_set16(nvme, control, cfg16(nvme, control) | PCI_EXP_DEVCTL_BCR_FLR);
	CHECK(!(cfg16(nvme, control) & PCI_EXP_DEVCTL_BCR_FLR));
	cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
	CHECK(!is_marked(nvme, &by_flr));
	CHECK_EQ(real_cfg(nvme->bdf, PCI_BASE_ADDRESS_0, 4) & ~0xf,
		 pci_attr_number(nvme->bdf, "resource") & 0xffffffff & ~0xf);
}

/* Through sysfs */

TEST(reset_through_sysfs_while_open_resets)
{
	struct vfio_device *nvme;
	volatile uint32_t *bar;

	prepare(&by_flr);
	nvme = open_subject(&by_flr);
	bar = vfio_mmap(nvme, 0, 0, 4096, PROT_READ | PROT_WRITE);
	for (int round = 0; round < 3; round++) {
		mark(nvme, &by_flr);
		pci_attr_set(nvme->bdf, "reset", "1");
		CHECK_EQ(bar[NVME_CC / 4], 0);
		CHECK(!is_marked(nvme, &by_flr));
	}
	vfio_reset(nvme);
}

TEST(reset_through_sysfs_while_in_d3hot_wakes_and_resets)
{
	struct vfio_device *nvme;
	unsigned int control;

	prepare(&by_flr);
	nvme = open_subject(&by_flr);
	mark(nvme, &by_flr);
	control = cfg_cap(nvme, PCI_CAP_ID_PM) + PCI_PM_CTRL;
	cfg_set16(nvme, control, 3);
	pci_attr_set(nvme->bdf, "reset", "1");
	CHECK_EQ(cfg16(nvme, control) & PCI_PM_CTRL_STATE_MASK, 0);
	cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
	CHECK(!is_marked(nvme, &by_flr));
}

/* Traces of one client that the next one must not find */

static void leave_a_mess(struct vfio_device *device, const struct subject *subject)
{
	mark(device, subject);
	cfg_command(device, PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE | PCI_COMMAND_PARITY, 0);
	cfg_set8(device, PCI_INTERRUPT_LINE, 0x5a);
	cfg_set8(device, PCI_CACHE_LINE_SIZE, 0x20);
	cfg_set32(device, PCI_BASE_ADDRESS_0, 0xdead0000);
}

static void check_no_mess(const struct subject *subject)
{
	static struct {
		uint32_t fresh[64];
	} config;
	const char *bdf = vm_bdf(subject->id);
	struct vfio_device *device;

	driver_load("disable_idle_d3=1");
	pci_bind(bdf, VFIO_PCI);
	device = vfio_open(bdf);
	for (int n = 0; n < 64; n++)
		config.fresh[n] = cfg32(device, 4 * n);
	for (int round = 0; round < 3; round++) {
		cfg_command(device, PCI_COMMAND_MEMORY, 0);
		leave_a_mess(device, subject);
		vfio_close(device);
		device = vfio_open(bdf);
		for (int n = 0; n < 64; n++)
			CHECK_EQ(cfg32(device, 4 * n), config.fresh[n]);
		cfg_command(device, PCI_COMMAND_MEMORY, 0);
		CHECK(!is_marked(device, subject));
		CHECK_EQ(real_cfg(bdf, PCI_COMMAND, 2) &
			 (PCI_COMMAND_MASTER | PCI_COMMAND_PARITY), 0);
	}
}

TEST(next_client_finds_nothing_after_flr)
{
	check_no_mess(&by_flr);
}

TEST(next_client_finds_nothing_after_a_bus_reset)
{
	check_no_mess(&by_bus);
}

TEST(next_client_finds_nothing_after_a_bus_reset_that_the_administrator_chose)
{
	pci_attr_set(vm_bdf("nic0"), "reset_method", "bus");
	check_no_mess(&nic_by_bus);
}

/* In D3hot the emulation keeps its registers, so only configuration space shows the reset. */
TEST(next_client_finds_config_space_fresh_after_a_reset_through_d3hot)
{
	const char *bdf = vm_bdf("nic0");
	struct vfio_device *nic;
	uint32_t fresh[64];

	pci_attr_set(bdf, "reset_method", "pm");
	driver_load("disable_idle_d3=1");
	nic = vfio_bind_and_open(bdf);
	for (int n = 0; n < 64; n++)
		fresh[n] = cfg32(nic, 4 * n);
	for (int round = 0; round < 3; round++) {
		cfg_command(nic, PCI_COMMAND_MEMORY, 0);
		leave_a_mess(nic, &nic_by_bus);
		vfio_close(nic);
		nic = vfio_open(bdf);
		for (int n = 0; n < 64; n++)
			CHECK_EQ(cfg32(nic, 4 * n), fresh[n]);
	}
}

TEST(closed_function_masters_and_decodes_nothing)
{
	const char *bdf = prepare(&by_flr);
	struct vfio_device *nvme = open_subject(&by_flr);

	nvme_start(nvme, 2);
	vfio_close(nvme);
	CHECK_EQ(real_cfg(bdf, PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
	if (driver_is_ours())
		CHECK_EQ(real_cfg(bdf, PCI_COMMAND, 2) & (PCI_COMMAND_MEMORY | PCI_COMMAND_IO), 0);
}

/* A reset through sysfs does not change that either. */
TEST(closed_function_decodes_after_a_reset_what_it_did_before)
{
	const char *bdf = vm_bdf(by_flr.id);
	uint32_t before;

	driver_load("disable_idle_d3=1");
	pci_bind(bdf, VFIO_PCI);
	before = real_cfg(bdf, PCI_COMMAND, 2);
	pci_attr_set(bdf, "reset", "1");
	CHECK_EQ(real_cfg(bdf, PCI_COMMAND, 2), before);

	vfio_close(vfio_open(bdf));
	before = real_cfg(bdf, PCI_COMMAND, 2);
	pci_attr_set(bdf, "reset", "1");
	CHECK_EQ(real_cfg(bdf, PCI_COMMAND, 2), before);
}

/* A client that dies in D3hot, in low power, with interrupts on. */
TEST(next_client_of_one_that_was_killed_finds_nothing)
{
	const char *bdf = prepare(&by_flr);
	struct vfio_device *nvme;
	pid_t child;
	int status;

	child = CHECK_OK(fork());
	if (!child) {
		int event = event_new();

		nvme = open_subject(&by_flr);
		nvme_start(nvme, 2);
		vfio_irq_eventfd(nvme, VFIO_PCI_MSIX_IRQ_INDEX, 0, event);
		cfg_set16(nvme, cfg_cap(nvme, PCI_CAP_ID_PM) + PCI_PM_CTRL, 3);
		kill(getpid(), SIGKILL);
	}
	CHECK_OK(waitpid(child, &status, 0));
	CHECK(WIFSIGNALED(status));
	nvme = vfio_open(bdf);
	CHECK_EQ(cfg16(nvme, cfg_cap(nvme, PCI_CAP_ID_PM) + PCI_PM_CTRL) &
		 PCI_PM_CTRL_STATE_MASK, 0);
	cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(vfio_read(nvme, 0, NVME_CC, 4), 0);
}

/* The reset at open: left out if, and only if, the last close left the function clean */

TEST_OURS(clean_function_is_not_reset_at_open)
{
	prepare(&by_flr);
	for (int round = 0; round < 3; round++)
		CHECK(!next_open_resets(&by_flr));
}

TEST_OURS(clean_function_with_a_bus_reset_is_not_reset_at_open)
{
	prepare(&by_bus);
	for (int round = 0; round < 3; round++)
		CHECK(!next_open_resets(&by_bus));
}

TEST_OURS(function_that_slept_is_still_clean)
{
	const char *bdf = vm_bdf("nvme0");
	uint32_t control, asleep;

	driver_load("disable_idle_d3=0");
	pci_bind(bdf, VFIO_PCI);
	vfio_close(vfio_open(bdf));
	pci_wait_power_state(bdf, "D3hot");
	/* It is awake for the mark alone, and the kernel does not know it. */
	control = real_cfg_cap(bdf, PCI_CAP_ID_PM) + PCI_PM_CTRL;
	asleep = real_cfg(bdf, control, 2);
	real_cfg_set(bdf, control, asleep & ~PCI_PM_CTRL_STATE_MASK, 2);
	mark_behind_the_drivers_back(&by_flr);
	real_cfg_set(bdf, control, asleep, 2);
	CHECK(is_marked(open_subject(&by_flr), &by_flr));
}

/* A process that wakes the function may be about to use it. */
TEST(open_of_a_function_that_was_woken_resets)
{
	const char *bdf = vm_bdf("nvme0");

	driver_load("disable_idle_d3=0");
	pci_bind(bdf, VFIO_PCI);
	vfio_close(vfio_open(bdf));
	pci_wait_power_state(bdf, "D3hot");
	pci_attr_set(bdf, "power/control", "on");
	mark_behind_the_drivers_back(&by_flr);
	pci_attr_set(bdf, "power/control", "auto");
	pci_wait_power_state(bdf, "D3hot");
	CHECK(!is_marked(open_subject(&by_flr), &by_flr));
}

TEST(first_open_after_bind_resets)
{
	driver_load("disable_idle_d3=1");
	pci_bind(vm_bdf("nvme0"), VFIO_PCI);
	CHECK(next_open_resets(&by_flr));
}

TEST(open_after_rebinding_resets)
{
	const char *bdf = prepare(&by_flr);

	pci_bind(bdf, VFIO_PCI);
	CHECK(next_open_resets(&by_flr));
}

TEST(open_after_a_reset_through_sysfs_resets)
{
	pci_attr_set(prepare(&by_flr), "reset", "1");
	CHECK(next_open_resets(&by_flr));
}

TEST(open_after_a_config_write_through_sysfs_resets)
{
	const char *bdf = prepare(&by_flr);

	real_cfg_set(bdf, PCI_CACHE_LINE_SIZE, 0x11, 1);
	CHECK(next_open_resets(&by_flr));
	real_cfg_set(bdf, PCI_INTERRUPT_LINE, 0x55, 1);
	CHECK(next_open_resets(&by_flr));
	set_command(bdf, real_cfg(bdf, PCI_COMMAND, 2) | PCI_COMMAND_MEMORY);
	CHECK(next_open_resets(&by_flr));
	if (driver_is_ours())
		CHECK(!next_open_resets(&by_flr));
}

/* Otherwise the driver would have to notice it. */
TEST(bound_function_cannot_be_enabled_through_sysfs)
{
	CHECK_ERR(EBUSY, pci_attr_set_try(prepare(&by_flr), "enable", "1"));
	CHECK_ERR(EBUSY, pci_attr_set_try(vm_bdf("nvme0"), "enable", "0"));
}

/* Without a method, close cannot reset: the next open, which has a method again, must do it. */
TEST(open_after_a_failed_reset_resets)
{
	const char *bdf = prepare(&by_flr);
	struct vfio_device *nvme = open_subject(&by_flr);

	pci_attr_set(bdf, "reset_method", "\n");
	vfio_close(nvme);
	pci_attr_set(bdf, "reset_method", "default");
	CHECK(next_open_resets(&by_flr));
}

/* A serial port driver is made to claim pci-testdev's ports. */
TEST(open_of_a_function_whose_ports_are_held_elsewhere_resets)
{
	struct serial_struct serial = {}, before;
	const char *bdf = vm_bdf("testdev0");
	int fd = CHECK_OK(open("/dev/ttyS3", O_RDWR | O_NONBLOCK | O_NOCTTY));
	uint32_t ports = real_cfg(bdf, PCI_BASE_ADDRESS_1, 4) & PCI_BASE_ADDRESS_IO_MASK;

	CHECK_OK(ioctl(fd, TIOCGSERIAL, &before));
	CHECK_EQ(before.type, PORT_UNKNOWN);
	serial = before;
	serial.port = ports;
	serial.type = PORT_16450;
	serial.flags |= ASYNC_SKIP_TEST;
	ioctl(fd, TIOCSSERIAL, &serial);
	CHECK_OK(ioctl(fd, TIOCGSERIAL, &serial));
	CHECK_EQ(serial.port, ports);

	prepare(&by_bus);
	CHECK(next_open_resets(&by_bus));
	CHECK(next_open_resets(&by_bus));

	CHECK_OK(ioctl(fd, TIOCSSERIAL, &before));
}

TEST(second_open_of_an_open_function_does_not_reset)
{
	struct vfio_device *first, *second;

	prepare(&by_flr);
	first = open_subject(&by_flr);
	mark(first, &by_flr);
	second = vfio_open_with(first, first->bdf);
	CHECK(is_marked(second, &by_flr));
	close(second->fd);
	CHECK(is_marked(first, &by_flr));
}

TEST_OURS(who_opens_and_closes_again_and_again_fills_no_log)
{
	const char *bdf = prepare(&by_flr);
	int mark = kmsg_mark();

	for (int n = 0; n < 20; n++)
		vfio_close(vfio_open(bdf));
	CHECK_EQ(kmsg_count(mark, bdf), 0);
}

/* System sleep comes last: after it the emulated root ports report no errors. */

TEST(open_after_a_system_sleep_resets)
{
	prepare(&by_flr);
	vm_wakeup_when_suspended();
	file_write("/sys/power/state", "mem");
	CHECK(next_open_resets(&by_flr));
	if (driver_is_ours())
		CHECK(!next_open_resets(&by_flr));
}

/* Devices are put to sleep and woken, the machine is not. */
TEST(open_after_a_sleep_of_devices_resets)
{
	if (!file_exists("/sys/power/pm_test"))
		SKIP("this kernel has no /sys/power/pm_test");
	prepare(&by_flr);
	file_write("/sys/power/pm_test", "devices");
	file_write("/sys/power/state", "freeze");
	file_write("/sys/power/pm_test", "none");
	CHECK(next_open_resets(&by_flr));
}
