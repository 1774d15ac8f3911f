// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once: processes and the administrator use one device in every way.
 * It must end, no process may be stuck, and the devices must be usable afterwards. The kernel log
 * says what goes wrong, above all on a kernel with lockdep and KASAN.
 *
 * vm-machine: resets
 * vm-drivers: ours kernel
 * vm-threads: multi
 * vm-seconds: 300
 */
#include <setjmp.h>

#include "vmtest.h"

#define SECONDS		6
#define MAX_WORKERS	16

struct context {
	struct vfio_device *device;
	const int *groups;
	unsigned int nr_groups;
};

static sigjmp_buf fault;

static void on_fault(int signal)
{
	(void)signal;
	siglongjmp(fault, 1);
}

/* One step of a worker. Errors are ignored: other workers cause them. */
typedef void (*work)(struct context *context, unsigned int round);

static void set_command(struct vfio_device *device, uint16_t command)
{
	vfio_write_try(device, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, &command, 2);
}

static void toggle_decoding(struct context *context, unsigned int round)
{
	set_command(context->device, round & 1 ? PCI_COMMAND_MEMORY :
						 PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
	if (!(round % 8))
		set_command(context->device, 0);
}

static void read_everything(struct context *context, unsigned int round)
{
	uint8_t config[256];
	uint32_t value;

	(void)round;
	vfio_read_try(context->device, VFIO_PCI_CONFIG_REGION_INDEX, 0, config, sizeof(config));
	vfio_read_try(context->device, 0, 8, &value, 4);
	vfio_read_try(context->device, VFIO_PCI_ROM_REGION_INDEX, 0, config, 64);
}

static void touch_mapping(struct context *context, unsigned int round)
{
	volatile uint32_t *bar = vfio_mmap(context->device, 0, 0, 4096, PROT_READ | PROT_WRITE);

	(void)round;
	if (bar == MAP_FAILED)
		return;
	signal(SIGBUS, on_fault);
	if (!sigsetjmp(fault, 1))
		for (int n = 0; n < 100; n++)
			(void)bar[2];
	munmap((void *)bar, 4096);
}

static void set_interrupts(struct context *context, unsigned int round)
{
	static const uint32_t indexes[] = { VFIO_PCI_INTX_IRQ_INDEX, VFIO_PCI_MSIX_IRQ_INDEX };
	uint32_t index = indexes[round & 1];
	int events[3] = { event_new(), event_new(), event_new() };

	vfio_irq_eventfds_try(context->device, index, 0, 1, events);
	vfio_irq_eventfds_try(context->device, index, 1, 2, events + 1);
	vfio_irqs_try(context->device, index, VFIO_IRQ_SET_DATA_EVENTFD |
		      VFIO_IRQ_SET_ACTION_UNMASK, 0, 1, events, sizeof(events[0]));
	vfio_irqs_try(context->device, index, VFIO_IRQ_SET_DATA_NONE |
		      VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1, NULL, 0);
	vfio_irqs_try(context->device, index, VFIO_IRQ_SET_DATA_NONE |
		      VFIO_IRQ_SET_ACTION_TRIGGER, 0, 0, NULL, 0);
	for (int n = 0; n < 3; n++)
		close(events[n]);
}

static void reset(struct context *context, unsigned int round)
{
	(void)round;
	vfio_reset_try(context->device);
}

static void hot_reset(struct context *context, unsigned int round)
{
	(void)round;
	vfio_hot_reset_try(context->device, context->groups, context->nr_groups);
}

static void change_power_state(struct context *context, unsigned int round)
{
	unsigned int cap = real_cfg_cap(context->device->bdf, PCI_CAP_ID_PM);
	uint16_t control = round & 1 ? 3 : 0;

	if (cap)
		vfio_write_try(context->device, VFIO_PCI_CONFIG_REGION_INDEX, cap + PCI_PM_CTRL,
			       &control, 2);
}

static void use_low_power(struct context *context, unsigned int round)
{
	vfio_feature_try(context->device, VFIO_DEVICE_FEATURE_SET |
			 (round & 1 ? VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY :
				      VFIO_DEVICE_FEATURE_LOW_POWER_EXIT), NULL, 0);
}

static void use_ioeventfd(struct context *context, unsigned int round)
{
	struct vfio_device_ioeventfd request = {
		.argsz = sizeof(request),
		.flags = 4,
		.offset = 0x10,
		.data = round,
		.fd = event_new(),
	};
	uint64_t one = 1;
	int fd = request.fd;

	ioctl(context->device->fd, VFIO_DEVICE_IOEVENTFD, &request);
	if (write(fd, &one, sizeof(one)) != sizeof(one))
		FAIL("cannot signal an eventfd: %m");
	request.fd = -1;
	ioctl(context->device->fd, VFIO_DEVICE_IOEVENTFD, &request);
	close(fd);
}

static void reset_through_sysfs(struct context *context, unsigned int round)
{
	(void)round;
	pci_attr_set_try(context->device->bdf, "reset", "1");
}

static void write_parameters(struct context *context, unsigned int round)
{
	(void)context;
	module_parameter_set_try("vfio_pci", "disable_idle_d3", round & 1 ? "1" : "0");
	module_parameter_set_try("vfio_pci", "nointxmask", round & 2 ? "1" : "0");
}

static void forbid_and_allow_sleep(struct context *context, unsigned int round)
{
	pci_attr_set_try(context->device->bdf, "power/control", round & 1 ? "on" : "auto");
}

static const work all_work[] = {
	toggle_decoding, read_everything, touch_mapping, set_interrupts, reset,
	change_power_state, use_low_power, use_ioeventfd, reset_through_sysfs, write_parameters,
	forbid_and_allow_sleep, hot_reset,
};

#define NR_WORK ((int)(sizeof(all_work) / sizeof(all_work[0])))

static pid_t start(work work, struct context *context)
{
	pid_t child = CHECK_OK(fork());

	if (!child)
		for (unsigned int round = 0;; round++)
			work(context, round);
	return child;
}

static void stop(pid_t child)
{
	int status;

	CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
	kill(child, SIGKILL);
	CHECK_OK(waitpid(child, &status, 0));
}

/* In D0, out of low power, decoding. */
static void check_usable(struct vfio_device *device)
{
	unsigned int cap = real_cfg_cap(device->bdf, PCI_CAP_ID_PM);
	uint32_t value;

	vfio_feature_try(device, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
			 NULL, 0);
	if (cap)
		cfg_set16(device, cap + PCI_PM_CTRL, 0);
	CHECK(WAIT_UNTIL(!vfio_reset_try(device), 10000));
	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(vfio_read_try(device, 0, 8, &value, 4), 4);
	CHECK_NE(value, 0xffffffff);
	CHECK_EQ(cfg32(device, PCI_VENDOR_ID), real_cfg(device->bdf, PCI_VENDOR_ID, 4));
}

static void run_on(struct context *contexts, int nr_contexts, int seconds)
{
	pid_t children[2 * MAX_WORKERS];
	int count = 0;

	for (int device = 0; device < nr_contexts; device++)
		for (int n = 0; n < NR_WORK; n++)
			children[count++] = start(all_work[n], &contexts[device]);
	pause_ms(seconds * 1000);
	for (int n = 0; n < count; n++)
		stop(children[n]);
}

TEST(one_device_in_every_way_at_once)
{
	struct context context = { .nr_groups = 1 };
	int usage;

	driver_load(NULL);
	context.device = vfio_bind_and_open(vm_bdf("nvme0"));
	context.groups = &context.device->group;
	usage = pm_usage(context.device->bdf);
	run_on(&context, 1, SECONDS);
	pci_attr_set(context.device->bdf, "power/control", "auto");
	check_usable(context.device);
	CHECK_EQ(pm_usage(context.device->bdf), usage);
	vfio_close(context.device);
	check_usable(vfio_open(vm_bdf("nvme0")));
}

/* Each device's resets also reset the other one. */
TEST(two_devices_of_one_set_in_every_way_at_once)
{
	struct context contexts[2] = { { .nr_groups = 1 }, { .nr_groups = 1 } };
	const char *nic = vm_bdf("nic1");

	driver_load(NULL);
	pci_bind(vm_bdf("testdev1"), VFIO_PCI);
	pci_bind(vm_bdf("testdev2"), VFIO_PCI);
	contexts[0].device = vfio_bind_and_open(nic);
	contexts[1].device = vfio_open_with(contexts[0].device, vm_bdf("testdev1"));
	contexts[0].groups = contexts[1].groups = &contexts[0].device->group;
	run_on(contexts, 2, SECONDS);
	pci_attr_set(nic, "power/control", "auto");
	check_usable(contexts[0].device);
	cfg_command(contexts[1].device, PCI_COMMAND_MEMORY, 0);
	vfio_write(contexts[1].device, 0, 0, 0, 1);
	CHECK_NE(vfio_read(contexts[1].device, 0, 4, 4), 0);
	close(contexts[1].device->fd);
	vfio_close(contexts[0].device);
	check_usable(vfio_open(nic));
}

/* Clients come and go while the administrator resets, and binds and unbinds the neighbour. */
TEST(opens_and_closes_race_with_all_else)
{
	const char *bdf = vm_bdf("nic1"), *neighbour = vm_bdf("testdev1");
	int status, usage;
	pid_t children[2];

	driver_load(NULL);
	pci_bind(bdf, VFIO_PCI);
	CHECK(WAIT_UNTIL(!strcmp(pm_status(bdf), "suspended"), 10000));
	usage = pm_usage(bdf);
	for (int n = 0; n < 2; n++) {
		children[n] = CHECK_OK(fork());
		if (children[n])
			continue;
		for (;;) {
			if (n) {
				pci_attr_set_try(bdf, "reset", "1");
			} else {
				pci_bind_try(neighbour, VFIO_PCI);
				pci_unbind_try(neighbour);
			}
		}
	}
	for (int round = 0; round < 20; round++) {
		struct vfio_device *nic;
		int error;

		while ((error = vfio_open_try(bdf, bdf, &nic)) == -EAGAIN || error == -EPERM)
			pause_ms(1);
		CHECK_EQ(error, 0);
		vfio_close(nic);
	}
	for (int n = 0; n < 2; n++) {
		CHECK_EQ(waitpid(children[n], &status, WNOHANG), 0);
		kill(children[n], SIGKILL);
		CHECK_OK(waitpid(children[n], &status, 0));
	}
	CHECK(WAIT_UNTIL(pm_usage(bdf) == usage, 10000));
	check_usable(vfio_open(bdf));
}
