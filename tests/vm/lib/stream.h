/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stream.h: the stream in which mlx5-vfio-pci saves a VF, since Linux 6.2: records, each a
 * header {u64 size of the payload; u32 flags; u32 tag}, little-endian, and its payload.
 */
#ifndef VMTEST_STREAM_H
#define VMTEST_STREAM_H

#include "migration.h"

#define STREAM_TAG_FIRMWARE	0	/* one image of the firmware's */
#define STREAM_TAG_STOP_SIZE	1	/* u64: expected size of what is saved in STOP_COPY */
#define STREAM_OPTIONAL		1	/* flag: a reader may skip an unknown tag */

struct stream_header {
	uint64_t size;
	uint32_t flags;
	uint32_t tag;
};

/* Reads the record at OFFSET. Returns the next one's offset, 0 at the end; fails if it is torn. */
size_t stream_next(const struct migration_image *image, size_t offset,
		   struct stream_header *header);
/* Append a record, or a part of another stream, or just a header that claims SIZE. */
void stream_add(struct migration_image *image, uint32_t flags, uint32_t tag, const void *payload,
		size_t size);
void stream_add_bytes(struct migration_image *image, const void *bytes, size_t size);
void stream_add_header(struct migration_image *image, uint64_t size, uint32_t flags, uint32_t tag);
/* Put SIZE bytes in at OFFSET. */
void stream_insert(struct migration_image *image, size_t offset, const void *bytes, size_t size);
/* How many records have this tag. */
unsigned int stream_count(const struct migration_image *image, uint32_t tag);

#endif
