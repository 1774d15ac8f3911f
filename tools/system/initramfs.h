/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the initramfs of a kernel is. */
#ifndef INITRAMFS_H
#define INITRAMFS_H

#include <stdbool.h>

#include "system/sysfs.h"

/* How one is made again, and one that is a copy of it, or in a unified kernel image. */
#define INITRAMFS_AGAIN "update-initramfs -u -k all, or dracut --force --regenerate-all"
#define INITRAMFS_COPY_AGAIN "kernel-install add RELEASE KERNEL, or remove it if nothing boots it"

/* initramfs.c APIs: */
void initramfs_images(struct names *images, const char *release);
bool initramfs_is_copy(const char *image);

#endif
