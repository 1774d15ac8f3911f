// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioeventfd: register writes that the signal of an eventfd makes.
 *
 * vm-machine: default
 * vm-drivers: ours kernel
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "vmtest.h"

#define LIMIT_MS	10000

/* edu: a register that reads back inverted, and a DMA address of 64 bits */
#define EDU_LIVENESS	0x04
#define EDU_DMA_SOURCE	0x80

#define BAR_OFFSET(bar, offset)	(((uint64_t)(bar) << 40) + (offset))

static int ioeventfd_try(struct vfio_device *device, unsigned int bar, uint64_t offset,
			 unsigned int width, uint64_t data, int fd)
{
	struct vfio_device_ioeventfd request = {
		.argsz = sizeof(request),
		.flags = width,
		.offset = BAR_OFFSET(bar, offset),
		.data = data,
		.fd = fd,
	};

	return ioctl(device->fd, VFIO_DEVICE_IOEVENTFD, &request) ? -errno : 0;
}

static int ioeventfd(struct vfio_device *device, unsigned int bar, uint64_t offset,
		     unsigned int width, uint64_t data)
{
	int event = event_new();

	CHECK_EQ(ioeventfd_try(device, bar, offset, width, data, event), 0);
	return event;
}

static struct vfio_device *open_device(const char *id)
{
	struct vfio_device *device;

	driver_load(NULL);
	device = vfio_bind_and_open(vm_bdf(id));
	CHECK_EQ(vfio_region(device, 1)->offset, BAR_OFFSET(1, 0));
	cfg_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_IO, 0);
	return device;
}

static bool reads(struct vfio_device *device, unsigned int bar, uint64_t offset,
		  unsigned int width, uint64_t value)
{
	return WAIT_UNTIL(vfio_read(device, bar, offset, width) == value, LIMIT_MS);
}

/*
 * pci-testdev: a byte selects a test. The header that can be read then says which byte to write
 * where, and counts such writes.
 */
struct testdev {
	unsigned int bar;
	uint32_t offset;
	uint8_t data;
};

static struct testdev start_testdev(struct vfio_device *device, unsigned int bar)
{
	struct testdev test = { .bar = bar };

	vfio_write(device, bar, 0, 0, 1);
	test.offset = vfio_read(device, bar, 4, 4);
	test.data = vfio_read(device, bar, 8, 1);
	CHECK_EQ(vfio_read(device, bar, 12, 4), 0);
	return test;
}

static uint32_t writes_counted(struct vfio_device *device, const struct testdev *test)
{
	return vfio_read(device, test->bar, 12, 4);
}

/* The write */

TEST(memory_is_written_in_every_width)
{
	static const unsigned int widths[] = { 1, 2, 4, 8 };
	const uint64_t data = 0x8877665544332211, ground = 0xa5a5a5a5a5a5a5a5;
	struct vfio_device *vga = open_device("vga0");

	for (int i = 0; i < 4; i++) {
		uint64_t mask = widths[i] == 8 ? ~0ull : (1ull << widths[i] * 8) - 1;
		uint64_t at = 0x1000 + 16 * i;
		int event;

		/* Emulated video memory at offset 0 */
		vfio_write(vga, 0, at, ground, 8);
		event = ioeventfd(vga, 0, at, widths[i], data & mask);
		CHECK_EQ(vfio_read(vga, 0, at, 8), ground);
		event_signal(event);
		CHECK(reads(vga, 0, at, 8, (ground & ~mask) | (data & mask)));
	}
}

TEST(register_is_written)
{
	struct vfio_device *edu = open_device("edu0");
	int first = ioeventfd(edu, 0, EDU_LIVENESS, 4, 0x12345678);
	int second = ioeventfd(edu, 0, EDU_LIVENESS, 4, 0x9abcdef0);

	event_signal(first);
	CHECK(reads(edu, 0, EDU_LIVENESS, 4, (uint32_t)~0x12345678));
	event_signal(second);
	CHECK(reads(edu, 0, EDU_LIVENESS, 4, (uint32_t)~0x9abcdef0));
	event_signal(first);
	CHECK(reads(edu, 0, EDU_LIVENESS, 4, (uint32_t)~0x12345678));
}

/* A register of 64 bits that edu takes whole only; the kernel's driver writes it in halves. */
TEST_OURS(eight_bytes_are_written_at_once)
{
	struct vfio_device *edu = open_device("edu0");

	event_signal(ioeventfd(edu, 0, EDU_DMA_SOURCE, 8, 0x123456789));
	CHECK(reads(edu, 0, EDU_DMA_SOURCE, 8, 0x123456789));
}

TEST(each_signal_writes_once)
{
	struct vfio_device *testdev = open_device("testdev0");

	for (unsigned int bar = 0; bar < 2; bar++) {
		struct testdev test = start_testdev(testdev, bar);
		int event = ioeventfd(testdev, bar, test.offset, 1, test.data);
		int other = ioeventfd(testdev, bar, test.offset, 1, test.data ^ 0xff);

		for (uint32_t n = 1; n <= 50; n++) {
			event_signal(event);
			CHECK(WAIT_UNTIL(writes_counted(testdev, &test) == n, LIMIT_MS));
		}
		CHECK_EQ(writes_counted(testdev, &test), 50);
		CHECK_EQ(ioeventfd_try(testdev, bar, test.offset, 1, test.data, -1), 0);
		CHECK_EQ(ioeventfd_try(testdev, bar, test.offset, 1, test.data ^ 0xff, -1), 0);
		close(other);
	}
}

TEST(signalled_eventfd_is_not_left_pending)
{
	struct vfio_device *edu = open_device("edu0");
	int event = ioeventfd(edu, 0, EDU_LIVENESS, 4, 1);

	event_signal(event);
	CHECK(reads(edu, 0, EDU_LIVENESS, 4, (uint32_t)~1));
	CHECK_EQ(event_take(event), 0);
}

TEST(eventfd_signalled_before_writes_at_once)
{
	struct vfio_device *edu = open_device("edu0");
	int event = event_new();

	event_signal(event);
	CHECK_EQ(ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 0x42, event), 0);
	CHECK(reads(edu, 0, EDU_LIVENESS, 4, (uint32_t)~0x42));
}

/* An interrupt's eventfd: the write is done in the context of the interrupt. */
TEST(interrupt_of_one_device_writes_to_another)
{
	struct vfio_device *edu = open_device("edu0"), *other = vfio_bind_and_open(vm_bdf("edu1"));
	int event = event_new();

	cfg_command(edu, PCI_COMMAND_MASTER, 0);
	cfg_command(other, PCI_COMMAND_MEMORY, 0);
	vfio_irq_eventfd(edu, VFIO_PCI_MSI_IRQ_INDEX, 0, event);
	CHECK_EQ(ioeventfd_try(other, 0, EDU_LIVENESS, 4, 0x4711, event), 0);
	vfio_write(edu, 0, 0x60, 1, 4);
	CHECK(reads(other, 0, EDU_LIVENESS, 4, (uint32_t)~0x4711));
	vfio_write(edu, 0, 0x64, 1, 4);
}

/* Adding and taking away */

TEST(same_write_twice_is_refused)
{
	struct vfio_device *edu = open_device("edu0");
	int event = ioeventfd(edu, 0, EDU_LIVENESS, 4, 1);

	CHECK_ERR(EEXIST, ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 1, event));
	CHECK_ERR(EEXIST, ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 1, event_new()));
	ioeventfd(edu, 0, EDU_LIVENESS, 4, 2);
	ioeventfd(edu, 0, EDU_LIVENESS, 2, 1);
	event_signal(event);
	CHECK(reads(edu, 0, EDU_LIVENESS, 4, (uint32_t)~1));
}

TEST(removed_write_is_done_no_more)
{
	struct vfio_device *edu = open_device("edu0");
	int event = ioeventfd(edu, 0, EDU_LIVENESS, 4, 1), other;

	event_signal(event);
	CHECK(reads(edu, 0, EDU_LIVENESS, 4, (uint32_t)~1));
	CHECK_EQ(ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 1, -1), 0);
	other = ioeventfd(edu, 0, EDU_LIVENESS, 4, 2);
	event_signal(other);
	CHECK(reads(edu, 0, EDU_LIVENESS, 4, (uint32_t)~2));
	event_signal(event);
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
	CHECK_EQ(vfio_read(edu, 0, EDU_LIVENESS, 4), (uint32_t)~2);
	CHECK_ERR(ENODEV, ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 1, -1));
	CHECK_EQ(ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 1, event), 0);
}

TEST(removal_names_the_whole_write)
{
	struct vfio_device *edu = open_device("edu0");

	CHECK_ERR(ENODEV, ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 1, -1));
	ioeventfd(edu, 0, EDU_LIVENESS, 4, 1);
	CHECK_ERR(ENODEV, ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 2, -1));
	CHECK_ERR(ENODEV, ioeventfd_try(edu, 0, EDU_LIVENESS, 2, 1, -1));
	CHECK_ERR(ENODEV, ioeventfd_try(edu, 0, 0, 4, 1, -1));
	CHECK_EQ(ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 1, -1), 0);
}

TEST(closed_eventfd_takes_its_write_along)
{
	struct vfio_device *edu = open_device("edu0");
	int event = ioeventfd(edu, 0, EDU_LIVENESS, 4, 1);

	event_signal(event);
	CHECK(reads(edu, 0, EDU_LIVENESS, 4, (uint32_t)~1));
	close(event);
	vfio_write(edu, 0, EDU_LIVENESS, 5, 4);
	CHECK_EQ(vfio_read(edu, 0, EDU_LIVENESS, 4), (uint32_t)~5);
}

TEST(thousand_writes_can_be_had_and_no_more)
{
	struct rlimit files = { 4096, 4096 };
	struct vfio_device *edu;
	int event;

	CHECK_OK(setrlimit(RLIMIT_NOFILE, &files));
	edu = open_device("edu0");
	for (int n = 0; n < 1000; n++)
		ioeventfd(edu, 0, EDU_LIVENESS, 4, n);
	event = event_new();
	CHECK_ERR(ENOSPC, ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 1000, event));
	CHECK_ERR(EEXIST, ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 1, event));
	CHECK_EQ(ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 999, -1), 0);
	CHECK_EQ(ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 1000, event), 0);
	event_signal(event);
	CHECK(reads(edu, 0, EDU_LIVENESS, 4, (uint32_t)~1000));
}

TEST(close_ends_all_writes)
{
	struct vfio_device *edu = open_device("edu0");
	int event = ioeventfd(edu, 0, EDU_LIVENESS, 4, 1);

	vfio_close(edu);
	event_signal(event);
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
	edu = vfio_open(vm_bdf("edu0"));
	cfg_command(edu, PCI_COMMAND_MEMORY, 0);
	vfio_write(edu, 0, EDU_LIVENESS, 7, 4);
	event_signal(event);
	CHECK_EQ(vfio_read(edu, 0, EDU_LIVENESS, 4), (uint32_t)~7);
	CHECK_ERR(ENODEV, ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 1, -1));
	CHECK_EQ(ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 1, event), 0);
}

/* Bad requests */

TEST(bad_places_are_refused)
{
	struct vfio_device *edu = open_device("edu0");
	uint64_t size = vfio_region(edu, 0)->size;
	int event = event_new();

	CHECK_ERR(EINVAL, ioeventfd_try(edu, 0, size, 4, 0, event));
	CHECK_ERR(EINVAL, ioeventfd_try(edu, 0, size - 2, 4, 0, event));
	CHECK_ERR(EINVAL, ioeventfd_try(edu, 0, 1ull << 39, 4, 0, event));
	CHECK_ERR(EINVAL, ioeventfd_try(edu, 1, 0, 4, 0, event));
	CHECK_ERR(EINVAL, ioeventfd_try(edu, VFIO_PCI_ROM_REGION_INDEX, 0, 4, 0, event));
	CHECK_ERR(EINVAL, ioeventfd_try(edu, VFIO_PCI_CONFIG_REGION_INDEX, 0, 4, 0, event));
	CHECK_ERR(EINVAL, ioeventfd_try(edu, VFIO_PCI_VGA_REGION_INDEX, 0, 4, 0, event));
	CHECK_ERR(EINVAL, ioeventfd_try(edu, 100, 0, 4, 0, event));
	CHECK_EQ(ioeventfd_try(edu, 0, size - 4, 4, 0, event), 0);
}

TEST_OURS(unaligned_places_are_refused)
{
	struct vfio_device *edu = open_device("edu0");
	int event = event_new();

	CHECK_ERR(EINVAL, ioeventfd_try(edu, 0, 1, 2, 0, event));
	CHECK_ERR(EINVAL, ioeventfd_try(edu, 0, 2, 4, 0, event));
	CHECK_ERR(EINVAL, ioeventfd_try(edu, 0, 4, 8, 0, event));
}

TEST(msix_table_is_refused)
{
	struct vfio_device *nvme = open_device("nvme1");
	uint32_t table = cfg32(nvme, cfg_cap(nvme, PCI_CAP_ID_MSIX) + PCI_MSIX_TABLE);
	unsigned int bar = table & PCI_MSIX_TABLE_BIR;
	uint32_t offset = table & PCI_MSIX_TABLE_OFFSET;
	unsigned int size = vfio_irq_info(nvme, VFIO_PCI_MSIX_IRQ_INDEX).count * 16;
	int event = event_new();

	CHECK_ERR(EINVAL, ioeventfd_try(nvme, bar, offset, 4, 0, event));
	CHECK_ERR(EINVAL, ioeventfd_try(nvme, bar, offset + size - 4, 4, 0, event));
	CHECK_ERR(EINVAL, ioeventfd_try(nvme, bar, offset + 8, 8, 0, event));
	CHECK_EQ(ioeventfd_try(nvme, bar, offset + size, 4, 0, event), 0);
	CHECK_EQ(ioeventfd_try(nvme, bar, offset - 4, 4, 0, event_new()), 0);
}

TEST(bad_widths_flags_sizes_and_files_are_refused)
{
	struct vfio_device *edu = open_device("edu0");
	int event = event_new(), file = CHECK_OK(open("/dev/null", O_RDWR));
	struct vfio_device_ioeventfd request = {
		.argsz = offsetof(struct vfio_device_ioeventfd, fd),
		.flags = 4,
		.offset = EDU_LIVENESS,
		.fd = event,
	};

	CHECK_ERRNO(EINVAL, ioctl(edu->fd, VFIO_DEVICE_IOEVENTFD, &request));
	request.argsz = sizeof(request);
	request.flags = 4 | 16;
	CHECK_ERRNO(EINVAL, ioctl(edu->fd, VFIO_DEVICE_IOEVENTFD, &request));
	CHECK_ERRNO(EFAULT, ioctl(edu->fd, VFIO_DEVICE_IOEVENTFD, NULL));
	CHECK_ERR(EINVAL, ioeventfd_try(edu, 0, EDU_LIVENESS, 0, 0, event));
	CHECK_ERR(EINVAL, ioeventfd_try(edu, 0, EDU_LIVENESS, 3, 0, event));
	CHECK_ERR(EINVAL, ioeventfd_try(edu, 0, EDU_LIVENESS, 6, 0, event));
	CHECK_ERR(EINVAL, ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 0, -2));
	CHECK_ERR(EINVAL, ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 0, file));
	CHECK_ERR(EBADF, ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 0, 1000));
	CHECK_ERR(ENODEV, ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 0, -1));
}

/* No such instruction; the kernel's driver takes the request. */
TEST_OURS(port_is_not_written_in_8_bytes)
{
	struct vfio_device *testdev = open_device("testdev0");

	CHECK_ERR(EINVAL, ioeventfd_try(testdev, 1, 0, 8, 0, event_new()));
}

/* While the function cannot be written to */

TEST(nothing_is_written_while_memory_decoding_is_off)
{
	struct vfio_device *edu = open_device("edu0");
	int event = ioeventfd(edu, 0, EDU_LIVENESS, 4, 1), after;

	vfio_write(edu, 0, EDU_LIVENESS, 7, 4);
	cfg_command(edu, 0, PCI_COMMAND_MEMORY);
	event_signal(event);
	cfg_command(edu, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(vfio_read(edu, 0, EDU_LIVENESS, 4), (uint32_t)~7);
	after = ioeventfd(edu, 0, EDU_LIVENESS, 4, 2);
	event_signal(after);
	CHECK(reads(edu, 0, EDU_LIVENESS, 4, (uint32_t)~2));
	event_signal(event);
	CHECK(reads(edu, 0, EDU_LIVENESS, 4, (uint32_t)~1));
}

static void set_power_state(struct vfio_device *device, unsigned int state)
{
	cfg_set16(device, cfg_cap(device, PCI_CAP_ID_PM) + PCI_PM_CTRL, state);
}

/* NVMe's interrupt mask: bits are set by writes to one register, and read there. */
TEST(nothing_is_written_in_d3hot)
{
	struct vfio_device *nvme = open_device("nvme1");
	int event = ioeventfd(nvme, 0, 0x0c, 4, 1);

	set_power_state(nvme, 3);
	event_signal(event);
	set_power_state(nvme, 0);
	cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(vfio_read(nvme, 0, 0x0c, 4), 0);
	event_signal(event);
	CHECK(reads(nvme, 0, 0x0c, 4, 1));
}

TEST_OURS(write_wakes_a_function_in_low_power)
{
	struct vfio_device *nvme = open_device("nvme1");
	int event = ioeventfd(nvme, 0, 0x0c, 4, 1);

	vfio_low_power(nvme, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY);
	pci_wait_power_state(nvme->bdf, "D3hot");
	event_signal(event);
	CHECK(reads(nvme, 0, 0x0c, 4, 1));
	pci_wait_power_state(nvme->bdf, "D3hot");
}

/* Contention */

static atomic_bool stop;

static void *toggle_decoding(void *device)
{
	while (!stop) {
		cfg_command(device, 0, PCI_COMMAND_MEMORY);
		cfg_command(device, PCI_COMMAND_MEMORY, 0);
	}
	return NULL;
}

/* A work item does a write that is not possible in the context of the signal. */
TEST(writes_are_done_under_contention)
{
	struct vfio_device *vga = open_device("vga0");
	int event = ioeventfd(vga, 0, 0x1000, 4, 0x12345678);
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, toggle_decoding, vga), 0);
	for (int round = 0; round < 2000; round++)
		event_signal(event);
	stop = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	vfio_write(vga, 0, 0x1000, 0, 4);
	event_signal(event);
	CHECK(reads(vga, 0, 0x1000, 4, 0x12345678));
}

TEST(signals_race_with_removal)
{
	struct vfio_device *edu = open_device("edu0");
	int event = event_new();
	pid_t child;

	child = CHECK_OK(fork());
	if (!child)
		for (;;)
			event_signal(event);
	for (int round = 0; round < 1000; round++) {
		CHECK_EQ(ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 3, event), 0);
		CHECK_EQ(ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 3, -1), 0);
	}
	CHECK_EQ(ioeventfd_try(edu, 0, EDU_LIVENESS, 4, 3, event), 0);
	vfio_close(edu);
	kill(child, SIGKILL);
}
