// SPDX-License-Identifier: GPL-2.0-only
/* Prometheus' text format, for node_exporter's textfile collector. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "output/inventory.h"

/* docs/sysfs-abi.txt has them. */
static const char *const migration_states[] = {
	"running", "running-p2p", "stop", "pre-copy", "pre-copy-p2p", "stop-copy", "resuming",
	"error", NULL
};

static const char *const tracker_states[] = { "off", "on", "error", NULL };

static void head(const char *metric, const char *help)
{
	printf("# HELP vfio_latch_%s %s\n# TYPE vfio_latch_%s gauge\n", metric, help, metric);
}

/* A label, with its value escaped as the format requires. All of our values are single lines. */
static void label(const char *name, const char *value)
{
	printf("%s=\"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			putchar('\\');
		putchar(*value);
	}
	putchar('"');
}

static void sample(const char *metric, const struct entry *entry)
{
	printf("vfio_latch_%s{", metric);
	label("address", entry->device.bdf);
}

static void print_info(const struct inventory *inventory)
{
	size_t n;

	head("device_info", "A device that a VFIO driver has, or that the configuration names.");
	for (n = 0; n < inventory->count; n++) {
		const struct entry *entry = &inventory->entry[n];
		const struct device *dev = &entry->device;
		char group[16] = "";

		if (dev->iommu_group >= 0)
			snprintf(group, sizeof(group), "%d", dev->iommu_group);
		sample("device_info", entry);
		putchar(',');
		label("name", entry->name);
		putchar(',');
		label("driver", dev->driver);
		putchar(',');
		label("iommu_group", group);
		putchar(',');
		label("pf", dev->pf);
		putchar(',');
		label("section", entry->section ? entry->section->name : "");
		puts("} 1");
	}
}

/* A bool of struct entry, for devices that the configuration names. */
static void print_compared(const struct inventory *inventory, const char *metric, const char *help,
			   size_t offset)
{
	size_t n;

	head(metric, help);
	for (n = 0; n < inventory->count; n++) {
		const struct entry *entry = &inventory->entry[n];

		if (!entry->section)
			continue;
		sample(metric, entry);
		printf("} %d\n", *(const bool *)((const char *)entry + offset));
	}
}

static void print_open(const struct inventory *inventory)
{
	size_t n;

	head("device_open", "Whether a process has the device open.");
	for (n = 0; n < inventory->count; n++) {
		if (inventory->entry[n].open == OPEN_UNKNOWN)
			continue;
		sample("device_open", &inventory->entry[n]);
		printf("} %d\n", inventory->entry[n].open == OPEN);
	}
}

static void print_tunables(const struct inventory *inventory)
{
	size_t n;
	int tunable;

	head("device_tunable", "A tunable's value while the device is bound, and where it came from.");
	for (n = 0; n < inventory->count; n++) {
		const struct device *dev = &inventory->entry[n].device;

		for (tunable = 0; tunable < NR_TUNABLES && dev->is_latched; tunable++) {
			sample("device_tunable", &inventory->entry[n]);
			putchar(',');
			label("tunable", tunable_names[tunable]);
			putchar(',');
			label("source", source_kind(dev->latched[tunable].source));
			printf("} %d\n", dev->latched[tunable].value);
		}
	}
}

static void print_migratable(const struct inventory *inventory)
{
	size_t n;

	head("device_migratable", "Whether the device can be migrated, in the driver's words.");
	for (n = 0; n < inventory->count; n++) {
		const char *migratable = inventory->entry[n].device.migratable;

		if (!*migratable)
			continue;
		sample("device_migratable", &inventory->entry[n]);
		putchar(',');
		label("answer", migratable);
		printf("} %d\n", !strcmp(migratable, "yes"));
	}
}

static void print_state(const char *metric, const struct entry *entry, const char *state,
			bool value)
{
	sample(metric, entry);
	putchar(',');
	label("state", state);
	printf("} %d\n", value);
}

/*
 * A state set, as OpenMetrics has it: a sample for each of @states, which NULL ends, and for a
 * state that only a newer driver has.
 */
static void print_states(const struct inventory *inventory, const char *metric, const char *help,
			 size_t offset, const char *const *states)
{
	const char *const *state;
	size_t n;

	head(metric, help);
	for (n = 0; n < inventory->count; n++) {
		const struct entry *entry = &inventory->entry[n];
		const char *is = (const char *)&entry->device + offset;
		bool is_known = !*is;

		for (state = states; *state && *is; state++) {
			print_state(metric, entry, *state, !strcmp(is, *state));
			is_known |= !strcmp(is, *state);
		}
		if (!is_known)
			print_state(metric, entry, is, true);
	}
}

static void print_bytes(const struct inventory *inventory)
{
	size_t n;

	head("device_last_migration_bytes", "Bytes of images of the device's last migration.");
	for (n = 0; n < inventory->count; n++) {
		const struct cost *cost = &inventory->entry[n].device.cost;

		if (!*cost->direction)
			continue;
		sample("device_last_migration_bytes", &inventory->entry[n]);
		putchar(',');
		label("direction", cost->direction);
		putchar(',');
		label("end", cost->end);
		printf("} %" PRIu64 "\n", cost->bytes);
	}
}

static void print_seconds(const struct inventory *inventory)
{
	size_t n;
	int command;

	head("device_last_migration_seconds",
	     "Time that the firmware took for the device's last migration.");
	for (n = 0; n < inventory->count; n++) {
		const struct cost *cost = &inventory->entry[n].device.cost;

		for (command = 0; command < NR_COMMANDS && *cost->direction; command++) {
			sample("device_last_migration_seconds", &inventory->entry[n]);
			putchar(',');
			label("command", command_names[command]);
			printf("} %" PRIu64 ".%06" PRIu64 "\n", cost->us[command] / 1000000,
			       cost->us[command] % 1000000);
		}
	}
}

static void print_build(void)
{
	head("build_info", "The command that prints this.");
	puts("vfio_latch_build_info{version=\"" VERSION "\"} 1");
}

void prometheus_print(const struct inventory *inventory)
{
	print_build();
	print_info(inventory);
	print_compared(inventory, "device_bound",
		       "Whether the device has the driver that the configuration names.",
		       offsetof(struct entry, is_bound));
	print_compared(inventory, "device_as_configured",
		       "Whether the device is as the configuration says: its driver, tunables, VFs, and whether it can be migrated.",
		       offsetof(struct entry, as_configured));
	print_open(inventory);
	print_tunables(inventory);
	print_migratable(inventory);
	print_states(inventory, "device_migration_state",
		     "The migration state of a device that can be migrated.",
		     offsetof(struct device, migration_state), migration_states);
	print_states(inventory, "device_tracker_state",
		     "The state of the page tracker of a device that has one.",
		     offsetof(struct device, tracker_state), tracker_states);
	print_bytes(inventory);
	print_seconds(inventory);
	head("config_faults", "Faults in the configuration: vfio-latch check reports them.");
	printf("vfio_latch_config_faults %zu\n", inventory->config.fault_count);
}
