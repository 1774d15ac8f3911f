/* SPDX-License-Identifier: GPL-2.0-only */
/* PFs and their VFs. */
#ifndef VF_H
#define VF_H

#include "device/device.h"

/* vf.c APIs: */
void vf_find_pf(struct device *dev);
bool vf_is_linked(const struct device *vf);
int vf_wait_until_added(const struct device *vf);
bool vf_to_come(struct device *vf, const struct device *pf, unsigned int index);

#endif
