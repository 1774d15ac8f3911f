// SPDX-License-Identifier: GPL-2.0-only
/* Output for people: a table, and a sheet for one device. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "output/inventory.h"
#include "output/table.h"
#include "system/report.h"

#define BOLD "\033[1m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

#define CELL_SIZE 288

/* NO_COLOR counts if it is set and not empty: see https://no-color.org. */
static bool has_colours(void)
{
	const char *no_color = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color);
}

static const char *or_dash(const char *text)
{
	return *text ? text : "-";
}

static const char *open_text(enum open_state open)
{
	static const char *const text[] = { [CLOSED] = "no", [OPEN] = "yes", [OPEN_UNKNOWN] = "?" };

	return text[open];
}

static void fill_address(char cell[CELL_SIZE], const struct entry *entry)
{
	snprintf(cell, CELL_SIZE, "%s", entry->device.bdf);
}

static void fill_driver(char cell[CELL_SIZE], const struct entry *entry)
{
	snprintf(cell, CELL_SIZE, "%s", or_dash(entry->device.driver));
}

static void fill_group(char cell[CELL_SIZE], const struct entry *entry)
{
	if (entry->device.iommu_group >= 0)
		snprintf(cell, CELL_SIZE, "%d", entry->device.iommu_group);
	else
		strcpy(cell, "-");
}

static void fill_tunable(char cell[CELL_SIZE], const struct entry *entry, enum tunable tunable)
{
	const struct latched *latched = &entry->device.latched[tunable];

	if (entry->device.is_latched)
		snprintf(cell, CELL_SIZE, "%d %s", latched->value, source_kind(latched->source));
	else
		strcpy(cell, "-");
}

static void fill_disable_idle_d3(char cell[CELL_SIZE], const struct entry *entry)
{
	fill_tunable(cell, entry, DISABLE_IDLE_D3);
}

static void fill_disable_vga(char cell[CELL_SIZE], const struct entry *entry)
{
	fill_tunable(cell, entry, DISABLE_VGA);
}

static void fill_nointxmask(char cell[CELL_SIZE], const struct entry *entry)
{
	fill_tunable(cell, entry, NOINTXMASK);
}

static void fill_open(char cell[CELL_SIZE], const struct entry *entry)
{
	strcpy(cell, open_text(entry->open));
}

static void fill_migration(char cell[CELL_SIZE], const struct entry *entry)
{
	snprintf(cell, CELL_SIZE, "%s", or_dash(entry->device.migration_state));
}

static void fill_name(char cell[CELL_SIZE], const struct entry *entry)
{
	snprintf(cell, CELL_SIZE, "%s", entry->name);
}

/* In the order of the table. */
static const struct column {
	const char *title;
	const char *help;
	void (*fill)(char cell[CELL_SIZE], const struct entry *entry);
} columns[NR_COLUMNS] = {
	{ "ADDRESS", "PCI address", fill_address },
	{ "DRIVER", "the driver that has it", fill_driver },
	{ "GROUP", "number of its IOMMU group", fill_group },
	{ "DISABLE_IDLE_D3", "the tunable's value, and where it came from", fill_disable_idle_d3 },
	{ "DISABLE_VGA", "the same", fill_disable_vga },
	{ "NOINTXMASK", "the same", fill_nointxmask },
	{ "OPEN", "whether a process has it open; ? if only root can see that", fill_open },
	{ "MIGRATION", "its migration state, if it can be migrated", fill_migration },
	{ "NAME", "of vendor and device, from pci.ids", fill_name },
};

struct row {
	char cell[NR_COLUMNS][CELL_SIZE];
};

static const struct column *find_column(const char *name, size_t length)
{
	size_t n;

	for (n = 0; n < NR_COLUMNS; n++)
		if (strlen(columns[n].title) == length &&
		    !strncasecmp(columns[n].title, name, length))
			return &columns[n];
	return NULL;
}

/* Reads names of columns, separated by commas, each at most once. */
bool columns_parse(struct columns *chosen, const char *names)
{
	const struct column *column;
	bool is_taken[NR_COLUMNS] = {};
	size_t length;

	*chosen = (struct columns){};
	for (;; names += length + 1) {
		length = strcspn(names, ",");
		column = find_column(names, length);
		if (!column || is_taken[column - columns]) {
			error("--columns: \"%.*s\" is %s", (int)length, names,
			      column ? "there twice" : "not a column");
			return false;
		}
		is_taken[column - columns] = true;
		chosen->column[chosen->count++] = column;
		if (!names[length])
			return true;
	}
}

/* Adds lines about the columns to the help of the command. */
void columns_print_help(void)
{
	size_t n;

	for (n = 0; n < NR_COLUMNS; n++)
		printf("  %-19s %s\n", columns[n].title, columns[n].help);
}

static void fill_row(struct row *row, const struct columns *columns, const struct entry *entry)
{
	size_t n;

	for (n = 0; n < columns->count; n++)
		columns->column[n]->fill(row->cell[n], entry);
}

/* Green: a process has it open. Yellow: not as configured. */
static const char *row_colour(const struct entry *entry)
{
	return !entry->as_configured ? YELLOW : entry->open == OPEN ? GREEN : NULL;
}

static void print_row(const struct row *row, size_t count, const int *width, const char *colour)
{
	size_t column;

	if (colour)
		fputs(colour, stdout);
	/* No blanks after the last column. */
	for (column = 0; column < count - 1; column++)
		printf("%-*s  ", width[column], row->cell[column]);
	fputs(row->cell[column], stdout);
	puts(colour ? PLAIN : "");
}

static void measure(const struct row *row, size_t count, int *width)
{
	size_t column;

	for (column = 0; column < count; column++) {
		int length = strlen(row->cell[column]);

		if (length > width[column])
			width[column] = length;
	}
}

/* Prints the chosen columns, or all if there are none. */
void table_print(const struct inventory *inventory, const struct columns *chosen, bool no_legend)
{
	struct columns all = {};
	struct row *row = calloc(inventory->count + 1, sizeof(*row));
	bool colours = has_colours();
	int width[NR_COLUMNS] = {};
	size_t column, n;

	if (!row)
		abort();
	for (; !chosen->count && all.count < NR_COLUMNS; all.count++)
		all.column[all.count] = &columns[all.count];
	if (!chosen->count)
		chosen = &all;
	for (column = 0; column < chosen->count; column++)
		strcpy(row[0].cell[column], chosen->column[column]->title);
	for (n = 0; n < inventory->count; n++)
		fill_row(&row[n + 1], chosen, &inventory->entry[n]);
	for (n = no_legend; n <= inventory->count; n++)
		measure(&row[n], chosen->count, width);

	if (!no_legend)
		print_row(&row[0], chosen->count, width, colours ? BOLD : NULL);
	for (n = 0; n < inventory->count; n++)
		print_row(&row[n + 1], chosen->count, width,
			  colours ? row_colour(&inventory->entry[n]) : NULL);
	free(row);
}

static void print_vfs(const struct entry *entry)
{
	const struct device *dev = &entry->device;

	if (device_is_vf(dev))
		printf("%-16s %u of %s\n", "vf", dev->vf_index, dev->pf);
	if (!dev->total_vfs)
		return;
	printf("%-16s %u of %u", "VFs", entry->vfs, dev->total_vfs);
	if (entry->section && entry->section->num_vfs)
		printf(", section wants %u", entry->section->num_vfs);
	putchar('\n');
}

static void print_tunables(const struct device *dev)
{
	int n;

	for (n = 0; n < NR_TUNABLES; n++) {
		if (dev->is_latched)
			printf("%-16s %d (%s)\n", tunable_names[n], dev->latched[n].value,
			       dev->latched[n].source);
		else
			printf("%-16s -\n", tunable_names[n]);
	}
}

static void print_cost(const struct cost *cost)
{
	int n;

	if (!*cost->direction) {
		printf("%-16s -\n", "last migration");
		return;
	}
	printf("%-16s %s, %s: %" PRIu64 " bytes, %" PRIu64 " of them before the stop\n",
	       "last migration", cost->direction, cost->end, cost->bytes, cost->precopy_bytes);
	for (n = 0; n < NR_COMMANDS; n++)
		if (cost->count[n])
			printf("%-16s %" PRIu64 " %s in %" PRIu64 ".%03" PRIu64 " ms\n", "",
			       cost->count[n], command_names[n], cost->us[n] / 1000,
			       cost->us[n] % 1000);
}

static void print_nodes(const struct entry *entry)
{
	char text[ACCESS_SIZE];
	size_t n;

	for (n = 0; n < entry->node_count; n++) {
		const struct node_state *state = &entry->node[n];

		access_text(text, &state->is);
		printf("%-16s /dev/%s %s%s\n", "node", state->node.name,
		       state->fault ? "(not there)" : text,
		       node_is_as_configured(state) ? "" : " (not what its section says)");
	}
	if (!entry->node_count)
		printf("%-16s -\n", "node");
}

void sheet_print(const struct entry *entry)
{
	const struct device *dev = &entry->device;

	printf("%-16s %s\n", "address", dev->bdf);
	printf("%-16s %s\n", "name", entry->name);
	printf("%-16s %04x:%04x:%04x:%04x\n", "id", dev->ids.vendor, dev->ids.device,
	       dev->ids.subvendor, dev->ids.subdevice);
	printf("%-16s %s\n", "driver", or_dash(dev->driver));
	printf("%-16s %s\n", "driver_override", or_dash(dev->driver_override));
	if (dev->iommu_group >= 0)
		printf("%-16s %d\n", "iommu_group", dev->iommu_group);
	else
		printf("%-16s -\n", "iommu_group");
	print_vfs(entry);
	print_tunables(dev);
	if (entry->open == OPEN)
		printf("%-16s yes, process %d (%s)\n", "open", entry->user->pid,
		       entry->user->command);
	else
		printf("%-16s %s\n", "open", open_text(entry->open));
	print_nodes(entry);
	if (*dev->migratable && !*dev->migration_state)
		printf("%-16s no (%s)\n", "migration", dev->migratable);
	else
		printf("%-16s %s\n", "migration", or_dash(dev->migration_state));
	printf("%-16s %s\n", "dirty tracking", or_dash(dev->tracker_state));
	print_cost(&dev->cost);
	if (entry->section)
		printf("%-16s [%s] in %s:%u, driver %s%s\n", "section", entry->section->name,
		       entry->section->file, entry->section->line,
		       entry->section->value[KEY_DRIVER],
		       entry->as_configured ? "" : " (not what it has)");
	else
		printf("%-16s -\n", "section");
}
