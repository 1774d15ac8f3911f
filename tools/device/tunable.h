/* SPDX-License-Identifier: GPL-2.0-only */
/* The three tunables of our drivers. Pure logic. */
#ifndef TUNABLE_H
#define TUNABLE_H

#include <stdbool.h>

enum tunable {
	DISABLE_IDLE_D3,
	DISABLE_VGA,
	NOINTXMASK,
	NR_TUNABLES
};

extern const char *const tunable_names[NR_TUNABLES];

/* The wanted value of a tunable: not set, off, on. */
enum wish {
	UNSAID = -1,
	OFF = 0,
	ON = 1,
};

/* tunable.c APIs: */
bool tunables_are_said(const enum wish tunable[NR_TUNABLES]);
bool bool_parse(const char *text, bool *value);

#endif
