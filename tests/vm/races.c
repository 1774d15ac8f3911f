// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads of one client use one register or one line, on processors that run at the same time.
 * The work of each thread is done, whatever the others do.
 *
 * vm-machine: default
 * vm-drivers: ours kernel
 * vm-threads: multi
 */
#include <pthread.h>
#include <stdatomic.h>

#include "vmtest.h"

#define INTX		VFIO_PCI_INTX_IRQ_INDEX
#define LIMIT_MS	10000

#define EDU_IRQ_RAISE	0x60
#define EDU_IRQ_ACK	0x64

/* A thread that works until it is told to stop. */
struct thread {
	struct vfio_device *device;
	void (*work)(struct thread *thread, unsigned int round);
	unsigned int first;
	atomic_bool stop;
	pthread_t id;
};

static void *run(void *data)
{
	struct thread *thread = data;

	for (unsigned int round = 0; !thread->stop; round++)
		thread->work(thread, round);
	return NULL;
}

static void start(struct thread *thread)
{
	CHECK_EQ(pthread_create(&thread->id, NULL, run, thread), 0);
}

static void stop(struct thread *thread)
{
	thread->stop = true;
	pthread_join(thread->id, NULL);
}

/* Configuration space */

#define ROUNDS 4000
/* Each costs the emulator a new map of the machine's memory. */
#define SWITCHES 60

struct writer {
	struct vfio_device *device;
	unsigned int offset;
	uint8_t bit;
	int lost;
	pthread_t thread;
};

/* Toggles bits of a byte that nobody else writes; each must read as it was written. */
static void *write_own_byte(void *data)
{
	struct writer *writer = data;

	for (int i = 0; i < ROUNDS; i++) {
		uint8_t want = i & 1 ? writer->bit : 0;

		cfg_set8(writer->device, writer->offset, want);
		if ((cfg8(writer->device, writer->offset) & writer->bit) != want)
			writer->lost++;
	}
	return NULL;
}

static void run_writers(struct writer *writers, int count, void *(*run)(void *))
{
	for (int i = 0; i < count; i++)
		CHECK_EQ(pthread_create(&writers[i].thread, NULL, run, &writers[i]), 0);
	for (int i = 0; i < count; i++)
		pthread_join(writers[i].thread, NULL);
	for (int i = 0; i < count; i++)
		CHECK_EQ(writers[i].lost, 0);
}

TEST(writers_of_neighbouring_bytes_lose_nothing)
{
	struct vfio_device *nvme = vfio_open_with_memory("nvme1", NULL);
	struct writer writers[] = {
		{ .device = nvme, .offset = PCI_COMMAND, .bit = PCI_COMMAND_MASTER },
		{ .device = nvme, .offset = PCI_COMMAND + 1, .bit = PCI_COMMAND_SERR >> 8 },
		{ .device = nvme, .offset = PCI_CACHE_LINE_SIZE, .bit = 0x80 },
		{ .device = nvme, .offset = PCI_INTERRUPT_LINE, .bit = 0xff },
	};

	run_writers(writers, 4, write_own_byte);
}

/* The upper half of a BAR's address is one dword of the shadow: four threads write a byte each. */
TEST(writers_of_one_dword_lose_nothing)
{
	struct vfio_device *nvme = vfio_open_with_memory("nvme1", NULL);
	struct writer writers[4];

	for (int i = 0; i < 4; i++)
		writers[i] = (struct writer) { .device = nvme, .bit = 0xff,
					       .offset = PCI_BASE_ADDRESS_1 + i };
	run_writers(writers, 4, write_own_byte);
}

static void *write_command(void *data)
{
	struct writer *writer = data;
	unsigned int seed = writer->bit;

	for (int i = 0; i < SWITCHES; i++)
		cfg_set16(writer->device, PCI_COMMAND, rand_r(&seed));
	return NULL;
}

TEST(what_a_client_sees_of_command_is_what_hardware_has_after_many_writers)
{
	const uint16_t bits = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_SERR;
	struct vfio_device *edu = vfio_open_with_memory("edu0", NULL);

	for (int round = 0; round < 4; round++) {
		struct writer writers[3];
		uint32_t value = 0;
		bool decodes;

		for (int i = 0; i < 3; i++)
			writers[i] = (struct writer) { .device = edu, .bit = round * 3 + i };
		run_writers(writers, 3, write_command);
		CHECK_EQ(cfg16(edu, PCI_COMMAND) & bits, real_cfg(edu->bdf, PCI_COMMAND, 2) & bits);
		decodes = cfg16(edu, PCI_COMMAND) & PCI_COMMAND_MEMORY;
		CHECK_EQ(vfio_read_try(edu, 0, 0, &value, 4), decodes ? 4 : -EIO);
	}
}

/* INTx */

static bool is_off(struct vfio_device *device)
{
	return real_cfg(device->bdf, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE;
}

static void toggle_mastering(struct thread *thread, unsigned int round)
{
	cfg_set16(thread->device, PCI_COMMAND,
		  PCI_COMMAND_MEMORY | (round & 1 ? PCI_COMMAND_MASTER : 0));
}

/* The kernel's driver writes back an old value of the bit, from another thread's read. */
TEST_OURS(intx_stays_masked_and_unmasked_beside_writes_of_command)
{
	struct vfio_device *edu = vfio_open_with_memory("edu0", "nointxmask=0");
	struct thread writer = { .device = edu, .work = toggle_mastering };

	vfio_irq_eventfd(edu, INTX, 0, event_new());
	start(&writer);
	for (int round = 0; round < 2000; round++) {
		vfio_irq_mask(edu, INTX);
		CHECK(is_off(edu));
		vfio_irq_unmask(edu, INTX);
		CHECK(!is_off(edu));
	}
	stop(&writer);
}

static void toggle_intx_disable(struct thread *thread, unsigned int round)
{
	cfg_set16(thread->device, PCI_COMMAND,
		  PCI_COMMAND_MEMORY | (round & 1 ? PCI_COMMAND_INTX_DISABLE : 0));
}

/*
 * A line that is masked at the interrupt controller belongs to one function. Another function that
 * asks for it in vain, and toggles its disable bit meanwhile, must not switch the line off, or on
 * too often.
 */
TEST(interrupt_that_cannot_be_had_leaves_its_owners_line_alone)
{
	struct vfio_device *edu, *nic;
	struct thread toggler;
	int event = event_new(), other = event_new();

	edu = vfio_open_with_memory("edu1", "nointxmask=1");
	nic = vfio_bind_and_open(vm_bdf("nic0"));
	CHECK_EQ(pci_attr_number(nic->bdf, "irq"), pci_attr_number(edu->bdf, "irq"));
	cfg_command(nic, PCI_COMMAND_MEMORY, 0);
	vfio_irq_eventfd(edu, INTX, 0, event);
	kmsg_expect("Flags mismatch irq");
	kmsg_expect("Call Trace");
	/* Each attempt prints a stack. */
	file_write("/proc/sys/kernel/printk", "1");
	toggler = (struct thread) { .device = nic, .work = toggle_intx_disable };
	start(&toggler);
	for (int round = 0; round < 300; round++)
		CHECK_ERR(EBUSY, vfio_irq_eventfds_try(nic, INTX, 0, 1, &other));
	stop(&toggler);
	file_write("/proc/sys/kernel/printk", "7");
	/* Repeated, since an emulated interrupt may get lost on a busy host. */
	CHECK(WAIT_UNTIL(({
		vfio_write(edu, 0, EDU_IRQ_RAISE, 1, 4);
		vfio_write(edu, 0, EDU_IRQ_ACK, 0xffffffff, 4);
		vfio_irq_unmask(edu, INTX);
		event_take(event);
	}), LIMIT_MS));
}

/* Register writes that an eventfd does */

#define WRITES_EACH	100

static int ioeventfd_try(struct vfio_device *device, uint64_t data, int fd)
{
	struct vfio_device_ioeventfd request = {
		.argsz = sizeof(request),
		.flags = VFIO_DEVICE_IOEVENTFD_32,
		.offset = EDU_IRQ_ACK,
		.data = data,
		.fd = fd,
	};

	return ioctl(device->fd, VFIO_DEVICE_IOEVENTFD, &request) ? -errno : 0;
}

static int write_event;
static atomic_int failed;

/* Removes an ioeventfd from anywhere in the list, and adds it at the head. */
static void replace_own_write(struct thread *thread, unsigned int round)
{
	uint64_t data = thread->first + round * 37 % WRITES_EACH;

	if (ioeventfd_try(thread->device, data, -1) ||
	    ioeventfd_try(thread->device, data, write_event))
		failed++;
}

TEST(ioeventfds_that_come_and_go_at_the_same_time_are_counted)
{
	struct vfio_device *edu = vfio_open_with_memory("edu0", NULL);
	struct thread threads[3];

	write_event = event_new();
	for (int i = 0; i < 3 * WRITES_EACH; i++)
		CHECK_EQ(ioeventfd_try(edu, i, write_event), 0);
	for (int i = 0; i < 3; i++) {
		threads[i] = (struct thread) { .device = edu, .work = replace_own_write,
					       .first = i * WRITES_EACH };
		start(&threads[i]);
	}
	pause_ms(3000);
	for (int i = 0; i < 3; i++)
		stop(&threads[i]);
	CHECK_EQ(failed, 0);
	for (int i = 3 * WRITES_EACH; i < 1000; i++)
		CHECK_EQ(ioeventfd_try(edu, i, write_event), 0);
	CHECK_EQ(ioeventfd_try(edu, 1000, write_event), -ENOSPC);
}

/* Others, who may do no more than look */

static void read_driver_override(struct thread *thread, unsigned int round)
{
	(void)round;
	free(pci_attr(thread->device->bdf, "driver_override"));
}

/* On older kernels that locks the device for an instant, and the kernel's driver gives up. */
TEST_OURS(who_reads_a_file_of_sysfs_prevents_no_reset)
{
	struct vfio_device *nvme = vfio_open_with_memory("nvme1", NULL);
	struct thread reader = { .device = nvme, .work = read_driver_override };

	start(&reader);
	for (int round = 0; round < 40; round++)
		vfio_reset(nvme);
	stop(&reader);
}

/* Root's reset locks the device before it waits for the function: then no reset of a user succeeds. */

#define RESETTERS 30

static atomic_int calls;

static void reset_in_vain(struct thread *thread, unsigned int round)
{
	(void)round;
	calls += vfio_reset_try(thread->device) == -EAGAIN;
}

static void look_at_rom(struct thread *thread, unsigned int round)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = VFIO_PCI_ROM_REGION_INDEX };

	(void)round;
	CHECK_OK(ioctl(thread->device->fd, VFIO_DEVICE_GET_REGION_INFO, &info));
	calls++;
}

static void check_roots_reset_does_not_wait_for_all(struct vfio_device *device,
		void (*work)(struct thread *thread, unsigned int round))
{
	struct thread threads[RESETTERS];
	int before;

	for (int i = 0; i < RESETTERS; i++) {
		threads[i] = (struct thread) { .device = device, .work = work };
		start(&threads[i]);
	}
	for (int round = 0; round < 3; round++) {
		pause_ms(200);
		before = calls;
		pci_attr_set(device->bdf, "reset", "1");
		CHECK_LT(calls - before, RESETTERS / 2);
	}
	for (int i = 0; i < RESETTERS; i++)
		threads[i].stop = true;
	for (int i = 0; i < RESETTERS; i++)
		stop(&threads[i]);
}

/* With the kernel's driver none of them waits. */
TEST_OURS(roots_reset_does_not_wait_for_all_threads_that_reset_a_device)
{
	check_roots_reset_does_not_wait_for_all(vfio_open_with_memory("nvme1", NULL), reset_in_vain);
}

/* Each look brings the function to D0 and back. */
TEST_OURS(roots_reset_does_not_wait_for_all_threads_that_look_at_a_rom)
{
	struct vfio_device *nic = vfio_open_with_memory("nic0", NULL);

	cfg_set16(nic, cfg_cap(nic, PCI_CAP_ID_PM) + PCI_PM_CTRL, 3);
	pci_wait_power_state(nic->bdf, "D3hot");
	check_roots_reset_does_not_wait_for_all(nic, look_at_rom);
}
