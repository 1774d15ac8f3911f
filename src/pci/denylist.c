// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices whose users can do harm that the IOMMU does not contain: Intel's
 * QuickAssist of the first generations, which can hang the platform, and its
 * data streaming and analytics accelerators of Sapphire Rapids
 * (CVE-2024-21823). The kernel's driver refuses the same devices.
 */
#include <linux/pci.h>

#include "denylist.h"

static const struct pci_device_id denied[] = {
	{ PCI_VDEVICE(INTEL, 0x0435) },	/* DH895XCC */
	{ PCI_VDEVICE(INTEL, 0x0443) },	/* DH895XCC VF */
	{ PCI_VDEVICE(INTEL, 0x37c8) },	/* C62X */
	{ PCI_VDEVICE(INTEL, 0x37c9) },	/* C62X VF */
	{ PCI_VDEVICE(INTEL, 0x19e2) },	/* C3XXX */
	{ PCI_VDEVICE(INTEL, 0x19e3) },	/* C3XXX VF */
	{ PCI_VDEVICE(INTEL, 0x0b25) },	/* DSA */
	{ PCI_VDEVICE(INTEL, 0x0cfe) },	/* IAX */
	{}
};

/**
 * latch_is_denied - whether a device is known to be unsafe in a user's hands
 * @pdev: the device
 */
bool latch_is_denied(struct pci_dev *pdev)
{
	return pci_match_id(denied, pdev);
}
