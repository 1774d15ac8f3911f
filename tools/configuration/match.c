// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each key's value is a list, separated by commas. A device must match one of its items. The text
 * is kept as it was written and parsed for each check: there are few sections, and few checks.
 */
#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "configuration/match.h"
#include "system/sysfs.h"

#define ITEM_SIZE 64

const char *const match_key_names[NR_MATCH_KEYS] = {
	[MATCH_ADDRESS] = "address",
	[MATCH_ID] = "id",
	[MATCH_PF] = "pf",
	[MATCH_PF_NETDEV] = "pf_netdev",
	[MATCH_VF] = "vf",
	[MATCH_IOMMU_GROUP] = "iommu_group",
};

static bool take_number(const char **text, unsigned int *number)
{
	unsigned int digits;

	*number = 0;
	for (digits = 0; isdigit((unsigned char)**text) && digits < 9; digits++, (*text)++)
		*number = *number * 10 + (**text - '0');
	return digits > 0;
}

/* FIRST or FIRST-LAST */
static bool range_parse(const char *item, unsigned int *first, unsigned int *last)
{
	if (!take_number(&item, first))
		return false;
	*last = *first;
	if (*item == '-') {
		item++;
		if (!take_number(&item, last))
			return false;
	}
	return !*item && *first <= *last;
}

static bool in_range(const char *item, long number)
{
	unsigned int first, last;

	return range_parse(item, &first, &last) && number >= first && number <= last;
}

static const char *address_fault(const char *item)
{
	struct address address;

	return address_parse(item, &address) ? NULL : "not an address DDDD:BB:DD.F";
}

static bool has_address(const char *item, const char *text)
{
	struct address want, is;

	return address_parse(item, &want) && address_parse(text, &is) && address_equal(&want, &is);
}

static bool address_matches(const char *item, const struct device *dev)
{
	return has_address(item, dev->bdf);
}

static bool pf_matches(const char *item, const struct device *dev)
{
	return has_address(item, dev->pf);
}

static const char *id_fault(const char *item)
{
	bool has_subsystem;
	struct pci_ids ids;

	return ids_parse(item, &ids, &has_subsystem) ? NULL : "not an id VVVV:DDDD[:SVVV:SDDD]";
}

static bool id_matches(const char *item, const struct device *dev)
{
	bool has_subsystem;
	struct pci_ids ids;

	return ids_parse(item, &ids, &has_subsystem) &&
	       ids.vendor == dev->ids.vendor && ids.device == dev->ids.device &&
	       (!has_subsystem || dev->unknown & UNKNOWN_SUBSYSTEM ||
		(ids.subvendor == dev->ids.subvendor && ids.subdevice == dev->ids.subdevice));
}

/* The kernel's limit is 15 bytes, but patterns may be longer than what they match. */
static const char *netdev_fault(const char *item)
{
	return strpbrk(item, "/: \t") ? "not a network interface's name or pattern" : NULL;
}

static bool netdev_matches(const char *item, const struct device *dev)
{
	struct names names;
	bool matches = false;
	size_t n;

	if (!device_is_vf(dev))
		return false;
	list_names(&names, "/sys/bus/pci/devices/%s/net", dev->pf);
	for (n = 0; n < names.count && !matches; n++)
		matches = !fnmatch(item, names.name[n], 0);
	free_names(&names);
	return matches;
}

static const char *range_fault(const char *item)
{
	unsigned int first, last;

	return range_parse(item, &first, &last) ? NULL : "not a number or a range FIRST-LAST";
}

static bool vf_matches(const char *item, const struct device *dev)
{
	return device_is_vf(dev) && in_range(item, dev->vf_index);
}

static bool iommu_group_matches(const char *item, const struct device *dev)
{
	return in_range(item, dev->iommu_group);
}

static const struct {
	const char *(*fault)(const char *item);
	bool (*matches)(const char *item, const struct device *dev);
	unsigned int unknown;
} match[NR_MATCH_KEYS] = {
	[MATCH_ADDRESS] = { address_fault, address_matches, UNKNOWN_ADDRESS },
	[MATCH_ID] = { id_fault, id_matches },
	[MATCH_PF] = { address_fault, pf_matches },
	[MATCH_PF_NETDEV] = { netdev_fault, netdev_matches, UNKNOWN_NETDEVS_OF_PF },
	[MATCH_VF] = { range_fault, vf_matches },
	[MATCH_IOMMU_GROUP] = { range_fault, iommu_group_matches, UNKNOWN_IOMMU_GROUP },
};

/* Copies the next item without the blanks around it, and moves @list behind its comma. */
static bool next_item(const char **list, char *item, unsigned int size)
{
	const char *start = *list;
	size_t length;

	if (!start)
		return false;
	length = strcspn(start, ",");
	*list = start[length] ? start + length + 1 : NULL;
	while (length && isblank((unsigned char)*start)) {
		start++;
		length--;
	}
	while (length && isblank((unsigned char)start[length - 1]))
		length--;
	snprintf(item, size, "%.*s", (int)length, start);
	return true;
}

/* Returns the fault of @list, or NULL. @item gets the faulty item. */
const char *match_fault(enum match_key key, const char *list, char *item, unsigned int size)
{
	const char *fault = NULL;

	while (!fault && next_item(&list, item, size))
		fault = !*item ? "empty" : strlen(item) >= ITEM_SIZE ? "too long" :
			match[key].fault(item);
	return fault;
}

/* Whether @dev matches an item of @list. A value that is not known of it yet might match. */
bool match_device(enum match_key key, const char *list, const struct device *dev)
{
	char item[ITEM_SIZE];

	if (dev->unknown & match[key].unknown)
		return true;
	while (next_item(&list, item, sizeof(item)))
		if (match[key].matches(item, dev))
			return true;
	return false;
}
