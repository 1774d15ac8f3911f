/* SPDX-License-Identifier: GPL-2.0-only */
/* edu.h: QEMU's edu device and its DMA engine: docs/specs/edu.txt */
#ifndef VMTEST_EDU_H
#define VMTEST_EDU_H

#include <stdint.h>

struct vfio_device;

#define EDU_ID		0x00
#define EDU_ID_VALUE	0x010000ed
#define EDU_IRQ_RAISE	0x60
#define EDU_IRQ_ACK	0x64

/* The device reads four bytes at FROM and writes them to TO, two addresses of its own. */
void edu_copy(struct vfio_device *edu, uint64_t from, uint64_t to);

#endif
