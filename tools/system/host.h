/* SPDX-License-Identifier: GPL-2.0-only */
/* The host beyond its files: udev, block devices, the initramfs. Tests have a model of host.c. */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stdio.h>

/* host.c APIs: */
bool udev_is_active(void);
int block_device_open_alone(const char *name);
FILE *initramfs_open(const char *image);
void initramfs_close(FILE *list);

#endif
