// SPDX-License-Identifier: GPL-2.0-only
/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
#include "random.h"

static __thread uint64_t state;

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void random_start(uint64_t seed, uint64_t episode, uint64_t call)
{
	state = mix(mix(mix(seed) + episode) + call);
}

uint64_t random_bits(void)
{
	return mix(state += 0x9e3779b97f4a7c15);
}

uint64_t random_below(uint64_t limit)
{
	return random_bits() % limit;
}

bool random_chance(unsigned int percent)
{
	return random_below(100) < percent;
}

uint64_t random_value(unsigned int width)
{
	uint64_t all = width >= 8 ? ~0ULL : (1ULL << 8 * width) - 1;

	switch (random_below(6)) {
	case 0:
		return 0;
	case 1:
		return all;
	case 2:
		return 1ULL << random_below(8 * width);
	case 3:
		return all & ~(1ULL << random_below(8 * width));
	default:
		return random_bits() & all;
	}
}
