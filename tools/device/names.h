/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of devices, by libpci and its list of ids. */
#ifndef NAMES_H
#define NAMES_H

#include "device/address.h"

/* names.c APIs: */
void name_lookup(char *name, int size, const struct pci_ids *ids);

#endif
