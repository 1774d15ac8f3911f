/* SPDX-License-Identifier: GPL-2.0-only */
/* Locks among all instances of the command. */
#ifndef LOCK_H
#define LOCK_H

/* lock.c APIs: */
int lock_take(const char *name);
int lock_take_bounded(const char *name);
int lock_try(const char *name);
void lock_release(int lock);

#endif
