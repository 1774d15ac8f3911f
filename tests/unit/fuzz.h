/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz.h: random input that is the same in every run. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>

/* How many inputs a fuzz test tries: $ROUNDS, or 200000. */
unsigned long fuzz_rounds(void);

/* Start the sequence that belongs to this round: a failed round can be tried alone. */
void fuzz_seed(uint64_t round);

/* A random number below LIMIT. */
uint32_t fuzz_below(uint32_t limit);

#endif
