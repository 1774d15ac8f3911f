// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the facts of another host, which are a stranger's: each known member must be of its type,
 * and no text may have control characters, which a terminal would obey. Other members, which a newer
 * version may have, mean nothing here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "migration/migration.h"
#include "system/report.h"
#include "system/text.h"

enum type { TEXT, BOOLEAN, INTEGER, INTEGERS, MEMBERS };

static const char *const type_names[] = {
	[TEXT] = "text", [BOOLEAN] = "true or false", [INTEGER] = "a whole number",
	[INTEGERS] = "a list of whole numbers", [MEMBERS] = "an object",
};

/* @is_known: not null, and not missing. */
struct member {
	const char *name;
	enum type type;
	bool is_known;
};

static const struct member of_host[] = {
	{ "kernel", TEXT, false },
	{ "iommufd", BOOLEAN, false },
	{ "dma_logging", BOOLEAN, false },
	{},
};

static const struct member of_vf[] = {
	{ "address", TEXT, true },
	{ "id", TEXT, true },
	{ "revision", TEXT, false },
	{ "driver", TEXT, false },
	{ "is_vfio_latch", BOOLEAN, false },
	{ "driver_version", TEXT, false },
	{ "migratable", TEXT, false },
	{ "migration_state", TEXT, false },
	{ "pre_copy", BOOLEAN, false },
	{ "chunks", BOOLEAN, false },
	{ "dma_logging", BOOLEAN, false },
	{ "open", BOOLEAN, false },
	{ "cdev", BOOLEAN, false },
	{ "bars", INTEGERS, false },
	{ "msix", INTEGER, false },
	{ "pf", MEMBERS, false },
	{},
};

static const struct member of_pf[] = {
	{ "address", TEXT, true },
	{ "id", TEXT, true },
	{ "name", TEXT, false },
	{ "driver", TEXT, false },
	{ "firmware", TEXT, false },
	{ "psid", TEXT, false },
	{},
};

static bool are_integers(const json_t *list)
{
	json_t *item;
	size_t n;

	json_array_foreach(list, n, item)
		if (!json_is_integer(item))
			return false;
	return json_is_array(list);
}

static bool has_type(const json_t *value, enum type type)
{
	switch (type) {
	case TEXT:
		return json_is_string(value);
	case BOOLEAN:
		return json_is_boolean(value);
	case INTEGER:
		return json_is_integer(value);
	case INTEGERS:
		return are_integers(value);
	case MEMBERS:
		return json_is_object(value);
	}
	return false;
}

/* Replaces what is not to be printed. */
static void clean(json_t *text)
{
	char *copy = strdup(json_string_value(text));

	if (!copy)
		abort();
	text_clean(copy);
	if (json_string_set(text, copy))
		abort();
	free(copy);
}

/* @where: whose members they are, for the error message. */
static bool check_members(const char *file, const char *where, json_t *json,
			  const struct member *member)
{
	json_t *value;

	for (; member->name; member++) {
		value = json_object_get(json, member->name);
		if (!member->is_known && (!value || json_is_null(value)))
			continue;
		if (!has_type(value, member->type)) {
			error("%s: %s: \"%s\" is not %s%s", file, where, member->name,
			      type_names[member->type], member->is_known ? "" : " or null");
			return false;
		}
		if (member->type == TEXT)
			clean(value);
	}
	return true;
}

static bool check_vf(const char *file, size_t index, json_t *vf)
{
	char where[64];
	json_t *pf;

	snprintf(where, sizeof(where), "VF %zu", index + 1);
	if (!check_members(file, where, vf, of_vf))
		return false;
	pf = json_object_get(vf, "pf");
	snprintf(where, sizeof(where), "PF of VF %zu", index + 1);
	return !json_is_object(pf) || check_members(file, where, pf, of_pf);
}

static bool check(const char *file, json_t *json)
{
	json_t *vfs = json_object_get(json, "vfs"), *vf;
	size_t n;

	if (json_integer_value(json_object_get(json, "version")) != MIGRATION_VERSION ||
	    !json_is_array(vfs)) {
		error("%s: not what vfio-latch migration --json prints, version %d", file,
		      MIGRATION_VERSION);
		return false;
	}
	if (!check_members(file, "host", json, of_host))
		return false;
	json_array_foreach(vfs, n, vf)
		if (!check_vf(file, n, vf))
			return false;
	return true;
}

/* Returns NULL after an error message if @file is not what migration_facts() returns elsewhere. */
json_t *migration_read(const char *file)
{
	json_error_t fault;
	json_t *json = json_load_file(file, 0, &fault);

	if (!json) {
		text_clean(fault.text);
		error("%s: %s", file, fault.text);
		return NULL;
	}
	if (check(file, json))
		return json;
	json_decref(json);
	return NULL;
}
