// SPDX-License-Identifier: GPL-2.0-only
/* Numbered objects: the lowest free number is given first. */
#include "connectx.h"

void cx_table_init(struct cx_table *table, uint32_t first, uint32_t last, GDestroyNotify free)
{
	table->entries = g_hash_table_new_full(NULL, NULL, NULL, free);
	table->first = first;
	table->last = last;
}

void cx_table_destroy(struct cx_table *table)
{
	g_hash_table_destroy(table->entries);
}

uint32_t cx_table_add(struct cx_table *table, void *object)
{
	for (uint32_t number = table->first; number <= table->last; number++) {
		if (g_hash_table_contains(table->entries, GUINT_TO_POINTER(number)))
			continue;
		g_hash_table_insert(table->entries, GUINT_TO_POINTER(number), object);
		return number;
	}
	return 0;
}

void *cx_table_get(struct cx_table *table, uint32_t number)
{
	return g_hash_table_lookup(table->entries, GUINT_TO_POINTER(number));
}

bool cx_table_remove(struct cx_table *table, uint32_t number)
{
	return g_hash_table_remove(table->entries, GUINT_TO_POINTER(number));
}

void cx_table_clear(struct cx_table *table)
{
	g_hash_table_remove_all(table->entries);
}

uint32_t cx_table_count(struct cx_table *table)
{
	return g_hash_table_size(table->entries);
}
