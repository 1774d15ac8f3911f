// SPDX-License-Identifier: GPL-2.0-only
/* Newer: MMIO as a dma-buf that importers give back when they are told to */
#include <linux/dma-buf-mapping.h>
#include <linux/dma-buf.h>
#include <linux/pci-p2pdma.h>

/* Without it no dma-buf can be made, and the kernel's driver does not offer the feature either. */
#ifndef CONFIG_PCI_P2PDMA
#error "BARs are not for other devices"
#endif

struct sg_table *probe(struct dma_buf_attachment *attachment, struct pci_dev *pdev,
		       struct phys_vec *ranges)
{
	if (pcim_p2pdma_init(pdev) || !dma_buf_attach_revocable(attachment))
		return NULL;
	dma_buf_invalidate_mappings(attachment->dmabuf);
	return dma_buf_phys_vec_to_sgt(attachment, pcim_p2pdma_provider(pdev, 0), ranges, 1,
				       ranges->len, DMA_BIDIRECTIONAL);
}
