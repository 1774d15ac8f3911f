// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one operation costs, in instructions: the machine executes one per nanosecond of guest
 * time, so the clock counts them. Everything from the system call's first instruction to its
 * last is in the figure, and of the loop around it a handful. Lines that begin with "bench"
 * are for tests/bench/run.
 *
 * vm-machine: icount
 * vm-drivers: ours kernel
 * vm-seconds: 600
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "vmtest.h"

#define EDU_LIVENESS 0x04

/* Groups of runs, after one that warms up. */
#define GROUPS	5

/*
 * Prints what OPERATION, an expression that is negative when it fails, costs in the mean of
 * TIMES runs, in the group of runs in which it costs least: what interrupts the others, a timer
 * tick or a kernel thread that ends what was begun before, is not the operation's.
 */
#define MEASURE(name, unit, divisor, times, operation)					\
	do {										\
		double least = 0;							\
											\
		let_others_finish();							\
		for (int group = -1; group < GROUPS; group++) {				\
			long long start = clock_ns();					\
			double cost;							\
											\
			for (int run = 0; run < (times); run++)				\
				if ((operation) < 0)					\
					FAIL("%s fails: errno %s", #operation,		\
					     strerrorname_np(errno));			\
			cost = (double)(clock_ns() - start) / (times) / (divisor);	\
			if (group <= 0 || cost < least)					\
				least = cost;						\
		}									\
		printf("bench %s %s %.1f\n", name, unit, least);			\
	} while (0)

#define INSTRUCTIONS(name, times, operation)						\
	MEASURE(name, "instructions", 1, times, operation)
#define MILLISECONDS(name, times, operation)						\
	MEASURE(name, "ms", 1e6, times, operation)

/* An NVMe function (MSI-X, function level reset), opened. */
static struct vfio_device *open_nvme(void)
{
	driver_load(NULL);
	return vfio_bind_and_open(pci_find(0x1b36, 0x0010, 1));
}

static uint64_t region_offset(struct vfio_device *device, unsigned int index)
{
	struct vfio_region_info *info = vfio_region(device, index);
	uint64_t offset = info->offset;

	free(info);
	return offset;
}

TEST(config_space)
{
	struct vfio_device *nvme = open_nvme();
	uint64_t config = region_offset(nvme, VFIO_PCI_CONFIG_REGION_INDEX);
	uint16_t command = cfg16(nvme, PCI_COMMAND) | PCI_COMMAND_MEMORY;
	uint32_t bar = cfg32(nvme, PCI_BASE_ADDRESS_0);
	char data[256];

	INSTRUCTIONS("config_read_4", 1000, pread(nvme->fd, data, 4, config));
	INSTRUCTIONS("config_read_4_hardware", 1000, pread(nvme->fd, data, 4, config + PCI_COMMAND));
	INSTRUCTIONS("config_read_256", 100, pread(nvme->fd, data, 256, config));
	INSTRUCTIONS("config_write_2_command", 1000,
		     pwrite(nvme->fd, &command, 2, config + PCI_COMMAND));
	INSTRUCTIONS("config_write_4_bar", 1000,
		     pwrite(nvme->fd, &bar, 4, config + PCI_BASE_ADDRESS_0));
}

TEST(bar_reads_and_writes)
{
	struct vfio_device *edu;
	uint64_t bar;
	uint32_t data;

	driver_load(NULL);
	edu = vfio_bind_and_open(pci_find(0x1234, 0x11e8, 0));
	cfg_command(edu, PCI_COMMAND_MEMORY, 0);
	bar = region_offset(edu, VFIO_PCI_BAR0_REGION_INDEX);

	INSTRUCTIONS("bar_pread_4", 1000, pread(edu->fd, &data, 4, bar));
	INSTRUCTIONS("bar_pwrite_4", 1000, pwrite(edu->fd, &data, 4, bar + EDU_LIVENESS));
}

static int map_touch_unmap(struct vfio_device *device, uint64_t offset, size_t size)
{
	volatile uint32_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, device->fd,
					 offset);

	if (memory == MAP_FAILED)
		return -1;
	(void)memory[0];
	return munmap((void *)memory, size);
}

TEST(bar_mappings)
{
	struct vfio_device *nvme = open_nvme();
	struct vfio_region_info *bar = vfio_region(nvme, VFIO_PCI_BAR0_REGION_INDEX);
	uint64_t offset = bar->offset;
	size_t size = bar->size;

	free(bar);
	cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
	INSTRUCTIONS("bar_mmap_fault_munmap", 100, map_touch_unmap(nvme, offset, size));
}

#define VECTORS 16

static int vectors_on_off(struct vfio_device *device, const int *events)
{
	vfio_irq_eventfds(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, VECTORS, events);
	vfio_irq_disable(device, VFIO_PCI_MSIX_IRQ_INDEX);
	return 0;
}

/* As a client does that heeds NORESIZE: then it has to start over for each further vector. */
static int vectors_one_by_one(struct vfio_device *device, const int *events, bool can_grow)
{
	unsigned int n;

	for (n = 0; n < VECTORS; n++) {
		if (can_grow || !n) {
			vfio_irq_eventfds(device, VFIO_PCI_MSIX_IRQ_INDEX, n, 1, events + n);
			continue;
		}
		vfio_irq_disable(device, VFIO_PCI_MSIX_IRQ_INDEX);
		vfio_irq_eventfds(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, n + 1, events);
	}
	vfio_irq_disable(device, VFIO_PCI_MSIX_IRQ_INDEX);
	return 0;
}

TEST(msix_vectors)
{
	struct vfio_device *nvme = open_nvme();
	bool can_grow = !(vfio_irq_info(nvme, VFIO_PCI_MSIX_IRQ_INDEX).flags &
			  VFIO_IRQ_INFO_NORESIZE);
	int events[VECTORS];
	unsigned int n;

	for (n = 0; n < VECTORS; n++)
		events[n] = event_new();
	INSTRUCTIONS("msix_16_on_off", 4, vectors_on_off(nvme, events));
	INSTRUCTIONS("msix_16_one_by_one", 2, vectors_one_by_one(nvme, events, can_grow));
}

TEST(eventfd_loopback)
{
	struct vfio_device *nvme = open_nvme();
	struct vfio_irq_set trigger = {
		.argsz = sizeof(trigger),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
		.count = 1,
	};
	int event = event_new();

	vfio_irq_eventfd(nvme, VFIO_PCI_MSIX_IRQ_INDEX, 0, event);
	INSTRUCTIONS("eventfd_loopback", 1000, ioctl(nvme->fd, VFIO_DEVICE_SET_IRQS, &trigger));
	CHECK_EQ(event_take(event), (GROUPS + 1) * 1000);
}

TEST(information)
{
	struct vfio_device *nvme = open_nvme();
	struct vfio_device_info device = { .argsz = sizeof(device) };
	struct vfio_region_info region = {
		.argsz = sizeof(region), .index = VFIO_PCI_BAR0_REGION_INDEX,
	};
	struct vfio_irq_info irq = { .argsz = sizeof(irq), .index = VFIO_PCI_MSIX_IRQ_INDEX };

	INSTRUCTIONS("get_info", 1000, ioctl(nvme->fd, VFIO_DEVICE_GET_INFO, &device));
	INSTRUCTIONS("get_region_info", 1000,
		     (region.argsz = sizeof(region),
		      ioctl(nvme->fd, VFIO_DEVICE_GET_REGION_INFO, &region)));
	INSTRUCTIONS("get_irq_info", 1000, ioctl(nvme->fd, VFIO_DEVICE_GET_IRQ_INFO, &irq));
}

TEST(reset)
{
	struct vfio_device *nvme = open_nvme();

	MILLISECONDS("reset", 2, ioctl(nvme->fd, VFIO_DEVICE_RESET));
}

static int open_close(struct vfio_device *device)
{
	int fd = ioctl(device->group, VFIO_GROUP_GET_DEVICE_FD, device->bdf);

	return fd < 0 ? fd : close(fd);
}

/* A client that comes back: container and group stay, so the device's own part is left. */
TEST(open_and_close)
{
	struct vfio_device *nvme = open_nvme();

	close(nvme->fd);
	MILLISECONDS("open_close", 2, open_close(nvme));
}

/* A client's first time, its container and the IOMMU included. */
TEST(first_open_and_close)
{
	const char *bdf = pci_find(0x1b36, 0x0010, 1);
	long long start;

	driver_load(NULL);
	pci_bind(bdf, VFIO_PCI);
	start = clock_ns();
	vfio_close(vfio_open(bdf));
	printf("bench first_open_close ms %.1f\n", (clock_ns() - start) / 1e6);
}
