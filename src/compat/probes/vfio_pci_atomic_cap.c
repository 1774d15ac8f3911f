// SPDX-License-Identifier: GPL-2.0-only
/* Device info has the PCIe atomics capability */
#include <linux/vfio.h>

struct vfio_device_info_cap_pci_atomic_comp probe = {
	.header.id = VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP,
	.flags = VFIO_PCI_ATOMIC_COMP32,
};
