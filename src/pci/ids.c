// SPDX-License-Identifier: GPL-2.0-only
/* The parameter ids: IDs that a driver binds as soon as it is loaded. */
#include <linux/pci.h>
#include <linux/slab.h>

#include "ids.h"

/* Omitted members of an ID match anything. Without a mask the class does not count. */
static int add_id(struct pci_driver *driver, const char *text)
{
	u32 vendor, device, subvendor = PCI_ANY_ID, subdevice = PCI_ANY_ID;
	u32 class = 0, class_mask = 0;
	char rest;
	int members;

	members = sscanf(text, "%x:%x:%x:%x:%x:%x%c", &vendor, &device, &subvendor, &subdevice,
			 &class, &class_mask, &rest);
	if (members < 2 || members > 6)
		return -EINVAL;
	return pci_add_dynid(driver, vendor, device, subvendor, subdevice, class, class_mask, 0);
}

/**
 * latch_add_ids - make a driver bind the IDs of a list
 * @driver: the driver, registered
 * @ids: IDs, separated by commas
 *
 * An ID that is malformed or known already is skipped with a line in the log,
 * as users of this parameter expect.
 */
void latch_add_ids(struct pci_driver *driver, const char *ids)
{
	char *copy = kstrdup(ids, GFP_KERNEL);
	char *rest = copy;
	char *id;

	while ((id = strsep(&rest, ","))) {
		int ret;

		if (!*id)
			continue;
		ret = add_id(driver, id);
		if (ret)
			pr_warn("%s: id \"%s\" not added (%d)\n", driver->name, id, ret);
		else
			pr_info("%s: id \"%s\" added\n", driver->name, id);
	}
	kfree(copy);
}
