/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pair.h: migrations as a VMM does them: of each VF one thread reads what is saved, and another one
 * loads it into the VF's target as it arrives. What is between them stands for the wire.
 */
#ifndef BENCH_PAIR_H
#define BENCH_PAIR_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "vfio.h"

#define MIB		(1ULL << 20)
#define PIECE		MIB
#define PIECES		16

struct pair {
	struct vfio_device *source, *target;
	int saving, loading;
	/* The wire; a piece of nothing is its end. */
	char *pieces[PIECES];
	ssize_t sizes[PIECES];
	unsigned int sent, received;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t saver, loader;
	/* When the source was told to stop, had been read, and its target ran. */
	long long begin, last_byte, running;
};

/* COUNT sources, which have a state of this SIZE, and their targets. */
struct pair *pairs_open(unsigned int count, uint64_t size);

/*
 * Migrate them, up to the last one's target that runs. With PRECOPY all that can be is saved and
 * loaded before; then a sixteenth of each state changes, and that is left. After the clocks have
 * stopped the sources are stopped, the files closed, and the states compared.
 */
void pairs_migrate(struct pair *pairs, unsigned int count, bool precopy);
/* The sources run again. */
void pairs_again(struct pair *pairs, unsigned int count);

/* Of the last migration: nanoseconds from the first VF's stop to all being read, or running. */
long long pairs_read_ns(const struct pair *pairs, unsigned int count);
long long pairs_running_ns(const struct pair *pairs, unsigned int count);

/* All that has been saved by now, for what a round more of pre-copy brings, too. */
void pair_precopy(struct pair *pair);
uint64_t pair_touch(struct pair *pair);

#endif
