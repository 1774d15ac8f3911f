/* SPDX-License-Identifier: GPL-2.0-only */
/* Drivers, and the modules that contain them. */
#ifndef DRIVER_H
#define DRIVER_H

#include <stdbool.h>

#include "system/sysfs.h"

/* The driver that can migrate VFs of ConnectX and BlueField. */
#define MLX5_DRIVER "mlx5_vfio_pci"

/* driver.c APIs: */
void module_name(char name[NAME_SIZE], const char *driver);
bool driver_is(const char *driver, const char *name);
bool driver_spell(char spelled[NAME_SIZE], const char *driver);
bool driver_is_registered(const char *driver);
bool driver_is_vfio(const char *driver);
bool driver_is_for_user_space(const char *driver);
bool driver_is_for_vfs(const char *driver);
int module_load_bounded(const char *name, int kept);
int driver_load(const char *driver);
bool driver_cannot_load(const char *driver, char *why, size_t size);

#endif
