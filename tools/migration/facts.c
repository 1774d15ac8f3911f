// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads what decides whether a VF can go to another host, as far as sysfs shows it without an open
 * of the device. A fact that cannot be known is null. docs/migration.md has the members.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "device/device.h"
#include "device/node.h"
#include "device/users.h"
#include "migration/migration.h"
#include "system/driver.h"
#include "system/sysfs.h"
#include "system/text.h"

#define DEVICE "/sys/bus/pci/devices/%s/"
#define NR_BARS 6

#define STATUS 0x06
#define STATUS_CAPABILITIES 0x10
#define FIRST_CAPABILITY 0x34
#define CAPABILITY_MSIX 0x11

bool is_mlx5_vf(const struct device *dev)
{
	return dev->ids.vendor == 0x15b3 && dev->ids.device == 0x101e;
}

/* Without iova_bitmap, vfio cannot report what a device has written. */
bool kernel_can_report(void)
{
	char path[PATH_SIZE], line[512];
	bool found = false;
	FILE *symbols;

	system_path(path, "/proc/kallsyms");
	symbols = fopen(path, "re");
	while (symbols && !found && fgets(line, sizeof(line), symbols))
		found = strstr(line, " iova_bitmap_set");
	if (symbols)
		fclose(symbols);
	return found;
}

static json_t *text_or_null(const char *text)
{
	char clean[256];

	snprintf(clean, sizeof(clean), "%s", text);
	text_clean(clean);
	return *clean ? json_string(clean) : json_null();
}

static json_t *ids(const struct pci_ids *ids)
{
	return json_sprintf("%04x:%04x:%04x:%04x", ids->vendor, ids->device, ids->subvendor,
			    ids->subdevice);
}

static json_t *attribute(const char *format, const char *one, const char *other)
{
	char path[PATH_SIZE], text[NAME_SIZE];

	snprintf(path, sizeof(path), format, one, other);
	attr_read(text, sizeof(text), "%s", path);
	return text_or_null(text);
}

/* The first six lines of "resource": start, end and flags. A BAR that is not there has size 0. */
static json_t *bars(const struct device *dev)
{
	unsigned long long start, end, flags;
	char text[4096], *rest = text, *line;
	json_t *list = json_array();
	int n;

	attr_read(text, sizeof(text), DEVICE "resource", dev->bdf);
	for (n = 0; n < NR_BARS; n++) {
		line = strsep(&rest, "\n");
		if (!line || sscanf(line, "%llx %llx %llx", &start, &end, &flags) != 3) {
			json_decref(list);
			return json_null();
		}
		json_array_append_new(list, json_integer(end ? end - start + 1 : 0));
	}
	return list;
}

static size_t read_config(const struct device *dev, uint8_t config[256])
{
	char path[PATH_SIZE];
	ssize_t length;
	int fd;

	system_path(path, DEVICE "config", dev->bdf);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	length = read(fd, config, 256);
	close(fd);
	return length < 0 ? 0 : length;
}

/* The number of vectors: 0 without the capability, null if the user may not read that far. */
static json_t *msix(const struct device *dev)
{
	unsigned int place, left = 48;
	uint8_t config[256] = {};

	if (read_config(dev, config) < sizeof(config))
		return json_null();
	if (!(config[STATUS] & STATUS_CAPABILITIES))
		return json_integer(0);
	/* At most as many as there is room for: a list may be a loop. */
	for (place = config[FIRST_CAPABILITY] & 0xfc; place && left--;
	     place = config[place + 1] & 0xfc)
		if (config[place] == CAPABILITY_MSIX)
			return json_integer(((config[place + 2] | config[place + 3] << 8) & 0x7ff) + 1);
	return json_integer(0);
}

/* mlx5_ib shows the firmware's version and PSID. */
static void set_firmware(json_t *json, const struct device *pf)
{
	struct names names;

	list_names(&names, DEVICE "infiniband", pf->bdf);
	json_object_set_new(json, "firmware", names.count ?
			    attribute(DEVICE "infiniband/%s/fw_ver", pf->bdf, names.name[0]) :
			    json_null());
	json_object_set_new(json, "psid", names.count ?
			    attribute(DEVICE "infiniband/%s/board_id", pf->bdf, names.name[0]) :
			    json_null());
	free_names(&names);
}

static json_t *pf(const struct device *dev)
{
	struct address address;
	struct device pf;
	char name[256];
	json_t *json;

	if (!address_parse(dev->pf, &address) || !device_identify(&pf, &address))
		return json_null();
	name_lookup(name, sizeof(name), &pf.ids);
	json = json_object();
	json_object_set_new(json, "address", json_string(pf.bdf));
	json_object_set_new(json, "id", ids(&pf.ids));
	json_object_set_new(json, "name", text_or_null(name));
	json_object_set_new(json, "driver", text_or_null(pf.driver));
	set_firmware(json, &pf);
	return json;
}

static void set_driver(json_t *json, const struct device *dev)
{
	bool is_vfio = driver_is_vfio(dev->driver);
	char module[NAME_SIZE];

	module_name(module, dev->driver);
	json_object_set_new(json, "driver", text_or_null(dev->driver));
	json_object_set_new(json, "is_vfio_latch", is_vfio ? json_boolean(dev->is_latched) :
			    json_null());
	json_object_set_new(json, "driver_version", is_vfio ?
			    attribute("/sys/module/%s/version%s", module, "") : json_null());
}

/* A driver that shows a migration state shows a tracker state, too, if there is a tracker. */
static json_t *dma_logging(const struct device *dev)
{
	if (*dev->tracker_state)
		return json_true();
	return *dev->migration_state ? json_false() : json_null();
}

static void set_migration(json_t *json, const struct device *dev)
{
	bool was_copied = !strcmp(dev->cost.direction, "save") && dev->cost.precopy_bytes;

	json_object_set_new(json, "migratable", text_or_null(dev->migratable));
	json_object_set_new(json, "migration_state", text_or_null(dev->migration_state));
	/* Only a user that has opened the device can ask for these. A save shows the first one. */
	json_object_set_new(json, "pre_copy", was_copied ? json_true() : json_null());
	json_object_set_new(json, "chunks", json_null());
	json_object_set_new(json, "dma_logging", dma_logging(dev));
}

static json_t *is_open(const struct device *dev)
{
	enum open_state open = users_of(dev, NULL);

	return open == OPEN_UNKNOWN ? json_null() : json_boolean(open == OPEN);
}

/* Kernels without character devices of VFIO's devices have their directory in sysfs, too. */
static json_t *has_cdev(const struct device *dev)
{
	struct node nodes[MAX_NODES];
	size_t count = nodes_of(dev, nodes);

	return json_boolean(count && !nodes[count - 1].is_group);
}

static json_t *vf(const struct device *dev)
{
	json_t *json = json_object();
	char revision[NAME_SIZE];

	attr_read(revision, sizeof(revision), DEVICE "revision", dev->bdf);
	json_object_set_new(json, "address", json_string(dev->bdf));
	json_object_set_new(json, "id", ids(&dev->ids));
	json_object_set_new(json, "revision", text_or_null(revision));
	set_driver(json, dev);
	set_migration(json, dev);
	json_object_set_new(json, "open", is_open(dev));
	json_object_set_new(json, "cdev", has_cdev(dev));
	json_object_set_new(json, "bars", bars(dev));
	json_object_set_new(json, "msix", msix(dev));
	json_object_set_new(json, "pf", pf(dev));
	return json;
}

/* Returns the facts of this host and of @vfs. */
json_t *migration_facts(const struct devices *vfs)
{
	json_t *json = json_object(), *list = json_array();
	size_t n;

	for (n = 0; n < vfs->count; n++)
		json_array_append_new(list, vf(&vfs->device[n]));
	json_object_set_new(json, "version", json_integer(MIGRATION_VERSION));
	json_object_set_new(json, "kernel", attribute("/proc/sys/kernel/osrelease%s%s", "", ""));
	json_object_set_new(json, "iommufd", json_boolean(exists("/sys/class/misc/iommu")));
	json_object_set_new(json, "dma_logging", json_boolean(kernel_can_report()));
	json_object_set_new(json, "vfs", list);
	return json;
}
