/* SPDX-License-Identifier: GPL-2.0-only */
/* Checks text from others before it reaches a terminal or a parser. Pure logic. */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>

/* text.c APIs: */
bool text_is_clean(const char *text);
void text_clean(char *text);

#endif
