/* SPDX-License-Identifier: GPL-2.0-only */
/* Locks, and marks that must last until the next boot. */
#ifndef STATE_H
#define STATE_H

#include <sys/types.h>

#define STATE_DIRECTORY "/run/vfio-latch"

/* state.c APIs: */
int state_open(const char *name, int flags, mode_t mode);
int state_write(const char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void state_remove(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
