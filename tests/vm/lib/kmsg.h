/* SPDX-License-Identifier: GPL-2.0-only */
/* kmsg.h: the kernel log. */
#ifndef VMTEST_KMSG_H
#define VMTEST_KMSG_H

/* Write a line to the kernel log. */
void kmsg_write(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Announce that lines which match the extended regular expression may appear during this test
 * without failing it: lines that the test provokes, for example by injected errors. Never a
 * WARNING, except the one for which the kernel's mlx5-vfio-pci of 6.1 is known.
 */
void kmsg_expect(const char *pattern);

/* A place in the log: from here on. */
int kmsg_mark(void);
/* How many lines after the mark match the extended regular expression. */
int kmsg_count(int mark, const char *pattern);
/* The last line after the mark that matches, to be freed; NULL when there is none. */
char *kmsg_find(int mark, const char *pattern);

#endif
