// SPDX-License-Identifier: GPL-2.0-only
/* MSI-X vectors can be added one by one while MSI-X is enabled */
#include <linux/pci.h>
#include <linux/msi.h>

bool probe(struct pci_dev *pdev)
{
	struct msi_map map = pci_msix_alloc_irq_at(pdev, 3, NULL);

	if (map.index >= 0)
		pci_msix_free_irq(pdev, map);
	return pci_msix_can_alloc_dyn(pdev);
}
