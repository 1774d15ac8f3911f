// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSI and MSI-X: delivery, blocks, vectors added one by one, eventfds replaced, limits.
 *
 * vm-machine: default
 * vm-drivers: ours kernel
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "nvme.h"
#include "vmtest.h"

/* edu's interrupt registers; with MSI every raise is a message */
#define EDU_IRQ_RAISE	0x60
#define EDU_IRQ_ACK	0x64

/* Vectors of nvme1 that most tests use; each has a queue of the device's. */
#define VECTORS		5
#define TABLE_SIZE	17

#define MSI		VFIO_PCI_MSI_IRQ_INDEX
#define MSIX		VFIO_PCI_MSIX_IRQ_INDEX
#define LIMIT_MS	5000
#define QUIET_MS	150

#define CHECK_COMES(event)	CHECK_EQ(event_wait(event, LIMIT_MS), 1)
#define CHECK_QUIET(event)	CHECK_EQ(event_wait(event, QUIET_MS), 0)

static struct vfio_device *open_device(const char *id)
{
	struct vfio_device *device;

	driver_load(NULL);
	device = vfio_bind_and_open(vm_bdf(id));
	cfg_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	return device;
}

static struct vfio_device *open_edu(void)
{
	struct vfio_device *edu = open_device("edu0");

	vfio_write(edu, 0, EDU_IRQ_ACK, 0xffffffff, 4);
	return edu;
}

static void raise_edu(struct vfio_device *edu)
{
	vfio_write(edu, 0, EDU_IRQ_RAISE, 1, 4);
	vfio_write(edu, 0, EDU_IRQ_ACK, 1, 4);
}

static struct nvme *open_nvme(void)
{
	return nvme_start(open_device("nvme1"), VECTORS);
}

static void new_events(int *events, unsigned int count)
{
	for (unsigned int n = 0; n < count; n++)
		events[n] = event_new();
}

static void enable_all(struct nvme *nvme, int *events)
{
	new_events(events, VECTORS);
	vfio_irq_eventfds(nvme->device, MSIX, 0, VECTORS, events);
}

/* Every vector reaches its own eventfd and no other. */
static void check_all_come(struct nvme *nvme, const int *events)
{
	for (unsigned int n = 0; n < VECTORS; n++) {
		nvme_raise(nvme, n);
		CHECK_COMES(events[n]);
	}
	for (unsigned int n = 0; n < VECTORS; n++)
		CHECK_EQ(event_take(events[n]), 0);
}

static bool in_proc_interrupts(const char *format, unsigned int vector, const char *bdf)
{
	char name[64], *text = file_read("/proc/interrupts");
	bool found;

	snprintf(name, sizeof(name), format, vector, bdf);
	found = strstr(text, name);
	free(text);
	return found;
}

static int msix_count(struct vfio_device *device)
{
	char *text = file_read("/proc/interrupts"), *at = text;
	char name[32];
	int count = 0;

	snprintf(name, sizeof(name), "](%s)", device->bdf);
	while ((at = strstr(at, name))) {
		count++;
		at++;
	}
	free(text);
	return count;
}

static bool msix_enabled(const char *bdf)
{
	return real_cfg(bdf, real_cfg_cap(bdf, PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS, 2) &
	       PCI_MSIX_FLAGS_ENABLE;
}

/* MSI */

TEST(msi_of_the_device_comes)
{
	struct vfio_device *edu = open_edu();
	int event = event_new();

	vfio_irq_eventfd(edu, MSI, 0, event);
	for (int round = 0; round < 100; round++) {
		raise_edu(edu);
		CHECK_COMES(event);
	}
	CHECK_QUIET(event);
}

TEST(msi_comes_not_after_disabling_and_again_after_enabling)
{
	struct vfio_device *edu = open_edu();
	int event = event_new();

	for (int round = 0; round < 3; round++) {
		vfio_irq_eventfd(edu, MSI, 0, event);
		raise_edu(edu);
		CHECK_COMES(event);
		vfio_irq_disable(edu, MSI);
		raise_edu(edu);
		CHECK_QUIET(event);
	}
}

/* A client's driver turns the capability on once it has set up all the rest. */
TEST(clients_msi_enable_bit_masks_and_unmasks)
{
	struct vfio_device *edu = open_edu();
	unsigned int flags = cfg_cap(edu, PCI_CAP_ID_MSI) + PCI_MSI_FLAGS;
	int event = event_new();

	cfg_set16(edu, flags, cfg16(edu, flags) | PCI_MSI_FLAGS_ENABLE);
	CHECK(!(cfg16(edu, flags) & PCI_MSI_FLAGS_ENABLE));
	vfio_irq_eventfd(edu, MSI, 0, event);
	cfg_set16(edu, flags, cfg16(edu, flags) | PCI_MSI_FLAGS_ENABLE);
	CHECK(cfg16(edu, flags) & PCI_MSI_FLAGS_ENABLE);
	raise_edu(edu);
	CHECK_COMES(event);
	cfg_set16(edu, flags, cfg16(edu, flags) & ~PCI_MSI_FLAGS_ENABLE);
	raise_edu(edu);
	CHECK_QUIET(event);
	cfg_set16(edu, flags, cfg16(edu, flags) | PCI_MSI_FLAGS_ENABLE);
	raise_edu(edu);
	CHECK_COMES(event);
}

TEST(a_write_beside_the_msi_enable_bit_leaves_msi_on)
{
	struct vfio_device *edu = open_edu();
	unsigned int cap = cfg_cap(edu, PCI_CAP_ID_MSI);
	int event = event_new();

	vfio_irq_eventfd(edu, MSI, 0, event);
	cfg_set8(edu, cap + PCI_CAP_LIST_ID, 0);
	cfg_set8(edu, cap + PCI_MSI_FLAGS + 1, 0);
	raise_edu(edu);
	CHECK_COMES(event);
}

TEST(msi_of_one_function_is_named_and_freed_at_close)
{
	struct vfio_device *edu = open_edu();
	const char *bdf = vm_bdf("edu0");

	vfio_irq_eventfd(edu, MSI, 0, event_new());
	CHECK(in_proc_interrupts("vfio-msi[%u](%s)", 0, bdf));
	vfio_close(edu);
	CHECK(!in_proc_interrupts("vfio-msi[%u](%s)", 0, bdf));
	CHECK(!(real_cfg(bdf, real_cfg_cap(bdf, PCI_CAP_ID_MSI) + PCI_MSI_FLAGS, 2) &
		PCI_MSI_FLAGS_ENABLE));
}

/* Vectors of MSI are one block of a size that is chosen once. */
TEST(msi_is_not_resized)
{
	struct vfio_device *edu = open_edu();
	int events[2] = { event_new(), event_new() };

	CHECK(vfio_irq_info(edu, MSI).flags & VFIO_IRQ_INFO_NORESIZE);
	CHECK_EQ(vfio_irq_info(edu, MSI).count, 1);
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(edu, MSI, 0, 2, events));
	vfio_irq_eventfd(edu, MSI, 0, events[0]);
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(edu, MSI, 1, 1, events));
	raise_edu(edu);
	CHECK_COMES(events[0]);
}

/* MSI-X: blocks */

TEST(every_vector_of_a_block_comes)
{
	int events[VECTORS];
	struct nvme *nvme = open_nvme();

	enable_all(nvme, events);
	for (int round = 0; round < 20; round++)
		check_all_come(nvme, events);
}

TEST(vectors_have_names)
{
	int events[VECTORS];
	struct nvme *nvme = open_nvme();

	enable_all(nvme, events);
	for (unsigned int n = 0; n < VECTORS; n++)
		CHECK(in_proc_interrupts("vfio-msix[%u](%s)", n, nvme->device->bdf));
	CHECK_EQ(msix_count(nvme->device), VECTORS);
}

TEST(sparse_block_sets_up_what_is_named)
{
	int events[VECTORS];
	struct nvme *nvme = open_nvme();

	new_events(events, VECTORS);
	close(events[1]);
	close(events[3]);
	events[1] = events[3] = -1;
	vfio_irq_eventfds(nvme->device, MSIX, 0, VECTORS, events);
	CHECK_EQ(msix_count(nvme->device), 3);
	for (unsigned int n = 0; n < VECTORS; n++) {
		nvme_raise(nvme, n);
		if (events[n] >= 0)
			CHECK_COMES(events[n]);
	}
}

TEST(vector_left_out_of_a_block_is_added_later)
{
	int events[VECTORS], late;
	struct nvme *nvme = open_nvme();

	new_events(events, VECTORS);
	late = events[2];
	events[2] = -1;
	vfio_irq_eventfds(nvme->device, MSIX, 0, VECTORS, events);
	events[2] = late;
	vfio_irq_eventfd(nvme->device, MSIX, 2, late);
	check_all_come(nvme, events);
}

TEST(one_vector_can_be_disabled)
{
	int events[VECTORS], none = -1;
	struct nvme *nvme = open_nvme();

	enable_all(nvme, events);
	vfio_irq_eventfds(nvme->device, MSIX, 2, 1, &none);
	CHECK_EQ(msix_count(nvme->device), VECTORS - 1);
	for (unsigned int n = 0; n < VECTORS; n++) {
		nvme_raise(nvme, n);
		if (n != 2)
			CHECK_COMES(events[n]);
	}
	CHECK_QUIET(events[2]);
	vfio_irq_eventfd(nvme->device, MSIX, 2, events[2]);
	event_wait(events[2], QUIET_MS);
	check_all_come(nvme, events);
}

TEST(disabling_all_disables_all)
{
	int events[VECTORS];
	struct nvme *nvme = open_nvme();

	for (int round = 0; round < 3; round++) {
		enable_all(nvme, events);
		check_all_come(nvme, events);
		CHECK(msix_enabled(nvme->device->bdf));
		vfio_irq_disable(nvme->device, MSIX);
		CHECK_EQ(msix_count(nvme->device), 0);
		CHECK(!msix_enabled(nvme->device->bdf));
		nvme_raise(nvme, 0);
		CHECK_QUIET(events[0]);
		for (unsigned int n = 0; n < VECTORS; n++)
			close(events[n]);
	}
}

TEST(block_that_ends_before_the_table_does_is_enough)
{
	int events[VECTORS];
	struct nvme *nvme = open_nvme();

	new_events(events, 2);
	vfio_irq_eventfds(nvme->device, MSIX, 0, 2, events);
	for (unsigned int n = 0; n < 2; n++) {
		nvme_raise(nvme, n);
		CHECK_COMES(events[n]);
	}
}

TEST(two_vectors_can_share_an_eventfd)
{
	int event = event_new(), events[2] = { event, event };
	struct nvme *nvme = open_nvme();

	vfio_irq_eventfds(nvme->device, MSIX, 0, 2, events);
	for (unsigned int n = 0; n < 2; n++) {
		nvme_raise(nvme, n);
		CHECK_COMES(event);
	}
	close(event);
	nvme_raise(nvme, 0);
	vfio_irq_disable(nvme->device, MSIX);
}

TEST(every_vector_of_the_table_can_be_had)
{
	struct vfio_device *nvme = open_device("nvme1");
	unsigned int count = vfio_irq_info(nvme, MSIX).count;
	int events[TABLE_SIZE + 1];

	CHECK_EQ(count, TABLE_SIZE);
	new_events(events, count + 1);
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(nvme, MSIX, 0, count + 1, events));
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(nvme, MSIX, count, 1, events));
	CHECK_EQ(msix_count(nvme), 0);
	vfio_irq_eventfds(nvme, MSIX, 0, count, events);
	CHECK_EQ(msix_count(nvme), count);
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(nvme, MSIX, 0, count + 1, events));
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(nvme, MSIX, count, 1, events));
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(nvme, MSIX, 0xffffffff, 2, events));
	CHECK_EQ(msix_count(nvme), count);
}

/* MSI-X: eventfds replaced, failures */

TEST(another_eventfd_takes_over)
{
	int events[VECTORS], more[VECTORS];
	struct nvme *nvme = open_nvme();

	enable_all(nvme, events);
	enable_all(nvme, more);
	check_all_come(nvme, more);
	for (unsigned int n = 0; n < VECTORS; n++)
		CHECK_EQ(event_take(events[n]), 0);
}

struct raiser {
	struct nvme *nvme;
	int events[2];
	unsigned int raised;
	atomic_bool stop;
};

/* The interrupts that came to either eventfd, waiting for the first. */
static uint64_t wait_for_either(const int *events)
{
	struct pollfd wait[2] = {
		{ .fd = events[0], .events = POLLIN },
		{ .fd = events[1], .events = POLLIN },
	};

	CHECK_OK(poll(wait, 2, LIMIT_MS));
	return event_take(events[0]) + event_take(events[1]);
}

static void *raise_until_stopped(void *data)
{
	struct raiser *raiser = data;

	do {
		nvme_raise(raiser->nvme, 0);
		CHECK_EQ(wait_for_either(raiser->events), 1);
		raiser->raised++;
	} while (!raiser->stop);
	return NULL;
}

/* Each interrupt comes to the old eventfd or to the new one. */
TEST_OURS(no_interrupt_is_lost_while_its_eventfd_is_replaced)
{
	struct raiser raiser = { .nvme = open_nvme(), .events = { event_new(), event_new() } };
	pthread_t thread;

	vfio_irq_eventfd(raiser.nvme->device, MSIX, 0, raiser.events[0]);
	CHECK_EQ(pthread_create(&thread, NULL, raise_until_stopped, &raiser), 0);
	for (int round = 1; round < 500; round++)
		vfio_irq_eventfd(raiser.nvme->device, MSIX, 0, raiser.events[round & 1]);
	raiser.stop = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	test_note("%u interrupts", raiser.raised);
}

TEST(bad_eventfd_in_a_first_block_sets_up_nothing)
{
	int events[VECTORS];
	struct nvme *nvme = open_nvme();

	new_events(events, VECTORS);
	close(events[3]);
	CHECK_ERR(EBADF, vfio_irq_eventfds_try(nvme->device, MSIX, 0, VECTORS, events));
	CHECK_EQ(msix_count(nvme->device), 0);
	events[3] = CHECK_OK(open("/dev/null", O_RDWR));
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(nvme->device, MSIX, 0, VECTORS, events));
	CHECK_EQ(msix_count(nvme->device), 0);
	CHECK(!msix_enabled(nvme->device->bdf));
	enable_all(nvme, events);
	check_all_come(nvme, events);
}

TEST_OURS(bad_eventfd_in_a_later_block_leaves_the_vectors_there_are)
{
	int events[VECTORS], bad[VECTORS];
	struct nvme *nvme = open_nvme();

	enable_all(nvme, events);
	new_events(bad, VECTORS);
	close(bad[3]);
	CHECK_ERR(EBADF, vfio_irq_eventfds_try(nvme->device, MSIX, 0, VECTORS, bad));
	check_all_come(nvme, events);
	bad[3] = -2;
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(nvme->device, MSIX, 0, VECTORS, bad));
	check_all_come(nvme, events);
}

/* Loopback */

TEST(loopback_signals_the_vectors_that_are_named)
{
	const uint32_t bools = VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER;
	uint8_t some[VECTORS] = { 1, 0, 1, 0, 0 };
	int events[VECTORS];
	struct nvme *nvme = open_nvme();

	enable_all(nvme, events);
	vfio_irq_loopback(nvme->device, MSIX, 3);
	CHECK_COMES(events[3]);
	CHECK_EQ(vfio_irqs_try(nvme->device, MSIX, bools, 0, VECTORS, some, sizeof(some)), 0);
	CHECK_COMES(events[0]);
	CHECK_COMES(events[2]);
	for (unsigned int n = 0; n < VECTORS; n++)
		CHECK_EQ(event_take(events[n]), 0);
	CHECK_EQ(vfio_irqs_try(nvme->device, MSIX, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
			       0, VECTORS, NULL, 0), 0);
	for (unsigned int n = 0; n < VECTORS; n++)
		CHECK_EQ(event_take(events[n]), 1);
}

TEST(loopback_of_vectors_that_are_not_set_up_is_refused)
{
	const uint32_t none = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
	struct nvme *nvme = open_nvme();
	int events[2];

	CHECK_ERR(EINVAL, vfio_irqs_try(nvme->device, MSIX, none, 0, 1, NULL, 0));
	new_events(events, 2);
	vfio_irq_eventfds(nvme->device, MSIX, 0, 2, events);
	CHECK_ERR(EINVAL, vfio_irqs_try(nvme->device, MSIX, none, 0, TABLE_SIZE, NULL, 0));
	CHECK_ERR(EINVAL, vfio_irqs_try(nvme->device, MSI, none, 0, 1, NULL, 0));
	CHECK_EQ(event_take(events[0]), 0);
}

TEST(masking_is_not_offered)
{
	int events[VECTORS];
	struct nvme *nvme = open_nvme();

	CHECK_EQ(vfio_irq_info(nvme->device, MSIX).flags &
		 (VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED), 0);
	enable_all(nvme, events);
	CHECK_ERR(ENOTTY, vfio_irqs_try(nvme->device, MSIX, VFIO_IRQ_SET_DATA_NONE |
					VFIO_IRQ_SET_ACTION_MASK, 0, 1, NULL, 0));
	CHECK_ERR(ENOTTY, vfio_irqs_try(nvme->device, MSIX, VFIO_IRQ_SET_DATA_NONE |
					VFIO_IRQ_SET_ACTION_UNMASK, 0, 1, NULL, 0));
	check_all_come(nvme, events);
}

TEST(kinds_exclude_each_other)
{
	struct vfio_device *nic = open_device("nic0");
	int event = event_new();

	vfio_irq_eventfd(nic, MSIX, 0, event);
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(nic, MSI, 0, 1, &event));
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(nic, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &event));
	vfio_irq_disable(nic, MSIX);
	vfio_irq_eventfd(nic, MSI, 0, event);
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(nic, MSIX, 0, 1, &event));
	vfio_irq_disable(nic, MSI);
	vfio_irq_eventfd(nic, MSIX, 0, event);
	vfio_irq_loopback(nic, MSIX, 0);
	CHECK_COMES(event);
}

/* MSI-X, grown vector by vector */

TEST_OURS(msix_can_be_resized)
{
	CHECK(!(vfio_irq_info(open_device("nvme1"), MSIX).flags & VFIO_IRQ_INFO_NORESIZE));
}

TEST_OURS(vectors_can_be_added_one_by_one)
{
	int events[VECTORS];
	struct nvme *nvme = open_nvme();

	for (unsigned int n = 0; n < VECTORS; n++) {
		events[n] = event_new();
		vfio_irq_eventfd(nvme->device, MSIX, n, events[n]);
		for (unsigned int old = 0; old < n; old++)
			event_take(events[old]);
		for (unsigned int old = 0; old <= n; old++) {
			nvme_raise(nvme, old);
			CHECK_COMES(events[old]);
		}
	}
}

TEST_OURS(vectors_can_be_added_beyond_a_gap_and_in_any_order)
{
	static const unsigned int order[VECTORS] = { 3, 0, 4, 2, 1 };
	int events[VECTORS];
	struct nvme *nvme = open_nvme();

	new_events(events, VECTORS);
	for (unsigned int n = 0; n < VECTORS; n++)
		vfio_irq_eventfd(nvme->device, MSIX, order[n], events[order[n]]);
	for (unsigned int n = 0; n < VECTORS; n++)
		event_take(events[n]);
	check_all_come(nvme, events);
}

TEST_OURS(block_may_reach_over_the_end_of_what_there_is)
{
	int events[VECTORS];
	struct nvme *nvme = open_nvme();

	new_events(events, VECTORS);
	vfio_irq_eventfds(nvme->device, MSIX, 0, 2, events);
	vfio_irq_eventfds(nvme->device, MSIX, 1, 4, events + 1);
	for (unsigned int n = 0; n < VECTORS; n++)
		event_take(events[n]);
	check_all_come(nvme, events);
}

TEST_OURS(bad_eventfd_while_adding_leaves_the_vectors_there_are)
{
	int events[VECTORS], bad[2];
	struct nvme *nvme = open_nvme();

	new_events(events, VECTORS);
	vfio_irq_eventfds(nvme->device, MSIX, 0, 2, events);
	bad[0] = events[2];
	bad[1] = 1000;
	CHECK_ERR(EBADF, vfio_irq_eventfds_try(nvme->device, MSIX, 2, 2, bad));
	CHECK_EQ(msix_count(nvme->device), 2);
	vfio_irq_eventfds(nvme->device, MSIX, 2, 3, events + 2);
	for (unsigned int n = 0; n < VECTORS; n++)
		event_take(events[n]);
	check_all_come(nvme, events);
}

/*
 * Each raise waits for its interrupt, as a driver that has one request under way does. One signal
 * too many is allowed, one too few is not.
 */
static void *raise_and_wait(void *data)
{
	struct raiser *raiser = data;

	do {
		event_take(raiser->events[0]);
		nvme_raise(raiser->nvme, 0);
		if (!event_wait(raiser->events[0], LIMIT_MS))
			FAIL("interrupt %u is lost", raiser->raised);
		raiser->raised++;
	} while (!raiser->stop);
	return NULL;
}

/*
 * A task that has run on a CPU knows that the CPU has taken its interrupts under way. Linux 6.1 on
 * x86 may forget a vector that is given out again before its last interrupt comes in.
 */
static void let_cpus_take_interrupts(void)
{
	cpu_set_t all;

	CHECK_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all))
			use_processor(cpu);
	CHECK_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
}

TEST_OURS(no_interrupt_is_lost_while_vectors_are_added)
{
	struct raiser raiser = { .nvme = open_nvme() };
	struct vfio_device *device = raiser.nvme->device;
	int events[TABLE_SIZE];
	pthread_t thread;

	new_events(events, TABLE_SIZE);
	raiser.events[0] = events[0];
	for (int round = 0; round < 30; round++) {
		vfio_irq_eventfd(device, MSIX, 0, events[0]);
		raiser.stop = false;
		CHECK_EQ(pthread_create(&thread, NULL, raise_and_wait, &raiser), 0);
		for (unsigned int n = 1; n < TABLE_SIZE; n++)
			vfio_irq_eventfd(device, MSIX, n, events[n]);
		raiser.stop = true;
		CHECK_EQ(pthread_join(thread, NULL), 0);
		vfio_irq_disable(device, MSIX);
		let_cpus_take_interrupts();
	}
	test_note("%u interrupts", raiser.raised);
}

TEST_OURS(all_vectors_of_a_large_table_can_be_added_one_by_one)
{
	struct vfio_device *nvme = open_device("nvme1");
	unsigned int count = vfio_irq_info(nvme, MSIX).count;
	int event = event_new();

	for (int round = 0; round < 3; round++) {
		for (unsigned int n = 0; n < count; n++) {
			vfio_irq_eventfd(nvme, MSIX, n, event);
			CHECK_EQ(msix_count(nvme), n + 1);
		}
		CHECK_ERR(EINVAL, vfio_irq_eventfds_try(nvme, MSIX, count, 1, &event));
		vfio_irq_disable(nvme, MSIX);
		CHECK_EQ(msix_count(nvme), 0);
	}
}

/* The client writes what belongs to the host */

static uint32_t table_offset(struct vfio_device *device)
{
	uint32_t table = cfg32(device, cfg_cap(device, PCI_CAP_ID_MSIX) + PCI_MSIX_TABLE);

	CHECK_EQ(table & PCI_MSIX_TABLE_BIR, 0);
	return table;
}

static volatile uint32_t *map_table(struct vfio_device *device)
{
	uint32_t size = getpagesize(), offset = table_offset(device);
	uint8_t *page = vfio_mmap(device, 0, offset & ~(size - 1), size, PROT_READ | PROT_WRITE);

	CHECK(page != MAP_FAILED);
	return (volatile uint32_t *)(page + (offset & (size - 1)));
}

TEST(table_written_through_a_mapping_is_right_after_enabling_again)
{
	int events[VECTORS];
	struct nvme *nvme = open_nvme();
	volatile uint32_t *table = map_table(nvme->device);

	enable_all(nvme, events);
	check_all_come(nvme, events);
	/* Invalid messages, all masked. The IOMMU keeps them from other interrupts. */
	for (unsigned int n = 0; n < VECTORS; n++) {
		table[4 * n + 3] = 1;
		table[4 * n + 0] = 0;
		table[4 * n + 2] = 0;
	}
	vfio_irq_disable(nvme->device, MSIX);
	for (unsigned int n = 0; n < VECTORS; n++)
		table[4 * n + 2] = 0x1234;
	enable_all(nvme, events);
	check_all_come(nvme, events);
}

TEST_OURS(table_written_through_a_mapping_is_right_after_setting_a_vector_again)
{
	int events[VECTORS], none = -1;
	struct nvme *nvme = open_nvme();
	volatile uint32_t *table = map_table(nvme->device);

	enable_all(nvme, events);
	for (unsigned int n = 0; n < VECTORS; n++) {
		table[4 * n + 0] = 0;
		table[4 * n + 2] = 0;
		vfio_irq_eventfds(nvme->device, MSIX, n, 1, &none);
		vfio_irq_eventfd(nvme->device, MSIX, n, events[n]);
	}
	check_all_come(nvme, events);
}

TEST(table_cannot_be_read_or_written_through_the_file)
{
	int events[VECTORS];
	struct nvme *nvme = open_nvme();
	uint32_t offset = table_offset(nvme->device);

	enable_all(nvme, events);
	CHECK_EQ(vfio_read(nvme->device, 0, offset, 4), 0xffffffff);
	for (unsigned int n = 0; n < 16 * VECTORS; n += 4)
		vfio_write(nvme->device, 0, offset + n, 0, 4);
	check_all_come(nvme, events);
}

TEST(vectors_are_set_up_while_memory_decoding_is_off)
{
	int events[VECTORS];
	struct nvme *nvme = open_nvme();

	cfg_command(nvme->device, 0, PCI_COMMAND_MEMORY);
	enable_all(nvme, events);
	CHECK(!(cfg16(nvme->device, PCI_COMMAND) & PCI_COMMAND_MEMORY));
	CHECK(!(real_cfg(nvme->device->bdf, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY));
	cfg_command(nvme->device, PCI_COMMAND_MEMORY, 0);
	check_all_come(nvme, events);
}

TEST(vectors_survive_a_reset)
{
	int events[VECTORS];
	struct nvme *nvme = open_nvme();

	enable_all(nvme, events);
	vfio_reset(nvme->device);
	nvme_restart(nvme);
	for (unsigned int n = 0; n < VECTORS; n++)
		event_take(events[n]);
	check_all_come(nvme, events);
}

/* Close */

TEST(close_frees_the_vectors)
{
	const char *bdf = vm_bdf("nvme1");
	int events[VECTORS];
	struct nvme *nvme = open_nvme();

	enable_all(nvme, events);
	vfio_close(nvme->device);
	CHECK(!in_proc_interrupts("vfio-msix[%u](%s)", 0, bdf));
	CHECK(!msix_enabled(bdf));
	nvme = nvme_start(vfio_open(bdf), VECTORS);
	CHECK_EQ(msix_count(nvme->device), 0);
	CHECK_ERR(EINVAL, vfio_irqs_try(nvme->device, MSIX, VFIO_IRQ_SET_DATA_NONE |
					VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1, NULL, 0));
	nvme_raise(nvme, 0);
	for (unsigned int n = 0; n < VECTORS; n++)
		CHECK_EQ(event_take(events[n]), 0);
	enable_all(nvme, events);
	check_all_come(nvme, events);
}
