/* SPDX-License-Identifier: GPL-2.0-only */
/* PCI functions as sysfs shows them: PFs, VFs, IOMMU groups. */
#ifndef DEVICE_H
#define DEVICE_H

#include "device/address.h"
#include "device/cost.h"
#include "device/tunable.h"
#include "system/sysfs.h"

#define SOURCE_SIZE 80

/* A tunable's value that a bound device has, and where it came from. */
struct latched {
	bool value;
	char source[SOURCE_SIZE];
};

/* What is not known yet of a VF to come. */
enum unknown {
	UNKNOWN_ADDRESS = 1,
	UNKNOWN_SUBSYSTEM = 2,
	UNKNOWN_NETDEVS_OF_PF = 4,
	UNKNOWN_IOMMU_GROUP = 8,
};

/**
 * struct device - a function, as device_read() saw it
 * @bdf: its address as sysfs writes it
 * @driver: the driver that has it, or ""
 * @driver_override: the only driver that may bind it, or ""
 * @iommu_group: number, or -1
 * @pf: a VF's PF, or ""
 * @vf_index: its number among its PF's VFs, from 0
 * @total_vfs: how many VFs a PF can have; 0 if it is not a PF
 * @is_latched: one of our drivers has it, and @latched has its tunables
 * @migratable: "yes", or why the device cannot be migrated; "" if its driver does not say
 * @migration_state, @tracker_state: "" if it has none
 * @cost: what its last migration cost
 * @lock: held while this process changes its driver; otherwise 0
 * @unknown: bits of enum unknown
 */
struct device {
	struct address address;
	char bdf[ADDRESS_SIZE];
	struct pci_ids ids;
	char driver[NAME_SIZE];
	char driver_override[NAME_SIZE];
	int iommu_group;
	char pf[ADDRESS_SIZE];
	unsigned int vf_index;
	unsigned int total_vfs;
	bool is_latched;
	struct latched latched[NR_TUNABLES];
	char migratable[NAME_SIZE];
	char migration_state[NAME_SIZE];
	char tracker_state[NAME_SIZE];
	struct cost cost;
	int lock;
	unsigned int unknown;
};

struct devices {
	struct device *device;
	size_t count;
};

/* device.c APIs: */
bool device_identify(struct device *dev, const struct address *address);
bool device_read(struct device *dev, const struct address *address);
bool device_is_still_there(const struct device *dev);
void device_read_driver(struct device *dev);
void device_read_total_vfs(struct device *dev);
bool device_is_vf(const struct device *dev);
void devices_read(struct devices *devices);
bool group_read(struct devices *devices, int group);
bool host_has(const struct device *dev);

/* vf.c APIs: */
void vf_find_pf(struct device *dev);
bool vf_is_linked(const struct device *vf);
int vf_wait_until_added(const struct device *vf);
int vf_count(const struct device *pf);
unsigned int vf_links(const struct device *pf);
bool vf_at(struct device *vf, const struct device *pf, unsigned int index);
bool vf_to_come(struct device *vf, const struct device *pf, unsigned int index);

/* names.c APIs: */
void name_lookup(char *name, int size, const struct pci_ids *ids);

#endif
