// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power: idle devices, the low power feature, power states that the client asks for, and system
 * sleep, which kernel 7.3 does not enter on processors that take turns, with any driver.
 *
 * vm-machine: default
 * vm-drivers: ours kernel
 * vm-threads: multi
 */
#include "vmtest.h"

#define IDLE_LIMIT_MS 10000

static uint16_t real_pm_control(const char *bdf)
{
	return real_cfg(bdf, real_cfg_cap(bdf, PCI_CAP_ID_PM) + PCI_PM_CTRL, 2);
}

/* The power state that the hardware itself reports; the function must be powered. */
static unsigned int real_power_state(const char *bdf)
{
	return real_pm_control(bdf) & PCI_PM_CTRL_STATE_MASK;
}

static void set_power_state(struct vfio_device *device, unsigned int state)
{
	unsigned int control = cfg_cap(device, PCI_CAP_ID_PM) + PCI_PM_CTRL;

	CHECK_NE(control, PCI_PM_CTRL);
	cfg_set16(device, control, (cfg16(device, control) & ~PCI_PM_CTRL_STATE_MASK) | state);
}

static unsigned int power_state(struct vfio_device *device)
{
	return cfg16(device, cfg_cap(device, PCI_CAP_ID_PM) + PCI_PM_CTRL) &
	       PCI_PM_CTRL_STATE_MASK;
}

/* Open with memory decoding on, as a client that is about to use the BARs. */
static struct vfio_device *open_with_memory(const char *id)
{
	struct vfio_device *device = vfio_bind_and_open(vm_bdf(id));

	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	return device;
}

static int low_power(struct vfio_device *device, uint32_t feature)
{
	return vfio_feature_try(device, VFIO_DEVICE_FEATURE_SET | feature, NULL, 0);
}

static int enter_low_power(struct vfio_device *device)
{
	return low_power(device, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY);
}

static int exit_low_power(struct vfio_device *device)
{
	return low_power(device, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT);
}

static int enter_low_power_with_wakeup(struct vfio_device *device, int event)
{
	struct vfio_device_low_power_entry_with_wakeup entry = { .wakeup_eventfd = event };

	return vfio_feature_try(device, VFIO_DEVICE_FEATURE_SET |
				VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
				&entry, sizeof(entry));
}

/* Low power came with 6.1: a kernel without it answers a probe with ENOTTY. */
static void need_low_power(struct vfio_device *device)
{
	if (vfio_feature_try(device, VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET |
			     VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, NULL, 0) == -ENOTTY &&
	    !driver_is_ours())
		SKIP("this kernel's driver has no low power feature");
}

/* Idle devices */

TEST(bound_idle_function_sleeps_in_d3hot)
{
	static const char * const ids[] = { "nvme0", "nvme1", "nic0" };

	driver_load("disable_idle_d3=0");
	for (size_t i = 0; i < 3; i++) {
		pci_bind(vm_bdf(ids[i]), VFIO_PCI);
		pci_wait_power_state(vm_bdf(ids[i]), "D3hot");
	}
}

TEST(open_function_is_in_d0_and_sleeps_again_after_close)
{
	const char *bdf = vm_bdf("nvme1");
	struct vfio_device *nvme;

	driver_load(NULL);
	for (int round = 0; round < 3; round++) {
		nvme = vfio_bind_and_open(bdf);
		CHECK_STR(pci_power_state(bdf), "D0");
		CHECK_EQ(real_power_state(bdf), 0);
		CHECK_EQ(power_state(nvme), 0);
		vfio_close(nvme);
		pci_wait_power_state(bdf, "D3hot");
	}
}

TEST(with_disable_idle_d3_a_bound_function_stays_in_d0)
{
	const char *bdf = vm_bdf("nvme1");

	driver_load("disable_idle_d3=1");
	pci_bind(bdf, VFIO_PCI);
	CHECK_STR(pci_power_state(bdf), "D0");
	CHECK_EQ(real_power_state(bdf), 0);
	vfio_close(vfio_open(bdf));
	CHECK_STR(pci_power_state(bdf), "D0");
	CHECK_STR(pm_status(bdf), "active");
}

TEST(unbind_brings_a_sleeping_function_back_to_d0)
{
	const char *bdf = vm_bdf("nvme1");

	driver_load(NULL);
	pci_bind(bdf, VFIO_PCI);
	pci_wait_power_state(bdf, "D3hot");
	pci_unbind(bdf);
	CHECK_EQ(real_power_state(bdf), 0);
	CHECK_STR(pm_status(bdf), "active");
}

TEST(bars_are_whole_after_sleep)
{
	const char *bdf = vm_bdf("nvme1");
	struct vfio_device *nvme;
	uint64_t capabilities;
	uint32_t bar[2];

	driver_load(NULL);
	bar[0] = real_cfg(bdf, PCI_BASE_ADDRESS_0, 4);
	bar[1] = real_cfg(bdf, PCI_BASE_ADDRESS_1, 4);
	nvme = open_with_memory("nvme1");
	capabilities = vfio_read(nvme, 0, 0, 8);
	CHECK_NE(capabilities, 0);
	CHECK_NE(capabilities, ~0ull);
	vfio_close(nvme);
	pci_wait_power_state(bdf, "D3hot");
	nvme = open_with_memory("nvme1");
	CHECK_EQ(vfio_read(nvme, 0, 0, 8), capabilities);
	CHECK_EQ(real_cfg(bdf, PCI_BASE_ADDRESS_0, 4), bar[0]);
	CHECK_EQ(real_cfg(bdf, PCI_BASE_ADDRESS_1, 4), bar[1]);
}

TEST(function_without_power_management_opens_and_closes)
{
	const char *bdf = vm_bdf("edu0");
	int usage;

	driver_load(NULL);
	pci_bind(bdf, VFIO_PCI);
	usage = pm_usage(bdf);
	for (int round = 0; round < 3; round++)
		vfio_close(vfio_open(bdf));
	CHECK_EQ(pm_usage(bdf), usage);
}

/* Power states that the client asks for through the PM capability */

TEST(client_can_put_the_function_into_d3hot_and_back)
{
	const char *bdf = vm_bdf("nvme1");
	struct vfio_device *nvme;
	uint64_t capabilities;

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	capabilities = vfio_read(nvme, 0, 0, 8);
	set_power_state(nvme, 3);
	CHECK_EQ(power_state(nvme), 3);
	CHECK_EQ(real_power_state(bdf), 3);
	set_power_state(nvme, 0);
	CHECK_EQ(power_state(nvme), 0);
	CHECK_EQ(real_power_state(bdf), 0);
	cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(vfio_read(nvme, 0, 0, 8), capabilities);
}

TEST(bar_access_in_d3hot_fails)
{
	struct vfio_device *nvme;
	uint64_t value;

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	set_power_state(nvme, 3);
	CHECK_ERR(EIO, vfio_read_try(nvme, 0, 0, &value, 4));
	CHECK_ERR(EIO, vfio_write_try(nvme, 0, 0x14, &value, 4));
}

TEST(mapping_faults_in_d3hot_and_works_again_in_d0)
{
	volatile uint32_t *bar;
	struct vfio_device *nvme;
	uint32_t version;
	pid_t child;
	int status;

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	bar = vfio_mmap(nvme, 0, 0, 4096, PROT_READ | PROT_WRITE);
	CHECK(bar != MAP_FAILED);
	version = bar[2];
	CHECK_NE(version, 0);
	set_power_state(nvme, 3);
	child = CHECK_OK(fork());
	if (!child)
		_exit(bar[2] == version ? 0 : 1);
	CHECK_OK(waitpid(child, &status, 0));
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGBUS);
	set_power_state(nvme, 0);
	cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(bar[2], version);
}

TEST(config_space_can_be_read_in_d3hot)
{
	struct vfio_device *nvme;

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	set_power_state(nvme, 3);
	CHECK_EQ(cfg32(nvme, PCI_VENDOR_ID), real_cfg(nvme->bdf, PCI_VENDOR_ID, 4));
	CHECK_EQ(cfg8(nvme, cfg_cap(nvme, PCI_CAP_ID_PM)), PCI_CAP_ID_PM);
}

TEST(close_in_d3hot_leaves_a_function_that_opens_in_d0)
{
	const char *bdf = vm_bdf("nvme1");
	struct vfio_device *nvme;
	int usage;

	driver_load("disable_idle_d3=1");
	pci_bind(bdf, VFIO_PCI);
	usage = pm_usage(bdf);
	nvme = vfio_open(bdf);
	set_power_state(nvme, 3);
	vfio_close(nvme);
	CHECK_EQ(pm_usage(bdf), usage);
	CHECK_EQ(real_power_state(bdf), 0);
	nvme = vfio_open(bdf);
	CHECK_EQ(power_state(nvme), 0);
	cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
	CHECK_NE(vfio_read(nvme, 0, 8, 4), 0xffffffff);
}

TEST(power_management_events_are_hidden)
{
	struct vfio_device *nic;
	unsigned int cap;

	driver_load(NULL);
	nic = open_with_memory("nic0");
	cap = cfg_cap(nic, PCI_CAP_ID_PM);
	CHECK_EQ(cfg16(nic, cap + PCI_PM_PMC) & PCI_PM_CAP_PME_MASK, 0);
	cfg_set16(nic, cap + PCI_PM_CTRL, PCI_PM_CTRL_PME_ENABLE);
	CHECK_EQ(cfg16(nic, cap + PCI_PM_CTRL) & PCI_PM_CTRL_PME_ENABLE, 0);
	CHECK_EQ(real_pm_control(nic->bdf) & PCI_PM_CTRL_PME_ENABLE, 0);
}

TEST(reset_in_d3hot_returns_to_d0)
{
	struct vfio_device *nvme;

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	set_power_state(nvme, 3);
	vfio_reset(nvme);
	CHECK_EQ(real_power_state(nvme->bdf), 0);
	CHECK_EQ(power_state(nvme), 0);
}

/* The low power feature */

TEST(low_power_entry_and_exit_are_offered)
{
	static const uint32_t features[] = {
		VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
		VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
		VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
	};
	struct vfio_device *nvme;

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	need_low_power(nvme);
	for (size_t i = 0; i < 3; i++) {
		CHECK_EQ(vfio_feature_try(nvme, VFIO_DEVICE_FEATURE_PROBE |
					  VFIO_DEVICE_FEATURE_SET | features[i], NULL, 0), 0);
		CHECK_ERR(EINVAL, vfio_feature_try(nvme, VFIO_DEVICE_FEATURE_PROBE |
						   VFIO_DEVICE_FEATURE_GET | features[i],
						   NULL, 0));
	}
}

TEST(low_power_entry_suspends_and_exit_resumes)
{
	const char *bdf = vm_bdf("nvme1");
	struct vfio_device *nvme;
	int usage;

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	need_low_power(nvme);
	usage = pm_usage(bdf);
	CHECK_EQ(enter_low_power(nvme), 0);
	pci_wait_power_state(bdf, "D3hot");
	CHECK_EQ(pm_usage(bdf), usage - 1);
	CHECK_EQ(exit_low_power(nvme), 0);
	CHECK_EQ(pm_usage(bdf), usage);
	CHECK_STR(pci_power_state(bdf), "D0");
	CHECK_NE(vfio_read(nvme, 0, 8, 4), 0xffffffff);
}

TEST(low_power_is_entered_under_disable_idle_d3_too)
{
	const char *bdf = vm_bdf("nvme1");
	struct vfio_device *nvme;

	driver_load("disable_idle_d3=1");
	nvme = open_with_memory("nvme1");
	need_low_power(nvme);
	CHECK_EQ(enter_low_power(nvme), 0);
	vfio_close(nvme);
	CHECK_STR(pci_power_state(bdf), "D0");
}

TEST(second_low_power_entry_is_refused)
{
	struct vfio_device *nvme;
	int usage;

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	need_low_power(nvme);
	CHECK_EQ(enter_low_power(nvme), 0);
	usage = pm_usage(nvme->bdf);
	CHECK_ERR(EINVAL, enter_low_power(nvme));
	CHECK_ERR(EINVAL, enter_low_power_with_wakeup(nvme, event_new()));
	CHECK_EQ(pm_usage(nvme->bdf), usage);
	CHECK_EQ(exit_low_power(nvme), 0);
}

TEST(low_power_exit_without_entry_changes_nothing)
{
	struct vfio_device *nvme;
	int usage;

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	need_low_power(nvme);
	usage = pm_usage(nvme->bdf);
	CHECK_EQ(exit_low_power(nvme), 0);
	CHECK_EQ(pm_usage(nvme->bdf), usage);
}

/* Any access but one to a mapping brings the function back while it lasts. */
TEST(bar_access_in_low_power_resumes_the_function)
{
	struct vfio_device *nvme;
	uint32_t version;

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	need_low_power(nvme);
	version = vfio_read(nvme, 0, 8, 4);
	CHECK_EQ(enter_low_power(nvme), 0);
	for (int round = 0; round < 2; round++) {
		pci_wait_power_state(nvme->bdf, "D3hot");
		CHECK_EQ(vfio_read(nvme, 0, 8, 4), version);
	}
	CHECK_EQ(exit_low_power(nvme), 0);
	CHECK_EQ(vfio_read(nvme, 0, 8, 4), version);
}

TEST(config_and_ioctl_access_in_low_power_resumes_the_function)
{
	struct vfio_irq_info info;
	struct vfio_device *nvme;

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	need_low_power(nvme);
	CHECK_EQ(enter_low_power(nvme), 0);
	pci_wait_power_state(nvme->bdf, "D3hot");
	CHECK_EQ(cfg32(nvme, PCI_VENDOR_ID), 0x00101b36);
	CHECK_EQ(power_state(nvme), 0);
	pci_wait_power_state(nvme->bdf, "D3hot");
	CHECK_EQ(vfio_irq_info_try(nvme, VFIO_PCI_MSIX_IRQ_INDEX, &info), 0);
	CHECK_EQ(exit_low_power(nvme), 0);
}

TEST(mapping_faults_in_low_power_and_works_again_after_it)
{
	volatile uint32_t *bar;
	struct vfio_device *nvme;
	uint32_t version;
	pid_t child;
	int status;

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	need_low_power(nvme);
	bar = vfio_mmap(nvme, 0, 0, 4096, PROT_READ);
	version = bar[2];
	CHECK_EQ(enter_low_power(nvme), 0);
	child = CHECK_OK(fork());
	if (!child)
		_exit(bar[2] == version ? 0 : 1);
	CHECK_OK(waitpid(child, &status, 0));
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGBUS);
	CHECK_EQ(exit_low_power(nvme), 0);
	CHECK_EQ(bar[2], version);
}

TEST(close_in_low_power_balances_runtime_pm)
{
	const char *bdf = vm_bdf("nvme1");
	struct vfio_device *nvme;
	int unbound = pm_usage(bdf), closed;

	driver_load(NULL);
	pci_bind(bdf, VFIO_PCI);
	closed = pm_usage(bdf);
	nvme = vfio_open(bdf);
	need_low_power(nvme);
	CHECK_EQ(enter_low_power(nvme), 0);
	vfio_close(nvme);
	CHECK_EQ(pm_usage(bdf), closed);
	nvme = vfio_open(bdf);
	CHECK_STR(pci_power_state(bdf), "D0");
	vfio_close(nvme);
	pci_unbind(bdf);
	CHECK_EQ(pm_usage(bdf), unbound);
}

TEST(wakeup_by_the_host_signals_the_eventfd_and_ends_low_power)
{
	const char *bdf = vm_bdf("nvme1");
	struct vfio_device *nvme;
	int event = event_new(), usage;

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	need_low_power(nvme);
	usage = pm_usage(bdf);
	CHECK_EQ(enter_low_power_with_wakeup(nvme, event), 0);
	pci_wait_power_state(bdf, "D3hot");
	CHECK_EQ(event_take(event), 0);
	/* The administrator forbids sleep, which powers the function. */
	pci_attr_set(bdf, "power/control", "on");
	CHECK_EQ(event_wait(event, 10000), 1);
	pci_attr_set(bdf, "power/control", "auto");
	CHECK_STR(pci_power_state(bdf), "D0");
	CHECK_EQ(pm_usage(bdf), usage);
	CHECK_NE(vfio_read(nvme, 0, 8, 4), 0xffffffff);
	CHECK_EQ(exit_low_power(nvme), 0);
	CHECK_EQ(pm_usage(bdf), usage);
}

TEST(close_signals_no_wakeup)
{
	struct vfio_device *nvme;
	int event = event_new();

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	need_low_power(nvme);
	CHECK_EQ(enter_low_power_with_wakeup(nvme, event), 0);
	CHECK(WAIT_UNTIL(!strcmp(pm_status(nvme->bdf), "suspended"), 10000));
	vfio_close(nvme);
	CHECK_EQ(event_take(event), 0);
}

TEST(wakeup_by_an_access_signals_the_eventfd_and_ends_low_power)
{
	struct vfio_device *nvme;
	int event = event_new(), usage;

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	need_low_power(nvme);
	usage = pm_usage(nvme->bdf);
	for (int round = 0; round < 2; round++) {
		CHECK_EQ(enter_low_power_with_wakeup(nvme, event), 0);
		pci_wait_power_state(nvme->bdf, "D3hot");
		CHECK_NE(vfio_read(nvme, 0, 8, 4), 0xffffffff);
		CHECK_EQ(event_wait(event, 10000), 1);
		CHECK_EQ(pm_usage(nvme->bdf), usage);
		CHECK_STR(pci_power_state(nvme->bdf), "D0");
	}
}

TEST(mapping_works_again_after_a_wakeup)
{
	volatile uint32_t *bar;
	struct vfio_device *nvme;
	uint32_t version;

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	need_low_power(nvme);
	bar = vfio_mmap(nvme, 0, 0, 4096, PROT_READ);
	version = bar[2];
	CHECK_EQ(enter_low_power_with_wakeup(nvme, event_new()), 0);
	pci_wait_power_state(nvme->bdf, "D3hot");
	CHECK_EQ(vfio_read(nvme, 0, 8, 4), version);
	CHECK_EQ(bar[2], version);
}

TEST(wakeup_eventfd_that_is_none_is_refused)
{
	struct vfio_device *nvme;
	int usage, file = CHECK_OK(open("/dev/null", O_RDWR));

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	need_low_power(nvme);
	usage = pm_usage(nvme->bdf);
	CHECK_ERR(EINVAL, enter_low_power_with_wakeup(nvme, file));
	CHECK_ERR(EBADF, enter_low_power_with_wakeup(nvme, 1000));
	CHECK_ERR(EINVAL, enter_low_power_with_wakeup(nvme, -1));
	CHECK_EQ(pm_usage(nvme->bdf), usage);
	CHECK_EQ(enter_low_power(nvme), 0);
}

/* Between any two steps of a write, reads wake the function and let it fall asleep again. */
TEST(a_command_written_in_low_power_stays)
{
	struct vfio_device *nvme;
	uint8_t config[256];
	uint32_t version;

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	version = vfio_read(nvme, 0, 8, 4);
	CHECK_EQ(enter_low_power(nvme), 0);
	if (!CHECK_OK(fork()))
		for (;;)
			vfio_read_try(nvme, VFIO_PCI_CONFIG_REGION_INDEX, 0, config,
				      sizeof(config));
	for (int round = 0; round < 200; round++) {
		cfg_command(nvme, 0, PCI_COMMAND_MEMORY);
		cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
		CHECK_EQ(vfio_read(nvme, 0, 8, 4), version);
	}
}

/* System sleep */

static void sleep_and_wake(void)
{
	vm_wakeup_when_suspended();
	file_write("/sys/power/state", "mem");
}

TEST(open_function_survives_system_sleep)
{
	struct vfio_device *nvme;
	uint32_t version;
	int usage;

	driver_load(NULL);
	nvme = open_with_memory("nvme1");
	usage = pm_usage(nvme->bdf);
	version = vfio_read(nvme, 0, 8, 4);
	sleep_and_wake();
	CHECK_EQ(pm_usage(nvme->bdf), usage);
	CHECK_STR(pci_power_state(nvme->bdf), "D0");
	cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(vfio_read(nvme, 0, 8, 4), version);
}

/* The PCI core saves and restores the state in D3hot, with the host's own decoding and no INTx. */
TEST_OURS(system_sleep_leaves_decoding_and_intx_as_the_client_has_them)
{
	struct vfio_device *nvme;
	uint16_t command;

	driver_load("nointxmask=0");
	nvme = open_with_memory("nvme1");
	cfg_command(nvme, 0, PCI_COMMAND_MEMORY);
	vfio_irq_eventfd(nvme, VFIO_PCI_INTX_IRQ_INDEX, 0, event_new());
	set_power_state(nvme, 3);
	sleep_and_wake();
	CHECK_EQ(power_state(nvme), 0);
	command = real_cfg(nvme->bdf, PCI_COMMAND, 2);
	CHECK_EQ(command & PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(command & PCI_COMMAND_INTX_DISABLE, 0);
}

TEST(idle_function_survives_system_sleep)
{
	const char *bdf = vm_bdf("nvme1");
	struct vfio_device *nvme;
	int usage;

	driver_load(NULL);
	pci_bind(bdf, VFIO_PCI);
	pci_wait_power_state(bdf, "D3hot");
	usage = pm_usage(bdf);
	sleep_and_wake();
	CHECK(WAIT_UNTIL(pm_usage(bdf) == usage, IDLE_LIMIT_MS));
	nvme = vfio_open(bdf);
	cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
	CHECK_NE(vfio_read(nvme, 0, 8, 4), 0xffffffff);
}
