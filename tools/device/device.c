// SPDX-License-Identifier: GPL-2.0-only
/* Reads PCI functions and their IOMMU groups from sysfs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "system/bounded.h"
#include "system/driver.h"
#include "system/sysfs.h"

#define DEVICE "/sys/bus/pci/devices/%s/"

/* How long a device's driver_override is waited for, and if it has a driver and others wait, too. */
#define OVERRIDE_SECONDS 5
#define OVERRIDE_SECONDS_AT_ONCE 1

static void read_latched(struct device *dev)
{
	char text[NR_TUNABLES * (SOURCE_SIZE + 32)], *rest = text, *line;
	int tunable;

	dev->is_latched = false;
	if (attr_read(text, sizeof(text), DEVICE "vfio_pci/policy_source", dev->bdf) < 0)
		return;
	dev->is_latched = true;
	for (tunable = 0; tunable < NR_TUNABLES; tunable++)
		dev->latched[tunable].value =
			attr_number(10, DEVICE "vfio_pci/%s", dev->bdf,
				    tunable_names[tunable]) == 1;
	while ((line = strsep(&rest, "\n"))) {
		char *source = strchr(line, ' ');

		if (!source)
			continue;
		*source++ = '\0';
		for (tunable = 0; tunable < NR_TUNABLES; tunable++)
			if (!strcmp(line, tunable_names[tunable]))
				snprintf(dev->latched[tunable].source, SOURCE_SIZE, "%s", source);
	}
}

static int do_read_override(const void *bdf, char *answer)
{
	attr_read(answer, ANSWER_SIZE, DEVICE "driver_override", (const char *)bdf);
	return 0;
}

/*
 * Kernels such as 6.1 show driver_override when no driver is taking or leaving the device, or is at
 * work on its VFs, and it may never come back. sysfs shows no driver from when the present one
 * begins to leave, and the new one from when its probe begins: who is asked about a device with a
 * driver waits for that probe, but not long if the boot or udev waits for the answer. If the reader
 * does not come back either, no driver_override is known.
 */
static void read_override(struct device *dev)
{
	unsigned int most = dev->driver[0] && bounded_as_a_whole() ?
			    OVERRIDE_SECONDS_AT_ONCE : OVERRIDE_SECONDS;
	unsigned int seconds = bounded_seconds(0);
	char answer[ANSWER_SIZE];

	bounded_set(seconds && seconds < most ? seconds : most);
	bounded_answer(do_read_override, dev->bdf, 0, answer);
	bounded_set(seconds);
	snprintf(dev->driver_override, sizeof(dev->driver_override), "%.*s",
		 (int)sizeof(dev->driver_override) - 1, answer);
}

static void read_driver_name(struct device *dev)
{
	link_name(dev->driver, sizeof(dev->driver), DEVICE "driver", dev->bdf);
}

/* Reads again what changes when a driver comes or goes. */
void device_read_driver(struct device *dev)
{
	read_driver_name(dev);
	read_override(dev);
	/* The kernel shows "(null)" if it is not set. */
	if (!strcmp(dev->driver_override, "(null)"))
		dev->driver_override[0] = '\0';
	read_latched(dev);
	attr_read(dev->migratable, sizeof(dev->migratable), DEVICE "vfio_pci/migratable", dev->bdf);
	attr_read(dev->migration_state, sizeof(dev->migration_state),
		  DEVICE "vfio_pci/migration_state", dev->bdf);
	attr_read(dev->tracker_state, sizeof(dev->tracker_state),
		  DEVICE "vfio_pci/tracker_state", dev->bdf);
	cost_read(&dev->cost, dev->bdf);
}

static uint16_t read_id(const struct device *dev, const char *name)
{
	long id = attr_number(16, DEVICE "%s", dev->bdf, name);

	return id < 0 ? 0 : id;
}

static void read_ids(const struct device *dev, struct pci_ids *ids)
{
	*ids = (struct pci_ids){
		.vendor = read_id(dev, "vendor"),
		.device = read_id(dev, "device"),
		.subvendor = read_id(dev, "subsystem_vendor"),
		.subdevice = read_id(dev, "subsystem_device"),
	};
}

/* Whether the function at the address of @dev is still of the model that it was. */
bool device_is_still_there(const struct device *dev)
{
	struct pci_ids now;

	read_ids(dev, &now);
	return exists(DEVICE "vendor", dev->bdf) && !memcmp(&now, &dev->ids, sizeof(now));
}

/* A PF's driver may lower the number when it comes. */
void device_read_total_vfs(struct device *dev)
{
	long total = attr_number(10, DEVICE "sriov_totalvfs", dev->bdf);

	dev->total_vfs = total < 0 ? 0 : total;
}

/*
 * Reads what sysfs shows without a wait for a driver: all but what device_read_driver() adds to the
 * driver's name. Returns false if there is no such function.
 */
bool device_identify(struct device *dev, const struct address *address)
{
	char group[NAME_SIZE];

	*dev = (struct device){ .address = *address, .iommu_group = -1 };
	address_format(dev->bdf, address);
	if (!exists(DEVICE "vendor", dev->bdf))
		return false;

	read_ids(dev, &dev->ids);
	if (!link_name(group, sizeof(group), DEVICE "iommu_group", dev->bdf))
		dev->iommu_group = atoi(group);
	device_read_total_vfs(dev);
	vf_find_pf(dev);
	read_driver_name(dev);
	return true;
}

/* Returns false if there is no such function. */
bool device_read(struct device *dev, const struct address *address)
{
	if (!device_identify(dev, address))
		return false;
	device_read_driver(dev);
	return true;
}

bool device_is_vf(const struct device *dev)
{
	return dev->pf[0];
}

/* Reads all functions, sorted by address. Free devices->device afterwards. */
void devices_read(struct devices *devices)
{
	struct address address;
	struct names names;
	size_t n;

	list_names(&names, "/sys/bus/pci/devices");
	*devices = (struct devices){ .device = calloc(names.count + 1, sizeof(struct device)) };
	for (n = 0; devices->device && n < names.count; n++)
		if (address_parse(names.name[n], &address) &&
		    device_read(&devices->device[devices->count], &address))
			devices->count++;
	free_names(&names);
}

static bool is_bridge(const char *address)
{
	return attr_number(16, "/sys/bus/pci/devices/%s/class", address) >> 8 == 0x0604;
}

/* Reads the functions of @group but bridges, which keep no user out. Free devices->device. */
bool group_read(struct devices *devices, int group)
{
	bool is_read;
	struct address address;
	struct names names;
	size_t n;

	list_names(&names, "/sys/kernel/iommu_groups/%d/devices", group);
	*devices = (struct devices){ .device = calloc(names.count + 1, sizeof(struct device)) };
	for (n = 0; devices->device && n < names.count; n++)
		if (!is_bridge(names.name[n]) && address_parse(names.name[n], &address) &&
		    device_read(&devices->device[devices->count], &address))
			devices->count++;
	is_read = names.count;
	free_names(&names);
	return is_read;
}

/* Whether @dev has a driver that does DMA for the host: then VFIO gives its group to no user. */
bool host_has(const struct device *dev)
{
	return dev->driver[0] && !driver_is_vfio(dev->driver) && strcmp(dev->driver, "pci-stub");
}
