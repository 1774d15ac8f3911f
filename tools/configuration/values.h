/* SPDX-License-Identifier: GPL-2.0-only */
/* Which values keys may have that are no match keys. Pure logic. */
#ifndef VALUES_H
#define VALUES_H

#include <stdbool.h>
#include <sys/types.h>

/* values.c APIs: */
bool is_driver_name(const char *text);
const char *owner_fault(const char *text);
bool mode_parse(const char *text, mode_t *mode);
const char *mode_fault(const char *text);
int eswitch_mode_parse(const char *text);
bool num_vfs_parse(const char *text, unsigned int *number);

#endif
