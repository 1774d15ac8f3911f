/* SPDX-License-Identifier: GPL-2.0-only */
/* Device and function numbers. */
#ifndef SHIM_LINUX_PCI_H
#define SHIM_LINUX_PCI_H

#define PCI_DEVFN(slot, func) ((((slot) & 0x1f) << 3) | ((func) & 0x07))

#endif
