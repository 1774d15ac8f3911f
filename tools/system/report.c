// SPDX-License-Identifier: GPL-2.0-only
/* Messages: to standard error, and to the system's log if udev is the caller. */
#include <stdbool.h>
#include <stdio.h>
#include <syslog.h>

#include "system/report.h"

static bool to_syslog;

/* udev drops the output of its programs unless it debugs: errors would be lost. */
void report_to_syslog(void)
{
	openlog("vfio-latch", LOG_PID, LOG_DAEMON);
	to_syslog = true;
}

void error(const char *format, ...)
{
	va_list args;

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
