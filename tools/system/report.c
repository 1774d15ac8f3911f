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
static int kernel_log = -1;

/* udev drops the output of its programs unless it debugs: errors would be lost. */
void report_to_syslog(void)
{
	openlog("vfio-latch", LOG_PID, LOG_DAEMON);
	to_syslog = true;
}

void report_to_kernel_log(void)
{
	char path[PATH_SIZE];

	system_path(path, "/dev/kmsg");
	kernel_log = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
}

/* Each write is a line of its own. */
static void to_kernel_log(int priority, const char *format, va_list args)
{
	char line[1024];
	int length = snprintf(line, sizeof(line), "<%d>vfio-latch: ", LOG_DAEMON | priority);

	vsnprintf(line + length, sizeof(line) - length - 1, format, args);
	length = strlen(line);
	line[length++] = '\n';
	if (write(kernel_log, line, length) < 0)
		kernel_log = -1;
}

/* What is no fault: to standard output, or to the kernel's log. */
void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (kernel_log >= 0) {
		to_kernel_log(LOG_INFO, format, args);
	} else {
		vprintf(format, args);
		putchar('\n');
	}
	va_end(args);
}

void error(const char *format, ...)
{
	va_list args;

	if (kernel_log >= 0) {
		va_start(args, format);
		to_kernel_log(LOG_ERR, format, args);
		va_end(args);
		return;
	}
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
