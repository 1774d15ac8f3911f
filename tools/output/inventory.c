// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "binding/bind.h"
#include "device/device.h"
#include "output/inventory.h"
#include "system/driver.h"
#include "system/text.h"

/* With a malformed configuration no section is for a device, but the devices are still shown. */
void inventory_open(struct inventory *inventory)
{
	*inventory = (struct inventory){};
	config_load(&inventory->config);
}

static const struct section *section_of(const struct inventory *inventory,
					const struct device *dev)
{
	return config_refused(&inventory->config) ? NULL : config_find(&inventory->config, dev);
}

/* Whether @dev has a VFIO driver, or a section matches it. */
bool is_inventoried(const struct inventory *inventory, const struct device *dev)
{
	return driver_is_vfio(dev->driver) || section_of(inventory, dev);
}

/* A section for PFs that matches VFs, too, is the configuration's mistake, which check tells. */
static bool has_its_vfs(const struct entry *entry)
{
	return !entry->section->num_vfs || device_is_vf(&entry->device) ||
	       entry->vfs == entry->section->num_vfs;
}

/* A device without a section is as configured. */
static void compare(struct entry *entry, const struct config *config)
{
	const struct section *section = entry->section;
	struct want want = { .tunable = { UNSAID, UNSAID, UNSAID } };

	entry->is_bound = !section;
	entry->is_as_wanted = !section;
	entry->as_configured = !section;
	if (!section || section->is_refused)
		return;
	want.driver = section->value[KEY_DRIVER];
	entry->is_bound = device_is_as_wanted(&entry->device, &want);
	memcpy(want.tunable, section->tunable, sizeof(want.tunable));
	entry->is_as_wanted = device_is_as_wanted(&entry->device, &want);
	want.migratable = migratable_wanted(config, &entry->device, want.driver);
	entry->as_configured = device_is_as_wanted(&entry->device, &want) && has_its_vfs(entry);
}

/* Output is text, whatever bytes root or a driver has written into sysfs. */
static void clean(struct device *dev)
{
	char *const texts[] = {
		dev->driver, dev->driver_override, dev->migratable, dev->migration_state,
		dev->tracker_state, dev->cost.direction, dev->cost.end,
	};
	size_t n;

	for (n = 0; n < sizeof(texts) / sizeof(texts[0]); n++)
		text_clean(texts[n]);
	for (n = 0; n < NR_TUNABLES; n++)
		text_clean(dev->latched[n].source);
}

/* A refused configuration says nothing about the node. */
static void read_node(struct node_state *state, const struct config *config,
		      const struct device *dev, const struct node *node)
{
	*state = (struct node_state){ .node = *node };
	state->fault = node_read(node, &state->is);
	if (!config_refused(config))
		state->wish = access_wish(config, dev, node, &state->wanted, state->why);
}

bool node_is_as_configured(const struct node_state *state)
{
	return state->wish == ACCESS_UNSAID ||
	       (!state->fault && !access_is_refused(state->wish) &&
		access_equal(&state->is, &state->wanted));
}

static void read_nodes(struct entry *entry, const struct config *config, const struct device *dev)
{
	struct node node[MAX_NODES];
	size_t n;

	entry->node_count = nodes_of(dev, node);
	for (n = 0; n < entry->node_count; n++)
		read_node(&entry->node[n], config, dev, &node[n]);
}

void inventory_add(struct inventory *inventory, const struct device *dev)
{
	struct entry *entry;

	entry = reallocarray(inventory->entry, inventory->count + 1, sizeof(*entry));
	if (!entry)
		abort();
	inventory->entry = entry;
	entry += inventory->count++;
	*entry = (struct entry){ .device = *dev, .section = section_of(inventory, dev) };
	if (dev->total_vfs)
		entry->vfs = vf_links(dev);
	compare(entry, &inventory->config);
	clean(&entry->device);
	entry->open = users_of(dev, &entry->user);
	read_nodes(entry, &inventory->config, dev);
	name_lookup(entry->name, sizeof(entry->name), &dev->ids);
}

void inventory_close(struct inventory *inventory)
{
	config_free(&inventory->config);
	free(inventory->entry);
}

/* Returns "default", "parameter", or "rule" for any rule. */
const char *source_kind(const char *source)
{
	return strchr(source, '/') ? "rule" : source;
}
