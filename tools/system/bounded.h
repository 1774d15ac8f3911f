/* SPDX-License-Identifier: GPL-2.0-only */
/* Actions from which a driver may never return. */
#ifndef BOUNDED_H
#define BOUNDED_H

#include <stdbool.h>

/*
 * Each wait of a call is bounded. In udev's calls all waits together are: udev kills its programs
 * three minutes after the event, and a killed program cannot say what is left to do. To
 * add all VFs of a PF may take one minute, and the call for each VF waits for that.
 */
#define BOUNDED_SECONDS 60
#define BOUNDED_SECONDS_OF_UDEV 120

/* The text that bounded_answer() brings back. */
#define ANSWER_SIZE 256

/* bounded.c APIs: */
void bounded_set(unsigned int seconds);
unsigned int bounded_seconds(unsigned int otherwise);
void bounded_set_whole(unsigned int seconds);
void bounded_count_waits_only(void);
bool bounded_as_a_whole(void);
bool bounded_is_over(void);
bool bounded_is_half_over(void);
void bounded_begin(void);
void bounded_end(void);
const char *bounded_text(void);
int bounded(int (*action)(const void *arg), const void *arg, int kept);
int bounded_answer(int (*action)(const void *arg, char *answer), const void *arg, int kept,
		   char answer[ANSWER_SIZE]);

#endif
