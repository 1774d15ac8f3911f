// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the witnesses of a machine have seen: the property `witness` of the machine. Reading it is
 * one line for each function and kind of offence, "" for none; writing forgets them. It is no
 * access to a function. Counts stay when their function is unplugged.
 */
#include "witness.h"
#include "hw/qdev-core.h"

struct witness_counts {
	char *name;
	uint64_t count[WITNESS_NR_OFFENCES];
	char *first[WITNESS_NR_OFFENCES];
};

static const char *const names[WITNESS_NR_OFFENCES] = {
	[WITNESS_CONFIG_IN_RESET] = "config-in-reset",
	[WITNESS_CONFIG_IN_TRANSITION] = "config-in-transition",
	[WITNESS_CONFIG_BEYOND_SIZE] = "config-beyond-size",
	[WITNESS_ACCESS_UNDECODED] = "access-undecoded",
	[WITNESS_ACCESS_ASLEEP] = "access-asleep",
	[WITNESS_ACCESS_IN_RESET] = "access-in-reset",
	[WITNESS_ACCESS_IN_TRANSITION] = "access-in-transition",
	[WITNESS_INTX_IGNORED] = "intx-ignored",
	[WITNESS_DMA_UNWANTED] = "dma-unwanted",
	[WITNESS_DMA_REFUSED] = "dma-refused",
};

static GPtrArray *all;

static char *get_all(Object *machine, Error **errp)
{
	GString *text = g_string_new(NULL);

	for (guint n = 0; n < all->len; n++) {
		struct witness_counts *counts = g_ptr_array_index(all, n);

		for (int offence = 0; offence < WITNESS_NR_OFFENCES; offence++)
			if (counts->count[offence])
				g_string_append_printf(text, "%s: %s=%" PRIu64 " (first: %s); ",
						       counts->name, names[offence],
						       counts->count[offence], counts->first[offence]);
	}
	return g_string_free(text, false);
}

static void forget(struct witness_counts *counts)
{
	for (int offence = 0; offence < WITNESS_NR_OFFENCES; offence++) {
		counts->count[offence] = 0;
		g_clear_pointer(&counts->first[offence], g_free);
	}
}

static void forget_all(Object *machine, const char *text, Error **errp)
{
	for (guint n = 0; n < all->len; n++)
		forget(g_ptr_array_index(all, n));
}

/* A function that is plugged in again goes on with the counts it had. */
struct witness_counts *witness_counts_new(const char *name)
{
	struct witness_counts *counts;

	if (!all) {
		all = g_ptr_array_new();
		object_property_add_str(qdev_get_machine(), "witness", get_all, forget_all);
		guest_clock_register();
	}
	for (guint n = 0; n < all->len; n++) {
		counts = g_ptr_array_index(all, n);
		if (!strcmp(counts->name, name))
			return counts;
	}
	counts = g_new0(struct witness_counts, 1);
	counts->name = g_strdup(name);
	g_ptr_array_add(all, counts);
	return counts;
}

void witness_count(struct witness *witness, enum witness_offence offence, const char *format, ...)
{
	struct witness_counts *counts = witness->counts;
	va_list arguments;

	if (counts->count[offence]++)
		return;
	va_start(arguments, format);
	counts->first[offence] = g_strdup_vprintf(format, arguments);
	va_end(arguments);
}
