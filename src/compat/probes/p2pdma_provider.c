// SPDX-License-Identifier: GPL-2.0-only
/* A BAR can be a P2PDMA provider without struct pages */
#include <linux/pci-p2pdma.h>

struct p2pdma_provider *probe(struct pci_dev *pdev)
{
	return pcim_p2pdma_init(pdev) ? NULL : pcim_p2pdma_provider(pdev, 0);
}
