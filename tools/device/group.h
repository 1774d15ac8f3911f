/* SPDX-License-Identifier: GPL-2.0-only */
/* IOMMU groups. User space gets each as a whole. */
#ifndef GROUP_H
#define GROUP_H

#include "device/device.h"

/* group.c APIs: */
void group_read(struct devices *devices, int group);
bool host_has(const struct device *dev);

#endif
