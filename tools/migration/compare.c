// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds what would fail if a VF of this host went to a VF of another one, as far as the facts of
 * both say. A fact that one of them does not know is a note: it fails nothing. Pure logic.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "migration/migration.h"
#include "system/driver.h"

/* The VF of one side, with its host. */
struct side {
	const json_t *host, *vf;
	const char *where;
};

struct pair {
	struct side here, there;
	json_t *faults, *notes;
};

__attribute__((format(printf, 3, 4)))
static void add(json_t *list, const char *check, const char *format, ...)
{
	va_list args;
	json_t *text;

	va_start(args, format);
	text = json_vsprintf(format, args);
	va_end(args);
	/* A lost fault would make the VF look migratable. */
	if (json_array_append_new(list, json_pack("{s:s, s:o}", "check", check, "text", text)))
		abort();
}

static const char *text_of(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

static bool is_mlx5(const char *driver)
{
	return driver && driver_is(driver, "mlx5_vfio_pci");
}

/* Whether it is a variant driver: the generic one has no states to save. */
static bool is_variant(const char *driver)
{
	return driver && driver_is_vfio(driver) && !driver_is(driver, "vfio-pci");
}

/* Checks that a side has a driver that can migrate, and a VF that can be migrated. */
static void check_side(struct pair *pair, const struct side *side)
{
	const char *driver = text_of(side->vf, "driver"), *answer = text_of(side->vf, "migratable");
	const char *state = text_of(side->vf, "migration_state");

	if (!driver)
		add(pair->faults, "driver", "it has no driver %s", side->where);
	else if (!is_variant(driver))
		add(pair->faults, "driver", "%s, which it has %s, cannot migrate it", driver,
		    side->where);
	else if (answer && strcmp(answer, "yes"))
		add(pair->faults, "migratable", "it cannot be migrated %s: %s (vfio-latch doctor says what to do)",
		    side->where, answer);
	else if (!answer)
		add(pair->notes, "migratable", "its driver %s does not say whether it can be migrated",
		    side->where);
	if (!state)
		add(pair->notes, "state", "whether it is in the error state is not known %s",
		    side->where);
	else if (!strcmp(state, "error"))
		add(pair->faults, "state", "it is in the error state %s: reset it", side->where);
}

/* Returns @value as text, to be freed. */
static char *describe(const json_t *value)
{
	char *text = json_is_string(value) ? strdup(json_string_value(value)) :
					     json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	if (!text)
		abort();
	return text;
}

static bool is_unknown(const json_t *json, const char *key)
{
	const json_t *value = json_object_get(json, key);

	return !value || json_is_null(value);
}

/* Checks that both have the same value. */
static void check_same(struct pair *pair, const json_t *here, const json_t *there, const char *key,
		       const char *check, const char *name)
{
	const json_t *one = json_object_get(here, key), *other = json_object_get(there, key);
	char *text, *other_text;

	if (is_unknown(here, key) || is_unknown(there, key)) {
		add(pair->notes, check, "%s not known %s", name,
		    is_unknown(here, key) ? "here" : "there");
		return;
	}
	if (json_equal(one, other))
		return;
	text = describe(one);
	other_text = describe(other);
	add(pair->faults, check, "%s not the same: %s here, %s there", name, text, other_text);
	free(text);
	free(other_text);
}

static bool kernel_version(const struct side *side, unsigned int *major, unsigned int *minor)
{
	const char *kernel = text_of(side->host, "kernel");

	return kernel && sscanf(kernel, "%u.%u", major, minor) == 2;
}

/* The kernel's own driver before 6.2 wrote one image without a header. */
static bool has_old_stream(const struct side *side)
{
	unsigned int major, minor;

	return is_mlx5(text_of(side->vf, "driver")) &&
	       json_is_false(json_object_get(side->vf, "is_vfio_latch")) &&
	       kernel_version(side, &major, &minor) && (major < 6 || (major == 6 && minor < 2));
}

/* Whether the kernel's driver has it, and its version is not known. */
static bool has_unknown_stream(const struct side *side)
{
	unsigned int major, minor;

	return is_mlx5(text_of(side->vf, "driver")) &&
	       !json_is_true(json_object_get(side->vf, "is_vfio_latch")) &&
	       (is_unknown(side->vf, "is_vfio_latch") || !kernel_version(side, &major, &minor));
}

static void check_drivers(struct pair *pair)
{
	const char *one = text_of(pair->here.vf, "driver");
	const char *other = text_of(pair->there.vf, "driver");

	if (has_unknown_stream(&pair->here) || has_unknown_stream(&pair->there))
		add(pair->notes, "stream", "whether the driver has the stream of kernels before 6.2 is not known %s",
		    has_unknown_stream(&pair->here) ? "here" : "there");

	if (is_variant(one) && is_variant(other) && !driver_is(one, other))
		add(pair->faults, "driver", "the drivers are not the same: %s here, %s there", one,
		    other);
	else if (has_old_stream(&pair->here) != has_old_stream(&pair->there))
		add(pair->faults, "stream", "the kernel's own driver %s is older than 6.2, and has another stream",
		    has_old_stream(&pair->here) ? pair->here.where : pair->there.where);
}

static void check_open(struct pair *pair)
{
	if (json_is_true(json_object_get(pair->there.vf, "open")))
		add(pair->faults, "open", "a process has it open there");
	else if (is_unknown(pair->there.vf, "open"))
		add(pair->notes, "open", "whether a process has it open there is not known: root can see that");
}

/* QEMU 10 can be told to migrate such a VF all the same (docs/migration.md). */
static void check_writes_are_known(struct pair *pair, const json_t *vf, const char *where)
{
	if (json_is_false(json_object_get(vf, "dma_logging")) &&
	    json_is_true(json_object_get(vf, "cdev")))
		add(pair->notes, "lost-writes", "no DMA logging %s: QEMU with iommufd and enable-migration=on loses what the VF writes; use its group",
		    where);
}

static void check_memory(struct pair *pair)
{
	if (is_unknown(pair->here.vf, "dma_logging") || is_unknown(pair->there.vf, "dma_logging"))
		add(pair->notes, "dma-logging", "whether there is DMA logging is not known %s",
		    is_unknown(pair->here.vf, "dma_logging") ? "here" : "there");
	if (json_is_false(json_object_get(pair->here.vf, "dma_logging")))
		add(pair->notes, "dma-logging", "no DMA logging here: all of memory is sent again while the guest is stopped");
	if (json_is_false(json_object_get(pair->there.vf, "dma_logging")))
		add(pair->notes, "dma-logging", "no DMA logging there: all of memory is sent again on the way back");
	check_writes_are_known(pair, pair->here.vf, "here");
	check_writes_are_known(pair, pair->there.vf, "there");
	if (json_is_true(json_object_get(pair->here.vf, "cdev")) &&
	    json_is_false(json_object_get(pair->there.vf, "cdev")))
		add(pair->notes, "iommufd", "no node of its own there: a VMM that uses iommufd here needs the group there");
}

static void check_pair(struct pair *pair)
{
	const json_t *here = pair->here.vf, *there = pair->there.vf;
	const json_t *pf_here = json_object_get(here, "pf"), *pf_there = json_object_get(there, "pf");

	check_side(pair, &pair->here);
	check_side(pair, &pair->there);
	check_drivers(pair);
	check_open(pair);
	check_same(pair, here, there, "id", "id", "the VF's model is");
	check_same(pair, here, there, "revision", "revision", "the VF's revision is");
	check_same(pair, pf_here, pf_there, "id", "pf", "the PF's model is");
	check_same(pair, pf_here, pf_there, "psid", "psid", "the PSID is");
	check_same(pair, pf_here, pf_there, "firmware", "firmware", "the firmware is");
	check_same(pair, here, there, "bars", "bars", "the sizes of its BARs are");
	check_same(pair, here, there, "msix", "msix", "the number of MSI-X vectors is");
	check_memory(pair);
}

/* Returns the VFs that @vf can go to, with faults and notes of the first one with least faults. */
static json_t *compare_vf(const json_t *here, const json_t *vf, const json_t *there)
{
	json_t *json = json_object(), *to = json_array(), *faults = json_null(), *notes = json_null();
	const char *best = NULL;
	json_t *other;
	size_t n;

	json_array_foreach(json_object_get(there, "vfs"), n, other) {
		struct pair pair = {
			{ here, vf, "here" }, { there, other, "there" }, json_array(), json_array()
		};

		check_pair(&pair);
		if (!json_array_size(pair.faults))
			json_array_append(to, json_object_get(other, "address"));
		if (!best || json_array_size(pair.faults) < json_array_size(faults)) {
			best = text_of(other, "address");
			json_decref(faults);
			json_decref(notes);
			faults = json_incref(pair.faults);
			notes = json_incref(pair.notes);
		}
		json_decref(pair.faults);
		json_decref(pair.notes);
	}
	json_object_set(json, "address", json_object_get(vf, "address"));
	json_object_set_new(json, "to", to);
	json_object_set_new(json, "best", best ? json_string(best) : json_null());
	json_object_set_new(json, "faults", json_is_null(faults) ? json_array() : faults);
	json_object_set_new(json, "notes", json_is_null(notes) ? json_array() : notes);
	return json;
}

/* @here, @there: what migration_facts() returns on each host. */
json_t *migration_compare(const json_t *here, const json_t *there)
{
	json_t *json = json_object(), *list = json_array(), *vf;
	size_t n;

	json_array_foreach(json_object_get(here, "vfs"), n, vf)
		json_array_append_new(list, compare_vf(here, vf, there));
	json_object_set_new(json, "version", json_integer(MIGRATION_VERSION));
	json_object_set_new(json, "vfs", list);
	return json;
}

bool migration_all_can_go(const json_t *answer)
{
	json_t *vf;
	size_t n;

	json_array_foreach(json_object_get(answer, "vfs"), n, vf)
		if (!json_array_size(json_object_get(vf, "to")))
			return false;
	return true;
}

static void print_list(const json_t *list, const char *kind)
{
	json_t *item;
	size_t n;

	json_array_foreach(list, n, item)
		printf("    %s: %s\n", kind, text_of(item, "text"));
}

static void print_vf_answer(const json_t *vf)
{
	const json_t *to = json_object_get(vf, "to");
	const char *best = text_of(vf, "best");
	json_t *address;
	size_t n;

	printf("%s: ", text_of(vf, "address"));
	if (!best)
		printf("there is no VF");
	else if (!json_array_size(to))
		printf("cannot go to any VF there; reasons for %s:", best);
	else
		printf("can go to");
	json_array_foreach(to, n, address)
		printf(" %s", json_string_value(address));
	putchar('\n');
	print_list(json_object_get(vf, "faults"), "fault");
	print_list(json_object_get(vf, "notes"), "note");
}

void migration_print_answer(const json_t *answer)
{
	json_t *vf;
	size_t n;

	json_array_foreach(json_object_get(answer, "vfs"), n, vf)
		print_vf_answer(vf);
}

static void print_members(const json_t *json, const char *before)
{
	char name[64], *text;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)json, key, value) {
		snprintf(name, sizeof(name), "%s%s", before, key);
		if (json_is_object(value)) {
			print_members(value, "pf ");
			continue;
		}
		if (!strcmp(name, "vfs"))
			continue;
		text = describe(value);
		printf("%-16s %s\n", name, json_is_null(value) ? "-" : text);
		free(text);
	}
}

void migration_print_facts(const json_t *facts)
{
	json_t *vf;
	size_t n;

	print_members(facts, "");
	json_array_foreach(json_object_get(facts, "vfs"), n, vf) {
		putchar('\n');
		print_members(vf, "");
	}
}
