/* SPDX-License-Identifier: GPL-2.0-only */
/* random.h: numbers that follow from seed, episode and call, and from nothing else. */
#ifndef COMPARE_RANDOM_H
#define COMPARE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Start the sequence of one call. What a call draws, and how often, has no influence on the next:
 * drivers that answer differently are still asked the same.
 */
void random_start(uint64_t seed, uint64_t episode, uint64_t call);
uint64_t random_bits(void);
/* Below LIMIT, which is not zero. */
uint64_t random_below(uint64_t limit);
/* True in PERCENT of all cases. */
bool random_chance(unsigned int percent);
/* A value of WIDTH bytes as a test would choose it: few bits, many bits, any. */
uint64_t random_value(unsigned int width);

/* One of a list of numbers. */
#define RANDOM_OF(...)								\
	({									\
		static const uint64_t random_list[] = { __VA_ARGS__ };		\
		random_list[random_below(sizeof(random_list) / sizeof(random_list[0]))]; \
	})

#endif
