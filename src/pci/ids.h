/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VFIO_PCI_IDS_H
#define VFIO_PCI_IDS_H

struct pci_driver;

/* ids.c APIs: */
void latch_add_ids(struct pci_driver *driver, const char *ids);

#endif
