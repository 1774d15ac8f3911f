// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions whose link is reset behind the driver's back: the driver does not touch them until they
 * answer again, and then they are as they were, whether the PCI core says so or not. And functions
 * that are not ready yet when a reset is over.
 *
 * The kernel's driver restores nothing after link resets. witness4 and witness5 are two functions
 * of one device.
 *
 * vm-machine: witness
 * vm-drivers: ours
 * vm-threads: multi
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <sys/mount.h>

#include "vmtest.h"

#define LIMIT_MS	20000
#define MSIX		VFIO_PCI_MSIX_IRQ_INDEX
#define FATAL		"MALF_TLP"

/* Interrupts that nobody handles, after which the host gives the line up. */
#define GIVEN_UP	100000

#define TRACING		"/sys/kernel/tracing"

static const char * const slow_ones[] = { "witness0", "witness5" };

CLEAN_UP
{
	for (unsigned int n = 0; n < 2; n++) {
		witness_set(slow_ones[n], "flr-ms", "95");
		witness_wait_ready(slow_ones[n]);
	}
	witness_set_intx("witness4", false);
	witness_set_intx("witness0", false);
	witness_set("witness0", "recovers", "false");
	witness_set("witness0", "intx-survives-reset", "false");
	witness_set("witness0", "intx-limit-ms", "5000");
	file_write_try("/sys/power/pm_test", "none");
	file_write_try(TRACING "/events/kprobes/restores/enable", "0");
	file_write_try(TRACING "/events/power/suspend_resume/enable", "0");
	file_write_try(TRACING "/kprobe_events", "");
}

static uint32_t real_bar(const char *bdf)
{
	return real_cfg(bdf, PCI_BASE_ADDRESS_0, 4);
}

/* What the host has given it. */
static uint32_t assigned_bar(const char *bdf)
{
	unsigned long long start;
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource", bdf);
	CHECK_EQ(sscanf(file_read(path), "%llx", &start), 1);
	return start;
}

static void check_bar(const char *bdf)
{
	CHECK_EQ(real_bar(bdf) & PCI_BASE_ADDRESS_MEM_MASK, assigned_bar(bdf));
}

static char *bind_device(const char *id)
{
	char *bdf = strdup(vm_bdf(id));

	pci_bind(bdf, VFIO_PCI);
	return bdf;
}

static void inject_error(const char *id)
{
	char *bdf = strdup(vm_bdf(id));

	/* As firmware leaves it. A reset clears the bit, and then no error is reported. */
	real_cfg_set(bdf, PCI_COMMAND, real_cfg(bdf, PCI_COMMAND, 2) | PCI_COMMAND_SERR, 2);
	free(bdf);
	vm_aer(id, FATAL);
}

/* The function reports an error, and its link is reset, with or without a recovery after that. */
static void reset_the_link(const char *id)
{
	int mark = kmsg_mark();

	inject_error(id);
	CHECK(WAIT_UNTIL(kmsg_count(mark, "device recovery (failed|successful)"), LIMIT_MS));
}

static bool memory_answers(struct vfio_device *device)
{
	uint64_t value = 0;

	return vfio_read_try(device, 0, WITNESS_ID, &value, 4) == 4 && value == WITNESS_ID_VALUE;
}

static bool config_answers(struct vfio_device *device)
{
	uint16_t status;

	return vfio_read_try(device, VFIO_PCI_CONFIG_REGION_INDEX, PCI_STATUS, &status, 2) == 2;
}

static void check_interrupt(struct vfio_device *device, int event)
{
	event_take(event);
	cfg_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	vfio_write(device, 0, WITNESS_TRIGGER, 0, 4);
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
}

static sigjmp_buf no_page;

static void on_bus_error(int signal)
{
	siglongjmp(no_page, signal);
}

static bool mapping_answers(volatile const uint32_t *map)
{
	if (sigsetjmp(no_page, 1))
		return false;
	return *map == WITNESS_ID_VALUE;
}

/* The PCI core gives up if a function has no driver to ask, after it has reset the link for all. */

TEST(a_function_whose_recovery_fails_works_again)
{
	struct vfio_device *device = vfio_open_with_memory("witness4", "disable_idle_d3=1");
	int event = vfio_irq_event(device, MSIX);

	kmsg_expect("device recovery failed");
	check_interrupt(device, event);
	reset_the_link("witness4");
	CHECK(WAIT_UNTIL(memory_answers(device), LIMIT_MS));
	check_bar(device->bdf);
	CHECK_NE(real_cfg(device->bdf, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE, 0);
	check_interrupt(device, event);
}

/* The table is in a BAR, which decodes nothing until it is configured. */
TEST(msix_taken_down_after_a_link_reset_waits_for_the_function)
{
	struct vfio_device *device = vfio_open_with_memory("witness4", "disable_idle_d3=1");

	vfio_irq_event(device, MSIX);
	kmsg_expect("device recovery failed");
	reset_the_link("witness4");
	vfio_irq_disable(device, MSIX);
	CHECK(WAIT_UNTIL(memory_answers(device), LIMIT_MS));
}

TEST(a_close_after_a_link_reset_waits_for_the_function)
{
	struct vfio_device *device = vfio_open_with_memory("witness4", "disable_idle_d3=1");
	char *bdf = strdup(device->bdf);

	vfio_irq_event(device, MSIX);
	kmsg_expect("device recovery failed");
	reset_the_link("witness4");
	vfio_close(device);
	check_bar(bdf);
}

/* A holder of state_lock may wait for others, but the reset does not wait for the holder. */
TEST(mappings_go_though_a_user_holds_all_else_up)
{
	struct vfio_device *device = vfio_open_with_memory("witness4", "disable_idle_d3=1");
	volatile const uint32_t *map = vfio_mmap(device, 0, WITNESS_ID, 4096, PROT_READ);
	struct stuck_msix stuck;
	bool answers;

	signal(SIGBUS, on_bus_error);
	CHECK(mapping_answers(map));
	vfio_irq_event(device, MSIX);
	stuck = stuck_msix_begin(device);
	kmsg_expect("device recovery failed");
	reset_the_link("witness4");
	/* The witness counts an access that arrives. */
	answers = mapping_answers(map);
	stuck_msix_end(&stuck);
	CHECK(!answers);
	CHECK(WAIT_UNTIL(mapping_answers(map), LIMIT_MS));
}

TEST(a_closed_function_whose_recovery_fails_can_be_opened)
{
	struct vfio_device *device;
	char *bdf;

	driver_load("disable_idle_d3=1");
	bdf = bind_device("witness4");
	kmsg_expect("device recovery failed");
	reset_the_link("witness4");
	/* It may be in its reset for a second. */
	CHECK(WAIT_UNTIL(vfio_open_try(bdf, bdf, &device) != -EAGAIN, LIMIT_MS));
	for (int user = 0; user < 2; user++) {
		check_bar(bdf);
		cfg_command(device, PCI_COMMAND_MEMORY, 0);
		CHECK(memory_answers(device));
		vfio_close(device);
		device = vfio_open(bdf);
	}
}

TEST(a_closed_function_whose_recovery_fails_decodes_nothing)
{
	const uint16_t bits = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	char *bdf;

	driver_load("disable_idle_d3=1");
	/* As firmware leaves it. */
	real_cfg_set(vm_bdf("witness4"), PCI_COMMAND, bits, 2);
	bdf = bind_device("witness4");
	kmsg_expect("device recovery failed");
	reset_the_link("witness4");
	CHECK(WAIT_UNTIL(real_bar(bdf) & PCI_BASE_ADDRESS_MEM_MASK, LIMIT_MS));
	CHECK(WAIT_UNTIL(!(real_cfg(bdf, PCI_COMMAND, 2) & bits), LIMIT_MS));
	check_bar(bdf);
}

TEST(an_unbind_after_a_recovery_that_failed_leaves_the_function_configured)
{
	char *bdf;

	driver_load("disable_idle_d3=1");
	bdf = bind_device("witness4");
	kmsg_expect("device recovery failed");
	reset_the_link("witness4");
	pci_unbind(bdf);
	check_bar(bdf);
}

/* The function had no driver when its link was reset. */
TEST(a_function_that_has_lost_its_bars_gets_them_with_its_driver)
{
	struct vfio_device *device;
	char *bdf;

	driver_load("disable_idle_d3=1");
	free(bind_device("witness4"));
	kmsg_expect("device recovery failed");
	reset_the_link("witness4");
	CHECK_EQ(real_bar(vm_bdf("witness5")) & PCI_BASE_ADDRESS_MEM_MASK, 0);
	bdf = bind_device("witness5");
	device = vfio_open(bdf);
	check_bar(bdf);
	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	CHECK(memory_answers(device));
}

/* The PCI core waits only for the first function behind a link. */

static struct vfio_device *open_beside(const char *first)
{
	struct vfio_device *device;

	driver_load("disable_idle_d3=1");
	free(bind_device(first));
	device = vfio_open(bind_device("witness5"));
	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	return device;
}

TEST(a_function_that_is_slow_to_come_back_is_not_touched_until_it_does)
{
	struct vfio_device *device = open_beside("witness4");
	int event = vfio_irq_event(device, MSIX);
	uint16_t command = PCI_COMMAND_MEMORY;
	uint64_t value;

	check_interrupt(device, event);
	witness_set("witness5", "flr-ms", "3000");
	reset_the_link("witness4");
	CHECK(witness_is_in_reset("witness5"));
	CHECK_EQ(vfio_read_try(device, 0, WITNESS_ID, &value, 4), -EIO);
	CHECK_EQ(vfio_read_try(device, VFIO_PCI_CONFIG_REGION_INDEX, PCI_STATUS, &value, 2), -EIO);
	CHECK_EQ(vfio_write_try(device, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, &command, 2), -EIO);
	CHECK_ERR(EIO, vfio_reset_try(device));
	CHECK_EQ(vfio_irq_eventfds_try(device, MSIX, 1, 1, &event), -EIO);

	CHECK(WAIT_UNTIL(memory_answers(device), LIMIT_MS));
	check_bar(device->bdf);
	check_interrupt(device, event);
}

TEST(a_function_that_is_slow_to_come_back_from_a_hot_reset_is_waited_for)
{
	struct vfio_device *one, *two;

	driver_load("disable_idle_d3=1");
	one = vfio_open(bind_device("witness4"));
	two = vfio_open_with(one, bind_device("witness5"));
	cfg_command(two, PCI_COMMAND_MEMORY, 0);
	witness_set("witness5", "flr-ms", "900");
	CHECK_EQ(vfio_hot_reset_try(one, &one->group, 1), 0);
	check_bar(two->bdf);
	CHECK(memory_answers(two));
	/* This is longer than a reset may take: the user need not wait. */
	witness_set("witness5", "flr-ms", "4000");
	CHECK_EQ(vfio_hot_reset_try(one, &one->group, 1), 0);
	CHECK(WAIT_UNTIL(memory_answers(two), LIMIT_MS));
	check_bar(two->bdf);
}

/* Opens that meet a reset of the link */

static struct vfio_device *opened;

static void *open_at_last(void *bdf)
{
	int ret;

	do
		ret = vfio_open_try(bdf, bdf, &opened);
	while (ret == -EAGAIN || ret == -EIO);
	CHECK_EQ(ret, 0);
	return NULL;
}

TEST(an_open_that_meets_a_link_reset_finds_the_bars)
{
	char *bdf;

	driver_load("disable_idle_d3=1");
	bdf = bind_device("witness0");
	/* An open resets it, maybe before the recovery has come to its end. */
	witness_set("witness0", "recovers", "true");
	/* Sometimes the function does not answer, and each open says so. */
	kmsg_expect("does not answer");
	for (int round = 0; round < 10; round++) {
		int mark = kmsg_mark();
		pthread_t thread;

		inject_error("witness0");
		CHECK_EQ(pthread_create(&thread, NULL, open_at_last, bdf), 0);
		CHECK(WAIT_UNTIL(kmsg_count(mark, "device recovery successful"), LIMIT_MS));
		CHECK_EQ(pthread_join(thread, NULL), 0);
		cfg_command(opened, PCI_COMMAND_MEMORY, 0);
		CHECK(WAIT_UNTIL(memory_answers(opened), LIMIT_MS));
		check_bar(bdf);
		vfio_close(opened);
		check_bar(bdf);
	}
}

/* Between the error and the reset */

static void reset_through_sysfs(void *bdf)
{
	pci_attr_set(bdf, "reset", "1");
}

/*
 * The PCI core reports an error to one function after the other, and waits for the end of a
 * function's reset before. So witness4 is away long before the link is reset, while its neighbour's
 * reset lasts.
 */
static pid_t prolong_the_error(struct vfio_device *witness4, int ms)
{
	char *neighbour = bind_device("witness5");
	char text[16];
	pid_t child;

	snprintf(text, sizeof(text), "%d", ms);
	witness_set("witness5", "flr-ms", text);
	kmsg_expect("not ready");
	child = child_start(reset_through_sysfs, neighbour);
	witness_wait_in_reset("witness5");
	inject_error("witness4");
	CHECK(WAIT_UNTIL(!config_answers(witness4), LIMIT_MS));
	return child;
}

static void await_the_end(struct vfio_device *witness4, pid_t child, int mark)
{
	CHECK(witness_is_in_reset("witness5"));
	child_check_ends("the reset of the neighbour", child);
	CHECK(WAIT_UNTIL(kmsg_count(mark, "device recovery successful"), LIMIT_MS));
	CHECK(WAIT_UNTIL(memory_answers(witness4), LIMIT_MS));
}

TEST(an_interrupt_between_the_error_and_the_reset_does_not_storm)
{
	struct vfio_device *device = vfio_open_with_memory("witness4", "disable_idle_d3=1");
	unsigned long long before;
	int mark = kmsg_mark();
	pid_t child;

	vfio_irq_event(device, VFIO_PCI_INTX_IRQ_INDEX);
	child = prolong_the_error(device, 4000);
	before = interrupts("vfio-intx");
	witness_set_intx("witness4", true);
	pause_ms(500);
	witness_set_intx("witness4", false);
	CHECK_LT(interrupts("vfio-intx") - before, 10);
	await_the_end(device, child, mark);
}

/*
 * After the reset and before it is configured, the function raises INTx, which no reset has
 * cleared. The handler asks it at the hundredth interrupt.
 */
TEST(an_interrupt_after_a_link_reset_does_not_storm)
{
	struct vfio_device *device = vfio_open_with_memory("witness4", "disable_idle_d3=1");
	unsigned long long before;
	int event;

	event = vfio_irq_event(device, VFIO_PCI_INTX_IRQ_INDEX);
	kmsg_expect("device recovery failed");
	reset_the_link("witness4");
	before = interrupts("vfio-intx");
	witness_set_intx("witness4", true);
	CHECK(WAIT_UNTIL(memory_answers(device), LIMIT_MS));
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
	witness_set_intx("witness4", false);
	CHECK_LT(interrupts("vfio-intx") - before, 200);
}

/*
 * The function answers, and raises INTx, which no reset has cleared, while the PCI core still holds
 * its link in reset: the PCI core looks again after a second or more.
 */
TEST(an_interrupt_amid_a_link_reset_does_not_storm)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	int event = vfio_irq_event(device, VFIO_PCI_INTX_IRQ_INDEX);
	unsigned long long before;

	kmsg_expect("not ready");
	witness_raise_through_resets("witness0", "1500");
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
	before = interrupts("vfio-intx");
	reset_the_link("witness0");
	CHECK_LT(interrupts("vfio-intx") - before, GIVEN_UP / 2 + 1000);
	CHECK(WAIT_UNTIL(memory_answers(device), LIMIT_MS));
}

/* The same in a reset by the client itself: DisINTx is set, and nothing else of COMMAND is lost. */
TEST(an_interrupt_amid_a_reset_of_the_function_itself_does_not_storm)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	int event = vfio_irq_event(device, VFIO_PCI_INTX_IRQ_INDEX);
	unsigned int command, round;
	unsigned long long before;

	cfg_command(device, PCI_COMMAND_MASTER, 0);
	command = real_cfg(device->bdf, PCI_COMMAND, 2);
	kmsg_expect("not ready");
	witness_raise_through_resets("witness0", "1500");
	for (round = 0; round < 3; round++) {
		CHECK_EQ(event_wait(event, LIMIT_MS), 1);
		before = interrupts("vfio-intx");
		vfio_reset(device);
		CHECK_LT(interrupts("vfio-intx") - before, GIVEN_UP / 2 + 1000);
		CHECK_EQ(real_cfg(device->bdf, PCI_COMMAND, 2) & ~PCI_COMMAND_INTX_DISABLE, command);
		CHECK(memory_answers(device));
		vfio_irq_unmask(device, VFIO_PCI_INTX_IRQ_INDEX);
	}
	witness_set_intx("witness0", false);
}

/* The host counts unhandled interrupts over resets. 300,000 were enough when none was claimed. */
TEST(resets_in_a_row_do_not_cost_the_line)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	int event = vfio_irq_event(device, VFIO_PCI_INTX_IRQ_INDEX);
	unsigned long long begin;
	int mark = kmsg_mark();

	witness_set("witness0", "intx-limit-ms", "0");
	witness_raise_through_resets("witness0", "5");
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
	begin = interrupts("vfio-intx");
	for (int round = 0; round < 100 && interrupts("vfio-intx") - begin < 4 * GIVEN_UP; round++)
		vfio_reset(device);
	CHECK_EQ(kmsg_count(mark, "nobody cared"), 0);
	witness_set_intx("witness0", false);
}

struct busy {
	struct vfio_device *device;
	int event;
	atomic_uint interrupts;
	atomic_bool stop;
};

static void *interrupt_again_and_again(void *data)
{
	struct busy *busy = data;

	for (; !busy->stop; busy->interrupts++) {
		vfio_write(busy->device, 0, WITNESS_INTX_RAISE, 1, 4);
		CHECK_EQ(event_wait(busy->event, LIMIT_MS), 1);
		vfio_write(busy->device, 0, WITNESS_INTX_ACK, 1, 4);
		vfio_irq_unmask(busy->device, VFIO_PCI_INTX_IRQ_INDEX);
	}
	return NULL;
}

/*
 * The handler asks each function of a line whether an interrupt is its own. The witness counts that
 * in the first 100 ms of a reset. (The kernel's driver asks then, too.)
 */
TEST(a_neighbours_interrupts_do_not_have_a_function_asked_amid_its_reset)
{
	struct vfio_device *device = vfio_open_with_memory("witness4", "disable_idle_d3=1");
	struct busy busy = { .device = vfio_open_with(device, bind_device("witness5")) };
	pthread_t thread;

	CHECK_EQ(pci_attr_number(device->bdf, "irq"), pci_attr_number(busy.device->bdf, "irq"));
	cfg_command(busy.device, PCI_COMMAND_MEMORY, 0);
	vfio_irq_event(device, VFIO_PCI_INTX_IRQ_INDEX);
	busy.event = vfio_irq_event(busy.device, VFIO_PCI_INTX_IRQ_INDEX);
	CHECK_EQ(pthread_create(&thread, NULL, interrupt_again_and_again, &busy), 0);
	while (busy.interrupts < 2000)
		vfio_reset(device);
	busy.stop = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* VFs would be made in a PF that is about to be reset, under the device lock that AER waits for. */
TEST(a_pf_that_is_away_is_given_no_vfs)
{
	struct vfio_device *pf = vfio_open_with_memory("witness4",
						       "enable_sriov=1 disable_idle_d3=1");
	int usage = pm_usage(pf->bdf);
	int mark = kmsg_mark();
	pid_t child = prolong_the_error(pf, 4000);

	CHECK_ERR(EIO, pci_set_vfs_try(pf->bdf, 2));
	await_the_end(pf, child, mark);
	CHECK_EQ(pm_usage(pf->bdf), usage);
	CHECK_EQ(pci_set_vfs_try(pf->bdf, 2), 0);
}

/* To remove VFs needs a lock that AER holds while it waits for the device lock. */
TEST(a_pf_that_is_away_keeps_its_vfs)
{
	struct vfio_device *pf = vfio_open_with_memory("witness4",
						       "enable_sriov=1 disable_idle_d3=1");
	int mark = kmsg_mark();
	pid_t child;

	pci_set_vfs(pf->bdf, 2);
	child = prolong_the_error(pf, 4000);
	CHECK_ERR(EIO, pci_set_vfs_try(pf->bdf, 0));
	CHECK_EQ(pci_attr_number(pf->bdf, "sriov_numvfs"), 2);
	await_the_end(pf, child, mark);
	CHECK_EQ(pci_set_vfs_try(pf->bdf, 0), 0);
}

/* The PCI core switches INTx on with the last vector, and no handler would take the interrupt. */
TEST(msix_taken_down_while_away_leaves_intx_off)
{
	struct vfio_device *device = vfio_open_with_memory("witness4", "disable_idle_d3=1");
	int mark = kmsg_mark();
	pid_t child;

	vfio_irq_event(device, MSIX);
	child = prolong_the_error(device, 4000);
	vfio_irq_disable(device, MSIX);
	CHECK(real_cfg(device->bdf, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
	await_the_end(device, child, mark);
}

/* The function decodes nothing then, as its user has set it. */
TEST(msix_taken_down_while_away_finds_its_table)
{
	struct vfio_device *device = vfio_open_with_memory("witness4", "disable_idle_d3=1");
	int mark = kmsg_mark();
	pid_t child;

	vfio_irq_event(device, MSIX);
	cfg_command(device, 0, PCI_COMMAND_MEMORY);
	child = prolong_the_error(device, 5000);
	vfio_irq_disable(device, MSIX);
	CHECK(witness_is_in_reset("witness5"));
	child_check_ends("the reset of the neighbour", child);
	CHECK(WAIT_UNTIL(kmsg_count(mark, "device recovery successful"), LIMIT_MS));
	CHECK(WAIT_UNTIL(config_answers(device), LIMIT_MS));
}

static void look_until_it_has_recovered(struct vfio_device *device, int mark)
{
	while (!kmsg_count(mark, "device recovery successful"))
		for (int n = 0; n < 1000; n++)
			memory_answers(device);
}

/* This holds however late the reset comes. */
TEST(a_function_is_not_looked_at_while_its_link_is_reset)
{
	struct vfio_device *device = vfio_open_with_memory("witness4", "disable_idle_d3=1");
	int mark = kmsg_mark();
	pid_t child;

	child = prolong_the_error(device, 3000);
	look_until_it_has_recovered(device, mark);
	child_check_ends("the reset of the neighbour", child);
	CHECK(WAIT_UNTIL(memory_answers(device), LIMIT_MS));
}

/* Later kernels lock the bridge above a function in each reset by root. */
static bool resets_of_neighbours_overlap(void)
{
	return kernel_is("6.1");
}

TEST_WHEN(resets_of_neighbours_overlap,
	  a_function_that_is_reset_between_the_error_and_the_link_reset_stays_away)
{
	struct vfio_device *device = vfio_open_with_memory("witness4", "disable_idle_d3=1");
	int mark = kmsg_mark();
	pid_t child;

	child = prolong_the_error(device, 4000);
	reset_through_sysfs((void *)device->bdf);
	CHECK(!memory_answers(device));
	look_until_it_has_recovered(device, mark);
	child_check_ends("the reset of the neighbour", child);
	CHECK(WAIT_UNTIL(memory_answers(device), LIMIT_MS));
	check_bar(device->bdf);
}

/* Root or a neighbour's user resets it: the announced reset of the link still comes. */
TEST_WHEN(resets_of_neighbours_overlap,
	  a_function_that_is_reset_between_the_error_and_the_link_reset_comes_back)
{
	struct vfio_device *device = vfio_open_with_memory("witness4", "disable_idle_d3=1");
	int mark = kmsg_mark();
	pid_t child;

	child = prolong_the_error(device, 4000);
	reset_through_sysfs((void *)device->bdf);
	await_the_end(device, child, mark);
	check_bar(device->bdf);
}

/* System sleep */

/*
 * Puts the machine to sleep for five seconds, except its processors. The callers watch whether the
 * function is touched in this time.
 */
static void sleep_without_falling_asleep(void)
{
	file_write("/sys/power/pm_test", "platform");
	file_write("/sys/power/state", "mem");
	file_write("/sys/power/pm_test", "none");
}

static bool is_touched_asleep(void)
{
	char *rest = file_read(TRACING "/trace");
	bool is_asleep = false, is_touched = false;
	char *line;

	while ((line = strsep(&rest, "\n"))) {
		if (strstr(line, "dpm_suspend_noirq[2] end"))
			is_asleep = true;
		else if (strstr(line, "dpm_resume_noirq"))
			is_asleep = false;
		else if (strstr(line, "restores:"))
			is_touched |= is_asleep;
	}
	return is_touched;
}

TEST(a_function_that_comes_back_while_the_machine_sleeps_is_left_alone)
{
	struct vfio_device *device = open_beside("witness4");

	/* It may be there already, or the kernel has none. */
	mount("tracefs", TRACING, "tracefs", 0, NULL);
	if (!file_exists("/sys/power/pm_test") || !file_exists(TRACING "/kprobe_events"))
		SKIP("this kernel has no pm_test or no probes of tracefs");
	file_write(TRACING "/kprobe_events", "p:restores pci_restore_state");
	file_write(TRACING "/events/kprobes/restores/enable", "1");
	file_write(TRACING "/events/power/suspend_resume/enable", "1");
	witness_set("witness5", "flr-ms", "4000");
	reset_the_link("witness4");
	CHECK(witness_is_in_reset("witness5"));
	file_write(TRACING "/trace", "");
	sleep_without_falling_asleep();
	CHECK(!is_touched_asleep());
	CHECK(WAIT_UNTIL(memory_answers(device), LIMIT_MS));
	check_bar(device->bdf);
}

/*
 * The function dies in D3hot, and comes back while the machine sleeps, if it sleeps long enough: on
 * a busy host, the clock of its five seconds runs fast.
 */
static bool dies_in_d3hot_and_comes_back_asleep(struct vfio_device *device)
{
	const char *port = strdup(pci_upstream(device->bdf));
	uint16_t control = real_cfg(port, PCI_BRIDGE_CONTROL, 2);

	cfg_set16(device, cfg_cap(device, PCI_CAP_ID_PM) + PCI_PM_CTRL, 3);
	pause_ms(50);
	witness_set("witness0", "flr-ms", "3000");
	real_cfg_set(port, PCI_BRIDGE_CONTROL, control | PCI_BRIDGE_CTL_BUS_RESET, 2);
	real_cfg_set(port, PCI_BRIDGE_CONTROL, control, 2);
	pause_ms(50);
	sleep_without_falling_asleep();
	return !witness_is_in_reset("witness0");
}

/* The PCI core saves what it reads, and would restore it to a function that has come back. */
TEST(a_function_that_is_dead_in_d3hot_when_the_machine_sleeps_is_not_given_ones)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	int tries = 1;

	if (!file_exists("/sys/power/pm_test"))
		SKIP("this kernel has no /sys/power/pm_test");
	for (; !dies_in_d3hot_and_comes_back_asleep(device); tries++) {
		CHECK_LT(tries, 10);
		witness_set("witness0", "flr-ms", "95");
		witness_wait_ready("witness0");
		vfio_close(device);
		device = vfio_open(vm_bdf("witness0"));
		cfg_command(device, PCI_COMMAND_MEMORY, 0);
	}
	check_bar(device->bdf);
	CHECK(memory_answers(device));
}

/* VFs */

static const char *vf_name(const char *bdf)
{
	static char name[128];

	snprintf(name, sizeof(name), "%s vf_token=11111111-1111-1111-1111-111111111111", bdf);
	return name;
}

static struct vfio_device *open_pf(void)
{
	static const uint8_t token[16] = { [0 ... 15] = 0x11 };
	struct vfio_device *pf;

	driver_load("enable_sriov=1 disable_idle_d3=1");
	pf = vfio_open(bind_device("witness1"));
	CHECK_EQ(vfio_set_vf_token_try(pf, token), 0);
	cfg_command(pf, PCI_COMMAND_MEMORY, 0);
	return pf;
}

/* VFs' BARs are in the PF, and do not show the reset; nor does the PCI core: its recovery fails. */
TEST(a_vf_beside_one_without_a_driver_comes_back_with_its_pf)
{
	struct vfio_device *pf = open_pf(), *vf;
	char *bdf;
	int event;

	pci_set_vfs(pf->bdf, 2);
	pci_unbind(pci_vf(pf->bdf, 1));
	bdf = strdup(pci_vf(pf->bdf, 0));
	pci_bind(bdf, VFIO_PCI);
	CHECK_EQ(vfio_open_try(bdf, vf_name(bdf), &vf), 0);
	event = vfio_irq_event(vf, MSIX);
	check_interrupt(vf, event);
	kmsg_expect("device recovery failed");
	reset_the_link("witness1");
	CHECK(WAIT_UNTIL(memory_answers(pf), LIMIT_MS));
	CHECK(WAIT_UNTIL(memory_answers(vf), LIMIT_MS));
	check_interrupt(vf, event);
}

/* A VF that is configured while its PF has no VFs would miss the configuration. */
TEST(a_vf_is_configured_after_its_pf)
{
	struct vfio_device *pf = open_pf(), *vf;
	struct stuck_msix stuck;
	char *bdf;
	int event;

	pci_set_vfs(pf->bdf, 1);
	bdf = strdup(pci_vf(pf->bdf, 0));
	pci_bind(bdf, VFIO_PCI);
	CHECK_EQ(vfio_open_try(bdf, vf_name(bdf), &vf), 0);
	event = vfio_irq_event(vf, MSIX);
	check_interrupt(vf, event);

	/* The task that configures the PF waits. */
	vfio_irq_event(pf, MSIX);
	stuck = stuck_msix_begin(pf);
	reset_the_link("witness1");
	CHECK(!memory_answers(vf));
	stuck_msix_end(&stuck);
	CHECK(WAIT_UNTIL(memory_answers(vf), LIMIT_MS));
	check_interrupt(vf, event);
}

/* COMMAND is as a reset by a device register leaves it. */
TEST(a_user_who_switches_decoding_on_again_finds_intx_off)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");

	real_cfg_set(device->bdf, PCI_COMMAND, 0, 2);
	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	CHECK_NE(real_cfg(device->bdf, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY, 0);
	CHECK_NE(real_cfg(device->bdf, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE, 0);
}
