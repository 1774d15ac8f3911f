/* SPDX-License-Identifier: GPL-2.0-only */
/* A driver's mapping of a dma-buf that is made of ranges of a BAR. */
#ifndef LATCH_COMPAT_PHYS_VEC_H
#define LATCH_COMPAT_PHYS_VEC_H

#include <linux/dma-buf-mapping.h>
#include <linux/dma-buf.h>
#include <linux/iommu-dma.h>
#include <linux/pci-p2pdma.h>
#include <linux/scatterlist.h>

/*
 * Whether dma_buf_phys_vec_to_sgt() maps through an IOMMU. It asks pci_p2pdma_map_type(), which
 * modules cannot, so we look what becomes of one range: IOMMU addresses are never those that a BAR
 * has on the bus, since the kernel reserves the bridges' windows.
 */
static inline int latch_maps_through_iommu(struct dma_buf_attachment *attachment,
					   struct p2pdma_provider *provider,
					   struct phys_vec *range, enum dma_data_direction dir)
{
	struct sg_table *table;
	bool is_bus_address;

	if (!use_dma_iommu(attachment->dev))
		return 0;
	table = dma_buf_phys_vec_to_sgt(attachment, provider, range, 1, range->len, dir);
	if (IS_ERR(table))
		return PTR_ERR(table);
	is_bus_address = sg_dma_address(table->sgl) ==
			 pci_p2pdma_bus_addr_map(provider, range->paddr);
	dma_buf_free_sgt(attachment, table, dir);
	return !is_bus_address;
}

/*
 * dma_buf_phys_vec_to_sgt(). As of 7.3 that maps all ranges to the same IOMMU address. Depending on
 * the format of the page tables the second one fails, or warns each time, or takes the first one's
 * place.
 */
static inline struct sg_table *latch_phys_vec_to_sgt(struct dma_buf_attachment *attachment,
						     struct p2pdma_provider *provider,
						     struct phys_vec *ranges,
						     unsigned int nr_ranges, size_t size,
						     enum dma_data_direction dir)
{
	int ret;

	if (nr_ranges > 1) {
		ret = latch_maps_through_iommu(attachment, provider, ranges, dir);
		if (ret)
			return ERR_PTR(ret < 0 ? ret : -EOPNOTSUPP);
	}
	return dma_buf_phys_vec_to_sgt(attachment, provider, ranges, nr_ranges, size, dir);
}

#endif
