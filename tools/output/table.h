/* SPDX-License-Identifier: GPL-2.0-only */
/* What people read. */
#ifndef TABLE_H
#define TABLE_H

#include "output/inventory.h"

#define NR_COLUMNS 9

struct column;

/**
 * struct columns - columns of the table
 * @column: in their order
 */
struct columns {
	const struct column *column[NR_COLUMNS];
	size_t count;
};

/* table.c APIs: */
bool columns_parse(struct columns *chosen, const char *names);
void columns_print_help(void);
void table_print(const struct inventory *inventory, const struct columns *chosen, bool no_legend);
void sheet_print(const struct entry *entry);

#endif
