// SPDX-License-Identifier: GPL-2.0-only
/* What a VF has to migrate: bytes that the test window fills, changes and digests. */
#include "vf_migration.h"
#include "qemu/bitmap.h"

#define FNV_BASIS	0xcbf29ce484222325ULL
#define FNV_PRIME	0x100000001b3ULL

/* The 64-bit word INDEX of the pattern (splitmix64). */
static uint64_t pattern_word(uint64_t seed, uint64_t index)
{
	uint64_t word = seed + (index + 1) * 0x9e3779b97f4a7c15ULL;

	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9ULL;
	word = (word ^ word >> 27) * 0x94d049bb133111ebULL;
	return word ^ word >> 31;
}

void cx_pattern(void *buffer, uint64_t length, uint64_t seed, uint64_t offset)
{
	uint8_t *bytes = buffer;

	while (length) {
		uint64_t word = cpu_to_le64(pattern_word(seed, offset / 8));
		uint64_t skip = offset % 8, part = MIN(length, 8 - skip);

		memcpy(bytes, (uint8_t *)&word + skip, part);
		bytes += part;
		offset += part;
		length -= part;
	}
}

static unsigned long *resized_bitmap(unsigned long *old, long old_bits, long bits)
{
	unsigned long *bitmap = bitmap_new(MAX(bits, 1));

	if (old)
		bitmap_copy(bitmap, old, MIN(old_bits, bits));
	g_free(old);
	return bitmap;
}

void cx_state_resize(struct cx_migration *migration, uint64_t size)
{
	long old = cx_blocks(migration);

	migration->state = g_realloc(migration->state, MAX(size, 1));
	if (size > migration->size)
		memset(migration->state + migration->size, 0, size - migration->size);
	migration->size = size;
	migration->pending = resized_bitmap(migration->pending, old, cx_blocks(migration));
	migration->missing = resized_bitmap(migration->missing, old, cx_blocks(migration));
}

static void note_change(struct cx_migration *migration, uint64_t offset, uint64_t length)
{
	uint64_t first = offset / CX_BLOCK, end = DIV_ROUND_UP(offset + length, CX_BLOCK);

	if ((migration->tracking || migration->unfinished) && length)
		bitmap_set(migration->pending, first, end - first);
}

void cx_state_grow(struct cx_migration *migration, uint64_t length)
{
	uint64_t size = migration->size;

	cx_state_resize(migration, size + length);
	cx_pattern(migration->state + size, length, size, size);
	note_change(migration, size, length);
}

bool cx_state_fill(struct cx_migration *migration, uint64_t size, uint64_t seed)
{
	if (migration->responder_suspended)
		return false;
	cx_state_resize(migration, size);
	cx_pattern(migration->state, size, seed, 0);
	note_change(migration, 0, size);
	return true;
}

bool cx_state_touch(struct cx_migration *migration, uint64_t offset, uint64_t length, uint64_t seed)
{
	if (migration->responder_suspended)
		return false;
	cx_pattern(migration->state + offset, length, seed, offset);
	note_change(migration, offset, length);
	return true;
}

uint64_t cx_state_digest(const struct cx_migration *migration)
{
	uint64_t digest = FNV_BASIS;

	for (uint64_t index = 0; index < migration->size; index++)
		digest = (digest ^ migration->state[index]) * FNV_PRIME;
	return digest;
}
