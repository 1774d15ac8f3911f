// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events from the host, not from the function: PCIe errors (ERR), and the request to give the
 * device back (REQ).
 *
 * vm-machine: resets
 * vm-drivers: ours kernel
 */
#include "vmtest.h"

#define ERR		VFIO_PCI_ERR_IRQ_INDEX
#define REQ		VFIO_PCI_REQ_IRQ_INDEX
#define LIMIT_MS	20000
#define QUIET_MS	300

/* virtio's device status in BAR 4: a client may set it, a reset clears it. */
#define STATUS_BAR	4
#define STATUS		20

/* QEMU's names for errors of both kinds that are reported to a driver */
#define NONFATAL	"POISON_TLP"
#define FATAL		"MALF_TLP"

static struct vfio_device *open_rng(void)
{
	return vfio_open_with_memory("rng0", "disable_idle_d3=1");
}

/* An earlier event may still hold the device: then the reset asks for another try. */
static void check_usable_after_reset(struct vfio_device *rng)
{
	int error;

	CHECK(WAIT_UNTIL((error = vfio_reset_try(rng)) != -EAGAIN, LIMIT_MS));
	CHECK_EQ(error, 0);
	cfg_command(rng, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(vfio_read(rng, STATUS_BAR, STATUS, 1), 0);
	vfio_write(rng, STATUS_BAR, STATUS, 1, 1);
	CHECK_EQ(vfio_read(rng, STATUS_BAR, STATUS, 1), 1);
	CHECK_EQ(cfg32(rng, PCI_VENDOR_ID), real_cfg(rng->bdf, PCI_VENDOR_ID, 4));
}

/* ERR */

TEST(nonfatal_error_signals_err)
{
	struct vfio_device *rng = open_rng();
	int event = vfio_irq_event(rng, ERR), start = kmsg_mark();

	vm_aer("rng0", NONFATAL);
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
	vm_wait_recovered(start, LIMIT_MS);
	check_usable_after_reset(rng);
}

/* Recovery resets the link. */
TEST(fatal_error_signals_err_and_leaves_a_usable_function)
{
	struct vfio_device *rng = open_rng();
	int event = vfio_irq_event(rng, ERR), start = kmsg_mark();
	volatile uint8_t *bar = vfio_mmap(rng, STATUS_BAR, 0, 4096, PROT_READ | PROT_WRITE);
	uint32_t bars = real_cfg(rng->bdf, PCI_BASE_ADDRESS_4, 4);

	bar[STATUS] = 1;
	vm_aer("rng0", FATAL);
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
	vm_wait_recovered(start, LIMIT_MS);
	check_usable_after_reset(rng);
	CHECK_EQ(real_cfg(rng->bdf, PCI_BASE_ADDRESS_4, 4), bars);
	CHECK_EQ(bar[STATUS], 1);
}

/* The function's link was reset: it gets its BARs back, whatever its client does. */
TEST_OURS(fatal_error_leaves_the_function_its_bars)
{
	struct vfio_device *rng = open_rng();
	uint32_t bars = real_cfg(rng->bdf, PCI_BASE_ADDRESS_4, 4);
	int start = kmsg_mark();

	vm_aer("rng0", FATAL);
	vm_wait_recovered(start, LIMIT_MS);
	CHECK(WAIT_UNTIL(real_cfg(rng->bdf, PCI_BASE_ADDRESS_4, 4) == bars, LIMIT_MS));
}

TEST(error_without_err_set_up_harms_nobody)
{
	struct vfio_device *rng = open_rng();
	int start = kmsg_mark();

	vm_aer("rng0", NONFATAL);
	vm_wait_recovered(start, LIMIT_MS);
	check_usable_after_reset(rng);
}

static void error_while_closed(const char *error)
{
	const char *bdf = vm_bdf("rng0");
	struct vfio_device *rng;
	int start = kmsg_mark();

	vm_aer("rng0", error);
	vm_wait_recovered(start, LIMIT_MS);
	rng = vfio_open(bdf);
	cfg_command(rng, PCI_COMMAND_MEMORY, 0);
	check_usable_after_reset(rng);
	vfio_close(rng);
}

TEST(nonfatal_error_of_a_closed_function_harms_nobody)
{
	vfio_close(open_rng());
	error_while_closed(NONFATAL);
}

/* The kernel's driver leaves the function without its BARs. */
TEST_OURS(fatal_error_of_a_closed_function_harms_nobody)
{
	vfio_close(open_rng());
	error_while_closed(FATAL);
	error_while_closed(FATAL);
}

TEST_OURS(fatal_error_of_a_function_never_opened_harms_nobody)
{
	driver_load("disable_idle_d3=1");
	pci_bind(vm_bdf("rng0"), VFIO_PCI);
	error_while_closed(FATAL);
}

TEST(errors_race_with_resets_and_closes)
{
	const char *bdf = vm_bdf("rng0");
	struct vfio_device *rng;
	int status, error;
	pid_t child;

	vfio_close(open_rng());
	child = CHECK_OK(fork());
	if (!child)
		for (;;)
			vm_aer("rng0", NONFATAL);
	for (int round = 0; round < 10; round++) {
		/* A reset under way, of the recovery for instance, asks for another try. */
		while ((error = vfio_open_try(bdf, bdf, &rng)) == -EAGAIN)
			pause_ms(5);
		CHECK_EQ(error, 0);
		error = vfio_reset_try(rng);
		if (error != -EAGAIN)
			CHECK_EQ(error, 0);
		vfio_irq_event(rng, ERR);
		if (round < 9)
			vfio_close(rng);
	}
	CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
	kill(child, SIGKILL);
	CHECK_OK(waitpid(child, &status, 0));
	check_usable_after_reset(rng);
}

/* ERR and REQ alike */

static void check_eventfd_can_be_set_signalled_and_taken_away(unsigned int index)
{
	const uint32_t trigger = VFIO_IRQ_SET_ACTION_TRIGGER;
	struct vfio_device *rng = open_rng();
	int event = event_new(), other = event_new(), none = -1, bad = 1000;
	uint8_t yes = 1, no = 0;
	int pair[2] = { event, other };

	CHECK_EQ(vfio_irq_info(rng, index).flags, VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE);
	vfio_irq_eventfd(rng, index, 0, event);
	vfio_irq_loopback(rng, index, 0);
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
	CHECK_EQ(vfio_irqs_try(rng, index, VFIO_IRQ_SET_DATA_BOOL | trigger, 0, 1, &yes, 1), 0);
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
	CHECK_EQ(vfio_irqs_try(rng, index, VFIO_IRQ_SET_DATA_BOOL | trigger, 0, 1, &no, 1), 0);
	CHECK_EQ(event_take(event), 0);

	CHECK_ERR(EBADF, vfio_irq_eventfds_try(rng, index, 0, 1, &bad));
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(rng, index, 0, 2, pair));
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(rng, index, 1, 1, pair));
	CHECK_ERR(ENOTTY, vfio_irqs_try(rng, index, VFIO_IRQ_SET_DATA_NONE |
					VFIO_IRQ_SET_ACTION_MASK, 0, 1, NULL, 0));
	vfio_irq_loopback(rng, index, 0);
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);

	vfio_irq_eventfd(rng, index, 0, other);
	vfio_irq_loopback(rng, index, 0);
	CHECK_EQ(event_wait(other, LIMIT_MS), 1);
	CHECK_EQ(event_take(event), 0);

	CHECK_EQ(vfio_irq_eventfds_try(rng, index, 0, 1, &none), 0);
	vfio_irqs_try(rng, index, VFIO_IRQ_SET_DATA_NONE | trigger, 0, 1, NULL, 0);
	CHECK_EQ(event_take(other), 0);
	vfio_irq_eventfd(rng, index, 0, other);
	vfio_irq_disable(rng, index);
	vfio_irqs_try(rng, index, VFIO_IRQ_SET_DATA_NONE | trigger, 0, 1, NULL, 0);
	CHECK_EQ(event_take(other), 0);
}

static void release(struct vfio_device *device)
{
	close(device->fd);
	close(device->group);
	close(device->container);
}

/* The system's number of an eventfd: the lowest free one, until its last reference goes. */
static int eventfd_number(int event)
{
	char path[64];
	char *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", event);
	line = strstr(file_read(path), "eventfd-id:");
	CHECK(line);
	return atoi(line + strlen("eventfd-id:"));
}

static int next_number(void)
{
	int event = event_new(), number = eventfd_number(event);

	close(event);
	return number;
}

static void check_no_reference_is_left(unsigned int index)
{
	struct vfio_device *rng = open_rng();
	int number = next_number(), event, other;

	/* The eventfd is replaced, taken away, and left to close. */
	event = vfio_irq_event(rng, index);
	other = vfio_irq_event(rng, index);
	close(event);
	CHECK_EQ(next_number(), number);
	vfio_irq_loopback(rng, index, 0);
	CHECK_EQ(event_wait(other, LIMIT_MS), 1);
	vfio_irq_disable(rng, index);
	close(other);
	CHECK_EQ(next_number(), number);
	event = vfio_irq_event(rng, index);
	close(event);
	CHECK_NE(next_number(), number);
	release(rng);
	CHECK(WAIT_UNTIL(next_number() == number, LIMIT_MS));
}

TEST(err_eventfd_is_given_back)
{
	check_no_reference_is_left(ERR);
}

TEST(req_eventfd_is_given_back)
{
	check_no_reference_is_left(REQ);
}

TEST(err_can_be_set_signalled_and_taken_away)
{
	check_eventfd_can_be_set_signalled_and_taken_away(ERR);
}

TEST(req_can_be_set_signalled_and_taken_away)
{
	check_eventfd_can_be_set_signalled_and_taken_away(REQ);
}

/* REQ */

/* Unbinding in a process of its own, since it waits for the client. */
static pid_t start_unbinding(struct vfio_device *device)
{
	pid_t child = CHECK_OK(fork());

	if (!child) {
		release(device);
		pci_unbind(device->bdf);
		_exit(0);
	}
	return child;
}

static void check_unbound(pid_t child, const char *bdf)
{
	int status;

	CHECK_OK(waitpid(child, &status, 0));
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
	CHECK_STR(pci_driver(bdf), "");
}

TEST(unbind_asks_the_client_and_waits_for_it)
{
	struct vfio_device *rng = open_rng();
	int event = vfio_irq_event(rng, REQ), status;
	pid_t child;

	child = start_unbinding(rng);
	CHECK_GE(event_wait(event, LIMIT_MS), 1);
	CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
	CHECK_EQ(cfg32(rng, PCI_VENDOR_ID), real_cfg(rng->bdf, PCI_VENDOR_ID, 4));
	release(rng);
	check_unbound(child, rng->bdf);
}

/* The driver asks again, for a client that was not ready to listen. */
TEST(unbind_asks_more_than_once)
{
	struct vfio_device *rng = open_rng();
	int event = vfio_irq_event(rng, REQ);
	pid_t child;

	child = start_unbinding(rng);
	CHECK_GE(event_wait(event, LIMIT_MS), 1);
	CHECK_GE(event_wait(event, LIMIT_MS), 1);
	release(rng);
	check_unbound(child, rng->bdf);
}

TEST(unbind_waits_for_a_client_that_cannot_be_asked)
{
	struct vfio_device *rng = open_rng();
	int start = kmsg_mark(), status;
	pid_t child;

	child = start_unbinding(rng);
	CHECK(WAIT_UNTIL(kmsg_count(start, "vfio.pci .*(waiting for|blocked until)"), LIMIT_MS));
	CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
	release(rng);
	check_unbound(child, rng->bdf);
}

static uint8_t status_of_an_unbound_function(const char *bdf)
{
	volatile uint8_t *bar = pci_map_bar(bdf, STATUS_BAR, 0, 4096);

	real_cfg_set(bdf, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	return bar[STATUS];
}

/* A close during an unbind cannot reset the function. The kernel's driver leaves it as it is. */
TEST_OURS(unbind_leaves_nothing_of_the_client_to_the_next_driver)
{
	struct vfio_device *rng = open_rng();
	int event = vfio_irq_event(rng, REQ);
	pid_t child;

	vfio_write(rng, STATUS_BAR, STATUS, 1, 1);
	child = start_unbinding(rng);
	CHECK_GE(event_wait(event, LIMIT_MS), 1);
	release(rng);
	check_unbound(child, rng->bdf);
	CHECK_EQ(status_of_an_unbound_function(rng->bdf), 0);
}

/* The unbind holds the device lock and waits for the client: a reset must not wait for it. */
TEST(reset_during_unbind_does_not_deadlock)
{
	struct vfio_device *rng = open_rng();
	int event = vfio_irq_event(rng, REQ);
	pid_t child;

	child = start_unbinding(rng);
	CHECK_GE(event_wait(event, LIMIT_MS), 1);
	CHECK_ERR(EAGAIN, vfio_reset_try(rng));
	release(rng);
	check_unbound(child, rng->bdf);
}

TEST_OURS(hot_reset_during_unbind_does_not_deadlock)
{
	struct vfio_device *rng = open_rng();
	int event = vfio_irq_event(rng, REQ), usage;
	pid_t child;

	child = start_unbinding(rng);
	CHECK_GE(event_wait(event, LIMIT_MS), 1);
	usage = pm_usage(rng->bdf);
	CHECK_ERR(EAGAIN, vfio_hot_reset_try(rng, &rng->group, 1));
	CHECK_EQ(pm_usage(rng->bdf), usage);
	release(rng);
	check_unbound(child, rng->bdf);
}
