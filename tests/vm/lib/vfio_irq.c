// SPDX-License-Identifier: GPL-2.0-only
/* Interrupts and eventfds. */
#include "vfio.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "file.h"
#include "test.h"

int event_new(void)
{
	return CHECK_OK(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

void event_signal(int fd)
{
	CHECK_OK(eventfd_write(fd, 1));
}

uint64_t event_take(int fd)
{
	uint64_t count = 0;

	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		FAIL("cannot read an eventfd: %m");
	return count;
}

uint64_t event_wait(int fd, int ms)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	return CHECK_OK(poll(&wait, 1, ms)) ? event_take(fd) : 0;
}

int vfio_irq_info_try(struct vfio_device *device, unsigned int index, struct vfio_irq_info *info)
{
	*info = (struct vfio_irq_info) { .argsz = sizeof(*info), .index = index };
	return ioctl(device->fd, VFIO_DEVICE_GET_IRQ_INFO, info) ? -errno : 0;
}

struct vfio_irq_info vfio_irq_info(struct vfio_device *device, unsigned int index)
{
	struct vfio_irq_info info;
	int error = vfio_irq_info_try(device, index, &info);

	if (error)
		FAIL("no info for IRQ index %u of %s: %s", index, device->bdf, strerror(-error));
	return info;
}

int vfio_irqs_try(struct vfio_device *device, unsigned int index, uint32_t flags,
		  unsigned int start, unsigned int count, const void *data, size_t size)
{
	struct vfio_irq_set *set = calloc(1, sizeof(*set) + size);
	int error;

	set->argsz = sizeof(*set) + size;
	set->flags = flags;
	set->index = index;
	set->start = start;
	set->count = count;
	if (size)
		memcpy(set->data, data, size);
	error = ioctl(device->fd, VFIO_DEVICE_SET_IRQS, set) ? -errno : 0;
	free(set);
	return error;
}

int vfio_irq_eventfds_try(struct vfio_device *device, unsigned int index, unsigned int start,
			  unsigned int count, const int *fds)
{
	return vfio_irqs_try(device, index,
			     VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			     start, count, fds, count * sizeof(*fds));
}

static void must(struct vfio_device *device, unsigned int index, const char *what, int error)
{
	if (error)
		FAIL("cannot %s IRQ index %u of %s: %s", what, index, device->bdf,
		     strerror(-error));
}

void vfio_irq_eventfds(struct vfio_device *device, unsigned int index, unsigned int start,
		       unsigned int count, const int *fds)
{
	must(device, index, "give eventfds to",
	     vfio_irq_eventfds_try(device, index, start, count, fds));
}

void vfio_irq_eventfd(struct vfio_device *device, unsigned int index, unsigned int vector, int fd)
{
	vfio_irq_eventfds(device, index, vector, 1, &fd);
}

int vfio_irq_event(struct vfio_device *device, unsigned int index)
{
	int event = event_new();

	vfio_irq_eventfd(device, index, 0, event);
	return event;
}

void vfio_irq_disable(struct vfio_device *device, unsigned int index)
{
	must(device, index, "disable",
	     vfio_irqs_try(device, index, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
			   0, 0, NULL, 0));
}

void vfio_irq_loopback(struct vfio_device *device, unsigned int index, unsigned int vector)
{
	must(device, index, "trigger",
	     vfio_irqs_try(device, index, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
			   vector, 1, NULL, 0));
}

void vfio_irq_mask(struct vfio_device *device, unsigned int index)
{
	must(device, index, "mask",
	     vfio_irqs_try(device, index, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK,
			   0, 1, NULL, 0));
}

void vfio_irq_unmask(struct vfio_device *device, unsigned int index)
{
	must(device, index, "unmask",
	     vfio_irqs_try(device, index, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK,
			   0, 1, NULL, 0));
}

void vfio_write_by_event(struct vfio_device *device, unsigned int region, uint64_t offset,
			 uint32_t data, int fd)
{
	struct vfio_region_info *info = vfio_region(device, region);
	struct vfio_device_ioeventfd request = {
		.argsz = sizeof(request),
		.flags = VFIO_DEVICE_IOEVENTFD_32,
		.offset = info->offset + offset,
		.data = data,
		.fd = fd,
	};

	free(info);
	CHECK_OK(ioctl(device->fd, VFIO_DEVICE_IOEVENTFD, &request));
}

unsigned long long interrupts(const char *name)
{
	char *rest = file_read("/proc/interrupts");
	unsigned long long sum = 0;
	char *line;

	while ((line = strsep(&rest, "\n"))) {
		char *at = strchr(line, ':'), *end = at;

		if (!at || !strstr(line, name))
			continue;
		do {
			at = end + 1;
			sum += strtoull(at, &end, 10);
		} while (end > at);
	}
	return sum;
}
