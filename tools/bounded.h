/* SPDX-License-Identifier: GPL-2.0-only */
/* What a driver may never come back from. */
#ifndef BOUNDED_H
#define BOUNDED_H

/*
 * What is waited for by default: by who looks on, and by udev, which ends its programs after three
 * minutes. To add all VFs of a PF, which each of them waits for, may take one.
 */
#define BOUNDED_SECONDS 60
#define BOUNDED_SECONDS_OF_UDEV 150

/* bounded.c APIs: */
void bounded_set(unsigned int seconds);
void bounded_set_default(unsigned int seconds);
unsigned int bounded_seconds(void);
int bounded(int (*action)(const void *arg), const void *arg, int kept);

#endif
