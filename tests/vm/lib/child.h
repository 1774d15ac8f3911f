/* SPDX-License-Identifier: GPL-2.0-only */
/* child.h: processes of a test that wait for something, and should or should not end in time. */
#ifndef VMTEST_CHILD_H
#define VMTEST_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/* A child that does WORK. */
pid_t child_start(void (*work)(void *data), void *data);

/* Fails the test if the child does not end, or fails. WHAT names the child. */
void child_check_ends(const char *what, pid_t child);

/* Whether it waits for something in the kernel, uninterruptibly. */
bool child_waits(pid_t child);
/* The same, interruptibly. */
bool child_sleeps(pid_t child);

/*
 * Opens a procfs file of the interrupt of a function's MSI-X vector 0: a task that frees the
 * interrupt waits for the file's readers.
 */
int irq_affinity_open(const char *bdf);

struct vfio_device;

/* A child that takes a device's MSI-X down. */
pid_t child_disable_msix(struct vfio_device *device);

/*
 * Two children: one takes MSI-X down, and waits with the driver's locks for the other one, which
 * reads a file of vector 0 into a page that never comes.
 */
struct stuck_msix {
	pid_t disables;
	pid_t reads;
};

struct stuck_msix stuck_msix_begin(struct vfio_device *device);
/* Checks that it is still stuck, and ends it. */
void stuck_msix_end(const struct stuck_msix *stuck);

/* From now on the calling task runs on this processor alone. */
void use_processor(int number);

#endif
