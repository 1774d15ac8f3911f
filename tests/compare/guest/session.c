// SPDX-License-Identifier: GPL-2.0-only
/* The open device, and the transcript: one line for each call. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "compare.h"
#include "vmtest.h"

/* Of longer data the rest is a sum: all of configuration space is shown. */
#define SHOWN 4096

__thread struct session session = { .container = -1, .group = -1, .fd = -1 };

static FILE *transcript(void)
{
	return session.transcript ? session.transcript : stdout;
}

void call_is(const char *format, ...)
{
	va_list args;

	if (session.is_quiet)
		return;
	fprintf(transcript(), "\n|%llu.%u ", (unsigned long long)session.episode, session.call);
	va_start(args, format);
	vfprintf(transcript(), format, args);
	va_end(args);
	fputs(" =", transcript());
}

void call_text(const char *format, ...)
{
	va_list args;

	if (session.is_quiet)
		return;
	va_start(args, format);
	vfprintf(transcript(), format, args);
	va_end(args);
}

void call_gives(long result)
{
	if (result < 0)
		call_text(" %s", strerrorname_np(errno));
	else
		call_text(" %ld", result);
}

void call_data(const void *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *byte = data;
	uint32_t sum = 0;

	if (session.is_quiet)
		return;
	putc(' ', transcript());
	for (size_t n = 0; n < size && n < SHOWN; n++) {
		putc(digits[byte[n] >> 4], transcript());
		putc(digits[byte[n] & 15], transcript());
	}
	if (size <= SHOWN)
		return;
	for (size_t n = 0; n < size; n++)
		sum = (sum ^ byte[n]) * 16777619;
	fprintf(transcript(), "..%08x", sum);
}

void call_filled(const void *data, size_t size)
{
	const uint8_t *byte = data;

	if (session.is_quiet)
		return;
	while (size && byte[size - 1] == PATTERN)
		size--;
	call_data(data, size);
}

/*
 * Interrupts, work items and threads come to their end in this time: the processor has nothing
 * else to do, and the time passes at once when it has nothing to do at all.
 */
static void settle(void)
{
	nanosleep(&(struct timespec) { .tv_nsec = 1000000 }, NULL);
}

void call_events(void)
{
	struct pollfd polls[NR_EVENTS];

	if (session.is_quiet)
		return;
	settle();
	for (int n = 0; n < NR_EVENTS; n++)
		polls[n] = (struct pollfd) { .fd = session.events[n], .events = POLLIN };
	if (poll(polls, NR_EVENTS, 0) <= 0)
		return;
	for (int n = 0; n < NR_EVENTS; n++) {
		uint64_t count = 0;

		if (polls[n].revents && read(session.events[n], &count, sizeof(count)) > 0)
			fprintf(transcript(), " e%d:%llu", n, (unsigned long long)count);
	}
}

void call_ioctl(unsigned long request, const void *data, size_t size)
{
	uint8_t *buffer = session.buffer;
	int result;

	memset(buffer, PATTERN, BUFFER_SIZE);
	/* Now and then the structure, or what is written behind it, ends where memory does. */
	if (random_chance(3))
		buffer += BUFFER_SIZE - random_below(size + 1);
	else if (random_chance(3))
		buffer += BUFFER_SIZE - size;
	memcpy(buffer, data, session.buffer + BUFFER_SIZE - buffer < (ssize_t)size ?
	       (size_t)(session.buffer + BUFFER_SIZE - buffer) : size);
	if (buffer != session.buffer)
		call_text(" (%zd bytes)", session.buffer + BUFFER_SIZE - buffer);
	result = ioctl(session.fd, request, buffer);
	call_gives(result);
	/* How much was written before memory ended is nobody's business. */
	if (result >= 0 || errno != EFAULT)
		call_filled(buffer, session.buffer + BUFFER_SIZE - buffer);
}

static __thread sigjmp_buf fault;

static void on_fault(int number)
{
	siglongjmp(fault, number);
}

bool call_touch(void (*touch)(void *context), void *context)
{
	int number = sigsetjmp(fault, 1);

	if (number) {
		call_text(" SIG%s", sigabbrev_np(number));
		return false;
	}
	touch(context);
	return true;
}

int pick_event(int first, int count, char name[16])
{
	int n = first + random_below(count);

	switch (random_below(40)) {
	case 0:
		strcpy(name, "-2");
		return -2;
	case 1:
		strcpy(name, "no-fd");
		return 9999;
	case 2:
		strcpy(name, "no-event");
		return session.container;
	case 3 ... 5:
		strcpy(name, "-1");
		return -1;
	default:
		sprintf(name, "e%d", n);
		return session.events[n];
	}
}

uint32_t pick_argsz(uint32_t right)
{
	if (random_chance(85))
		return right;
	switch (random_below(4)) {
	case 0:
		return random_below(right);
	case 1:
		return right - 1;
	case 2:
		return right + random_below(64);
	default:
		return RANDOM_OF(0, 0x1000, 0x7fffffff, 0x80000000, 0xffffffff);
	}
}

static int open_group(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%d", pci_group(session.subject->bdf));
	return open(path, O_RDWR | O_CLOEXEC);
}

static void find_regions(void)
{
	for (unsigned int n = 0; n < NR_REGIONS; n++) {
		struct vfio_region_info info = { .argsz = sizeof(info), .index = n };

		session.region_offset[n] = (uint64_t)n << 40;
		call_is("region %u", n);
		call_gives(ioctl(session.fd, VFIO_DEVICE_GET_REGION_INFO, &info));
		call_data(&info, sizeof(info));
		if (info.offset)
			session.region_offset[n] = info.offset;
	}
}

/* The client before has left nothing: neither in COMMAND nor in the first registers of BAR 0. */
static void look_at_the_device(void)
{
	const uint16_t decoding = PCI_COMMAND_MEMORY;
	off_t config = session.region_offset[VFIO_PCI_CONFIG_REGION_INDEX] + PCI_COMMAND;
	uint32_t registers[16];
	uint16_t before;

	call_is("registers");
	CHECK_EQ(pread(session.fd, &before, 2, config), 2);
	CHECK_EQ(pwrite(session.fd, &decoding, 2, config), 2);
	for (int n = 0; n < 16; n++)
		pread(session.fd, &registers[n], 4, session.region_offset[0] + 4 * n);
	CHECK_EQ(pwrite(session.fd, &before, 2, config), 2);
	/* Of decoding see host-decoding in docs/differences.md. */
	call_text(" %x", before & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
	call_data(registers, sizeof(registers));
}

static void unmap_all(void)
{
	for (int n = 0; n < NR_MAPPINGS; n++) {
		if (session.mappings[n].memory)
			munmap(session.mappings[n].memory, session.mappings[n].size);
		session.mappings[n].memory = NULL;
	}
}

static void make_buffer(void)
{
	session.buffer = mmap(NULL, BUFFER_SIZE + 4096, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_OK(munmap(session.buffer + BUFFER_SIZE, 4096));
	/* Nothing else shall come to lie there. */
	CHECK_OK((long)mmap(session.buffer + BUFFER_SIZE, 4096, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	signal(SIGBUS, on_fault);
	signal(SIGSEGV, on_fault);
}

bool session_open(const struct subject *subject)
{
	session.subject = subject;
	session.container = CHECK_OK(open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC));
	session.group = CHECK_OK(open_group());
	CHECK_OK(ioctl(session.group, VFIO_GROUP_SET_CONTAINER, &session.container));
	CHECK_OK(ioctl(session.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	if (!session.buffer)
		make_buffer();
	for (int n = 0; n < NR_EVENTS; n++)
		session.events[n] = event_new();
	call_is("open");
	session.fd = ioctl(session.group, VFIO_GROUP_GET_DEVICE_FD, subject->words);
	call_gives(session.fd < 0 ? -1 : 0);
	if (session.fd < 0)
		return false;
	find_regions();
	if (subject->bar_size[0] && !subject->bar_is_port[0])
		look_at_the_device();
	return true;
}

void session_join(const struct session *other)
{
	session = *other;
	memset(session.mappings, 0, sizeof(session.mappings));
	make_buffer();
}

void session_leave(void)
{
	unmap_all();
	munmap(session.buffer, BUFFER_SIZE + 4096);
}

void session_close(void)
{
	unmap_all();
	if (session.fd >= 0)
		close(session.fd);
	session.fd = -1;
	call_is("close");
	call_events();
	for (int n = 0; n < NR_EVENTS; n++)
		close(session.events[n]);
	close(session.group);
	close(session.container);
	fflush(transcript());
}
