// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input: wrong sizes, flags, ranges, descriptors, pointers and states get an errno and change
 * nothing; and any sequence of calls leaves a function that works and a driver that can go.
 *
 * vm-machine: default
 * vm-drivers: ours kernel
 * vm-seconds: 300
 * vm-timeout: 320
 */
#include "vmtest.h"

#define PAGE 4096
#define BAD_FD 1000
#define NVME_TABLE 0x2000	/* the MSI-X table of nvme1 */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define REGION(index) ((uint64_t)(index) << 40)

static struct vfio_device *open_loaded(const char *id)
{
	struct vfio_device *device;

	driver_load("disable_idle_d3=1");
	device = vfio_bind_and_open(vm_bdf(id));
	cfg_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_IO, 0);
	return device;
}

static int call(struct vfio_device *device, unsigned long command, void *argument)
{
	return ioctl(device->fd, command, argument) ? -errno : 0;
}

/* MSI-X vectors with their eventfds, whose state bad calls must not touch. */
#define VECTORS 4

static int vectors[VECTORS];

static void set_up_vectors(struct vfio_device *device)
{
	for (int i = 0; i < VECTORS; i++)
		vectors[i] = event_new();
	vfio_irq_eventfds(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, VECTORS, vectors);
}

static void check_vectors(struct vfio_device *device)
{
	for (int i = 0; i < VECTORS; i++) {
		vfio_irq_loopback(device, VFIO_PCI_MSIX_IRQ_INDEX, i);
		for (int other = 0; other < VECTORS; other++)
			CHECK_EQ(event_take(vectors[other]), other == i);
	}
}

static const unsigned long commands[] = {
	VFIO_DEVICE_GET_INFO, VFIO_DEVICE_GET_REGION_INFO, VFIO_DEVICE_GET_IRQ_INFO,
	VFIO_DEVICE_SET_IRQS, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, VFIO_DEVICE_PCI_HOT_RESET,
	VFIO_DEVICE_IOEVENTFD, VFIO_DEVICE_FEATURE,
};

/* ioctls */

TEST(unknown_ioctls_are_refused)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	static const unsigned long others[] = {
		0, ~0ul, 0x5401, VFIO_GROUP_GET_DEVICE_FD, VFIO_IOMMU_MAP_DMA + 30,
		_IO('<', 111), _IOWR(VFIO_TYPE, VFIO_BASE + 7, int),
	};

	for (size_t i = 0; i < COUNT(others); i++)
		CHECK_ERR(ENOTTY, call(nvme, others[i], NULL));
	for (unsigned int number = 0; number < VFIO_BASE + 7; number++)
		CHECK_ERR(ENOTTY, call(nvme, _IO(VFIO_TYPE, number), NULL));
}

TEST(bad_pointers_are_refused)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	char *memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	CHECK_OK(munmap(memory + PAGE, PAGE));
	for (size_t i = 0; i < COUNT(commands); i++) {
		CHECK_ERR(EFAULT, call(nvme, commands[i], NULL));
		CHECK_ERR(EFAULT, call(nvme, commands[i], (void *)1));
		CHECK_ERR(EFAULT, call(nvme, commands[i], (void *)~0ul));
		CHECK_ERR(EFAULT, call(nvme, commands[i], (void *)0xffff888000000000));
		/* The structure is cut by the end of memory. */
		CHECK_ERR(EFAULT, call(nvme, commands[i], memory + PAGE - 4));
	}
}

TEST(answers_to_read_only_memory_are_an_error)
{
	static const unsigned long answering[] = {
		VFIO_DEVICE_GET_INFO, VFIO_DEVICE_GET_REGION_INFO, VFIO_DEVICE_GET_IRQ_INFO,
	};
	struct vfio_device *nvme = open_loaded("nvme1");
	uint32_t *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				-1, 0);

	memory[0] = 64;
	CHECK_OK(mprotect(memory, PAGE, PROT_READ));
	for (size_t i = 0; i < COUNT(answering); i++)
		CHECK_ERR(EFAULT, call(nvme, answering[i], memory));
}

TEST(too_small_argsz_is_refused_by_every_ioctl)
{
	static const uint32_t least[] = {
		offsetof(struct vfio_device_info, num_irqs) + 4, sizeof(struct vfio_region_info),
		sizeof(struct vfio_irq_info), sizeof(struct vfio_irq_set),
		sizeof(struct vfio_pci_hot_reset_info), sizeof(struct vfio_pci_hot_reset),
		offsetof(struct vfio_device_ioeventfd, fd) + 4, sizeof(struct vfio_device_feature),
	};
	struct vfio_device *nvme = open_loaded("nvme1");

	set_up_vectors(nvme);
	for (size_t i = 0; i < COUNT(commands); i++)
		for (uint32_t argsz = 0; argsz < least[i]; argsz++) {
			uint32_t room[64] = { argsz };

			CHECK_ERR(EINVAL, call(nvme, commands[i], room));
		}
	check_vectors(nvme);
}

TEST(irq_index_that_there_is_not_is_refused)
{
	static const uint32_t indexes[] = { VFIO_PCI_NUM_IRQS, 6, 0x7fffffff, ~0u };
	struct vfio_device *nvme = open_loaded("nvme1");
	struct vfio_irq_info info;

	for (size_t i = 0; i < COUNT(indexes); i++) {
		CHECK_ERR(EINVAL, vfio_irq_info_try(nvme, indexes[i], &info));
		CHECK_ERR(EINVAL, vfio_irqs_try(nvme, indexes[i], VFIO_IRQ_SET_DATA_NONE |
						VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1, NULL, 0));
	}
}

/* ERR and REQ, without an eventfd */
TEST(an_eventfd_that_there_is_not_cannot_be_signalled_nor_taken_away)
{
	const uint32_t flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
	struct vfio_device *nvme = open_loaded("nvme1");
	static const unsigned int indexes[] = { VFIO_PCI_ERR_IRQ_INDEX, VFIO_PCI_REQ_IRQ_INDEX };

	for (size_t i = 0; i < COUNT(indexes); i++) {
		CHECK_ERR(EINVAL, vfio_irqs_try(nvme, indexes[i], flags, 0, 1, NULL, 0));
		CHECK_ERR(EINVAL, vfio_irqs_try(nvme, indexes[i], flags, 0, 0, NULL, 0));
	}
}

TEST(a_function_without_msix_cannot_resize_it)
{
	struct vfio_irq_info info = vfio_irq_info(open_loaded("edu0"), VFIO_PCI_MSIX_IRQ_INDEX);

	CHECK_EQ(info.count, 0);
	CHECK(info.flags & VFIO_IRQ_INFO_NORESIZE);
}

/* The kernel's driver of 7.3 does so. That of 6.1 offers ERR to PCIe functions only. */
static bool offers_err_to_all(void)
{
	return driver_is_ours() || !kernel_is("6.1");
}

TEST_WHEN(offers_err_to_all, a_function_that_is_not_pcie_has_an_err_index_too)
{
	struct vfio_device *edu = open_loaded("edu0");
	int event = event_new();

	CHECK_EQ(vfio_irq_info(edu, VFIO_PCI_ERR_IRQ_INDEX).count, 1);
	vfio_irq_eventfd(edu, VFIO_PCI_ERR_IRQ_INDEX, 0, event);
	vfio_irq_loopback(edu, VFIO_PCI_ERR_IRQ_INDEX, 0);
	CHECK_EQ(event_take(event), 1);
}

/* The driver writes as much of struct vfio_device_info as argsz says. */
TEST(device_info_is_as_long_as_argsz)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	struct {
		struct vfio_device_info info;
		uint8_t beyond[8];
	} answer;

	for (uint32_t argsz = 16; argsz <= sizeof(answer); argsz += 4) {
		uint8_t *byte = (uint8_t *)&answer;

		memset(&answer, 0xa5, sizeof(answer));
		answer.info.argsz = argsz;
		CHECK_OK(ioctl(nvme->fd, VFIO_DEVICE_GET_INFO, &answer));
		for (uint32_t at = 16; at < 20 && argsz >= 20; at++)
			CHECK_EQ(byte[at], 0);
		for (uint32_t at = argsz; at < sizeof(answer); at++)
			CHECK_EQ(byte[at], 0xa5);
	}
}

/* Interrupts */

#define TRIGGER	VFIO_IRQ_SET_ACTION_TRIGGER
#define MASK	VFIO_IRQ_SET_ACTION_MASK
#define UNMASK	VFIO_IRQ_SET_ACTION_UNMASK
#define NONE	VFIO_IRQ_SET_DATA_NONE
#define BOOL	VFIO_IRQ_SET_DATA_BOOL
#define EVENTFD	VFIO_IRQ_SET_DATA_EVENTFD

TEST(bad_interrupt_requests_are_refused_and_change_nothing)
{
	static const struct {
		uint32_t flags;
		uint32_t start, count;
		size_t size;
	} requests[] = {
		{ 0, 0, 1, 4 }, { TRIGGER, 0, 1, 4 }, { NONE | BOOL | TRIGGER, 0, 1, 4 },
		{ BOOL | EVENTFD | TRIGGER, 0, 1, 4 }, { NONE | BOOL | EVENTFD | TRIGGER, 0, 1, 4 },
		{ 0x40 | NONE | TRIGGER, 0, 1, 0 }, { 0x80000000 | NONE | TRIGGER, 0, 1, 0 },
		{ 0xffffffff, 0, 1, 4 },
		/* ranges: 17 vectors */
		{ NONE | TRIGGER, 17, 1, 0 }, { NONE | TRIGGER, 0, 18, 0 },
		{ NONE | TRIGGER, 16, 2, 0 }, { NONE | TRIGGER, ~0u, 1, 0 },
		{ NONE | TRIGGER, ~0u, 2, 0 }, { NONE | TRIGGER, 1, ~0u, 0 },
		{ NONE | TRIGGER, 17, 0, 0 },
		{ EVENTFD | TRIGGER, 17, 1, 4 }, { EVENTFD | TRIGGER, 0, 18, 72 },
		{ BOOL | TRIGGER, 17, 1, 1 }, { BOOL | TRIGGER, 0, 18, 18 },
		/* sizes: less data than said */
		{ EVENTFD | TRIGGER, 0, 1, 0 }, { EVENTFD | TRIGGER, 0, 1, 3 },
		{ EVENTFD | TRIGGER, 0, 4, 15 }, { BOOL | TRIGGER, 0, 2, 1 },
		{ EVENTFD | TRIGGER, 0, 0x40000001, 4 }, { EVENTFD | TRIGGER, 0, ~0u, 4 },
	};
	struct vfio_device *nvme = open_loaded("nvme1");
	int32_t data[32];

	set_up_vectors(nvme);
	for (int i = 0; i < 32; i++)
		data[i] = vectors[0];
	for (size_t i = 0; i < COUNT(requests); i++) {
		int error = vfio_irqs_try(nvme, VFIO_PCI_MSIX_IRQ_INDEX, requests[i].flags,
					  requests[i].start, requests[i].count, data,
					  requests[i].size);

		test_note("request %zu", i);
		CHECK(error == -EINVAL || error == -ENOTTY);
		check_vectors(nvme);
	}
}

TEST(descriptors_that_are_no_eventfds_are_refused)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	int null = CHECK_OK(open("/dev/null", O_RDWR));
	static const unsigned int indexes[] = {
		VFIO_PCI_INTX_IRQ_INDEX, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_ERR_IRQ_INDEX,
		VFIO_PCI_REQ_IRQ_INDEX,
	};

	for (size_t i = 0; i < COUNT(indexes); i++) {
		test_note("index %u", indexes[i]);
		CHECK_ERR(EINVAL, vfio_irq_eventfds_try(nvme, indexes[i], 0, 1, &null));
		CHECK_ERR(EINVAL, vfio_irq_eventfds_try(nvme, indexes[i], 0, 1, &nvme->fd));
		CHECK_ERR(EBADF, vfio_irq_eventfds_try(nvme, indexes[i], 0, 1,
						       &(int) { BAD_FD }));
	}
	set_up_vectors(nvme);
	check_vectors(nvme);
}

TEST(interrupts_of_another_kind_are_refused_while_one_is_set_up)
{
	struct vfio_device *nic = open_loaded("nic0");
	int event = event_new();

	set_up_vectors(nic);
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(nic, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &event));
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(nic, VFIO_PCI_MSI_IRQ_INDEX, 0, 1, &event));
	check_vectors(nic);
	vfio_irq_disable(nic, VFIO_PCI_MSIX_IRQ_INDEX);
	vfio_irq_eventfd(nic, VFIO_PCI_MSI_IRQ_INDEX, 0, event);
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(nic, VFIO_PCI_MSIX_IRQ_INDEX, 0, VECTORS,
						vectors));
	vfio_irq_loopback(nic, VFIO_PCI_MSI_IRQ_INDEX, 0);
	CHECK_EQ(event_take(event), 1);
}

TEST(interrupts_that_the_function_does_not_have_are_refused)
{
	struct vfio_device *edu = open_loaded("edu0");
	int event = event_new();

	CHECK_EQ(vfio_irq_info(edu, VFIO_PCI_MSIX_IRQ_INDEX).count, 0);
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(edu, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &event));
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(edu, VFIO_PCI_INTX_IRQ_INDEX, 1, 1, &event));
	CHECK_ERR(EINVAL, vfio_irq_eventfds_try(edu, VFIO_PCI_MSI_IRQ_INDEX, 1, 1, &event));
}

/* ioeventfds */

static int ioeventfd(struct vfio_device *device, uint32_t flags, uint64_t offset, int fd)
{
	struct vfio_device_ioeventfd request = {
		.argsz = sizeof(request), .flags = flags, .offset = offset, .fd = fd,
	};

	return call(device, VFIO_DEVICE_IOEVENTFD, &request);
}

TEST(bad_ioeventfds_are_refused)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	int event = event_new(), null = CHECK_OK(open("/dev/null", O_RDWR));
	static const struct {
		uint32_t flags;
		uint64_t offset;
	} requests[] = {
		{ 0, 0x1000 }, { 3, 0x1000 }, { 5, 0x1000 }, { 15, 0x1000 }, { 16, 0x1000 },
		{ 0x80000004, 0x1000 },
		{ 4, 0x4000 }, { 8, 0x3ffc }, { 2, 0x3fff }, { 4, NVME_TABLE },
		{ 4, NVME_TABLE + 17 * 16 - 4 }, { 4, REGION(1) }, { 4, REGION(6) },
		{ 4, REGION(7) + 0x40 }, { 4, REGION(8) + 0x3c0 }, { 4, REGION(9) },
		{ 4, REGION(100) },
	};

	for (size_t i = 0; i < COUNT(requests); i++) {
		test_note("request %zu", i);
		CHECK_ERR(EINVAL, ioeventfd(nvme, requests[i].flags, requests[i].offset, event));
	}
	CHECK_ERR(EINVAL, ioeventfd(nvme, 4, 0x1000, -2));
	CHECK_ERR(EBADF, ioeventfd(nvme, 4, 0x1000, BAD_FD));
	CHECK_ERR(EINVAL, ioeventfd(nvme, 4, 0x1000, null));
	CHECK_ERR(ENODEV, ioeventfd(nvme, 4, 0x1000, -1));
	CHECK_EQ(ioeventfd(nvme, 4, 0x1000, event), 0);
	CHECK_ERR(EEXIST, ioeventfd(nvme, 4, 0x1000, event));
	CHECK_ERR(ENODEV, ioeventfd(nvme, 2, 0x1000, -1));
	CHECK_EQ(ioeventfd(nvme, 4, 0x1000, -1), 0);
	CHECK_ERR(ENODEV, ioeventfd(nvme, 4, 0x1000, -1));
}

/* The kernel's driver takes these. */
TEST_OURS(ioeventfds_that_are_no_register_writes_are_refused)
{
	struct vfio_device *nvme = open_loaded("nvme1"), *testdev;
	int event = event_new();

	CHECK_ERR(EINVAL, ioeventfd(nvme, 4, 0x1001, event));
	CHECK_ERR(EINVAL, ioeventfd(nvme, 4, 0x1002, event));
	CHECK_ERR(EINVAL, ioeventfd(nvme, 2, 0x1001, event));
	CHECK_ERR(EINVAL, ioeventfd(nvme, 8, 0x1004, event));
	CHECK_ERR(EINVAL, ioeventfd(nvme, 4, ~3ull, event));
	/* No port is 8 bytes wide. */
	testdev = vfio_bind_and_open(vm_bdf("testdev0"));
	CHECK_ERR(EINVAL, ioeventfd(testdev, 8, REGION(1), event));
}

TEST(ioeventfds_are_bounded)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	int event = event_new(), count = 0, error;

	do {
		struct vfio_device_ioeventfd request = {
			.argsz = sizeof(request), .flags = 4, .offset = 0x1100, .data = count,
			.fd = event,
		};

		error = call(nvme, VFIO_DEVICE_IOEVENTFD, &request);
		count += !error;
	} while (!error && count < 100000);
	CHECK_ERR(ENOSPC, error);
	CHECK_GE(count, 100);
}

/* Resets */

TEST(bad_hot_resets_are_refused)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	struct {
		struct vfio_pci_hot_reset header;
		int32_t fds[64];
	} request;
	int null = CHECK_OK(open("/dev/null", O_RDWR));

	set_up_vectors(nvme);
	memset(&request, 0, sizeof(request));
	request.header.argsz = sizeof(request);
	request.header.flags = 1;
	request.header.count = 1;
	request.fds[0] = nvme->group;
	CHECK_ERR(EINVAL, call(nvme, VFIO_DEVICE_PCI_HOT_RESET, &request));
	request.header.flags = 0;
	request.header.count = 0;
	CHECK_ERR(EINVAL, call(nvme, VFIO_DEVICE_PCI_HOT_RESET, &request));
	request.header.count = 64;
	CHECK_ERR(EINVAL, call(nvme, VFIO_DEVICE_PCI_HOT_RESET, &request));
	request.header.count = ~0u;
	CHECK_ERR(EINVAL, call(nvme, VFIO_DEVICE_PCI_HOT_RESET, &request));
	CHECK_ERR(EINVAL, vfio_hot_reset_try(nvme, &null, 1));
	CHECK_ERR(EBADF, vfio_hot_reset_try(nvme, &(int) { BAD_FD }, 1));
	CHECK_ERR(EBADF, vfio_hot_reset_try(nvme, &(int) { -1 }, 1));
	check_vectors(nvme);
}

TEST(hot_reset_info_says_how_much_room_it_needs)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	struct {
		struct vfio_pci_hot_reset_info header;
		struct vfio_pci_dependent_device devices[8];
	} info;

	for (uint32_t argsz = sizeof(info.header);
	     argsz < sizeof(info.header) + sizeof(info.devices[0]); argsz++) {
		memset(&info, 0xa5, sizeof(info));
		info.header.argsz = argsz;
		CHECK_ERR(ENOSPC, call(nvme, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info));
		CHECK_EQ(info.header.count, 1);
		CHECK_EQ(info.devices[0].group_id, 0xa5a5a5a5);
	}
	memset(&info, 0xa5, sizeof(info));
	info.header.argsz = sizeof(info);
	CHECK_OK(ioctl(nvme->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info));
	CHECK_EQ(info.header.count, 1);
	CHECK_EQ(info.devices[0].group_id, pci_group(nvme->bdf));
	CHECK_EQ(info.devices[1].group_id, 0xa5a5a5a5);
}

/* Features */

TEST(features_that_there_are_not_are_refused)
{
	struct vfio_device *nvme = open_loaded("nvme1");
	static const uint32_t methods[] = {
		VFIO_DEVICE_FEATURE_GET, VFIO_DEVICE_FEATURE_SET,
		VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_PROBE,
		VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_PROBE,
		VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_PROBE,
	};
	char data[64] = { 0 };

	for (size_t i = 0; i < COUNT(methods); i++)
		for (uint32_t feature = 0xff00; feature <= 0xffff; feature += 0xff)
			for (size_t size = 0; size <= 64; size += 16)
				CHECK_ERR(ENOTTY, vfio_feature_try(nvme, methods[i] | feature, data,
								   size));
	/* Only variant drivers offer migration. */
	CHECK_ERR(ENOTTY, vfio_feature_try(nvme, VFIO_DEVICE_FEATURE_GET |
					   VFIO_DEVICE_FEATURE_MIGRATION, data, 8));
}

TEST(features_called_in_a_wrong_way_are_refused)
{
	static const uint32_t features[] = {
		VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
		VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
	};
	struct vfio_device *nvme = open_loaded("nvme1");
	int usage = pm_usage(nvme->bdf);
	char data[64] = { 0 };

	for (size_t i = 0; i < COUNT(features); i++) {
		uint32_t get = VFIO_DEVICE_FEATURE_GET | features[i];
		uint32_t set = VFIO_DEVICE_FEATURE_SET | features[i];

		CHECK_ERR(EINVAL, vfio_feature_try(nvme, 0x00080000 | set, data, 8));
		CHECK_ERR(EINVAL, vfio_feature_try(nvme, 0x80000000 | set, data, 8));
		CHECK_ERR(EINVAL, vfio_feature_try(nvme, get | set, data, 8));
		CHECK_ERR(EINVAL, vfio_feature_try(nvme, get, data, 8));
		CHECK_ERR(EINVAL, vfio_feature_try(nvme, get | VFIO_DEVICE_FEATURE_PROBE, data, 8));
	}
	/* Too little room for the eventfd. */
	CHECK_ERR(EINVAL, vfio_feature_try(nvme, VFIO_DEVICE_FEATURE_SET | features[2], data, 0));
	CHECK_ERR(EINVAL, vfio_feature_try(nvme, VFIO_DEVICE_FEATURE_SET | features[2], data, 4));
	CHECK_EQ(pm_usage(nvme->bdf), usage);
}

/* Any calls at all */

static uint64_t random_state;

/* Marsaglia's xorshift: the same numbers on every run. */
static uint32_t random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state >> 16;
}

static uint32_t below(uint32_t limit)
{
	return random_number() % limit;
}

/* Small numbers, limits of types, and anything. */
static uint64_t odd_number(void)
{
	switch (below(8)) {
	case 0:
		return random_number();
	case 1:
		return ~0ull - below(4);
	case 2:
		return 0x80000000u - below(3) + 1;
	case 3:
		return 1ull << below(64);
	default:
		return below(40);
	}
}

#define FDS 8

struct fuzz {
	struct vfio_device *device;
	int fds[FDS];
	bool may_write_bars;
	uint8_t *memory;	/* two pages, the second is not there */
};

static int random_fd(const struct fuzz *fuzz)
{
	switch (below(8)) {
	case 0:
		return -1;
	case 1:
		return (int)odd_number();
	default:
		return fuzz->fds[below(FDS)];
	}
}

/* A buffer that may be too short, or not there at all. */
static void *random_buffer(const struct fuzz *fuzz)
{
	switch (below(32)) {
	case 0:
		return NULL;
	case 1:
		return fuzz->memory + PAGE - below(64);
	case 2:
		return (void *)(uintptr_t)odd_number();
	default:
		return fuzz->memory;
	}
}

static uint64_t random_position(void)
{
	static const uint32_t places[] = { 0, 0x10, 0x40, 0x80, 0xf8, 0x100, 0x3b8, 0x3c0, 0xffc,
					   0x2000, 0x3ffc, 0xa0000, 0xbfffe, 0x1fffc };
	uint64_t offset = places[below(COUNT(places))] + below(16);

	if (!below(16))
		offset = odd_number() & 0xffffffffff;
	return REGION(below(64) ? below(10) : odd_number() & 0x7fffff) + offset;
}

static void fuzz_read_write(const struct fuzz *fuzz)
{
	uint64_t position = random_position();
	size_t size = below(16) ? below(20) : below(2 * PAGE);
	unsigned int region = position >> 40;

	for (int i = 0; i < 32; i++)
		fuzz->memory[i] = below(3) ? random_number() : 0;
	if (below(2))
		pread(fuzz->device->fd, random_buffer(fuzz), size, position);
	else if (fuzz->may_write_bars || region > VFIO_PCI_ROM_REGION_INDEX)
		pwrite(fuzz->device->fd, random_buffer(fuzz), size, position);
}

static void fuzz_mmap(const struct fuzz *fuzz)
{
	size_t size = (1 + below(below(8) ? 4 : 0x2000)) * PAGE;
	uint64_t position = random_position() & ~(uint64_t)(PAGE - 1);
	int flags = below(8) ? MAP_SHARED : MAP_PRIVATE;
	void *mapping = mmap(NULL, size, below(8), flags, fuzz->device->fd, position);

	/* The kernel touches the mapping, so that a fault is an errno and no signal. */
	if (mapping != MAP_FAILED) {
		if (below(2))
			pread(fuzz->device->fd, mapping, 64, REGION(VFIO_PCI_CONFIG_REGION_INDEX));
		munmap(mapping, size);
	}
}

static void fuzz_irqs(const struct fuzz *fuzz)
{
	static const uint32_t actions[] = { MASK, UNMASK, TRIGGER, TRIGGER };
	static const uint32_t types[] = { NONE, BOOL, EVENTFD, EVENTFD };
	uint32_t flags = actions[below(4)] | types[below(4)];
	uint32_t count = below(6), start = below(8) ? below(3) : odd_number();
	int32_t data[64];

	for (int i = 0; i < 64; i++)
		data[i] = random_fd(fuzz);
	if (!below(8))
		flags = odd_number();
	if (!below(16))
		count = odd_number();
	vfio_irqs_try(fuzz->device, below(16) ? below(5) : odd_number(), flags, start, count, data,
		      below(8) ? 4 * (size_t)(count % 64) : below(sizeof(data)));
}

static void fuzz_feature(const struct fuzz *fuzz)
{
	uint32_t flags = (1 + below(7)) << 16 | below(12);
	int32_t data[8];

	for (int i = 0; i < 8; i++)
		data[i] = random_fd(fuzz);
	if (!below(8))
		flags = odd_number();
	vfio_feature_try(fuzz->device, flags, data, below(sizeof(data) + 1));
	if (below(2))
		vfio_feature_try(fuzz->device, VFIO_DEVICE_FEATURE_SET |
				 VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, NULL, 0);
}

static void fuzz_ioctl(const struct fuzz *fuzz)
{
	unsigned long command = commands[below(COUNT(commands))];
	uint32_t *words = (uint32_t *)fuzz->memory;

	for (int i = 0; i < 16; i++)
		words[i] = odd_number();
	if (below(8))
		words[0] = below(96);
	if (command == VFIO_DEVICE_IOEVENTFD) {
		uint64_t position = random_position();

		words[1] = 1 << below(4);
		memcpy(words + 2, &position, 8);
		words[6] = random_fd(fuzz);
		/* Without an eventfd the data is never written. */
		if (!fuzz->may_write_bars)
			words[6] = -1;
	}
	if (command == VFIO_DEVICE_PCI_HOT_RESET) {
		words[1] = below(4) ? 0 : words[1];
		words[2] = below(4);
		for (int i = 3; i < 8; i++)
			words[i] = random_fd(fuzz);
	}
	ioctl(fuzz->device->fd, command, random_buffer(fuzz));
}

static void fuzz_once(const struct fuzz *fuzz)
{
	switch (below(64)) {
	case 0 ... 31:
		return fuzz_read_write(fuzz);
	case 32 ... 39:
		return fuzz_mmap(fuzz);
	case 40 ... 49:
		return fuzz_irqs(fuzz);
	case 50 ... 53:
		return fuzz_feature(fuzz);
	case 54:
		/* Resets take long. */
		if (!below(16))
			vfio_reset_try(fuzz->device);
		return;
	default:
		return fuzz_ioctl(fuzz);
	}
}

static void fuzz_init(struct fuzz *fuzz, struct vfio_device *device, bool may_write_bars)
{
	fuzz->device = device;
	fuzz->may_write_bars = may_write_bars;
	for (int i = 0; i < FDS - 3; i++)
		fuzz->fds[i] = event_new();
	fuzz->fds[FDS - 3] = CHECK_OK(open("/dev/null", O_RDWR));
	fuzz->fds[FDS - 2] = device->fd;
	fuzz->fds[FDS - 1] = device->container;
	fuzz->memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	CHECK_OK(munmap(fuzz->memory + PAGE, PAGE));
}

/* Runs in several processes at the same time, which share the device. */
static void fuzz_in_processes(struct fuzz *fuzz, int processes, int rounds, uint64_t seed)
{
	for (int i = 0; i < processes; i++)
		if (!CHECK_OK(fork())) {
			random_state = seed * 0x9e3779b97f4a7c15 + i;
			for (int round = 0; round < rounds; round++)
				fuzz_once(fuzz);
			_exit(0);
		}
	for (int i = 0; i < processes; i++) {
		int status;

		CHECK_OK(wait(&status));
		CHECK_EQ(status, 0);
	}
}

/* Checks that the device works again after any state that the calls have left. */
static void check_still_works(struct vfio_device *device, unsigned int index, unsigned int bar,
			      const uint32_t *bars)
{
	int event = event_new();
	uint32_t value;

	vfio_feature_try(device, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
			 NULL, 0);
	vfio_reset_try(device);
	for (int i = 0; i < 3; i++)
		vfio_irqs_try(device, i, NONE | TRIGGER, 0, 0, NULL, 0);
	cfg_set16(device, PCI_COMMAND, 0);
	cfg_set16(device, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	CHECK_EQ(vfio_read_try(device, bar, 0, &value, 4), 4);
	for (int i = 0; i < 6; i++)
		CHECK_EQ(real_cfg(device->bdf, PCI_BASE_ADDRESS_0 + i * 4, 4), bars[i]);
	if (vfio_irq_info(device, index).count) {
		vfio_irq_eventfd(device, index, 0, event);
		vfio_irq_loopback(device, index, 0);
		CHECK_EQ(event_wait(event, 10000), 1);
		vfio_irq_disable(device, index);
	}
	close(event);
}

static void fuzz_device(const char *id, bool may_write_bars, unsigned int index, int processes,
			int rounds)
{
	struct vfio_device *device;
	struct fuzz fuzz;
	uint32_t bars[6];

	driver_load("disable_idle_d3=0");
	device = vfio_bind_and_open(vm_bdf(id));
	for (int i = 0; i < 6; i++)
		bars[i] = real_cfg(device->bdf, PCI_BASE_ADDRESS_0 + i * 4, 4);
	fuzz_init(&fuzz, device, may_write_bars);
	fuzz_in_processes(&fuzz, processes, rounds, 20);
	check_still_works(device, index, 0, bars);
	vfio_close(device);
	/* The next client also finds a function that works. */
	device = vfio_open(vm_bdf(id));
	check_still_works(device, index, 0, bars);
	vfio_close(device);
}

#define ROUNDS 4000

TEST(random_calls_leave_an_nvme_controller_that_works)
{
	fuzz_device("nvme1", false, VFIO_PCI_MSIX_IRQ_INDEX, 1, ROUNDS);
}

TEST(random_calls_leave_a_network_card_that_works)
{
	fuzz_device("nic0", false, VFIO_PCI_MSIX_IRQ_INDEX, 1, ROUNDS);
}

TEST(random_calls_leave_a_function_with_msi_alone_that_works)
{
	fuzz_device("edu0", false, VFIO_PCI_MSI_IRQ_INDEX, 1, ROUNDS);
}

TEST(random_calls_and_register_writes_leave_a_function_that_works)
{
	fuzz_device("testdev0", true, VFIO_PCI_INTX_IRQ_INDEX, 1, ROUNDS);
}

TEST(random_calls_leave_a_vga_device_that_works)
{
	fuzz_device("vga0", true, VFIO_PCI_INTX_IRQ_INDEX, 1, ROUNDS);
}

TEST(random_calls_of_several_processes_leave_a_function_that_works)
{
	fuzz_device("nvme1", false, VFIO_PCI_MSIX_IRQ_INDEX, 3, ROUNDS / 2);
}
