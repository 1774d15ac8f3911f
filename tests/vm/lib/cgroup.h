/* SPDX-License-Identifier: GPL-2.0-only */
/* cgroup.h: kernel memory that is charged to the test. */
#ifndef VMTEST_CGROUP_H
#define VMTEST_CGROUP_H

/* From now on the calling process has a memory cgroup of its own, until it leaves. */
void cgroup_enter(void);
void cgroup_leave(void);
/* Above this many bytes, who has entered sleeps for seconds when it is given more. */
void cgroup_throttle(unsigned long bytes);

/* Bytes of kernel memory that are charged to it; what is never freed stays. */
long long cgroup_kernel_memory(void);
/*
 * The same to the page, for a process that has entered: the kernel adds up what each processor has
 * counted only now and then, and what has come since is missing otherwise.
 */
long long cgroup_kernel_memory_counted(void);

#endif
