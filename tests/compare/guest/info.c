// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls that ask, features, resets, and ioctls that there are not. */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "compare.h"
#include "vmtest.h"

void call_info(void)
{
	struct vfio_device_info info = {
		.argsz = pick_argsz(random_chance(50) ? sizeof(info) : 16),
		.flags = random_value(4),
	};

	if (random_chance(20))
		info.argsz = RANDOM_OF(16, 20, 24, 28, 32, 64);
	call_is("info argsz %#x", info.argsz);
	call_ioctl(VFIO_DEVICE_GET_INFO, &info, sizeof(info));
}

void call_region_info(void)
{
	struct vfio_region_info info = {
		.argsz = pick_argsz(sizeof(info)),
		.index = random_chance(90) ? random_below(NR_REGIONS + 1) :
			 RANDOM_OF(10, 11, 12, 0x7fffffff, 0xffffffff),
		.cap_offset = random_value(4),
	};

	if (random_chance(20))
		info.argsz = RANDOM_OF(24, 32, 40, 48, 64, 256);
	call_is("region info %u argsz %#x", info.index, info.argsz);
	call_ioctl(VFIO_DEVICE_GET_REGION_INFO, &info, sizeof(info));
}

void call_irq_info(void)
{
	struct vfio_irq_info info = {
		.argsz = pick_argsz(sizeof(info)),
		.index = random_chance(90) ? random_below(VFIO_PCI_NUM_IRQS + 1) :
			 RANDOM_OF(6, 7, 0x7fffffff, 0xffffffff),
		.count = random_value(4),
	};

	call_is("irq info %u argsz %#x", info.index, info.argsz);
	call_ioctl(VFIO_DEVICE_GET_IRQ_INFO, &info, sizeof(info));
}

/* All of VFIO's numbers that have no call of their own here, those of containers too. */
void call_unknown_ioctl(void)
{
	unsigned int number = random_below(40);
	uint32_t data[8] = { RANDOM_OF(0, 8, 16, 32) };

	/* 7 to 13 and 16: the ones that have; 17: features. */
	if (number >= 7 && number <= 17)
		number += 33;
	call_is("ioctl %u argsz %u", number, data[0]);
	call_ioctl(_IO(VFIO_TYPE, VFIO_BASE + number), data, sizeof(data));
}

/* A part of a BAR as a dma-buf, which is closed at once. */
void call_dma_buf(void)
{
	struct dma_buf_feature feature = {
		.header.argsz = sizeof(feature),
		.header.flags = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_BUF,
		.request.region = random_below(8),
		.request.open_flags = RANDOM_OF(O_RDWR, O_RDWR | O_CLOEXEC, O_RDONLY, O_APPEND),
		.request.flags = random_chance(5),
		.request.nr_ranges = RANDOM_OF(0, 1, 1, 1, 1, 2, 2),
	};
	struct dma_buf_request *request = &feature.request;
	int buffer;

	for (unsigned int n = 0; n < 2; n++) {
		request->ranges[n].offset = random_chance(10) ? random_value(8) :
							    RANDOM_OF(0, 0, 0, 4096, 8192);
		request->ranges[n].length = random_chance(10) ? random_value(8) :
							    RANDOM_OF(4096, 4096, 4096, 8192, 0);
	}
	call_is("dma-buf %u %#x %u %u", request->region, request->open_flags, request->flags,
		request->nr_ranges);
	for (unsigned int n = 0; n < 2; n++)
		call_text(" %#" PRIx64 "+%#" PRIx64, request->ranges[n].offset, request->ranges[n].length);
	buffer = ioctl(session.fd, VFIO_DEVICE_FEATURE, &feature);
	call_gives(buffer < 0 ? buffer : lseek(buffer, 0, SEEK_END));
	if (buffer >= 0)
		close(buffer);
}

void call_feature(void)
{
	struct {
		struct vfio_device_feature header;
		uint64_t data[6];
	} feature = {};
	uint32_t number = random_chance(90) ? random_below(14) : RANDOM_OF(14, 15, 16, 0xffff);
	size_t size = sizeof(feature.header) + RANDOM_OF(0, 0, 4, 8, 16, 16, 24, 48);

	feature.header.flags = number |
		RANDOM_OF(VFIO_DEVICE_FEATURE_GET, VFIO_DEVICE_FEATURE_SET,
			  VFIO_DEVICE_FEATURE_SET, VFIO_DEVICE_FEATURE_PROBE,
			  VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET,
			  VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET,
			  VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET, 0, 0x80000);
	/* Its answer is a file. */
	if (feature.header.flags == (VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_BUF)) {
		call_dma_buf();
		return;
	}
	feature.header.argsz = pick_argsz(size);
	/* The data of most would hold a file descriptor, or a flag. */
	for (unsigned int n = 0; n < 6; n++)
		feature.data[n] = random_chance(50) ? 0 : random_value(8);
	call_is("feature %#x argsz %#x", feature.header.flags, feature.header.argsz);
	call_data(feature.data, 16);
	call_ioctl(VFIO_DEVICE_FEATURE, &feature, sizeof(feature));
	call_events();
}

/* Into low power and out of it. */
void call_low_power(void)
{
	struct {
		struct vfio_device_feature header;
		struct vfio_device_low_power_entry_with_wakeup wakeup;
	} feature = {};
	uint32_t number = RANDOM_OF(VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
				    VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
				    VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
				    VFIO_DEVICE_FEATURE_LOW_POWER_EXIT);
	char name[16] = "";

	feature.header.argsz = sizeof(feature.header);
	feature.header.flags = VFIO_DEVICE_FEATURE_SET | number;
	if (number == VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP) {
		feature.header.argsz = sizeof(feature);
		feature.wakeup.wakeup_eventfd = pick_event(0, NR_TRIGGERS, name);
		feature.wakeup.reserved = random_chance(10);
	}
	call_is("low power %u %s %u", number, name, feature.wakeup.reserved);
	call_gives(ioctl(session.fd, VFIO_DEVICE_FEATURE, &feature));
	call_events();
}

void call_reset(void)
{
	call_is("reset");
	call_gives(ioctl(session.fd, VFIO_DEVICE_RESET, random_value(8)));
	call_events();
}

void call_hot_reset_info(void)
{
	struct vfio_pci_hot_reset_info info = {
		.argsz = pick_argsz(sizeof(info) + 4 * RANDOM_OF(0, 2, 2, 3, 4)),
		.flags = random_value(4),
		.count = random_value(4),
	};

	call_is("hot reset info argsz %#x", info.argsz);
	call_ioctl(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info, sizeof(info));
}

void call_hot_reset(void)
{
	struct {
		struct vfio_pci_hot_reset header;
		int32_t fds[3];
	} reset = {
		.header.flags = random_chance(10) ? random_value(4) : 0,
		.header.count = random_chance(85) ? 1 : RANDOM_OF(0, 2, 3, 0xffff, 0xffffffff),
	};
	int32_t fds[] = { session.group, session.container, session.fd, session.events[0], -1, 9999 };
	static const char * const names[] = { "group", "container", "device", "event", "-1", "no-fd" };
	unsigned int left = reset.header.count < 3 ? reset.header.count : 3;

	call_is("hot reset flags %#x count %u", reset.header.flags, reset.header.count);
	for (unsigned int n = 0; n < left; n++) {
		unsigned int which = random_chance(80) ? 0 : random_below(6);

		reset.fds[n] = fds[which];
		call_text(" %s", names[which]);
	}
	reset.header.argsz = pick_argsz(sizeof(reset.header) + 4 * left);
	call_text(" argsz %#x", reset.header.argsz);
	call_gives(ioctl(session.fd, VFIO_DEVICE_PCI_HOT_RESET, &reset));
	call_events();
}
