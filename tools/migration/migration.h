/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether VFs of this host can go to VFs of another one: the facts, and the answer. */
#ifndef MIGRATION_H
#define MIGRATION_H

#include <jansson.h>
#include <stdbool.h>

#include "device/device.h"

/* The version of both documents. A reader refuses others; new members do not change it. */
#define MIGRATION_VERSION 1

/* facts.c APIs: */
bool is_mlx5_vf(const struct device *dev);
bool kernel_can_report(void);
json_t *migration_facts(const struct devices *vfs);

/* other.c APIs: */
json_t *migration_read(const char *file);

/* compare.c APIs: */
json_t *migration_compare(const json_t *here, const json_t *there);
bool migration_all_can_go(const json_t *answer);
void migration_print_facts(const json_t *facts);
void migration_print_answer(const json_t *answer);

#endif
