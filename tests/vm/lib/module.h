/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * module.h: kernel modules.
 *
 * Names are as loaded, with underscores: "vfio_pci". The guest holds the kernel's own driver in
 * /modules/kernel, ours in /modules/ours, and what both need in /modules/base.
 */
#ifndef VMTEST_MODULE_H
#define VMTEST_MODULE_H

#include <stdbool.h>

/*
 * Load the driver under test: its core, then vfio_pci with these parameters (NULL for none), and
 * the IOMMU backend. The _try form returns a negative errno when vfio_pci refuses.
 */
void driver_load(const char *parameters);
int driver_load_try(const char *parameters);
/* Unload vfio_pci and its core; fails the test when one is in use. */
void driver_unload(void);
/* Unload whatever is loaded of both drivers. For the runner. */
void driver_unload_all(void);
/* The core's module name: vfio_latch or vfio_pci_core. */
const char *driver_core(void);

/*
 * Load module NAME and what it depends on. SET is "base", "kernel" or "ours". A module that is
 * loaded already is left alone by module_load(), and -EEXIST for module_load_try(), which loads
 * only its dependencies unasked.
 */
void module_load(const char *set, const char *name, const char *parameters);
int module_load_try(const char *set, const char *name, const char *parameters);
/* Load module NAME of base as one that was not built with the kernel: it taints. */
void module_load_foreign(const char *name);
void module_unload(const char *name);
int module_unload_try(const char *name);
bool module_loaded(const char *name);
/* The use count of a loaded module; -1 when it is not loaded. */
int module_uses(const char *name);

/* Module parameters under /sys/module/NAME/parameters. */
char *module_parameter(const char *name, const char *parameter);
void module_parameter_set(const char *name, const char *parameter, const char *value);
int module_parameter_set_try(const char *name, const char *parameter, const char *value);
unsigned int module_parameter_mode(const char *name, const char *parameter);

#endif
