// SPDX-License-Identifier: GPL-2.0-only
/*
 * Images of a VF's state, what SAVE_VHCA_STATE gives and LOAD_VHCA_STATE takes: a header, the test
 * window's registers, then extents, each its offset, its length and its bytes. Little-endian. A
 * driver must not look inside.
 */
#include "vf_migration.h"
#include "qemu/bitmap.h"

#define MAGIC		0x3141434856585843ULL	/* "CXXVHCA1" */
#define IMAGE_FIRST	BIT_ULL(0)		/* begins a series; the others add to it */

struct image_header {
	uint64_t magic;
	uint64_t flags;
	uint64_t state_size;
	uint64_t extents;
	uint64_t payload;
	uint64_t digest;
	uint64_t reserved[2];
} QEMU_PACKED;

struct extent {
	uint64_t offset;
	uint64_t length;
} QEMU_PACKED;

static uint64_t digest_of(const uint8_t *bytes, uint64_t length)
{
	uint64_t digest = length;

	for (; length >= 8; bytes += 8, length -= 8)
		digest = rol64(digest, 5) * 0x100000001b3ULL + ldq_le_p(bytes);
	for (; length; bytes++, length--)
		digest = rol64(digest, 5) * 0x100000001b3ULL + *bytes;
	return digest;
}

/* The next run of pending blocks at or after *BLOCK: its length, and where it begins. */
static long next_run(const struct cx_migration *migration, bool all, long *block)
{
	long blocks = cx_blocks(migration);

	if (all)
		return blocks - *block;
	*block = find_next_bit(migration->pending, blocks, *block);
	return *block >= blocks ? 0 :
	       find_next_zero_bit(migration->pending, blocks, *block) - *block;
}

/* Bytes of COUNT blocks from BLOCK on: the last block of the state may be short. */
static uint64_t bytes_of(const struct cx_migration *migration, long block, long count)
{
	return MIN((uint64_t)(block + count) * CX_BLOCK, migration->size) -
	       (uint64_t)block * CX_BLOCK;
}

uint64_t cx_image_size(const struct cx_migration *migration, bool all)
{
	uint64_t size = sizeof(struct image_header) + CX_WINDOW_REGISTERS;
	long block = 0, count;

	while ((count = next_run(migration, all, &block)) > 0) {
		size += sizeof(struct extent) + bytes_of(migration, block, count);
		block += count;
	}
	return size;
}

uint32_t cx_image_save(struct cx_function *fn, uint8_t *image, uint32_t limit, bool first)
{
	struct cx_migration *migration = fn->migration;
	struct image_header header = {
		.magic = cpu_to_le64(MAGIC),
		.flags = cpu_to_le64(first ? IMAGE_FIRST : 0),
		.state_size = cpu_to_le64(migration->size),
	};
	uint32_t used = sizeof(header) + CX_WINDOW_REGISTERS;
	uint64_t extents = 0;
	long block = 0, count;

	memcpy(image + sizeof(header), cx_window_registers(fn), CX_WINDOW_REGISTERS);
	while ((count = next_run(migration, false, &block)) > 0) {
		struct extent extent;
		uint64_t room = limit - MIN(limit, used + sizeof(extent));
		uint64_t bytes = bytes_of(migration, block, count);

		if (bytes > room) {
			count = room / CX_BLOCK;
			bytes = (uint64_t)count * CX_BLOCK;
		}
		if (!count)
			break;
		extent.offset = cpu_to_le64((uint64_t)block * CX_BLOCK);
		extent.length = cpu_to_le64(bytes);
		memcpy(image + used, &extent, sizeof(extent));
		memcpy(image + used + sizeof(extent),
		       migration->state + (uint64_t)block * CX_BLOCK, bytes);
		used += sizeof(extent) + bytes;
		bitmap_clear(migration->pending, block, count);
		block += count;
		extents++;
	}
	migration->registers_pending = false;
	header.extents = cpu_to_le64(extents);
	header.payload = cpu_to_le64(used - sizeof(header));
	header.digest = cpu_to_le64(digest_of(image + sizeof(header), used - sizeof(header)));
	memcpy(image, &header, sizeof(header));
	return used;
}

static bool take_extents(struct cx_migration *migration, const uint8_t *bytes, uint64_t length,
			 uint64_t extents)
{
	for (; extents; extents--) {
		uint64_t offset, part;

		if (length < sizeof(struct extent))
			return false;
		offset = ldq_le_p(bytes);
		part = ldq_le_p(bytes + 8);
		bytes += sizeof(struct extent);
		length -= sizeof(struct extent);
		if (part > length || offset % CX_BLOCK || offset > migration->size ||
		    part > migration->size - offset)
			return false;
		memcpy(migration->state + offset, bytes, part);
		bitmap_clear(migration->missing, offset / CX_BLOCK, DIV_ROUND_UP(part, CX_BLOCK));
		bytes += part;
		length -= part;
	}
	return !length;
}

enum cx_status cx_image_load(struct cx_function *fn, const uint8_t *image, uint32_t length,
			     uint64_t state_limit, bool may_follow)
{
	struct cx_migration *migration = fn->migration;
	struct image_header header;
	uint64_t payload, size;
	bool first;

	if (length < sizeof(header))
		return CX_BAD_PARAMETER;
	memcpy(&header, image, sizeof(header));
	payload = le64_to_cpu(header.payload);
	size = le64_to_cpu(header.state_size);
	first = le64_to_cpu(header.flags) & IMAGE_FIRST;
	/* A driver names the image's length, not its buffer's. */
	if (le64_to_cpu(header.magic) != MAGIC || payload != length - sizeof(header) ||
	    payload < CX_WINDOW_REGISTERS || size > state_limit ||
	    le64_to_cpu(header.digest) != digest_of(image + sizeof(header), payload))
		return CX_BAD_PARAMETER;
	if (!first && (!may_follow || !migration->loading))
		return CX_BAD_RESOURCE_STATE;
	if (first) {
		cx_state_resize(migration, 0);
		cx_state_resize(migration, size);
		bitmap_set(migration->missing, 0, cx_blocks(migration));
		migration->loading = true;
	} else if (size != migration->size) {
		cx_state_resize(migration, size);
	}
	image += sizeof(header);
	memcpy(cx_window_registers(fn), image, CX_WINDOW_REGISTERS);
	return take_extents(migration, image + CX_WINDOW_REGISTERS, payload - CX_WINDOW_REGISTERS,
			    le64_to_cpu(header.extents)) ? CX_OK : CX_BAD_PARAMETER;
}
