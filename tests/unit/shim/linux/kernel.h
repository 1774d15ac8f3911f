/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel's basic header gives, with the kernel's documented meaning. */
#ifndef SHIM_LINUX_KERNEL_H
#define SHIM_LINUX_KERNEL_H

#include <linux/types.h>
#include <stdio.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))

/* Byte order: as it is here, or the other one (shim.h). */
u32 shim_le32(u32 value);
u64 shim_le64(u64 value);

#define cpu_to_le32(value) ((__le32)shim_le32(value))
#define cpu_to_le64(value) ((__le64)shim_le64(value))
#define le32_to_cpu(value) shim_le32(value)
#define le64_to_cpu(value) shim_le64(value)

/* A hexadecimal digit's value, or -1. */
int hex_to_bin(unsigned char digit);

/*
 * 'y', 't' and '1' are true, 'n', 'f' and '0' false, in either case, and so are "on" and
 * "off"; only the first one or two characters count. Else -EINVAL.
 */
int kstrtobool(const char *text, bool *value);

#endif
