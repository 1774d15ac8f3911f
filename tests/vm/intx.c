// SPDX-License-Identifier: GPL-2.0-only
/*
 * INTx: delivery, masking in the function and at the interrupt controller, unmasking.
 *
 * vm-machine: default
 * vm-drivers: ours kernel
 */
#include <sched.h>

#include "vmtest.h"

/* edu's interrupt registers: raise and acknowledge bits of a status */
#define EDU_IRQ_STATUS	0x24
#define EDU_IRQ_RAISE	0x60
#define EDU_IRQ_ACK	0x64

/* e1000e's: cause, cause set, mask set, mask clear */
#define NIC_ICR		0xc0
#define NIC_ICS		0xc8
#define NIC_IMS		0xd0
#define NIC_IMC		0xd8
#define NIC_LINK_CHANGE	4

#define INTX		VFIO_PCI_INTX_IRQ_INDEX
#define LIMIT_MS	10000
/* How long to wait for an interrupt that must not come. */
#define QUIET_MS	150

static void acknowledge(struct vfio_device *edu)
{
	vfio_write(edu, 0, EDU_IRQ_ACK, 0xffffffff, 4);
	CHECK_EQ(vfio_read(edu, 0, EDU_IRQ_STATUS, 4), 0);
}

static void raise_irq(struct vfio_device *edu)
{
	vfio_write(edu, 0, EDU_IRQ_RAISE, 1, 4);
}

/*
 * No reset clears edu's status. And the emulated interrupt controller, if it masks, may have
 * latched an interrupt, and forgets it only when the line falls while the pin is in use.
 */
static void settle(struct vfio_device *edu)
{
	int event = vfio_irq_event(edu, INTX);

	raise_irq(edu);
	acknowledge(edu);
	event_wait(event, QUIET_MS);
	vfio_irq_disable(edu, INTX);
	close(event);
}

static struct vfio_device *open_edu(const char *parameters)
{
	struct vfio_device *edu;

	driver_load(parameters);
	edu = vfio_bind_and_open(vm_bdf("edu0"));
	cfg_command(edu, PCI_COMMAND_MEMORY, 0);
	settle(edu);
	return edu;
}

/* A promise for both places where the interrupt can be masked. */
#define TEST_BOTH_MASKS(name)								\
	static void name(struct vfio_device *edu);					\
	TEST(name##_masked_in_the_function) { name(open_edu("nointxmask=0")); }		\
	TEST(name##_masked_at_the_controller) { name(open_edu("nointxmask=1")); }	\
	static void name(struct vfio_device *edu)

#define TEST_OURS_BOTH_MASKS(name)							\
	static void name(struct vfio_device *edu);					\
	TEST_OURS(name##_masked_in_the_function) { name(open_edu("nointxmask=0")); }	\
	TEST_OURS(name##_masked_at_the_controller) { name(open_edu("nointxmask=1")); }	\
	static void name(struct vfio_device *edu)

#define CHECK_COMES(event)	CHECK_EQ(event_wait(event, LIMIT_MS), 1)
#define CHECK_QUIET(event)	CHECK_EQ(event_wait(event, QUIET_MS), 0)

static int unmask_by_eventfd_try(struct vfio_device *device, int event)
{
	return vfio_irqs_try(device, INTX,
			     VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK, 0, 1, &event,
			     sizeof(event));
}

static int unmask_eventfd(struct vfio_device *device)
{
	int event = event_new();

	CHECK_EQ(unmask_by_eventfd_try(device, event), 0);
	return event;
}

static bool is_off_in_function(struct vfio_device *device)
{
	return real_cfg(device->bdf, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE;
}

static bool in_proc_interrupts(const char *text)
{
	return strstr(file_read("/proc/interrupts"), text);
}

/* Delivery and automask */

TEST_BOTH_MASKS(interrupt_comes_once_until_unmasked)
{
	int event = vfio_irq_event(edu, INTX);

	CHECK_QUIET(event);
	raise_irq(edu);
	CHECK_COMES(event);
	raise_irq(edu);
	CHECK_QUIET(event);
	acknowledge(edu);
	raise_irq(edu);
	CHECK_QUIET(event);
	vfio_irq_unmask(edu, INTX);
	CHECK_COMES(event);
}

TEST_BOTH_MASKS(every_interrupt_comes)
{
	int event = vfio_irq_event(edu, INTX);

	for (int round = 0; round < 200; round++) {
		raise_irq(edu);
		CHECK_COMES(event);
		acknowledge(edu);
		vfio_irq_unmask(edu, INTX);
	}
	CHECK_QUIET(event);
}

/* The emulated interrupt controller forgets what was asserted while its pin was not in use. */
TEST_OURS(interrupt_asserted_before_enabling_comes)
{
	struct vfio_device *edu = open_edu("nointxmask=0");

	raise_irq(edu);
	CHECK_COMES(vfio_irq_event(edu, INTX));
}

TEST_BOTH_MASKS(acknowledged_interrupt_does_not_come_again)
{
	int event = vfio_irq_event(edu, INTX);

	raise_irq(edu);
	CHECK_COMES(event);
	acknowledge(edu);
	vfio_irq_unmask(edu, INTX);
	CHECK_QUIET(event);
}

TEST_BOTH_MASKS(still_asserted_interrupt_comes_again_after_unmask)
{
	int event = vfio_irq_event(edu, INTX);

	raise_irq(edu);
	for (int round = 0; round < 5; round++) {
		CHECK_COMES(event);
		vfio_irq_unmask(edu, INTX);
	}
	CHECK_COMES(event);
}

TEST_BOTH_MASKS(still_asserted_interrupt_comes_again_after_unmask_eventfd)
{
	int event = vfio_irq_event(edu, INTX), unmask = unmask_eventfd(edu);

	raise_irq(edu);
	for (int round = 0; round < 5; round++) {
		CHECK_COMES(event);
		event_signal(unmask);
	}
	CHECK_COMES(event);
	acknowledge(edu);
	event_signal(unmask);
	CHECK_QUIET(event);
}

/* Masking */

TEST_BOTH_MASKS(masked_interrupt_comes_at_unmask)
{
	int event = vfio_irq_event(edu, INTX);

	vfio_irq_mask(edu, INTX);
	vfio_irq_mask(edu, INTX);
	raise_irq(edu);
	CHECK_QUIET(event);
	vfio_irq_unmask(edu, INTX);
	CHECK_COMES(event);
}

TEST_BOTH_MASKS(unmask_of_what_is_not_masked_changes_nothing)
{
	int event = vfio_irq_event(edu, INTX);

	vfio_irq_unmask(edu, INTX);
	vfio_irq_unmask(edu, INTX);
	CHECK_QUIET(event);
	raise_irq(edu);
	CHECK_COMES(event);
	CHECK_QUIET(event);
}

TEST_BOTH_MASKS(booleans_mask_and_unmask)
{
	const uint32_t bools = VFIO_IRQ_SET_DATA_BOOL;
	uint8_t no = 0, yes = 1;
	int event = vfio_irq_event(edu, INTX);

	CHECK_EQ(vfio_irqs_try(edu, INTX, bools | VFIO_IRQ_SET_ACTION_MASK, 0, 1, &no, 1), 0);
	raise_irq(edu);
	CHECK_COMES(event);
	CHECK_EQ(vfio_irqs_try(edu, INTX, bools | VFIO_IRQ_SET_ACTION_UNMASK, 0, 1, &no, 1), 0);
	CHECK_QUIET(event);
	CHECK_EQ(vfio_irqs_try(edu, INTX, bools | VFIO_IRQ_SET_ACTION_UNMASK, 0, 1, &yes, 1), 0);
	CHECK_COMES(event);
	acknowledge(edu);
	vfio_irq_unmask(edu, INTX);
	CHECK_EQ(vfio_irqs_try(edu, INTX, bools | VFIO_IRQ_SET_ACTION_MASK, 0, 1, &yes, 1), 0);
	raise_irq(edu);
	CHECK_QUIET(event);
}

/* The client's own interrupt disable bit */

TEST_BOTH_MASKS(clients_disable_bit_holds_the_interrupt)
{
	int event = vfio_irq_event(edu, INTX);

	cfg_command(edu, PCI_COMMAND_INTX_DISABLE, 0);
	CHECK(cfg16(edu, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE);
	raise_irq(edu);
	CHECK_QUIET(event);
	cfg_command(edu, 0, PCI_COMMAND_INTX_DISABLE);
	CHECK(!(cfg16(edu, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE));
	CHECK_COMES(event);
}

TEST_BOTH_MASKS(clients_disable_bit_counts_from_before_enabling)
{
	int event;

	cfg_command(edu, PCI_COMMAND_INTX_DISABLE, 0);
	event = vfio_irq_event(edu, INTX);
	raise_irq(edu);
	CHECK_QUIET(event);
	cfg_command(edu, 0, PCI_COMMAND_INTX_DISABLE);
	CHECK_COMES(event);
}

TEST_BOTH_MASKS(unmask_does_not_override_the_clients_disable_bit)
{
	int event = vfio_irq_event(edu, INTX);

	cfg_command(edu, PCI_COMMAND_INTX_DISABLE, 0);
	raise_irq(edu);
	vfio_irq_unmask(edu, INTX);
	CHECK_QUIET(event);
	cfg_command(edu, 0, PCI_COMMAND_INTX_DISABLE);
	CHECK_COMES(event);
}

/* Only an unmask unmasks a masked interrupt; the bit is a second condition, not another way. */
TEST_OURS_BOTH_MASKS(clients_disable_bit_does_not_unmask)
{
	int event = vfio_irq_event(edu, INTX);

	raise_irq(edu);
	CHECK_COMES(event);
	cfg_command(edu, PCI_COMMAND_INTX_DISABLE, 0);
	cfg_command(edu, 0, PCI_COMMAND_INTX_DISABLE);
	CHECK_QUIET(event);
	vfio_irq_unmask(edu, INTX);
	CHECK_COMES(event);
}

TEST_BOTH_MASKS(hosts_masking_does_not_show_in_the_clients_bit)
{
	int event = vfio_irq_event(edu, INTX);

	raise_irq(edu);
	CHECK_COMES(event);
	CHECK(!(cfg16(edu, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE));
	cfg_set16(edu, PCI_COMMAND, cfg16(edu, PCI_COMMAND));
	CHECK_QUIET(event);
	vfio_irq_disable(edu, INTX);
	CHECK(!(cfg16(edu, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE));
}

TEST(interrupt_is_masked_in_the_function_where_it_can_be)
{
	struct vfio_device *edu = open_edu("nointxmask=0");
	int event = vfio_irq_event(edu, INTX);

	CHECK(!(real_cfg(edu->bdf, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE));
	raise_irq(edu);
	CHECK_COMES(event);
	CHECK(real_cfg(edu->bdf, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
	vfio_irq_disable(edu, INTX);
	CHECK(real_cfg(edu->bdf, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
}

/* Eventfds */

TEST_BOTH_MASKS(another_eventfd_takes_over)
{
	int first = vfio_irq_event(edu, INTX), second;

	raise_irq(edu);
	CHECK_COMES(first);
	acknowledge(edu);
	vfio_irq_unmask(edu, INTX);
	second = vfio_irq_event(edu, INTX);
	raise_irq(edu);
	CHECK_COMES(second);
	CHECK_QUIET(first);
}

TEST_BOTH_MASKS(another_eventfd_leaves_the_mask_and_the_unmask_eventfd)
{
	int first = vfio_irq_event(edu, INTX), unmask = unmask_eventfd(edu), second;

	raise_irq(edu);
	CHECK_COMES(first);
	second = vfio_irq_event(edu, INTX);
	CHECK_QUIET(second);
	event_signal(unmask);
	CHECK_COMES(second);
	vfio_irq_unmask(edu, INTX);
	CHECK_COMES(second);
	CHECK_EQ(event_take(first), 0);
}

TEST_BOTH_MASKS(bad_eventfd_leaves_the_one_there_is)
{
	int event = vfio_irq_event(edu, INTX), none = 1000, file = CHECK_OK(open("/dev/null", O_RDWR));

	CHECK_ERR(EBADF, vfio_irq_eventfds_try(edu, INTX, 0, 1, &none));
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(edu, INTX, 0, 1, &file));
	raise_irq(edu);
	CHECK_COMES(event);
}

TEST_BOTH_MASKS(closed_eventfd_harms_nobody)
{
	int event = vfio_irq_event(edu, INTX), unmask = unmask_eventfd(edu);
	unsigned long long before = interrupts("vfio-intx");

	close(event);
	close(unmask);
	raise_irq(edu);
	/* One that came after the unmasking would leave it masked. */
	CHECK(WAIT_UNTIL(interrupts("vfio-intx") > before, LIMIT_MS));
	acknowledge(edu);
	vfio_irq_unmask(edu, INTX);
	event = vfio_irq_event(edu, INTX);
	raise_irq(edu);
	CHECK_COMES(event);
}

TEST_BOTH_MASKS(one_unmask_eventfd_at_a_time)
{
	int event = vfio_irq_event(edu, INTX), first = unmask_eventfd(edu), second = event_new();

	CHECK_ERR(EBUSY, unmask_by_eventfd_try(edu, second));
	CHECK_EQ(unmask_by_eventfd_try(edu, -1), 0);
	CHECK_EQ(unmask_by_eventfd_try(edu, second), 0);
	raise_irq(edu);
	CHECK_COMES(event);
	event_signal(first);
	CHECK_QUIET(event);
	event_signal(second);
	CHECK_COMES(event);
}

TEST_BOTH_MASKS(bad_unmask_eventfd_is_refused)
{
	int file = CHECK_OK(open("/dev/null", O_RDWR));

	vfio_irq_event(edu, INTX);
	CHECK_ERR(EBADF, unmask_by_eventfd_try(edu, 1000));
	CHECK_ERR(EINVAL, unmask_by_eventfd_try(edu, file));
	unmask_eventfd(edu);
}

/*
 * The trigger then unmasks, in the context of the interrupt handler, until the client acknowledges.
 * Unmasking takes the count, so that the client sees none. The kernel's driver loses the line:
 * "nobody cared".
 */
TEST_OURS_BOTH_MASKS(one_eventfd_as_trigger_and_unmask_does_not_deadlock)
{
	int event = vfio_irq_event(edu, INTX);

	CHECK_EQ(unmask_by_eventfd_try(edu, event), 0);
	for (int round = 0; round < 5; round++) {
		vfio_irq_loopback(edu, INTX, 0);
		raise_irq(edu);
		acknowledge(edu);
	}
	CHECK_EQ(unmask_by_eventfd_try(edu, -1), 0);
	event_wait(event, QUIET_MS);
	vfio_irq_unmask(edu, INTX);
	raise_irq(edu);
	CHECK_GT(event_wait(event, LIMIT_MS), 0);
}

/* How often the interrupt came, on all processors. */
static unsigned long long interrupts_of(unsigned int irq)
{
	unsigned long long sum = 0;
	char path[64], *end;

	snprintf(path, sizeof(path), "/sys/kernel/irq/%u/per_cpu_count", irq);
	for (char *at = file_read(path); *at; at = *end ? end + 1 : end)
		sum += strtoull(at, &end, 10);
	return sum;
}

/* How long real-time tasks may run. A kernel without it knows no limit. */
#define RT_RUNTIME	"/proc/sys/kernel/sched_rt_runtime_us"

/* Until the test ends, only interrupt handlers run on that processor, besides this process. */
static void take_the_processor_of(unsigned int irq)
{
	struct sched_param param = { .sched_priority = 50 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/irq/%u/effective_affinity_list", irq);
	use_processor(file_read_number(path));
	file_write_try(RT_RUNTIME, "-1");
	CHECK_OK(sched_setscheduler(0, SCHED_FIFO, &param));
}

CLEAN_UP
{
	file_write_try(RT_RUNTIME, "950000");
}

/*
 * An interrupt that is not acknowledged comes again at once after each unmask. It must not come
 * from within its own handler, or the processor would do nothing else. The kernel's driver may
 * never get out of that.
 */
TEST_OURS_BOTH_MASKS(one_eventfd_as_trigger_and_unmask_does_not_take_a_processor)
{
	unsigned int irq = pci_attr_number(edu->bdf, "irq");
	unsigned long long before;
	int event = vfio_irq_event(edu, INTX);

	CHECK_EQ(unmask_by_eventfd_try(edu, event), 0);
	take_the_processor_of(irq);
	before = interrupts_of(irq);
	raise_irq(edu);
	CHECK(WAIT_UNTIL(interrupts_of(irq) > before, LIMIT_MS));
	/* From now on the unmask work has no processor to run on. */
	for (int round = 0; round < 5; round++)
		CHECK_LE(interrupts_of(irq) - before, 2);
	acknowledge(edu);
}

TEST_BOTH_MASKS(loopback_signals_the_eventfd)
{
	const uint32_t bools = VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER;
	int event = vfio_irq_event(edu, INTX);
	uint8_t no = 0, yes = 1;

	vfio_irq_loopback(edu, INTX, 0);
	CHECK_COMES(event);
	CHECK_EQ(vfio_irqs_try(edu, INTX, bools, 0, 1, &yes, 1), 0);
	CHECK_COMES(event);
	CHECK_EQ(vfio_irqs_try(edu, INTX, bools, 0, 1, &no, 1), 0);
	CHECK_QUIET(event);
}

/* The function would not have raised it. */
TEST_BOTH_MASKS(loopback_is_quiet_while_the_client_has_disintx_set)
{
	int event = vfio_irq_event(edu, INTX);

	cfg_command(edu, PCI_COMMAND_INTX_DISABLE, 0);
	vfio_irq_loopback(edu, INTX, 0);
	CHECK_QUIET(event);
	cfg_command(edu, 0, PCI_COMMAND_INTX_DISABLE);
	vfio_irq_loopback(edu, INTX, 0);
	CHECK_COMES(event);
}

/* Disabling, and other kinds */

TEST_BOTH_MASKS(disabled_interrupt_does_not_come)
{
	int event = vfio_irq_event(edu, INTX);

	vfio_irq_disable(edu, INTX);
	raise_irq(edu);
	CHECK_QUIET(event);
	settle(edu);
	event = vfio_irq_event(edu, INTX);
	raise_irq(edu);
	CHECK_COMES(event);
}

TEST_OURS_BOTH_MASKS(eventfd_of_minus_one_disables)
{
	int event = vfio_irq_event(edu, INTX), none = -1, msi = event_new();

	CHECK_EQ(vfio_irq_eventfds_try(edu, INTX, 0, 1, &none), 0);
	raise_irq(edu);
	CHECK_QUIET(event);
	vfio_irq_eventfd(edu, VFIO_PCI_MSI_IRQ_INDEX, 0, msi);
}

TEST_BOTH_MASKS(disable_while_asserted_and_masked_ends_well)
{
	int event = vfio_irq_event(edu, INTX);

	raise_irq(edu);
	CHECK_COMES(event);
	vfio_irq_disable(edu, INTX);
	settle(edu);
	event = vfio_irq_event(edu, INTX);
	CHECK_QUIET(event);
	raise_irq(edu);
	CHECK_COMES(event);
}

TEST_BOTH_MASKS(msi_and_back_again)
{
	int event, msi = event_new();

	cfg_command(edu, PCI_COMMAND_MASTER, 0);
	for (int round = 0; round < 3; round++) {
		event = vfio_irq_event(edu, INTX);
		CHECK_ERR(EINVAL, vfio_irq_eventfds_try(edu, VFIO_PCI_MSI_IRQ_INDEX, 0, 1, &msi));
		raise_irq(edu);
		CHECK_COMES(event);
		acknowledge(edu);
		vfio_irq_disable(edu, INTX);

		vfio_irq_eventfd(edu, VFIO_PCI_MSI_IRQ_INDEX, 0, msi);
		CHECK_ERR(EINVAL, vfio_irq_eventfds_try(edu, INTX, 0, 1, &event));
		raise_irq(edu);
		CHECK_COMES(msi);
		CHECK_QUIET(event);
		acknowledge(edu);
		vfio_irq_disable(edu, VFIO_PCI_MSI_IRQ_INDEX);
		/* The PCI core has switched it on, and there is no handler. */
		if (driver_is_ours())
			CHECK(is_off_in_function(edu));
		close(event);
	}
}

/* Close */

TEST_BOTH_MASKS(next_client_finds_nothing_of_the_last_ones)
{
	int event = vfio_irq_event(edu, INTX);

	unmask_eventfd(edu);
	raise_irq(edu);
	CHECK_COMES(event);
	cfg_command(edu, PCI_COMMAND_INTX_DISABLE, 0);
	vfio_close(edu);

	edu = vfio_open(vm_bdf("edu0"));
	cfg_command(edu, PCI_COMMAND_MEMORY, 0);
	CHECK(!(cfg16(edu, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE));
	CHECK_ERR(EINVAL, vfio_irqs_try(edu, INTX, VFIO_IRQ_SET_DATA_NONE |
					VFIO_IRQ_SET_ACTION_UNMASK, 0, 1, NULL, 0));
	settle(edu);
	event = vfio_irq_event(edu, INTX);
	CHECK_QUIET(event);
	raise_irq(edu);
	CHECK_COMES(event);
}

TEST_BOTH_MASKS(close_frees_the_interrupt)
{
	char name[64];

	snprintf(name, sizeof(name), "vfio-intx(%s)", edu->bdf);
	CHECK(!in_proc_interrupts(name));
	vfio_irq_event(edu, INTX);
	CHECK(in_proc_interrupts(name));
	raise_irq(edu);
	vfio_close(edu);
	CHECK(!in_proc_interrupts(name));
}

/* What is told, and what is refused */

TEST(info_says_maskable_and_automasked)
{
	struct vfio_irq_info info = vfio_irq_info(open_edu(NULL), INTX);

	CHECK_EQ(info.count, 1);
	CHECK_EQ(info.flags, VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE |
		 VFIO_IRQ_INFO_AUTOMASKED);
}

TEST(function_without_a_pin_has_no_intx)
{
	struct vfio_device *testdev;
	int event = event_new();

	driver_load(NULL);
	testdev = vfio_bind_and_open(vm_bdf("testdev0"));
	CHECK_EQ(vfio_irq_info(testdev, INTX).count, 0);
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(testdev, INTX, 0, 1, &event));
}

TEST(a_request_without_exactly_one_action_changes_nothing)
{
	static const uint32_t actions[] = {
		0,
		VFIO_IRQ_SET_ACTION_MASK | VFIO_IRQ_SET_ACTION_UNMASK,
		VFIO_IRQ_SET_ACTION_UNMASK | VFIO_IRQ_SET_ACTION_TRIGGER,
	};
	struct vfio_device *edu = open_edu(NULL);
	int event = vfio_irq_event(edu, INTX);

	raise_irq(edu);
	CHECK_COMES(event);
	/* It has masked itself, and stays so. */
	for (int i = 0; i < 3; i++)
		CHECK_ERR(ENOTTY, vfio_irqs_try(edu, INTX, VFIO_IRQ_SET_DATA_NONE | actions[i],
						0, 1, NULL, 0));
	CHECK_QUIET(event);
	acknowledge(edu);
	vfio_irq_unmask(edu, INTX);
	CHECK_QUIET(event);
}

TEST(bad_requests_are_refused_and_change_nothing)
{
	struct vfio_device *edu = open_edu(NULL);
	int event = event_new(), events[2] = { event, event };
	static const uint32_t actions[] = { VFIO_IRQ_SET_ACTION_MASK, VFIO_IRQ_SET_ACTION_UNMASK,
					    VFIO_IRQ_SET_ACTION_TRIGGER };

	for (int i = 0; i < 3; i++)
		CHECK_ERR(EINVAL, vfio_irqs_try(edu, INTX, VFIO_IRQ_SET_DATA_NONE | actions[i],
						0, 1, NULL, 0));
	CHECK_ERR(EINVAL, unmask_by_eventfd_try(edu, event));
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(edu, INTX, 0, 2, events));
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(edu, INTX, 1, 1, events));
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(edu, INTX, 0, 0, events));

	vfio_irq_eventfd(edu, INTX, 0, event);
	for (int i = 0; i < 3; i++) {
		CHECK_ERR(EINVAL, vfio_irqs_try(edu, INTX, VFIO_IRQ_SET_DATA_NONE | actions[i],
						1, 1, NULL, 0));
		CHECK_ERR(EINVAL, vfio_irqs_try(edu, INTX, VFIO_IRQ_SET_DATA_NONE | actions[i],
						0, 2, NULL, 0));
	}
	CHECK_ERR(ENOTTY, vfio_irqs_try(edu, INTX, VFIO_IRQ_SET_DATA_EVENTFD |
					VFIO_IRQ_SET_ACTION_MASK, 0, 1, &event, sizeof(event)));
	CHECK_EQ(event_take(event), 0);
	raise_irq(edu);
	CHECK_COMES(event);
}

/* Sharing, power */

static void raise_nic(struct vfio_device *nic)
{
	vfio_write(nic, 0, NIC_IMS, NIC_LINK_CHANGE, 4);
	vfio_write(nic, 0, NIC_ICS, NIC_LINK_CHANGE, 4);
}

static void acknowledge_nic(struct vfio_device *nic)
{
	vfio_write(nic, 0, NIC_IMC, 0xffffffff, 4);
	vfio_write(nic, 0, NIC_ICR, 0xffffffff, 4);
}

/* The emulated e1000e keeps its registers over the only reset it has, through D3hot. */
static struct vfio_device *open_nic(void)
{
	struct vfio_device *nic = vfio_bind_and_open(vm_bdf("nic0"));

	cfg_command(nic, PCI_COMMAND_MEMORY, 0);
	acknowledge_nic(nic);
	return nic;
}

/* Two functions whose pins meet in one line of the interrupt controller. */
static void open_sharing(struct vfio_device **edu, struct vfio_device **nic)
{
	*nic = open_nic();
	*edu = vfio_bind_and_open(vm_bdf("edu1"));
	CHECK_EQ(pci_attr_number((*nic)->bdf, "irq"), pci_attr_number((*edu)->bdf, "irq"));
	cfg_command(*edu, PCI_COMMAND_MEMORY, 0);
}

TEST(shared_line_tells_each_function_its_own)
{
	struct vfio_device *edu, *nic;
	int edu_event, nic_event;

	driver_load("nointxmask=0");
	open_sharing(&edu, &nic);
	edu_event = vfio_irq_event(edu, INTX);
	nic_event = vfio_irq_event(nic, INTX);
	for (int round = 0; round < 5; round++) {
		raise_irq(edu);
		CHECK_COMES(edu_event);
		CHECK_QUIET(nic_event);
		raise_nic(nic);
		CHECK_COMES(nic_event);
		CHECK_QUIET(edu_event);
		acknowledge(edu);
		vfio_irq_unmask(edu, INTX);
		acknowledge_nic(nic);
		vfio_irq_unmask(nic, INTX);
		CHECK_QUIET(edu_event);
		CHECK_QUIET(nic_event);
	}
}

/*
 * DisINTx of a function that the client masked is cleared from outside, as at the end of a reset.
 * The kernel's driver says that such an interrupt is not its own, until the host disables the line.
 */
TEST_OURS(masked_function_that_asserts_all_the_same_does_not_cost_others_the_line)
{
	struct vfio_device *edu, *nic;
	int edu_event, nic_event;

	driver_load("nointxmask=0");
	open_sharing(&edu, &nic);
	settle(edu);
	edu_event = vfio_irq_event(edu, INTX);
	nic_event = vfio_irq_event(nic, INTX);
	vfio_irq_mask(edu, INTX);
	raise_irq(edu);
	for (int round = 0; round < 3; round++) {
		uint16_t command = real_cfg(edu->bdf, PCI_COMMAND, 2);

		CHECK(command & PCI_COMMAND_INTX_DISABLE);
		real_cfg_set(edu->bdf, PCI_COMMAND, command & ~PCI_COMMAND_INTX_DISABLE, 2);
		CHECK(WAIT_UNTIL(is_off_in_function(edu), LIMIT_MS));
		raise_nic(nic);
		CHECK_COMES(nic_event);
		acknowledge_nic(nic);
		vfio_irq_unmask(nic, INTX);
	}
	CHECK_EQ(event_take(edu_event), 0);
	vfio_irq_unmask(edu, INTX);
	CHECK_COMES(edu_event);
}

TEST(line_masked_at_the_controller_is_not_shared)
{
	struct vfio_device *edu, *nic;
	int event = event_new();

	driver_load("nointxmask=1");
	open_sharing(&edu, &nic);
	vfio_irq_event(edu, INTX);
	kmsg_expect("Flags mismatch irq");
	kmsg_expect("Call Trace");
	CHECK_ERR(EBUSY, vfio_irq_eventfds_try(nic, INTX, 0, 1, &event));
	vfio_irq_disable(edu, INTX);
	vfio_irq_eventfd(nic, INTX, 0, event);
	raise_nic(nic);
	CHECK_COMES(event);
}

TEST(interrupt_comes_after_low_power)
{
	struct vfio_device *nic;
	int event;

	driver_load("nointxmask=0");
	nic = open_nic();
	event = vfio_irq_event(nic, INTX);
	vfio_low_power(nic, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY);
	pci_wait_power_state(nic->bdf, "D3hot");
	vfio_low_power(nic, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT);
	CHECK_QUIET(event);
	raise_nic(nic);
	CHECK_COMES(event);
	acknowledge_nic(nic);
	vfio_irq_unmask(nic, INTX);
	CHECK_QUIET(event);
}

/* A user must not be able to repeat the messages of the kernel's interrupt core. */
TEST_OURS(who_asks_for_a_line_that_is_taken_again_and_again_fills_no_log)
{
	struct vfio_device *edu, *nic;
	int event = event_new(), mark;

	driver_load("nointxmask=1");
	nic = vfio_bind_and_open(vm_bdf("nic0"));
	edu = vfio_bind_and_open(vm_bdf("edu1"));
	CHECK_EQ(pci_attr_number(nic->bdf, "irq"), pci_attr_number(edu->bdf, "irq"));
	vfio_irq_event(edu, VFIO_PCI_INTX_IRQ_INDEX);
	mark = kmsg_mark();
	for (int n = 0; n < 20; n++)
		CHECK_ERR(EBUSY, vfio_irq_eventfds_try(nic, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &event));
	CHECK_EQ(kmsg_count(mark, "mismatch|Call Trace"), 0);
}
