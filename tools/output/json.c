// SPDX-License-Identifier: GPL-2.0-only
/* JSON, for programs: docs/json.md. A value that a device does not have is null. */
#include <stdlib.h>
#include <string.h>

#include "output/inventory.h"
#include "output/json.h"
#include "system/text.h"

/* The version of what list and show print. */
#define INVENTORY_VERSION 1

static json_t *string_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static json_t *id_text(uint16_t id)
{
	return json_sprintf("%04x", id);
}

static json_t *tunables(const struct device *dev)
{
	json_t *object;
	int n;

	if (!dev->is_latched)
		return json_null();
	object = json_object();
	for (n = 0; n < NR_TUNABLES; n++)
		json_object_set_new(object, tunable_names[n],
				    json_pack("{s:b, s:s}", "value", dev->latched[n].value,
					      "source", dev->latched[n].source));
	return object;
}

static json_t *vf(const struct device *dev)
{
	if (!device_is_vf(dev))
		return json_null();
	return json_pack("{s:s, s:i}", "pf", dev->pf, "index", (int)dev->vf_index);
}

static json_t *sriov(const struct entry *entry)
{
	const struct section *section = entry->section;

	if (!entry->device.total_vfs)
		return json_null();
	return json_pack("{s:i, s:i, s:o}", "vfs", (int)entry->vfs,
			 "total", (int)entry->device.total_vfs,
			 "wanted", section && section->num_vfs ?
			 json_integer(section->num_vfs) : json_null());
}

static json_t *section(const struct entry *entry)
{
	const struct section *section = entry->section;

	if (!section)
		return json_null();
	return json_pack("{s:s, s:s, s:i, s:s, s:b}", "name", section->name,
			 "file", section->file, "line", (int)section->line,
			 "driver", section->value[KEY_DRIVER],
			 "as_configured", entry->as_configured);
}

static json_t *user(const struct entry *entry)
{
	if (entry->open != OPEN)
		return json_null();
	return json_pack("{s:i, s:s}", "pid", entry->user->pid, "command", entry->user->command);
}

static json_t *is_open(const struct entry *entry)
{
	return entry->open == OPEN_UNKNOWN ? json_null() : json_boolean(entry->open == OPEN);
}

static json_t *last_migration(const struct cost *cost)
{
	json_t *json, *commands;
	int n;

	if (!*cost->direction)
		return json_null();
	commands = json_object();
	for (n = 0; n < NR_COMMANDS; n++)
		json_object_set_new(commands, command_names[n],
				    json_pack("{s:I, s:I}", "count", (json_int_t)cost->count[n],
					      "us", (json_int_t)cost->us[n]));
	json = json_pack("{s:s, s:s, s:I, s:I, s:o}", "direction", cost->direction,
			 "end", cost->end, "bytes", (json_int_t)cost->bytes,
			 "precopy_bytes", (json_int_t)cost->precopy_bytes, "commands", commands);
	return json;
}

/* A value that cannot be read is null. */
static json_t *node(const struct node_state *state)
{
	json_t *json = json_pack("{s:o, s:n, s:n, s:n}", "path",
				 json_sprintf("/dev/%s", state->node.name), "owner", "group", "mode");
	char owner[ACCESS_NAME_SIZE], group[ACCESS_NAME_SIZE];

	if (!state->fault) {
		name_of(owner, state->is.uid, false);
		name_of(group, state->is.gid, true);
		json_object_set_new(json, "owner", json_string(owner));
		json_object_set_new(json, "group", json_string(group));
		json_object_set_new(json, "mode", json_sprintf("%04o", state->is.mode));
	}
	json_object_set_new(json, "as_configured", json_boolean(node_is_as_configured(state)));
	return json;
}

static json_t *nodes(const struct entry *entry)
{
	json_t *list = json_array();
	size_t n;

	for (n = 0; n < entry->node_count; n++)
		json_array_append_new(list, node(&entry->node[n]));
	return list;
}

static json_t *entry_json(const struct entry *entry)
{
	const struct device *dev = &entry->device;

	return json_pack("{s:s, s:s, s:{s:o, s:o, s:o, s:o}, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "address", dev->bdf, "name", entry->name,
			 "id", "vendor", id_text(dev->ids.vendor),
			 "device", id_text(dev->ids.device),
			 "subvendor", id_text(dev->ids.subvendor),
			 "subdevice", id_text(dev->ids.subdevice),
			 "driver", string_or_null(dev->driver),
			 "driver_override", string_or_null(dev->driver_override),
			 "iommu_group", dev->iommu_group < 0 ? json_null() :
			 json_integer(dev->iommu_group),
			 "vf", vf(dev), "sriov", sriov(entry), "tunables", tunables(dev),
			 "open", is_open(entry), "user", user(entry),
			 "nodes", nodes(entry),
			 "migratable", string_or_null(dev->migratable),
			 "migration_state", string_or_null(dev->migration_state),
			 "tracker_state", string_or_null(dev->tracker_state),
			 "last_migration", last_migration(&dev->cost),
			 "section", section(entry));
}

/* Files may have any bytes. */
static json_t *clean_text(const char *text)
{
	char *copy = strdup(text);
	json_t *json;

	if (!copy)
		abort();
	text_clean(copy);
	json = json_string(copy);
	free(copy);
	return json;
}

static json_t *fault(const struct fault *fault)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "file", clean_text(fault->file),
			 "line", fault->line ? json_integer(fault->line) : json_null(),
			 "section", fault->section ? clean_text(fault->section) : json_null(),
			 "text", clean_text(fault->text));
}

/* What list and show print: the member @name, and the faults of the configuration. */
static void print(const struct inventory *inventory, const char *name, json_t *json)
{
	json_t *faults = json_array(), *whole;
	size_t n;

	for (n = 0; n < inventory->config.fault_count; n++)
		json_array_append_new(faults, fault(&inventory->config.fault[n]));
	whole = json_pack("{s:i, s:o, s:o}", "version", INVENTORY_VERSION, name, json,
			  "faults", faults);
	json_print(whole);
	json_decref(whole);
}

void json_print(const json_t *json)
{
	/* Names come from a list and from user space; jansson takes UTF-8 only. */
	if (!json)
		abort();
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
}

void json_print_list(const struct inventory *inventory)
{
	json_t *list = json_array();
	size_t n;

	for (n = 0; n < inventory->count; n++)
		json_array_append_new(list, entry_json(&inventory->entry[n]));
	print(inventory, "devices", list);
}

void json_print_device(const struct inventory *inventory)
{
	print(inventory, "device", entry_json(&inventory->entry[0]));
}
