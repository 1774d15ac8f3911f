/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * peer.h: buffers of witness0's BAR, and witness1, which is given them by the driver importer/.
 * What ends in _try returns a negative errno on failure; all others fail the test.
 */
#ifndef DMA_BUF_PEER_H
#define DMA_BUF_PEER_H

#include "../importer/importer.h"
#include "vmtest.h"

#define PAGE		4096ULL
/* What a driver is that may be given MMIO. */
#define PEER		(IMPORTER_PEER | IMPORTER_REVOCABLE)

/* VFIO_DEVICE_FEATURE, whose result may be a file descriptor. */
int feature_try(struct vfio_device *device, uint32_t flags, const void *data, size_t size);
int buffer_try(struct vfio_device *device, const struct dma_buf_request *request);
/* Of BAR 0. */
int buffer_of(struct vfio_device *device, uint64_t offset, uint64_t length);
/* The page of the witness's memory. */
int memory_buffer(struct vfio_device *device);

/* An attachment of witness1 to the buffer, with IMPORTER_*, until the file is closed. */
int attach_try(int buffer, uint32_t flags);
int attach(int buffer, uint32_t flags);
int map_try(int importer);
struct importer_state importer_state(int importer);

/* Have witness1 write another number each millisecond to where the buffer is mapped then. */
void start_dma(int importer);
void stop_dma(void);
/* Whether that still arrives. */
bool writing_goes_on(struct vfio_device *device);

#endif
