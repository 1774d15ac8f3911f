// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages: to standard error, and to the system's log if udev is the caller; in the initramfs to
 * the kernel's log, the only one that is left of it.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "system/report.h"
#include "system/sysfs.h"

static bool to_syslog;
static bool to_kmsg;

/* udev drops the output of its programs unless it debugs: errors would be lost. */
void report_to_syslog(void)
{
	openlog("vfio-latch", LOG_PID, LOG_DAEMON);
	to_syslog = true;
}

void report_to_kernel_log(void)
{
	to_kmsg = true;
}

/*
 * Each write is a line of its own. Returns whether there is one. The kernel drops what is more than ten lines in five seconds of
 * whoever has the node open, and says so to nobody: a device has one line, so they are few enough.
 */
static bool to_kernel_log(int priority, const char *format, va_list args)
{
	char path[PATH_SIZE], line[1024];
	int length = snprintf(line, sizeof(line), "<%d>vfio-latch: ", LOG_DAEMON | priority);
	bool written;
	int fd;

	if (!to_kmsg)
		return false;
	system_path(path, "/dev/kmsg");
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return false;
	vsnprintf(line + length, sizeof(line) - length - 1, format, args);
	length = strlen(line);
	line[length++] = '\n';
	written = write(fd, line, length) == length;
	close(fd);
	return written;
}

/* What is no fault: to standard output, or to the kernel's log. */
void note(const char *format, ...)
{
	va_list args;
	bool written;

	va_start(args, format);
	written = to_kernel_log(LOG_INFO, format, args);
	va_end(args);
	if (written)
		return;
	va_start(args, format);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
}

void error(const char *format, ...)
{
	va_list args;
	bool written;

	va_start(args, format);
	written = to_kernel_log(LOG_ERR, format, args);
	va_end(args);
	if (written)
		return;
	va_start(args, format);
	fputs("vfio-latch: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	if (!to_syslog)
		return;
	va_start(args, format);
	vsyslog(LOG_ERR, format, args);
	va_end(args);
}

enum exit_code graver(enum exit_code one, enum exit_code other)
{
	static const int gravity[] = {
		[EXIT_DONE] = 0, [EXIT_IN_USE] = 1, [EXIT_NO_DEVICE] = 2,
		[EXIT_FAILED] = 3, [EXIT_TIMEOUT] = 4, [EXIT_CONFIG] = 5, [EXIT_USAGE] = 6,
	};

	return gravity[one] >= gravity[other] ? one : other;
}
