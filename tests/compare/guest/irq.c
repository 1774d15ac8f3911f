// SPDX-License-Identifier: GPL-2.0-only
/* Interrupts and ioeventfds, with everything right and with everything else. */
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "compare.h"
#include "vmtest.h"

#define MAX_DATA	72

static uint32_t pick_flags(void)
{
	uint32_t data, action;

	if (random_chance(5))
		return random_bits() & 0x7f;
	if (random_chance(2))
		return random_bits();
	data = RANDOM_OF(VFIO_IRQ_SET_DATA_NONE, VFIO_IRQ_SET_DATA_NONE, VFIO_IRQ_SET_DATA_BOOL,
			 VFIO_IRQ_SET_DATA_EVENTFD, VFIO_IRQ_SET_DATA_EVENTFD,
			 VFIO_IRQ_SET_DATA_EVENTFD);
	action = RANDOM_OF(VFIO_IRQ_SET_ACTION_TRIGGER, VFIO_IRQ_SET_ACTION_TRIGGER,
			   VFIO_IRQ_SET_ACTION_TRIGGER, VFIO_IRQ_SET_ACTION_MASK,
			   VFIO_IRQ_SET_ACTION_UNMASK, VFIO_IRQ_SET_ACTION_UNMASK);
	return data | action;
}

/* An index that the device has, mostly. */
static uint32_t pick_index(void)
{
	if (random_chance(5))
		return RANDOM_OF(5, 6, 7, 0x7fffffff, 0x80000000, 0xffffffff);
	for (unsigned int tries = 0; tries < 4; tries++) {
		uint32_t index = random_below(VFIO_PCI_NUM_IRQS);

		if (session.subject->vectors[index])
			return index;
	}
	return random_below(VFIO_PCI_NUM_IRQS);
}

static size_t fill_eventfds(int32_t *fds, unsigned int count, bool for_unmasking)
{
	unsigned int left = count < MAX_DATA / 4 ? count : MAX_DATA / 4;
	char name[16];

	call_text(" ");
	for (unsigned int n = 0; n < left; n++) {
		fds[n] = for_unmasking ? pick_event(NR_TRIGGERS, NR_UNMASKS, name) :
					 pick_event(0, NR_TRIGGERS, name);
		call_text("%s%s", n ? "," : "", name);
	}
	return left * sizeof(*fds);
}

static size_t fill_bools(uint8_t *bools, unsigned int count)
{
	unsigned int left = count < MAX_DATA ? count : MAX_DATA;

	call_text(" ");
	for (unsigned int n = 0; n < left; n++) {
		bools[n] = random_chance(70) ? random_below(2) : 0xff;
		call_text("%x", bools[n]);
	}
	return left;
}

void call_set_irqs(void)
{
	struct {
		struct vfio_irq_set header;
		uint8_t data[MAX_DATA];
	} request = {
		.header.index = pick_index(),
		.header.flags = pick_flags(),
	};
	uint32_t index = request.header.index;
	uint32_t flags = request.header.flags;
	uint32_t vectors = index < VFIO_PCI_NUM_IRQS ? session.subject->vectors[index] : 1;
	size_t size = 0;

	request.header.start = random_chance(70) ? 0 : random_chance(80) ? random_below(vectors + 2) :
			       RANDOM_OF(0xffff, 0x7fffffff, 0xffffffff);
	request.header.count = random_chance(35) ? 1 : random_chance(50) ? vectors :
			       random_chance(80) ? random_below(vectors + 2) :
			       RANDOM_OF(0xffff, 0x40000001, 0x7fffffff, 0xffffffff);
	if (random_chance(12))
		request.header.count = 0;
	call_is("irqs %u flags %#x %u+%u", index, flags, request.header.start,
		request.header.count);
	if (flags & VFIO_IRQ_SET_DATA_EVENTFD)
		size = fill_eventfds((int32_t *)request.data, request.header.count,
				     flags & VFIO_IRQ_SET_ACTION_UNMASK);
	else if (flags & VFIO_IRQ_SET_DATA_BOOL)
		size = fill_bools(request.data, request.header.count);
	size += sizeof(request.header);
	request.header.argsz = pick_argsz(size);
	call_text(" argsz %#x", request.header.argsz);
	call_gives(ioctl(session.fd, VFIO_DEVICE_SET_IRQS, &request));
	call_events();
}

/* Signals an ioeventfd, or an unmask eventfd. */
void call_event_write(void)
{
	int n = NR_TRIGGERS + random_below(NR_UNMASKS + NR_IOEVENTFDS);
	uint64_t one = 1;

	call_is("signal e%d", n);
	call_gives(write(session.events[n], &one, sizeof(one)));
	call_events();
}

/* Where the device may be written, mostly; the structure's offset is one of the device file. */
void call_ioeventfd(void)
{
	const struct subject *subject = session.subject;
	struct vfio_device_ioeventfd request = {};
	unsigned int bar = 0;
	uint64_t offset = 0;
	char name[16];

	request.data = random_value(8);
	if (subject->nr_writable && random_chance(80)) {
		const struct writable *writable =
			&subject->writable[random_below(subject->nr_writable)];

		bar = writable->bar;
		offset = writable->start + (random_below(writable->length) & ~3ULL);
		request.data &= writable->mask;
		request.flags = RANDOM_OF(1, 2, 4, 4, 4);
		/* A byte of a register that is masked as a whole is not. */
		if (~writable->mask)
			request.flags = 4;
	} else if (random_chance(50)) {
		/* Refused, wherever it is: no access has this width. */
		bar = random_below(NR_REGIONS);
		offset = random_below(0x2000);
		request.flags = RANDOM_OF(0, 3, 16, 0x80000000, 0xffffffff);
	} else {
		/* Refused by everybody: not a BAR, beyond its end, or in the MSI-X table. */
		bar = random_chance(50) || !subject->table_size ? 6 + random_below(3) :
								  subject->table_bar;
		offset = bar < 6 ? subject->table_start + (random_below(subject->table_size) & ~7ULL)
				 : random_below(256);
		request.flags = RANDOM_OF(1, 2, 4);
	}
	request.argsz = pick_argsz(sizeof(request));
	request.offset = session.region_offset[bar] + offset;
	request.fd = pick_event(NR_TRIGGERS + NR_UNMASKS, NR_IOEVENTFDS, name);
	call_is("ioeventfd region %u %#llx/%#x %llx %s argsz %#x", bar,
		(unsigned long long)offset, request.flags, (unsigned long long)request.data,
		name, request.argsz);
	call_gives(ioctl(session.fd, VFIO_DEVICE_IOEVENTFD, &request));
	call_events();
}
