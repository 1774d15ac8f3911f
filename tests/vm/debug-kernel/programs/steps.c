// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every step of what the driver does fails once, in turn, until none is left: each call of the table
 * ../calls. Either the whole then fails and all that came before is undone,
 * or it does without; the next attempt works. In the end the driver can be unloaded, and kmemleak
 * knows of nothing lost. How many steps there were stands in the kernel log.
 *
 * The module failcall makes them fail. faults.c does the same with allocations.
 *
 * vm-machine: faults
 * vm-drivers: ours kernel
 * vm-cmdline: kmemleak=on kasan_multi_shot
 * vm-files: tests/vm/debug-kernel/calls
 * vm-seconds: 400
 * vm-timeout: 600
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmtest.h"

/* More steps than anything has: a loop that gets there would not end. */
#define MOST 1000

#define KMEMLEAK "/sys/kernel/debug/kmemleak"
/* kmemleak believes an object lost when it is this old, and was found lost twice. */
#define KMEMLEAK_AGE_MS 6000

#define FAILCALL "/sys/kernel/debug/failcall/"

/* How steps are made to fail: the NTH from now on. */
struct injector {
	const char *what;
	void (*prepare)(void);
	void (*arm)(int nth);
	bool (*disarm)(char *step, size_t size);	/* whether it came to that, and which it was */
};

/* What is attempted. All are called with the same CONTEXT. */
struct attempt {
	const char *name;
	int (*attempt)(void *context);			/* 0 or a negative errno */
	void (*undo)(void *context);			/* after success; sees that it works */
	void (*check)(void *context);			/* optional: all is as before */
};

static int failcall_nth;

/* What others make of a failed allocation or call, with the kernel's own driver too. */
static void expect_what_others_say(void)
{
	/*
	 * ACPI's interpreter loses an object, the interrupt core removes a directory of /proc that it
	 * could not make, vfio a group that it could not finish.
	 */
	kmsg_expect("BUG: KASAN: .* in acpi_");
	kmsg_expect("WARNING: .* at remove_proc_entry");
	kmsg_expect("WARNING: .* at vfio_group_release");
	kmsg_expect("Call Trace");
}

/* The text of the driver's modules is where calls are counted. */
static void add_callers(void)
{
	char *text = file_read("/proc/modules"), *rest = text, *line, name[64], range[64];
	unsigned long size, start;

	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "%63s %lu %*s %*s %*s %lx", name, &size, &start) != 3)
			continue;
		if (strcmp(name, driver_core()) && strcmp(name, "vfio_pci"))
			continue;
		snprintf(range, sizeof(range), "%lx %lx", start, size);
		file_write(FAILCALL "caller", range);
	}
	free(text);
}

/*
 * It cannot fail for a vector that was allocated. The kernel's driver relies on that, and looks for
 * the message of an interrupt that is not there.
 */
static bool is_not_for_the_kernels_driver(const char *line)
{
	return !strncmp(line, "pci_irq_vector ", strlen("pci_irq_vector "));
}

/* Those of the table that this kernel has. */
static void add_functions(void)
{
	char *text = file_read("/files/calls"), *rest = text, *line;
	int added = 0;

	while ((line = strsep(&rest, "\n"))) {
		size_t length = strlen(line);
		int ret;

		if (!length || line[0] == '#' || line[length - 1] == '-')
			continue;
		if (!driver_is_ours() && is_not_for_the_kernels_driver(line))
			continue;
		ret = file_write_try(FAILCALL "function", line);
		if (!ret)
			added++;
		else if (ret != -ENOENT)
			test_note("%s cannot be made to fail: %s", line, strerrorname_np(-ret));
	}
	free(text);
	CHECK_LT(30, added);
}

static void calls_prepare(void)
{
	int ret = module_load_try("kernel", "failcall", NULL);

	if (ret == -ENOENT)
		SKIP("the module failcall is not here");
	CHECK_EQ(ret, 0);
	add_callers();
	add_functions();
	failcall_nth = CHECK_OK(open(FAILCALL "nth", O_RDWR));
	if (file_exists(KMEMLEAK))
		expect_what_others_say();
}

static void calls_arm(int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", nth);

	CHECK_EQ(pwrite(failcall_nth, text, length, 0), length);
}

static bool calls_disarm(char *step, size_t size)
{
	char text[128] = "";
	int left;

	CHECK_EQ(pwrite(failcall_nth, "0", 1, 0), 1);
	CHECK_LT(0, pread(failcall_nth, text, sizeof(text) - 1, 0));
	CHECK_EQ(sscanf(text, "%d %63s", &left, step), 2);
	(void)size;
	return strcmp(step, "-");
}

static const struct injector calls = { "call", calls_prepare, calls_arm, calls_disarm };

CLEAN_UP
{
	if (module_loaded("failcall"))
		module_unload("failcall");
}

static void say(const char *format, ...)
{
	char line[256];
	va_list arguments;
	int log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC), length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (write(log, line, length) != length)
		test_note("%s", line);
	close(log);
}

/* Attempt it with each of its steps failing, before and after that with none. */
static void fail_each_step(const struct injector *injector, const struct attempt *attempt,
			   void *context)
{
	int nth, ret, failures = 0;
	bool injected = true;
	char step[64];

	CHECK_EQ(attempt->attempt(context), 0);
	attempt->undo(context);
	for (nth = 1; injected && nth < MOST; nth++) {
		injector->arm(nth);
		ret = attempt->attempt(context);
		injected = injector->disarm(step, sizeof(step));
		test_note("%s, %s %d (%s): %d", attempt->name, injector->what, nth, step, ret);
		if (!ret) {
			attempt->undo(context);
		} else {
			failures++;
			CHECK(injected);
			if (attempt->check)
				attempt->check(context);
			CHECK_EQ(attempt->attempt(context), 0);
			attempt->undo(context);
		}
		if (attempt->check)
			attempt->check(context);
	}
	CHECK_LT(nth, MOST);
	say("steps: %s: %d %ss, %d of them fatal", attempt->name, nth - 2, injector->what, failures);
}

static void kmemleak_start(void)
{
	if (file_exists(KMEMLEAK))
		file_write(KMEMLEAK, "clear");
}

/* Objects of the driver that nothing points to any more. */
static void check_nothing_leaked(void)
{
	char *text, *object, *rest;

	if (!file_exists(KMEMLEAK))
		return;
	for (int scan = 0; scan < 2; scan++) {
		pause_ms(KMEMLEAK_AGE_MS);
		file_write(KMEMLEAK, "scan");
	}
	text = file_read(KMEMLEAK);
	for (rest = text; (object = strstr(rest, "unreferenced object")); rest = object + 1) {
		char *next = strstr(object + 1, "unreferenced object");

		if (next)
			next[-1] = '\0';
		if (strstr(object, "[vfio_"))
			FAIL("leaked: %s", object);
		if (next)
			next[-1] = '\n';
	}
	free(text);
}

static void every_step(const struct injector *injector, void (*body)(const struct injector *))
{
	driver_load("enable_sriov=1");
	injector->prepare();
	kmemleak_start();
	body(injector);
	check_nothing_leaked();
}

/* EVERY_STEP(of_what) { body }: a promise for each injector; the body gets it as `injector`. */
#define EVERY_STEP(name)								\
	static void steps_of_##name(const struct injector *injector);			\
	TEST(every_failed_call_of_##name##_is_undone)					\
	{										\
		every_step(&calls, steps_of_##name);					\
	}										\
	static void steps_of_##name(const struct injector *injector)

/* Probe */

struct function {
	const char *bdf;
	uint16_t command;
	int usage;
	int bind;
};

static int probe_attempt(void *context)
{
	struct function *function = context;

	return pwrite(function->bind, function->bdf, strlen(function->bdf), 0) > 0 ? 0 : -errno;
}

static void probe_undo(void *context)
{
	struct function *function = context;

	CHECK_STR(pci_driver(function->bdf), VFIO_PCI);
	CHECK_EQ(pci_unbind_try(function->bdf), 0);
	pci_attr_set(function->bdf, "driver_override", VFIO_PCI);
}

static void probe_check(void *context)
{
	struct function *function = context;

	CHECK_STR(pci_driver(function->bdf), "");
	CHECK_EQ(pm_usage(function->bdf), function->usage);
	CHECK_EQ(real_cfg(function->bdf, PCI_COMMAND, 2), function->command);
}

static const struct attempt probe_steps = {
	"probe", probe_attempt, probe_undo, probe_check
};

EVERY_STEP(probe)
{
	static const char *const ids[] = { "edu0", "nvme0", "vga0" };

	for (size_t n = 0; n < sizeof(ids) / sizeof(ids[0]); n++) {
		struct function function = { .bdf = vm_bdf(ids[n]) };

		function.command = real_cfg(function.bdf, PCI_COMMAND, 2);
		function.usage = pm_usage(function.bdf);
		function.bind = CHECK_OK(open("/sys/bus/pci/drivers/" VFIO_PCI "/bind",
					      O_WRONLY | O_CLOEXEC));
		pci_attr_set(function.bdf, "driver_override", VFIO_PCI);
		fail_each_step(injector, &probe_steps, &function);
		close(function.bind);
		vfio_close(vfio_bind_and_open(function.bdf));
		pci_unbind(function.bdf);
	}
	CHECK_EQ(module_uses("vfio_pci"), 0);
}

/* Open */

struct opened {
	struct vfio_device *device;
	int usage;
};

static int open_attempt(void *context)
{
	struct vfio_device *device = ((struct opened *)context)->device;

	device->fd = ioctl(device->group, VFIO_GROUP_GET_DEVICE_FD, device->bdf);
	return device->fd >= 0 ? 0 : -errno;
}

static void open_undo(void *context)
{
	struct vfio_device *device = ((struct opened *)context)->device;

	CHECK_OK(ioctl(device->fd, VFIO_DEVICE_GET_INFO, &device->info));
	CHECK_EQ(cfg32(device, PCI_VENDOR_ID), real_cfg(device->bdf, PCI_VENDOR_ID, 4));
	close(device->fd);
}

static void open_check(void *context)
{
	struct opened *opened = context;

	CHECK_EQ(pm_usage(opened->device->bdf), opened->usage);
}

static const struct attempt open_steps = { "open", open_attempt, open_undo, open_check };

EVERY_STEP(open)
{
	static const char *const ids[] = { "edu0", "nvme1", "nic0", "vga0" };

	for (size_t n = 0; n < sizeof(ids) / sizeof(ids[0]); n++) {
		struct opened opened = { vfio_bind_and_open(vm_bdf(ids[n])), 0 };
		struct vfio_device *device = opened.device;

		close(device->fd);
		opened.usage = pm_usage(device->bdf);
		fail_each_step(injector, &open_steps, &opened);
		device->fd = CHECK_OK(ioctl(device->group, VFIO_GROUP_GET_DEVICE_FD, device->bdf));
		vfio_close(device);
	}
}

/* Interrupts */

#define MOST_VECTORS 4

struct interrupt {
	struct vfio_device *device;
	unsigned int index;
	unsigned int count;
	int events[MOST_VECTORS];
};

static int interrupt_attempt(void *context)
{
	struct interrupt *irq = context;

	return vfio_irq_eventfds_try(irq->device, irq->index, 0, irq->count, irq->events);
}

static void interrupt_undo(void *context)
{
	struct interrupt *irq = context;

	vfio_irq_loopback(irq->device, irq->index, irq->count - 1);
	CHECK_EQ(event_take(irq->events[irq->count - 1]), 1);
	vfio_irq_disable(irq->device, irq->index);
}

static void msix_check(void *context)
{
	struct vfio_device *device = ((struct interrupt *)context)->device;

	CHECK_EQ(cfg16(device, cfg_cap(device, PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS) &
		 PCI_MSIX_FLAGS_ENABLE, 0);
}

static void msi_check(void *context)
{
	struct vfio_device *device = ((struct interrupt *)context)->device;

	CHECK_EQ(cfg16(device, cfg_cap(device, PCI_CAP_ID_MSI) + PCI_MSI_FLAGS) &
		 PCI_MSI_FLAGS_ENABLE, 0);
}

static const struct attempt intx_steps = { "INTx", interrupt_attempt, interrupt_undo, NULL };
static const struct attempt msi_steps = { "MSI", interrupt_attempt, interrupt_undo, msi_check };
static const struct attempt msix_steps = { "MSI-X", interrupt_attempt, interrupt_undo, msix_check };
static const struct attempt err_steps = { "ERR", interrupt_attempt, interrupt_undo, NULL };
static const struct attempt req_steps = { "REQ", interrupt_attempt, interrupt_undo, NULL };

static void interrupt_steps(const struct injector *injector, const struct attempt *attempt,
			    struct vfio_device *device, unsigned int index, unsigned int count)
{
	struct interrupt irq = { .device = device, .index = index, .count = count };

	for (unsigned int n = 0; n < count; n++)
		irq.events[n] = event_new();
	fail_each_step(injector, attempt, &irq);
	for (unsigned int n = 0; n < count; n++)
		close(irq.events[n]);
}

static int unmask_attempt(void *context)
{
	struct interrupt *irq = context;

	return vfio_irqs_try(irq->device, irq->index,
			     VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK, 0, 1,
			     irq->events, sizeof(irq->events[0]));
}

static void unmask_undo(void *context)
{
	struct interrupt *irq = context;
	int none = -1;

	CHECK_EQ(vfio_irqs_try(irq->device, irq->index,
			       VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK, 0, 1,
			       &none, sizeof(none)), 0);
}

static const struct attempt unmask_steps = { "unmask eventfd", unmask_attempt, unmask_undo, NULL };

EVERY_STEP(interrupts)
{
	struct vfio_device *edu = vfio_bind_and_open(vm_bdf("edu0"));
	struct vfio_device *nvme = vfio_bind_and_open(vm_bdf("nvme1"));
	struct interrupt irq = { .device = edu, .index = VFIO_PCI_INTX_IRQ_INDEX };
	int trigger = event_new();

	interrupt_steps(injector, &intx_steps, edu, VFIO_PCI_INTX_IRQ_INDEX, 1);
	interrupt_steps(injector, &msi_steps, edu, VFIO_PCI_MSI_IRQ_INDEX, 1);
	interrupt_steps(injector, &msix_steps, nvme, VFIO_PCI_MSIX_IRQ_INDEX, MOST_VECTORS);
	interrupt_steps(injector, &err_steps, nvme, VFIO_PCI_ERR_IRQ_INDEX, 1);
	interrupt_steps(injector, &req_steps, edu, VFIO_PCI_REQ_IRQ_INDEX, 1);

	vfio_irq_eventfd(edu, VFIO_PCI_INTX_IRQ_INDEX, 0, trigger);
	irq.events[0] = event_new();
	fail_each_step(injector, &unmask_steps, &irq);
	vfio_close(nvme);
	vfio_close(edu);
}

/* Regions */

static sigjmp_buf fault;

static void on_fault(int signal)
{
	siglongjmp(fault, signal);
}

struct region {
	struct vfio_device *device;
	unsigned int index;
	void *mapping;
	int event;
};

static int mapping_attempt(void *context)
{
	struct region *region = context;

	region->mapping = vfio_mmap(region->device, region->index, 0, 4096, PROT_READ | PROT_WRITE);
	if (region->mapping == MAP_FAILED)
		return -errno;
	signal(SIGBUS, on_fault);
	signal(SIGSEGV, on_fault);
	if (!sigsetjmp(fault, 1)) {
		(void)*(volatile uint32_t *)region->mapping;
		return 0;
	}
	munmap(region->mapping, 4096);
	return -EFAULT;
}

static void mapping_undo(void *context)
{
	struct region *region = context;

	CHECK_EQ(*(volatile uint32_t *)region->mapping, 0x010000ed);
	munmap(region->mapping, 4096);
}

static const struct attempt mapping_steps = {
	"mapping, and its first fault", mapping_attempt, mapping_undo, NULL
};

static int info_attempt(void *context)
{
	struct region *region = context;
	struct vfio_region_info *info;
	int ret = vfio_region_try(region->device, region->index, &info);

	if (!ret)
		free(info);
	return ret;
}

static void nothing_to_undo(void *context)
{
	(void)context;
}

static const struct attempt info_steps = { "region info", info_attempt, nothing_to_undo, NULL };

static int rom_attempt(void *context)
{
	struct region *region = context;
	uint16_t signature = 0;
	ssize_t size = vfio_read_try(region->device, VFIO_PCI_ROM_REGION_INDEX, 0, &signature, 2);

	if (size < 0)
		return size;
	return size == 2 && signature == 0xaa55 ? 0 : -EIO;
}

static const struct attempt rom_steps = { "ROM", rom_attempt, nothing_to_undo, NULL };

static int bar_attempt(void *context)
{
	struct region *region = context;
	uint32_t value;
	ssize_t size = vfio_read_try(region->device, 0, 0, &value, 4);

	return size == 4 ? 0 : size < 0 ? size : -EIO;
}

static const struct attempt bar_steps = { "BAR", bar_attempt, nothing_to_undo, NULL };

static int ioeventfd_set(struct region *region, int fd)
{
	struct vfio_device_ioeventfd ioeventfd = {
		.argsz = sizeof(ioeventfd),
		.flags = VFIO_DEVICE_IOEVENTFD_32,
		.offset = (uint64_t)region->index << 40,
		.data = 1,
		.fd = fd,
	};

	return ioctl(region->device->fd, VFIO_DEVICE_IOEVENTFD, &ioeventfd) ? -errno : 0;
}

static int ioeventfd_attempt(void *context)
{
	struct region *region = context;

	return ioeventfd_set(region, region->event);
}

static void ioeventfd_undo(void *context)
{
	CHECK_EQ(ioeventfd_set(context, -1), 0);
}

static const struct attempt ioeventfd_steps = {
	"ioeventfd", ioeventfd_attempt, ioeventfd_undo, NULL
};

EVERY_STEP(regions)
{
	struct region edu = { .device = vfio_bind_and_open(vm_bdf("edu0")) };
	struct region nvme = { .device = vfio_bind_and_open(vm_bdf("nvme1")) };
	struct region nic = { .device = vfio_bind_and_open(vm_bdf("nic0")) };
	struct region testdev = { .device = vfio_bind_and_open(vm_bdf("testdev0")) };

	cfg_command(edu.device, PCI_COMMAND_MEMORY, 0);
	fail_each_step(injector, &mapping_steps, &edu);
	fail_each_step(injector, &info_steps, &nvme);
	nvme.index = VFIO_PCI_ROM_REGION_INDEX;
	fail_each_step(injector, &info_steps, &nvme);
	cfg_command(nic.device, PCI_COMMAND_MEMORY, 0);
	fail_each_step(injector, &rom_steps, &nic);
	cfg_command(testdev.device, PCI_COMMAND_MEMORY, 0);
	fail_each_step(injector, &bar_steps, &testdev);
	testdev.event = event_new();
	fail_each_step(injector, &ioeventfd_steps, &testdev);
	vfio_close(testdev.device);
	vfio_close(nic.device);
	vfio_close(nvme.device);
	vfio_close(edu.device);
}

/* Power, resets, features */

static int reset_attempt(void *context)
{
	return vfio_reset_try(context);
}

static const struct attempt reset_steps = { "reset", reset_attempt, nothing_to_undo, NULL };

static int hot_reset_info_attempt(void *context)
{
	struct vfio_pci_hot_reset_info *info;
	int ret = vfio_hot_reset_info_try(context, &info);

	if (!ret)
		free(info);
	return ret;
}

static const struct attempt hot_reset_info_steps = {
	"hot reset info", hot_reset_info_attempt, nothing_to_undo, NULL
};

struct power {
	struct vfio_device *device;
	unsigned int control;				/* where PMCSR is */
};

static int d3hot_attempt(void *context)
{
	struct power *power = context;
	uint16_t state = 3;
	ssize_t size = vfio_write_try(power->device, VFIO_PCI_CONFIG_REGION_INDEX, power->control,
				      &state, 2);

	return size < 0 ? size : 0;
}

static void d3hot_undo(void *context)
{
	struct power *power = context;

	cfg_set16(power->device, power->control, 0);
	CHECK_EQ(cfg16(power->device, power->control) & PCI_PM_CTRL_STATE_MASK, 0);
	cfg_command(power->device, PCI_COMMAND_MEMORY, 0);
	CHECK_NE(vfio_read(power->device, 0, 0, 4), 0xffffffff);
}

static const struct attempt d3hot_steps = { "D3hot", d3hot_attempt, d3hot_undo, NULL };

#ifndef VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY
#define VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY	3
#define VFIO_DEVICE_FEATURE_LOW_POWER_EXIT	5
#endif

static int low_power_attempt(void *context)
{
	return vfio_feature_try(context, VFIO_DEVICE_FEATURE_SET |
				VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, NULL, 0);
}

static void low_power_undo(void *context)
{
	CHECK_EQ(vfio_feature_try(context, VFIO_DEVICE_FEATURE_SET |
				  VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, NULL, 0), 0);
}

static const struct attempt low_power_steps = {
	"low power", low_power_attempt, low_power_undo, NULL
};

static int low_power_exit_attempt(void *context)
{
	return vfio_feature_try(context, VFIO_DEVICE_FEATURE_SET |
				VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, NULL, 0);
}

static void low_power_exit_undo(void *context)
{
	CHECK_EQ(low_power_attempt(context), 0);
}

static const struct attempt low_power_exit_steps = {
	"end of low power", low_power_exit_attempt, low_power_exit_undo, NULL
};

static int token_attempt(void *context)
{
	uint8_t token[16] = { 1, 2, 3 };

	return vfio_feature_try(context, VFIO_DEVICE_FEATURE_SET |
				VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, token, sizeof(token));
}

static const struct attempt token_steps = { "VF token", token_attempt, nothing_to_undo, NULL };

EVERY_STEP(power_and_resets)
{
	struct vfio_device *nvme = vfio_bind_and_open(vm_bdf("nvme1"));
	struct vfio_device *nic = vfio_bind_and_open(vm_bdf("nic0"));
	struct vfio_device *pf = vfio_bind_and_open(vm_bdf("nvme0"));
	struct power power = { nvme, cfg_cap(nvme, PCI_CAP_ID_PM) + PCI_PM_CTRL };

	fail_each_step(injector, &reset_steps, nvme);
	fail_each_step(injector, &hot_reset_info_steps, nic);
	fail_each_step(injector, &d3hot_steps, &power);
	fail_each_step(injector, &low_power_steps, nvme);
	CHECK_EQ(low_power_attempt(nvme), 0);
	fail_each_step(injector, &low_power_exit_steps, nvme);
	CHECK_EQ(low_power_exit_attempt(nvme), 0);
	fail_each_step(injector, &token_steps, pf);
	vfio_close(pf);
	vfio_close(nic);
	vfio_close(nvme);
}

/* SR-IOV */

static int sriov_attempt(void *context)
{
	return pci_set_vfs_try(context, 2);
}

/* A VF whose probe failed is there, without a driver. */
static void sriov_undo(void *context)
{
	CHECK_EQ(pci_attr_number(context, "sriov_numvfs"), 2);
	CHECK_EQ(pci_set_vfs_try(context, 0), 0);
}

static void sriov_check(void *context)
{
	CHECK_EQ(pci_attr_number(context, "sriov_numvfs"), 0);
}

static const struct attempt sriov_steps = { "SR-IOV", sriov_attempt, sriov_undo, sriov_check };

EVERY_STEP(sriov)
{
	const char *pf = vm_bdf("nvme0");

	pci_bind(pf, VFIO_PCI);
	fail_each_step(injector, &sriov_steps, (void *)pf);
	vfio_close(vfio_open(pf));
}
