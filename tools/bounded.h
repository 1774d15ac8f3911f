/* SPDX-License-Identifier: GPL-2.0-only */
/* What a driver may never come back from. */
#ifndef BOUNDED_H
#define BOUNDED_H

#include <stdbool.h>

/*
 * By default each wait of a call is bounded, and of udev's calls all of them together: udev kills
 * its programs three minutes after the event, and who is killed tells nobody what is left to do. To
 * add all VFs of a PF, which each of them waits for, may take one minute.
 */
#define BOUNDED_SECONDS 60
#define BOUNDED_SECONDS_OF_UDEV 120

/* bounded.c APIs: */
void bounded_set(unsigned int seconds);
void bounded_set_whole(unsigned int seconds);
bool bounded_is_over(void);
const char *bounded_text(void);
int bounded(int (*action)(const void *arg), const void *arg, int kept);

#endif
