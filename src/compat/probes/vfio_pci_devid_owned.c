// SPDX-License-Identifier: GPL-2.0-only
/* Hot reset info reports iommufd device ids */
#include <linux/vfio.h>

unsigned int probe = VFIO_PCI_HOT_RESET_FLAG_DEV_ID | VFIO_PCI_DEVID_OWNED;
