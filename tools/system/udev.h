/* SPDX-License-Identifier: GPL-2.0-only */
/* udev, by libudev. Tests have a model in place of udev.c. */
#ifndef UDEV_H
#define UDEV_H

#include <stdbool.h>

/* udev.c APIs: */
bool udev_is_active(void);

#endif
