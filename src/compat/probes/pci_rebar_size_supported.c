// SPDX-License-Identifier: GPL-2.0-only
/* pci_rebar_size_supported() */
#include <linux/pci.h>

bool probe(struct pci_dev *pdev)
{
	return pci_rebar_size_supported(pdev, 0, 1);
}
