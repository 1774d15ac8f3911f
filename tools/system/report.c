// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages: to standard error, and to the system's log if udev is the caller; in the initramfs to
 * the kernel's log, the only one that is left of it.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "system/report.h"
#include "system/sysfs.h"
#include "system/text.h"

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
 * Each write is a line of its own. Returns whether there is one. The kernel drops what is more than
 * ten lines in five seconds of whoever has the node open, and says so to nobody: a device has one
 * line, so they are few enough.
 */
static bool to_kernel_log(int priority, const char *text)
{
	char path[PATH_SIZE], line[1024];
	int length;
	bool written;
	int fd;

	if (!to_kmsg)
		return false;
	system_path(path, "/dev/kmsg");
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return false;
	snprintf(line, sizeof(line) - 1, "<%d>vfio-latch: %s", LOG_DAEMON | priority, text);
	length = strlen(line);
	line[length++] = '\n';
	written = write(fd, line, length) == length;
	close(fd);
	return written;
}

/* A message may quote any bytes: a network interface's name, or a process's. Free it. */
static char *clean_text(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		abort();
	text_clean(text);
	return text;
}

/* What is no fault: to standard output, or to the kernel's log. */
void note(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = clean_text(format, args);
	va_end(args);
	if (!to_kernel_log(LOG_INFO, text))
		puts(text);
	free(text);
}

void error(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = clean_text(format, args);
	va_end(args);
	if (!to_kernel_log(LOG_ERR, text)) {
		fprintf(stderr, "vfio-latch: %s\n", text);
		if (to_syslog)
			syslog(LOG_ERR, "%s", text);
	}
	free(text);
}

enum exit_code graver(enum exit_code one, enum exit_code other)
{
	static const int gravity[] = {
		[EXIT_DONE] = 0, [EXIT_IN_USE] = 1, [EXIT_NO_DEVICE] = 2,
		[EXIT_FAILED] = 3, [EXIT_TIMEOUT] = 4, [EXIT_CONFIG] = 5, [EXIT_USAGE] = 6,
	};

	return gravity[one] >= gravity[other] ? one : other;
}
