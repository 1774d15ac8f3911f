/* SPDX-License-Identifier: GPL-2.0-only */
/* Locks among all instances of the command. */
#ifndef LOCK_H
#define LOCK_H

/* For locks, and for marks that must last until the next boot. */
#define STATE_DIRECTORY "/run/vfio-latch"

/* lock.c APIs: */
int lock_take(const char *name);
int lock_take_bounded(const char *name);
void lock_release(int lock);

#endif
