/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interface of core/dma_buf.c, and stubs for kernels that cannot give MMIO
 * to other drivers: they lack the feature.
 */
#ifndef LATCH_COMPAT_DMA_BUF_H
#define LATCH_COMPAT_DMA_BUF_H

#include "../core/vfio_latch.h"
#include "have.h"

#ifndef VFIO_DEVICE_FEATURE_DMA_BUF
#define VFIO_DEVICE_FEATURE_DMA_BUF	11
#endif

#ifdef HAVE_DMA_BUF_REVOCABLE
int latch_dma_bufs_register(struct vfio_latch_device *dev);
void latch_dma_bufs_revoke(struct vfio_latch_device *dev);
void latch_dma_bufs_give_back(struct vfio_latch_device *dev);
void latch_dma_bufs_close(struct vfio_latch_device *dev);
int latch_feature_dma_buf(struct vfio_latch_device *dev, u32 flags, void __user *arg,
			  size_t argsz);
#else
static inline int latch_dma_bufs_register(struct vfio_latch_device *dev)
{
	return 0;
}

static inline void latch_dma_bufs_revoke(struct vfio_latch_device *dev) {}
static inline void latch_dma_bufs_give_back(struct vfio_latch_device *dev) {}
static inline void latch_dma_bufs_close(struct vfio_latch_device *dev) {}

static inline int latch_feature_dma_buf(struct vfio_latch_device *dev, u32 flags,
					void __user *arg, size_t argsz)
{
	return -ENOTTY;
}
#endif

#endif
