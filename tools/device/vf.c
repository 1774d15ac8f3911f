// SPDX-License-Identifier: GPL-2.0-only
/* Which PF a VF belongs to, and which VFs a PF would have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "system/bounded.h"
#include "system/sysfs.h"

#define DEVICE "/sys/bus/pci/devices/%s/"

/*
 * Reads how PCI numbers @pf's VFs: the routing ID of VF n is the PF's plus offset plus n times
 * stride. Returns false while the PF does not show that.
 */
static bool vf_numbering(const char *pf, long *offset, long *stride)
{
	*offset = attr_number(10, DEVICE "sriov_offset", pf);
	*stride = attr_number(10, DEVICE "sriov_stride", pf);
	return *offset > 0 && *stride > 0;
}

static bool is_vf_of(const struct device *vf, const char *pf, unsigned int *index)
{
	long offset, stride, distance, total = attr_number(10, DEVICE "sriov_totalvfs", pf);
	struct address address;

	if (total <= 0 || !vf_numbering(pf, &offset, &stride) || !address_parse(pf, &address) ||
	    address.domain != vf->address.domain)
		return false;
	distance = address_routing_id(&vf->address) - address_routing_id(&address) - offset;
	if (distance < 0 || distance % stride || distance / stride >= total)
		return false;
	*index = distance / stride;
	return true;
}

/*
 * udev may be faster than the kernel, which links a VF with its PF only after the event. Then the
 * VF's address, by the PF's numbering, shows its PF.
 */
static void find_by_numbering(struct device *dev)
{
	struct names names;
	size_t n;

	list_names(&names, "/sys/bus/pci/devices");
	for (n = 0; n < names.count && !dev->pf[0]; n++)
		if (is_vf_of(dev, names.name[n], &dev->vf_index))
			snprintf(dev->pf, sizeof(dev->pf), "%.16s", names.name[n]);
	free_names(&names);
}

/* Finds the index in the PF's links, which are also right on hardware with a strange numbering. */
static bool find_by_links(struct device *dev)
{
	long n, total = attr_number(10, DEVICE "sriov_totalvfs", dev->pf);
	char name[ADDRESS_SIZE];

	for (n = 0; n < total; n++) {
		if (link_name(name, sizeof(name), DEVICE "virtfn%ld", dev->pf, n))
			continue;
		if (!strcmp(name, dev->bdf)) {
			dev->vf_index = n;
			return true;
		}
	}
	return false;
}

/* Sets dev->pf and dev->vf_index if @dev is a VF. */
void vf_find_pf(struct device *dev)
{
	if (!link_name(dev->pf, sizeof(dev->pf), DEVICE "physfn", dev->bdf)) {
		if (!is_vf_of(dev, dev->pf, &dev->vf_index))
			find_by_links(dev);
	} else if (exists(DEVICE "sriov_vf_msix_count", dev->bdf)) {
		/* A VF has this attribute from the start, before the event. */
		find_by_numbering(dev);
	}
}

/* Whether the kernel has linked @vf with its PF, half-way through adding it. */
bool vf_is_linked(const struct device *vf)
{
	return exists(DEVICE "physfn", vf->bdf);
}

static int read_numvfs(const void *arg)
{
	attr_number(10, DEVICE "sriov_numvfs", (const char *)arg);
	return 0;
}

/*
 * Waits until the kernel has added all VFs of the PF. The kernel holds the PF's lock meanwhile, and
 * a reader of sriov_numvfs waits for the lock. Returns -ETIMEDOUT if that takes too long.
 */
int vf_wait_until_added(const struct device *vf)
{
	return bounded(read_numvfs, vf->pf, vf->lock);
}

static int answer_numvfs(const void *arg, char *answer)
{
	int length = attr_read(answer, ANSWER_SIZE, DEVICE "sriov_numvfs", (const char *)arg);

	return length < 0 ? length : 0;
}

/*
 * How many VFs @pf has, once the kernel has added or removed what it is about to: it may have to be
 * waited for. Or a negative errno, -ETIMEDOUT if that takes too long.
 */
int vf_count(const struct device *pf)
{
	char answer[ANSWER_SIZE];
	int ret = bounded_answer(answer_numvfs, pf->bdf, pf->lock, answer);

	return ret ? ret : atoi(answer);
}

/* How many VFs of @pf are there now, without a wait. */
unsigned int vf_links(const struct device *pf)
{
	unsigned int count = 0;
	struct names names;
	size_t n;

	list_names(&names, DEVICE, pf->bdf);
	for (n = 0; n < names.count; n++)
		count += !strncmp(names.name[n], "virtfn", 6);
	free_names(&names);
	return count;
}

/* Reads VF number @index of @pf. False if it is not there. */
bool vf_at(struct device *vf, const struct device *pf, unsigned int index)
{
	char name[ADDRESS_SIZE];
	struct address address;

	return !link_name(name, sizeof(name), DEVICE "virtfn%u", pf->bdf, index) &&
	       address_parse(name, &address) && device_read(vf, &address);
}

/* Fills in what is known of VF number @index of @pf before it exists. False if its id is not. */
bool vf_to_come(struct device *vf, const struct device *pf, unsigned int index)
{
	long id = attr_number(16, DEVICE "sriov_vf_device", pf->bdf), offset, stride;
	struct names netdevs;

	*vf = (struct device){
		.ids = { .vendor = pf->ids.vendor, .device = id },
		.iommu_group = -1,
		.vf_index = index,
		.unknown = UNKNOWN_SUBSYSTEM | UNKNOWN_IOMMU_GROUP,
	};
	if (id < 0)
		return false;
	snprintf(vf->pf, sizeof(vf->pf), "%s", pf->bdf);
	if (vf_numbering(pf->bdf, &offset, &stride)) {
		unsigned int rid = address_routing_id(&pf->address) + offset + index * stride;

		vf->address = (struct address){
			pf->address.domain, rid >> 8, rid >> 3 & 0x1f, rid & 7
		};
		address_format(vf->bdf, &vf->address);
	} else {
		vf->unknown |= UNKNOWN_ADDRESS;
	}
	list_names(&netdevs, DEVICE "net", pf->bdf);
	if (!netdevs.count)
		vf->unknown |= UNKNOWN_NETDEVS_OF_PF;
	free_names(&netdevs);
	return true;
}
