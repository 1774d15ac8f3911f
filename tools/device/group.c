// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "device/group.h"
#include "system/sysfs.h"

static bool is_bridge(const char *address)
{
	return attr_number(16, "/sys/bus/pci/devices/%s/class", address) >> 8 == 0x0604;
}

/* Reads the functions of @group but bridges, which keep no user out. Free devices->device. */
void group_read(struct devices *devices, int group)
{
	struct address address;
	struct names names;
	size_t n;

	list_names(&names, "/sys/kernel/iommu_groups/%d/devices", group);
	*devices = (struct devices){ .device = calloc(names.count + 1, sizeof(struct device)) };
	for (n = 0; devices->device && n < names.count; n++)
		if (!is_bridge(names.name[n]) && address_parse(names.name[n], &address) &&
		    device_read(&devices->device[devices->count], &address))
			devices->count++;
	free_names(&names);
}

/* Whether @dev has a driver that does DMA for the host: then VFIO gives its group to no user. */
bool host_has(const struct device *dev)
{
	return dev->driver[0] && !driver_is_vfio(dev->driver) && strcmp(dev->driver, "pci-stub");
}
