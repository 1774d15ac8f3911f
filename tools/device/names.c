// SPDX-License-Identifier: GPL-2.0-only
/* Names of devices, by libpci and its list of ids. */
#include <pci/pci.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/device.h"
#include "system/report.h"
#include "system/sysfs.h"
#include "system/text.h"

static void keep_silent(char *message, ...)
{
	(void)message;
}

__attribute__((noreturn))
static void give_up(char *message, ...)
{
	error("libpci: %s", message);
	exit(EXIT_FAILED);
}

/* Without pci_init(), which needs access to the devices: only names are looked up. */
static struct pci_access *access_open(void)
{
	struct pci_access *pci = pci_alloc();
	char path[PATH_SIZE];

	pci->error = give_up;
	pci->warning = keep_silent;
	pci->debug = keep_silent;
	/* hwdb has the same names, and libpci leaks the memory of a look-up there. */
	pci_set_param(pci, "hwdb.disable", "1");
	/* Another root may have a list of its own. */
	system_path(path, "/usr/share/misc/pci.ids");
	if (*system_root() && !access(path, R_OK))
		pci_set_name_list_path(pci, strdup(path), 1);
	return pci;
}

/* Writes the names of vendor and device, or numbers if the list does not know them. */
void name_lookup(char *name, int size, const struct pci_ids *ids)
{
	static struct pci_access *pci;

	if (!pci)
		pci = access_open();
	pci_lookup_name(pci, name, size, PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE, ids->vendor,
			ids->device);
	text_clean(name);
}
