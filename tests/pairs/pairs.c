// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every pair of things that a client, a neighbour or the administrator can do to a function races
 * for a while, on a witness. After it the function works, hardware is as the client sees it, the
 * witness has counted nothing, and nothing is in the log.
 *
 * vm-machine: pairs
 * vm-drivers: ours kernel
 * vm-threads: multi
 * vm-files: build/pairs/milliseconds
 * vm-timeout: 120
 * vm-seconds: 90
 */
#include <limits.h>
#include <setjmp.h>

#include "vmtest.h"

#define ID		"witness0"
#define LIMIT_MS	20000
/* What an actor may take for the round that it is in when the pair is told to stop. */
#define STOP_MS		40000
#define ROUNDS_OPEN	6
#define INTX		VFIO_PCI_INTX_IRQ_INDEX
#define MSI		VFIO_PCI_MSI_IRQ_INDEX
#define MSIX		VFIO_PCI_MSIX_IRQ_INDEX
#define CONFIG		VFIO_PCI_CONFIG_REGION_INDEX
#define ROM		VFIO_PCI_ROM_REGION_INDEX

#define NR_REGIONS	9

struct context {
	const char *bdf;
	/* That of the client; its fd is -1 while it has none. */
	struct vfio_device *device;
	uint64_t offset[NR_REGIONS];
	unsigned int pm_control;
	/* Shared with the processes of the pair. */
	volatile bool *stop;
};

/* Who needs what. */
enum kind {
	CLIENT,		/* the open device */
	HOST,		/* no client, and does not mind one */
	OPENS,		/* opens and closes the device itself */
	TAKES,		/* takes the function away from the driver: clients must close it for that */
};

struct actor {
	const char *name;
	enum kind kind;
	void (*work)(struct context *context, unsigned int round);
};

/* The client. Errors are the others' doing. No ioctl goes before: it would wake the function. */

static ssize_t get(struct context *context, unsigned int region, uint64_t offset, void *value,
		   size_t size)
{
	return pread(context->device->fd, value, size, context->offset[region] + offset);
}

static ssize_t set(struct context *context, unsigned int region, uint64_t offset, uint32_t value,
		   size_t size)
{
	return pwrite(context->device->fd, &value, size, context->offset[region] + offset);
}

static void command(struct context *context, unsigned int round)
{
	static const uint16_t values[] = {
		PCI_COMMAND_MEMORY | PCI_COMMAND_IO | PCI_COMMAND_MASTER,
		PCI_COMMAND_IO,
		PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE,
		PCI_COMMAND_MEMORY,
		0,
	};

	set(context, CONFIG, PCI_COMMAND, values[round % 5], 2);
}

static void power_state(struct context *context, unsigned int round)
{
	set(context, CONFIG, context->pm_control, round & 1 ? 0 : 3, 2);
}

static void config(struct context *context, unsigned int round)
{
	uint8_t all[4096];

	(void)round;
	get(context, CONFIG, 0, all, sizeof(all));
	set(context, CONFIG, PCI_BASE_ADDRESS_0, round, 4);
}

static int irqs(struct context *context, unsigned int index, uint32_t flags, unsigned int start,
		unsigned int count, const int *fds)
{
	return vfio_irqs_try(context->device, index, flags, start, count, fds,
			     fds ? count * sizeof(*fds) : 0);
}

#define EVENTFD_TRIGGER	(VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER)
#define NONE_TRIGGER	(VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER)

static void vectors(struct context *context, unsigned int index, unsigned int count)
{
	int fds[WITNESS_MSIX_VECTORS];

	for (unsigned int n = 0; n < count; n++)
		fds[n] = event_new();
	for (unsigned int n = 0; n < count; n++)
		irqs(context, index, EVENTFD_TRIGGER, n, 1, &fds[n]);
	irqs(context, index, NONE_TRIGGER, 0, 1, NULL);
	irqs(context, index, NONE_TRIGGER, 0, 0, NULL);
	for (unsigned int n = 0; n < count; n++)
		close(fds[n]);
}

static void intx(struct context *context, unsigned int round)
{
	(void)round;
	vectors(context, INTX, 1);
}

static void msi(struct context *context, unsigned int round)
{
	vectors(context, MSI, 1 + round % WITNESS_MSI_VECTORS);
}

static void msix(struct context *context, unsigned int round)
{
	vectors(context, MSIX, 1 + round % WITNESS_MSIX_VECTORS);
}

/* Of an INTx that it sets up if nobody else has. */
static void unmask(struct context *context, unsigned int round)
{
	int fds[2] = { event_new(), event_new() };

	if (!(round % 16))
		irqs(context, INTX, EVENTFD_TRIGGER, 0, 1, &fds[0]);
	irqs(context, INTX, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK, 0, 1, &fds[1]);
	irqs(context, INTX, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK, 0, 1, NULL);
	irqs(context, INTX, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, 0, 1, NULL);
	for (int n = 0; n < 2; n++)
		close(fds[n]);
}

/* The device interrupts, by whatever is set up. */
static void raise_interrupt(struct context *context, unsigned int round)
{
	set(context, 0, WITNESS_TRIGGER, round % 4, 4);
	set(context, 0, WITNESS_INTX_ACK, 0, 4);
	irqs(context, INTX, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, 0, 1, NULL);
}

static void bar_read(struct context *context, unsigned int round)
{
	uint32_t value;

	get(context, round & 1 ? 0 : 2, WITNESS_ID, &value, 4);
}

static void bar_write(struct context *context, unsigned int round)
{
	if (round & 1)
		set(context, 0, WITNESS_MEMORY + round % 1024 * 4, round, 4);
	else
		set(context, 2, WITNESS_SCRATCH, round, 4);
}

static sigjmp_buf fault;

static void on_fault(int signal)
{
	(void)signal;
	siglongjmp(fault, 1);
}

static void mapping(struct context *context, unsigned int round)
{
	volatile uint32_t *bar = mmap(NULL, 0x2000, PROT_READ | PROT_WRITE, MAP_SHARED,
				      context->device->fd, context->offset[0]);

	if (bar == MAP_FAILED)
		return;
	signal(SIGBUS, on_fault);
	if (!sigsetjmp(fault, 1))
		for (int n = 0; n < 20; n++)
			bar[WITNESS_MEMORY / 4 + n] = bar[WITNESS_SCRATCH / 4] + round;
	munmap((void *)bar, 0x2000);
}

static void rom(struct context *context, unsigned int round)
{
	uint8_t bytes[64];

	(void)round;
	get(context, ROM, 0, bytes, sizeof(bytes));
}

static void ioeventfd(struct context *context, unsigned int round)
{
	struct vfio_device_ioeventfd request = {
		.argsz = sizeof(request),
		.flags = VFIO_DEVICE_IOEVENTFD_32,
		.offset = context->offset[0] + WITNESS_DOORBELL,
		.data = round,
		.fd = event_new(),
	};
	uint64_t one = 1;
	int fd = request.fd;

	ioctl(context->device->fd, VFIO_DEVICE_IOEVENTFD, &request);
	CHECK_EQ(write(fd, &one, sizeof(one)), sizeof(one));
	request.fd = -1;
	ioctl(context->device->fd, VFIO_DEVICE_IOEVENTFD, &request);
	close(fd);
}

static void reset(struct context *context, unsigned int round)
{
	(void)round;
	vfio_reset_try(context->device);
}

static void hot_reset(struct context *context, unsigned int round)
{
	(void)round;
	vfio_hot_reset_try(context->device, &context->device->group, 1);
}

static void low_power(struct context *context, unsigned int round)
{
	vfio_feature_try(context->device, VFIO_DEVICE_FEATURE_SET |
			 (round & 1 ? VFIO_DEVICE_FEATURE_LOW_POWER_EXIT :
				      VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY), NULL, 0);
}

static void low_power_with_wakeup(struct context *context, unsigned int round)
{
	struct vfio_device_low_power_entry_with_wakeup entry = { .wakeup_eventfd = event_new() };
	uint32_t value;

	(void)round;
	vfio_feature_try(context->device, VFIO_DEVICE_FEATURE_SET |
			 VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP, &entry, sizeof(entry));
	get(context, 0, WITNESS_ID, &value, 4);
	close(entry.wakeup_eventfd);
}

/* The host. */

static void aer(struct context *context, unsigned int round)
{
	char *answer;

	(void)context;
	vm_request_try(&answer, "hmp pcie_aer_inject_error " ID " %s",
		       round & 1 ? "POISON_TLP" : "MALF_TLP");
	free(answer);
	pause_ms(50);
}

static void sysfs_reset(struct context *context, unsigned int round)
{
	(void)round;
	pci_attr_set_try(context->bdf, "reset", "1");
}

static void sriov_numvfs(struct context *context, unsigned int round)
{
	pci_set_vfs_try(context->bdf, round & 1 ? 0 : 2);
}

static void parameters(struct context *context, unsigned int round)
{
	(void)context;
	module_parameter_set_try("vfio_pci", "disable_idle_d3", round & 1 ? "1" : "0");
	module_parameter_set_try("vfio_pci", "nointxmask", round & 2 ? "1" : "0");
}

static void power_control(struct context *context, unsigned int round)
{
	pci_attr_set_try(context->bdf, "power/control", round & 1 ? "on" : "auto");
}

static void system_sleep(struct context *context, unsigned int round)
{
	(void)context;
	(void)round;
	vm_wakeup_when_suspended();
	file_write_try("/sys/power/state", "mem");
}

/* Who takes the device. */

static bool open_client(struct context *context);
static void close_client(struct context *context);

static void open_close(struct context *context, unsigned int round)
{
	(void)round;
	if (open_client(context))
		close_client(context);
}

static void bind_again(const char *bdf)
{
	pci_attr_set_try(bdf, "driver_override", VFIO_PCI);
	file_write_try("/sys/bus/pci/drivers/" VFIO_PCI "/bind", bdf);
}

static void bind_unbind(struct context *context, unsigned int round)
{
	(void)round;
	file_write_try("/sys/bus/pci/drivers/" VFIO_PCI "/unbind", context->bdf);
	bind_again(context->bdf);
}

static void remove_rescan(struct context *context, unsigned int round)
{
	(void)round;
	pci_attr_set_try(context->bdf, "remove", "1");
	file_write_try("/sys/bus/pci/rescan", "1");
	bind_again(context->bdf);
}

static const struct actor actors[] = {
	{ "command", CLIENT, command },
	{ "power_state", CLIENT, power_state },
	{ "config", CLIENT, config },
	{ "intx", CLIENT, intx },
	{ "unmask", CLIENT, unmask },
	{ "msi", CLIENT, msi },
	{ "msix", CLIENT, msix },
	{ "interrupt", CLIENT, raise_interrupt },
	{ "bar_read", CLIENT, bar_read },
	{ "bar_write", CLIENT, bar_write },
	{ "mapping", CLIENT, mapping },
	{ "rom", CLIENT, rom },
	{ "ioeventfd", CLIENT, ioeventfd },
	{ "reset", CLIENT, reset },
	{ "hot_reset", CLIENT, hot_reset },
	{ "low_power", CLIENT, low_power },
	{ "low_power_with_wakeup", CLIENT, low_power_with_wakeup },
	{ "aer", HOST, aer },
	{ "sysfs_reset", HOST, sysfs_reset },
	{ "sriov_numvfs", HOST, sriov_numvfs },
	{ "parameters", HOST, parameters },
	{ "power_control", HOST, power_control },
	{ "system_sleep", HOST, system_sleep },
	{ "open_close", OPENS, open_close },
	{ "bind_unbind", TAKES, bind_unbind },
	{ "remove_rescan", TAKES, remove_rescan },
};

#define NR_ACTORS	(sizeof(actors) / sizeof(actors[0]))

struct pair {
	char name[64];
	const struct actor *actors[2];
	struct test test;
};

/* In the group that is open; in one of its own if none is. */
static bool open_client(struct context *context)
{
	struct vfio_device *device = context->device;
	char link[128], group[PATH_MAX];
	ssize_t length;

	if (device->group >= 0) {
		device->fd = ioctl(device->group, VFIO_GROUP_GET_DEVICE_FD, context->bdf);
		return device->fd >= 0;
	}
	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/iommu_group", context->bdf);
	length = readlink(link, group, sizeof(group) - 1);
	if (length < 0)
		return false;
	group[length] = 0;
	snprintf(link, sizeof(link), "/dev/vfio/%s", strrchr(group, '/') + 1);
	device->container = CHECK_OK(open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC));
	device->group = open(link, O_RDWR | O_CLOEXEC);
	device->owns_group = true;
	if (device->group >= 0 &&
	    !ioctl(device->group, VFIO_GROUP_SET_CONTAINER, &device->container) &&
	    !ioctl(device->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		device->fd = ioctl(device->group, VFIO_GROUP_GET_DEVICE_FD, context->bdf);
	if (device->fd < 0)
		close_client(context);
	return device->fd >= 0;
}

static void close_client(struct context *context)
{
	struct vfio_device *device = context->device;

	if (device->fd >= 0)
		close(device->fd);
	device->fd = -1;
	if (!device->owns_group)
		return;
	if (device->group >= 0)
		close(device->group);
	close(device->container);
	device->group = -1;
	device->owns_group = false;
}

static void act(const struct actor *actor, struct context *context)
{
	unsigned int round = 0;

	do {
		if (actor->kind != CLIENT || context->device->fd >= 0) {
			actor->work(context, round++);
			continue;
		}
		/* Nothing to do it to: be a client that comes and goes. */
		if (!open_client(context)) {
			pause_ms(1);
			continue;
		}
		set(context, CONFIG, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_IO, 2);
		for (int n = 0; n < ROUNDS_OPEN && !*context->stop; n++)
			actor->work(context, round++);
		close_client(context);
	} while (!*context->stop);
	test_note("%s: %u rounds", actor->name, round);
}

static void wait_for_end(const struct actor *actor, pid_t child)
{
	int status = 0;
	pid_t ended = 0;

	if (!WAIT_UNTIL((ended = waitpid(child, &status, WNOHANG)), STOP_MS)) {
		char path[64], *stack;

		snprintf(path, sizeof(path), "/proc/%d/stack", child);
		stack = file_read_try(path);
		FAIL("%s does not come to an end, it waits in:\n%s", actor->name, stack ?: "?");
	}
	if (ended != child || status)
		FAIL("%s ended with status %#x", actor->name, status);
}

static void race(const struct pair *pair, struct context *context)
{
	pid_t children[2];

	for (int n = 0; n < 2; n++) {
		children[n] = CHECK_OK(fork());
		if (!children[n]) {
			act(pair->actors[n], context);
			fflush(stdout);
			_exit(0);
		}
	}
	pause_ms(file_read_number("/files/milliseconds"));
	*context->stop = true;
	for (int n = 0; n < 2; n++)
		wait_for_end(pair->actors[n], children[n]);
}

/* As firmware and the PCI core leave a function that is there at boot; a rescan does not. */
static void enable_error_reporting(const char *bdf)
{
	unsigned int control = real_cfg_cap(bdf, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;

	real_cfg_set(bdf, control, real_cfg(bdf, control, 2) | 0xf, 2);
	real_cfg_set(bdf, PCI_COMMAND, real_cfg(bdf, PCI_COMMAND, 2) | PCI_COMMAND_SERR, 2);
}

static void prepare(struct context *context)
{
	struct vfio_device *device;

	context->bdf = vm_bdf(ID);
	context->stop = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(context->stop != MAP_FAILED);
	enable_error_reporting(context->bdf);
	driver_load("enable_sriov=1");
	device = context->device = vfio_bind_and_open(context->bdf);
	for (unsigned int n = 0; n < NR_REGIONS; n++) {
		struct vfio_region_info *info;

		if (vfio_region_try(device, n, &info))
			continue;
		context->offset[n] = info->offset;
		free(info);
	}
	context->pm_control = cfg_cap(device, PCI_CAP_ID_PM) + PCI_PM_CTRL;
	cfg_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_IO, 0);
}

static bool has(const struct pair *pair, enum kind kind)
{
	return pair->actors[0]->kind == kind || pair->actors[1]->kind == kind;
}

/* Awake, in D0, no interrupt set up, no VFs. */
static void settle(struct context *context)
{
	struct vfio_device *device = context->device;

	vfio_feature_try(device, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
			 NULL, 0);
	cfg_set16(device, context->pm_control, 0);
	for (unsigned int index = INTX; index <= MSIX; index++)
		vfio_irqs_try(device, index, NONE_TRIGGER, 0, 0, NULL, 0);
	if (pci_attr_exists(context->bdf, "sriov_numvfs") &&
	    pci_attr_number(context->bdf, "sriov_numvfs"))
		pci_set_vfs(context->bdf, 0);
}

static void check_agreement(struct vfio_device *device)
{
	uint16_t decoding = PCI_COMMAND_MEMORY | PCI_COMMAND_IO;
	uint16_t real = real_cfg(device->bdf, PCI_COMMAND, 2);

	CHECK_EQ(cfg32(device, PCI_VENDOR_ID), real_cfg(device->bdf, PCI_VENDOR_ID, 4));
	CHECK_EQ(cfg16(device, PCI_COMMAND) & decoding, real & decoding);
	/* Nobody serves INTx. */
	if (driver_is_ours())
		CHECK_EQ(real & PCI_COMMAND_INTX_DISABLE, PCI_COMMAND_INTX_DISABLE);
}

static void check_interrupts(struct vfio_device *device)
{
	int event = event_new();

	cfg_command(device, PCI_COMMAND_MASTER, PCI_COMMAND_INTX_DISABLE);
	vfio_write(device, 0, WITNESS_INTX_ACK, 0, 4);
	vfio_irq_eventfd(device, INTX, 0, event);
	for (int n = 0; n < 2; n++) {
		vfio_write(device, 0, WITNESS_TRIGGER, 0, 4);
		if (event_wait(event, LIMIT_MS) != 1)
			FAIL("no INTx, the %d. time; command %#x", n + 1,
			     real_cfg(device->bdf, PCI_COMMAND, 2));
		vfio_write(device, 0, WITNESS_INTX_ACK, 0, 4);
		vfio_irq_unmask(device, INTX);
	}
	vfio_irq_disable(device, INTX);
	vfio_irq_eventfd(device, MSIX, 2, event);
	vfio_write(device, 0, WITNESS_TRIGGER, 2, 4);
	if (event_wait(event, LIMIT_MS) != 1)
		FAIL("no MSI-X");
	vfio_irq_disable(device, MSIX);
	vfio_irq_eventfd(device, MSI, 0, event);
	vfio_write(device, 0, WITNESS_TRIGGER, 0, 4);
	if (event_wait(event, LIMIT_MS) != 1)
		FAIL("no MSI");
	vfio_irq_disable(device, MSI);
}

static void check_works(struct vfio_device *device)
{
	uint16_t signature = 0;

	cfg_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_IO, 0);
	CHECK_EQ(vfio_read(device, 0, WITNESS_ID, 4), WITNESS_ID_VALUE);
	CHECK_EQ(vfio_read(device, 2, WITNESS_ID, 4), WITNESS_ID_VALUE);
	CHECK_EQ(vfio_read_try(device, ROM, 0, &signature, 2), 2);
	CHECK_EQ(signature, 0xaa55);
	check_interrupts(device);
}

/* What all of them may leave that the runner does not know of. */
CLEAN_UP
{
	const char *bdf;

	file_write("/sys/bus/pci/rescan", "1");
	bdf = vm_bdf(ID);
	witness_set_intx(ID, false);
	pci_attr_set_try(bdf, "power/control", "auto");
}

static void race_and_check(void)
{
	const struct pair *pair = test_data();
	struct context context = {};
	int usage = 0;

	prepare(&context);
	if (has(pair, TAKES)) {
		close(context.device->fd);
		close(context.device->group);
		close(context.device->container);
		context.device->fd = context.device->group = -1;
		context.device->owns_group = false;
	} else if (has(pair, OPENS)) {
		close(context.device->fd);
		context.device->fd = -1;
		context.device->owns_group = false;
	} else {
		usage = pm_usage(context.bdf);
	}
	race(pair, &context);
	module_parameter_set("vfio_pci", "disable_idle_d3", "0");
	module_parameter_set("vfio_pci", "nointxmask", "0");
	pci_attr_set_try(context.bdf, "power/control", "auto");
	if (has(pair, TAKES)) {
		file_write("/sys/bus/pci/rescan", "1");
		pci_bind(context.bdf, VFIO_PCI);
	}
	if (context.device->fd < 0)
		CHECK(open_client(&context));
	settle(&context);
	check_agreement(context.device);
	check_works(context.device);
	if (usage)
		CHECK_EQ(pm_usage(context.bdf), usage);
	close_client(&context);
	/* And again for the next client. */
	if (has(pair, OPENS) || has(pair, TAKES)) {
		CHECK(open_client(&context));
		check_works(context.device);
	}
}

static void __attribute__((constructor)) register_pairs(void)
{
	struct pair *pair = calloc(NR_ACTORS * (NR_ACTORS + 1) / 2, sizeof(*pair));

	for (size_t first = 0; first < NR_ACTORS; first++) {
		for (size_t second = first; second < NR_ACTORS; second++, pair++) {
			pair->actors[0] = &actors[first];
			pair->actors[1] = &actors[second];
			snprintf(pair->name, sizeof(pair->name), "%s_beside_%s",
				 actors[first].name, actors[second].name);
			pair->test.name = pair->name;
			pair->test.run = race_and_check;
			pair->test.data = pair;
			test_register(&pair->test);
		}
	}
}
