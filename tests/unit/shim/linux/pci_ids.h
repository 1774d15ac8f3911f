/* SPDX-License-Identifier: GPL-2.0-only */
/* The ids that rules are for. */
#ifndef SHIM_LINUX_PCI_IDS_H
#define SHIM_LINUX_PCI_IDS_H

#define PCI_BASE_CLASS_DISPLAY	0x03
#define PCI_VENDOR_ID_INTEL	0x8086

#endif
