/* SPDX-License-Identifier: GPL-2.0-only */
/* cgroup.h: kernel memory that is charged to the test. */
#ifndef VMTEST_CGROUP_H
#define VMTEST_CGROUP_H

/* From now on the calling process has a memory cgroup of its own, until it leaves. */
void cgroup_enter(void);
void cgroup_leave(void);

/* Bytes of kernel memory that are charged to it; what is never freed stays. */
long long cgroup_kernel_memory(void);
/* The same when all is counted: the kernel adds up what each processor has every two seconds. */
long long cgroup_kernel_memory_settled(void);

#endif
