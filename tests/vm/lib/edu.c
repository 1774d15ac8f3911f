// SPDX-License-Identifier: GPL-2.0-only
/* The DMA engine of QEMU's edu device. */
#include "edu.h"

#include "file.h"
#include "test.h"
#include "vfio.h"

#define DMA_SRC		0x80
#define DMA_DST		0x88
#define DMA_COUNT	0x90
#define DMA_COMMAND	0x98
#define DMA_RUN		1
#define DMA_TO_RAM	2
#define BUFFER		0x40000

static void run(struct vfio_device *edu, uint64_t from, uint64_t to, uint32_t direction)
{
	vfio_write(edu, 0, DMA_SRC, from, 8);
	vfio_write(edu, 0, DMA_DST, to, 8);
	vfio_write(edu, 0, DMA_COUNT, 4, 8);
	vfio_write(edu, 0, DMA_COMMAND, DMA_RUN | direction, 8);
	CHECK(WAIT_UNTIL(!(vfio_read(edu, 0, DMA_COMMAND, 8) & DMA_RUN), 10000));
}

void edu_copy(struct vfio_device *edu, uint64_t from, uint64_t to)
{
	cfg_command(edu, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	run(edu, from, BUFFER, 0);
	run(edu, BUFFER, to, DMA_TO_RAM);
}
