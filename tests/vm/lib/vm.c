// SPDX-License-Identifier: GPL-2.0-only
#include "vm.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "file.h"
#include "kmsg.h"
#include "test.h"

#define TIMEOUT_MS 100000

/*
 * If an instruction counts as a nanosecond of guest time, a guest that sleeps reaches its time
 * limit at once, however long the host takes: it must not sleep.
 */
static bool sleep_is_time(void)
{
	const char *time = getenv("VM_TIME");

	return !time || strcmp(time, "instructions");
}

static bool wait_for_host(int fd, long long end)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	long long left;

	while ((left = end - now_ms()) > 0)
		if (poll(&wait, 1, sleep_is_time() ? (int)left : 0) > 0)
			return true;
	return false;
}

/* The next line from the host within the time limit. */
static void read_line(int fd, char *line, size_t size)
{
	long long end = now_ms() + TIMEOUT_MS;
	size_t used = 0;

	while (used < size - 1) {
		if (!wait_for_host(fd, end))
			FAIL("the host does not answer");
		if (read(fd, line + used, 1) != 1)
			FAIL("cannot read what the host says: %m");
		if (line[used] == '\n')
			break;
		used++;
	}
	line[used] = 0;
}

static int request(char **answer, const char *format, va_list args)
{
	static unsigned int count;
	const char *port = getenv("VM_PORT");
	char line[16384], prefix[32], *text;
	int fd, length, failed;

	if (vasprintf(&text, format, args) < 0)
		abort();
	/* Unlike any other process's, so that a killed test's late answer is not taken for ours. */
	length = snprintf(prefix, sizeof(prefix), "%d-%u ", getpid(), count++);
	if (!port)
		FAIL("VM_PORT does not name the port that requests go to");
	fd = CHECK_OK(open(port, O_RDWR | O_NOCTTY | O_CLOEXEC));
	CHECK_OK(flock(fd, LOCK_EX));
	CHECK(dprintf(fd, "%s%s\n", prefix, text) > 0);
	free(text);
	do
		read_line(fd, line, sizeof(line));
	while (strncmp(line, prefix, length));
	close(fd);
	failed = strncmp(line + length, "ok", 2);
	text = strchr(line + length, ' ');
	*answer = strdup(text ? text + 1 : "");
	return failed ? -1 : 0;
}

int vm_request_try(char **answer, const char *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	ret = request(answer, format, args);
	va_end(args);
	return ret;
}

static char *must(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *must(const char *format, ...)
{
	char *answer;
	va_list args;
	int ret;

	va_start(args, format);
	ret = request(&answer, format, args);
	va_end(args);
	if (ret)
		FAIL("the host refuses \"%s\": %s", format, answer);
	return answer;
}

const char *vm_bdf(const char *id)
{
	return must("bdf %s", id);
}

void vm_device_add(const char *options)
{
	free(must("device_add %s", options));
}

void vm_device_del(const char *id)
{
	free(must("device_del %s", id));
}

void vm_wait_deleted(const char *id)
{
	free(must("wait_deleted %s", id));
}

void vm_aer(const char *id, const char *error)
{
	char *answer = must("hmp pcie_aer_inject_error %s %s", id, error);

	if (strncmp(answer, "OK", 2))
		FAIL("the host cannot inject %s into %s: %s", error, id, answer);
	free(answer);
}

void vm_wait_recovered(int start, int ms)
{
	CHECK(WAIT_UNTIL(kmsg_count(start, "AER: device recovery successful"), ms));
}

void vm_wakeup_when_suspended(void)
{
	free(must("wakeup_when_suspended"));
}

char *vm_disk_digest(const char *disk, long long offset, long long size)
{
	return must("disk_digest %s %lld %lld", disk, offset, size);
}

char *vm_hmp(const char *format, ...)
{
	char *line;
	va_list args;

	va_start(args, format);
	if (vasprintf(&line, format, args) < 0)
		abort();
	va_end(args);
	return must("hmp %s", line);
}

char *vm_qmp(const char *format, ...)
{
	char *line;
	va_list args;

	va_start(args, format);
	if (vasprintf(&line, format, args) < 0)
		abort();
	va_end(args);
	return must("qmp %s", line);
}
