// SPDX-License-Identifier: GPL-2.0-only
/* pci_rebar_get_possible_sizes() */
#include <linux/pci.h>

u64 probe(struct pci_dev *pdev)
{
	return pci_rebar_get_possible_sizes(pdev, 0);
}
