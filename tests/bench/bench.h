/* SPDX-License-Identifier: GPL-2.0-only */
/* What the measuring programs share. */
#ifndef BENCH_H
#define BENCH_H

#include <time.h>
#include <unistd.h>

/* One instruction is one nanosecond (machine icount). */
static inline long long clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/*
 * Kernel threads that have something left to do, after a driver was loaded for example, would share
 * the processor with what is measured next. Sleeping takes no time here.
 */
static inline void let_others_finish(void)
{
	sleep(2);
}

#endif
