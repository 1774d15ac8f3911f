// SPDX-License-Identifier: GPL-2.0-only
/* vga_client_register(pdev, set_decode) */
#include <linux/pci.h>
#include <linux/vgaarb.h>

unsigned int set_decode(struct pci_dev *pdev, bool state);

int probe(struct pci_dev *pdev)
{
	return vga_client_register(pdev, set_decode);
}
