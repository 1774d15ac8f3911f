/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cdev.h: devices that are opened by their own nodes, /dev/vfio/devices/vfioN, and bound to an
 * iommufd. What vfio.h does with an open device it does with these, too.
 *
 * Functions that end in _try return a negative errno on failure; all others fail the test.
 */
#ifndef VMTEST_CDEV_H
#define VMTEST_CDEV_H

#include "vfio.h"

/* For TEST_WHEN: Debian's kernels have no iommufd, nor does ours of 6.1. */
bool kernel_has_cdev(void);
/* The same, for promises of our driver alone. */
bool kernel_has_cdev_and_driver_is_ours(void);

/* Open the node; the device can be used when it is bound. */
struct vfio_device *cdev_open(const char *bdf);
int cdev_open_try(const char *bdf, struct vfio_device **device);
/* Bind it to a context, naming a token of 16 bytes or NULL. */
int cdev_bind_try(struct vfio_device *device, int iommufd, const uint8_t *token);
void cdev_bind(struct vfio_device *device, int iommufd);
/* Both; closes it if it cannot be bound. */
int cdev_open_bound_try(const char *bdf, int iommufd, const uint8_t *token,
			struct vfio_device **device);
struct vfio_device *cdev_open_bound(const char *bdf, int iommufd);

/* To an IOAS or HWPT, in place of the one that it is attached to, if any. */
int cdev_attach_try(struct vfio_device *device, uint32_t pt);
void cdev_attach(struct vfio_device *device, uint32_t pt);
int cdev_detach_try(struct vfio_device *device);
void cdev_detach(struct vfio_device *device);
/* The same for what the device does in the name of a PASID. */
int cdev_attach_pasid_try(struct vfio_device *device, uint32_t pasid, uint32_t pt);
int cdev_detach_pasid_try(struct vfio_device *device, uint32_t pasid);

/* A hot reset as a client of nodes asks for it, that is, without a proof. */
int cdev_hot_reset_try(struct vfio_device *device);

/* Newer than Debian 12's header: flags of vfio_pci_hot_reset_info, and what is for a group there. */
#define HOT_RESET_INFO_DEVIDS	(1 << 0)
#define HOT_RESET_INFO_OWNED	(1 << 1)
#define DEVID_OWNED		0
#define DEVID_NOT_OWNED		((uint32_t)-1)

#endif
