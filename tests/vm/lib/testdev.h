/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * testdev.h: QEMU's pci-testdev, and the slot of the machine resets that has two of them.
 *
 * Its mark is the test that it has selected: the offset of that then reads at 4, and a reset over the
 * bus forgets it.
 */
#ifndef VMTEST_TESTDEV_H
#define VMTEST_TESTDEV_H

#include <stdbool.h>

struct vfio_device;

void testdev_mark(struct vfio_device *testdev);
bool testdev_is_marked(struct vfio_device *testdev);

#define SLOT_SIZE 3

/* nic1, testdev1 and testdev2, by the numbers of their functions; one IOMMU group. */
extern const char * const slot_ids[SLOT_SIZE];

/* Load the driver, and bind them to it. */
void slot_bind(void);
/* The same, and open them, in one container. */
void slot_open(struct vfio_device **devices);

#endif
