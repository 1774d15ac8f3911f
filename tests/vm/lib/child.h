/* SPDX-License-Identifier: GPL-2.0-only */
/* child.h: processes of a test that wait for something, and end in time or not. */
#ifndef VMTEST_CHILD_H
#define VMTEST_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/* A child that does WORK. */
pid_t child_start(void (*work)(void *data), void *data);

/* Fails the test, by the name of WHAT it is, if the child does not end, or not well. */
void child_check_ends(const char *what, pid_t child);

/* Whether it waits for something in the kernel, uninterruptibly. */
bool child_waits(pid_t child);

/*
 * The file in procfs of the interrupt of MSI-X vector 0 of a function: whoever frees the interrupt
 * waits for who reads it.
 */
int irq_affinity_open(const char *bdf);

struct vfio_device;

/* A child that takes a device's MSI-X down. */
pid_t child_disable_msix(struct vfio_device *device);

/*
 * Two children: one takes MSI-X down, and waits with what it holds of the driver for the other one,
 * which reads of vector 0 to a page that nobody will ever provide.
 */
struct stuck_msix {
	pid_t disables;
	pid_t reads;
};

struct stuck_msix stuck_msix_begin(struct vfio_device *device);
/* It must be stuck still, and comes to its end now. */
void stuck_msix_end(const struct stuck_msix *stuck);

#endif
