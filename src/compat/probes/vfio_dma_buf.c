// SPDX-License-Identifier: GPL-2.0-only
/* The dma-buf device feature */
#include <linux/vfio.h>

struct vfio_device_feature_dma_buf probe;
unsigned int feature = VFIO_DEVICE_FEATURE_DMA_BUF;
