/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages, and exit codes. */
#ifndef REPORT_H
#define REPORT_H

#include <stdarg.h>

/* Exit codes, documented in vfio-latch(8). The gravest of several outcomes is the exit code. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_CONFIG = 3,
	EXIT_NO_DEVICE = 4,
	EXIT_IN_USE = 5,
	EXIT_TIMEOUT = 6,
};

/* report.c APIs: */
void report_to_syslog(void);
void report_to_kernel_log(void);
void error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
enum exit_code graver(enum exit_code one, enum exit_code other);

#endif
