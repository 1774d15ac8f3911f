// SPDX-License-Identifier: GPL-2.0-only
/* Compiles on every kernel: proves that the compiler and the headers work. */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/vfio.h>

int probe(struct pci_dev *pdev, struct vfio_device *vdev)
{
	return vdev->dev == &pdev->dev;
}
