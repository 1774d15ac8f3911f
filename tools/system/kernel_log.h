/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel's log says of a device. */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

/* kernel_log.c APIs: */
const char *kernel_log_last(const char *address, const char *const *texts, unsigned int count);

#endif
