/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VFIO_PCI_DENYLIST_H
#define VFIO_PCI_DENYLIST_H

struct pci_dev;

/* denylist.c APIs: */
bool latch_is_denied(struct pci_dev *pdev);

#endif
