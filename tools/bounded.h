/* SPDX-License-Identifier: GPL-2.0-only */
/* What a driver may never come back from. */
#ifndef BOUNDED_H
#define BOUNDED_H

/* What is waited for by default; udev and systemd give us three minutes. */
#define BOUNDED_SECONDS 60

/* bounded.c APIs: */
void bounded_set(unsigned int seconds);
unsigned int bounded_seconds(void);
int bounded(int (*action)(const void *arg), const void *arg, int kept);

#endif
