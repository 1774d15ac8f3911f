/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the initramfs of a kernel is. */
#ifndef INITRAMFS_H
#define INITRAMFS_H

#include "system/sysfs.h"

/* initramfs.c APIs: */
void initramfs_images(struct names *images, const char *release);

#endif
