/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pci.h: PCI functions as sysfs shows them. A function is named by its address, "0000:01:00.0",
 * which comes from vm_bdf() or pci_find().
 */
#ifndef VMTEST_PCI_H
#define VMTEST_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_BDF_SIZE 16

/* The driver's name, ours and the kernel's. */
#define VFIO_PCI "vfio-pci"

/*
 * The INDEXth function with this vendor and device id, in the order of addresses. The string
 * lives until the test ends.
 */
const char *pci_find(unsigned int vendor, unsigned int device, int index);

/* An attribute below the function's directory, to be freed. */
char *pci_attr(const char *bdf, const char *name);
long long pci_attr_number(const char *bdf, const char *name);
void pci_attr_set(const char *bdf, const char *name, const char *value);
int pci_attr_set_try(const char *bdf, const char *name, const char *value);
bool pci_attr_exists(const char *bdf, const char *name);
unsigned int pci_attr_mode(const char *bdf, const char *name);

/*
 * Map SIZE bytes at OFFSET of a BAR through sysfs, behind the driver's back; fails the test when it
 * cannot be had. To be unmapped, or left to the test's end.
 */
volatile void *pci_map_bar(const char *bdf, unsigned int bar, uint64_t offset, size_t size);

/* The bound driver, "" for none; lives until the test ends. */
const char *pci_driver(const char *bdf);
/* Take the function from its driver, then give it to DRIVER through driver_override. */
void pci_bind(const char *bdf, const char *driver);
/* The same; returns a negative errno, with the override removed again. */
int pci_bind_try(const char *bdf, const char *driver);
/* Take the function from its driver, if it has one, and forget the override. */
void pci_unbind(const char *bdf);
int pci_unbind_try(const char *bdf);
/* Write "VENDOR DEVICE" and the like to the driver's new_id or remove_id. */
int pci_new_id_try(const char *driver, const char *id);
int pci_remove_id_try(const char *driver, const char *id);

/* The bridge or port that the function is behind; lives until the test ends. */
const char *pci_upstream(const char *bdf);

/* The IOMMU group's number; -1 when there is none. */
int pci_group(const char *bdf);

/* SR-IOV: set the number of VFs, and the INDEXth VF's address, which lives until the end. */
int pci_set_vfs_try(const char *pf, int count);
void pci_set_vfs(const char *pf, int count);
const char *pci_vf(const char *pf, int index);

/* Runtime power management. */
int pm_usage(const char *bdf);			/* the usage count */
char *pm_status(const char *bdf);		/* "active", "suspended", ... */
char *pci_power_state(const char *bdf);		/* "D0", "D3hot", ... */
/* Wait until the function is in this power state; fails the test when it does not get there. */
void pci_wait_power_state(const char *bdf, const char *state);

/* Let every function report its errors, where firmware has not. For the runner. */
void pci_report_errors(void);

/*
 * Take every function from vfio-pci, VFs away, overrides away; fails the test if one is then
 * still enabled. For the runner.
 */
void pci_release_all(void);

#endif
