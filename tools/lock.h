/* SPDX-License-Identifier: GPL-2.0-only */
/* One at a time, among all instances of the command. */
#ifndef LOCK_H
#define LOCK_H

/* Where the command keeps what it must remember until the next boot. */
#define STATE_DIRECTORY "/run/vfio-latch"

/* lock.c APIs: */
int lock_take(const char *name);
int lock_take_bounded(const char *name);
void lock_release(int lock);

#endif
