/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nvme.h: just enough of an NVMe driver to have the device interrupt on any vector.
 *
 * Queue 0 is the admin queue; queue N completes on vector N.
 */
#ifndef VMTEST_NVME_H
#define VMTEST_NVME_H

#include "vfio.h"

/* Registers in BAR 0, NVMe 1.4, 3.1 */
#define NVME_CAP	0x00
#define NVME_VS		0x08
#define NVME_INTMS	0x0c
#define NVME_CC		0x14
#define NVME_CSTS	0x1c
#define NVME_AQA	0x24
#define NVME_ASQ	0x28
#define NVME_ACQ	0x30

#define NVME_CC_EN	1
#define NVME_CSTS_RDY	1

#define NVME_QUEUES_MAX	17

struct nvme {
	struct vfio_device *device;
	uint8_t *memory;
	unsigned int queues;
	struct {
		unsigned int tail, head, phase;
	} queue[NVME_QUEUES_MAX];
};

/* Enable the controller with this many queues, memory and bus mastering on. Once per container. */
struct nvme *nvme_start(struct vfio_device *device, unsigned int queues);
/* The same after a reset. */
void nvme_restart(struct nvme *nvme);
/* Have the device complete a command on this queue. Does not wait. */
void nvme_submit(struct nvme *nvme, unsigned int queue);
/* Wait for the next completion on this queue, without its interrupt, and take it. */
void nvme_take(struct nvme *nvme, unsigned int queue);
/* Both. The interrupt has been sent, or will be within the moment. */
void nvme_raise(struct nvme *nvme, unsigned int queue);

#endif
