// SPDX-License-Identifier: GPL-2.0-only
#include "pair.h"

#include "../../bench.h"
#include "connectx.h"
#include "migration.h"
#include "vmtest.h"

struct pair *pairs_open(unsigned int count, uint64_t size)
{
	struct pair *pairs = calloc(count, sizeof(*pairs));
	const char *pf = connectx_pf_with_vfs(2 * count);

	for (unsigned int n = 0; n < count; n++) {
		struct pair *pair = &pairs[n];

		pair->source = connectx_open_vf(pf, 2 * n);
		pair->target = connectx_open_vf(pf, 2 * n + 1);
		pthread_mutex_init(&pair->lock, NULL);
		pthread_cond_init(&pair->changed, NULL);
		/* There before it is needed, as a VMM's buffers are. */
		for (unsigned int piece = 0; piece < PIECES; piece++) {
			pair->pieces[piece] = malloc(PIECE);
			memset(pair->pieces[piece], 1, PIECE);
		}
		CHECK_EQ(window_fill(pair->source, size, 3 + n), WINDOW_DONE);
	}
	return pairs;
}

/* Wait until so many pieces are on the wire: none is room, or one is there. */
static unsigned int wait_for(struct pair *pair, bool room)
{
	unsigned int next;

	pthread_mutex_lock(&pair->lock);
	while (room ? pair->sent - pair->received == PIECES : pair->sent == pair->received)
		pthread_cond_wait(&pair->changed, &pair->lock);
	next = (room ? pair->sent : pair->received) % PIECES;
	pthread_mutex_unlock(&pair->lock);
	return next;
}

static void advance(struct pair *pair, unsigned int *counter)
{
	pthread_mutex_lock(&pair->lock);
	(*counter)++;
	pthread_cond_signal(&pair->changed);
	pthread_mutex_unlock(&pair->lock);
}

static void *save(void *data)
{
	struct pair *pair = data;
	unsigned int piece;
	int file;

	pair->begin = clock_ns();
	file = migration_set(pair->source, VFIO_DEVICE_STATE_STOP_COPY);
	/* After pre-copy it is that one's file. */
	if (pair->saving < 0)
		pair->saving = file;
	do {
		piece = wait_for(pair, true);
		pair->sizes[piece] = read(pair->saving, pair->pieces[piece], PIECE);
		if (pair->sizes[piece] < 0)
			FAIL("%s: cannot read: %m", pair->source->bdf);
		if (!pair->sizes[piece])
			pair->last_byte = clock_ns();
		advance(pair, &pair->sent);
	} while (pair->sizes[piece]);
	return NULL;
}

static void write_piece(struct pair *pair, const void *bytes, size_t size)
{
	int error = migration_write_try(pair->loading, bytes, size);

	if (error)
		FAIL("%s: cannot write: %s", pair->target->bdf, strerror(-error));
}

static void *load(void *data)
{
	struct pair *pair = data;
	unsigned int piece;

	while (pair->sizes[piece = wait_for(pair, false)]) {
		write_piece(pair, pair->pieces[piece], pair->sizes[piece]);
		advance(pair, &pair->received);
	}
	advance(pair, &pair->received);
	migration_set(pair->target, VFIO_DEVICE_STATE_RUNNING);
	pair->running = clock_ns();
	return NULL;
}

/* Until the driver has no more of it. */
static void forward(struct pair *pair)
{
	ssize_t got;

	while ((got = read(pair->saving, pair->pieces[0], PIECE)) > 0)
		write_piece(pair, pair->pieces[0], got);
	if (!got || errno != ENOMSG)
		FAIL("%s: pre-copy ends with %zd: %m", pair->source->bdf, got);
}

void pair_precopy(struct pair *pair)
{
	struct vfio_precopy_info info;

	do {
		forward(pair);
		CHECK_EQ(migration_precopy_info(pair->saving, &info), 0);
	} while (info.initial_bytes || info.dirty_bytes);
}

uint64_t pair_touch(struct pair *pair)
{
	uint64_t size = window_state_size(pair->source), length = size / 16;

	CHECK_EQ(window_touch(pair->source, size / 2, length, pair->running), WINDOW_DONE);
	return length;
}

static void prepare(struct pair *pair, bool precopy)
{
	pair->saving = -1;
	pair->loading = migration_set(pair->target, VFIO_DEVICE_STATE_RESUMING);
	if (!precopy)
		return;
	pair->saving = migration_set(pair->source, VFIO_DEVICE_STATE_PRE_COPY);
	pair_precopy(pair);
	pair_touch(pair);
}

static void finish(struct pair *pair)
{
	/* The kernel's driver gives back what a save took after its last byte can be read. */
	pause_ms(50);
	migration_set(pair->source, VFIO_DEVICE_STATE_STOP);
	close(pair->saving);
	close(pair->loading);
	CHECK_EQ(window_digest(pair->target), window_digest(pair->source));
}

void pairs_migrate(struct pair *pairs, unsigned int count, bool precopy)
{
	for (unsigned int n = 0; n < count; n++)
		prepare(&pairs[n], precopy);
	for (unsigned int n = 0; n < count; n++) {
		CHECK_EQ(pthread_create(&pairs[n].loader, NULL, load, &pairs[n]), 0);
		CHECK_EQ(pthread_create(&pairs[n].saver, NULL, save, &pairs[n]), 0);
	}
	for (unsigned int n = 0; n < count; n++) {
		pthread_join(pairs[n].saver, NULL);
		pthread_join(pairs[n].loader, NULL);
	}
	for (unsigned int n = 0; n < count; n++)
		finish(&pairs[n]);
}

void pairs_again(struct pair *pairs, unsigned int count)
{
	for (unsigned int n = 0; n < count; n++)
		migration_set(pairs[n].source, VFIO_DEVICE_STATE_RUNNING);
}

static long long first_begin(const struct pair *pairs, unsigned int count)
{
	long long first = pairs[0].begin;

	for (unsigned int n = 1; n < count; n++)
		if (pairs[n].begin < first)
			first = pairs[n].begin;
	return first;
}

long long pairs_read_ns(const struct pair *pairs, unsigned int count)
{
	long long last = 0;

	for (unsigned int n = 0; n < count; n++)
		if (pairs[n].last_byte > last)
			last = pairs[n].last_byte;
	return last - first_begin(pairs, count);
}

long long pairs_running_ns(const struct pair *pairs, unsigned int count)
{
	long long last = 0;

	for (unsigned int n = 0; n < count; n++)
		if (pairs[n].running > last)
			last = pairs[n].running;
	return last - first_begin(pairs, count);
}
