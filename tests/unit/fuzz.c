// SPDX-License-Identifier: GPL-2.0-only
/* Random input; see fuzz.h. */
#include "fuzz.h"

#include <stdlib.h>

static uint64_t state;

unsigned long fuzz_rounds(void)
{
	const char *rounds = getenv("ROUNDS");

	return rounds && *rounds ? strtoul(rounds, NULL, 0) : 200000;
}

/* SplitMix64. */
static uint64_t next(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void fuzz_seed(uint64_t round)
{
	state = round;
	state = next();
}

uint32_t fuzz_below(uint32_t limit)
{
	return (next() >> 32) * limit >> 32;
}
