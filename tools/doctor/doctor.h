/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a device is not bound, or cannot be migrated, on this host. */
#ifndef DOCTOR_H
#define DOCTOR_H

#include "configuration/config.h"
#include "doctor/findings.h"
#include "output/inventory.h"

/* system.c APIs: */
void examine_system(struct findings *findings, const struct config *config);

/* packages.c APIs: */
void examine_packages(struct findings *findings);

/* module.c APIs: */
void examine_module(struct findings *findings, const char *driver);
void examine_initramfs(struct findings *findings, const struct config *config);

/* device.c APIs: */
void examine_device(struct findings *findings, const struct config *config,
		    const struct entry *entry);

/* migration.c APIs: */
void examine_migration(struct findings *findings, const struct device *dev);

#endif
