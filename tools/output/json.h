/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON on standard output. docs/json.md has what the commands print. */
#ifndef JSON_H
#define JSON_H

#include <jansson.h>

/* json.c APIs: */
void json_print(const json_t *json);

#endif
