// SPDX-License-Identifier: GPL-2.0-only
/* Compiles on no kernel: proves that a wrong argument type fails a probe. */
#include <linux/pci.h>

int probe(struct device *dev)
{
	return pci_enable_device(dev);
}
