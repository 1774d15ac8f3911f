/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The migration stream: records, each a header and its payload. The kernel's
 * mlx5-vfio-pci of 6.2 and later writes and reads the same.
 *
 * Pure logic: it also compiles in user space (tests/unit).
 */
#ifndef LATCH_MLX5_STREAM_H
#define LATCH_MLX5_STREAM_H

#include <linux/bits.h>
#include <linux/types.h>

/**
 * struct latch_record_header - what every record begins with
 * @size: bytes of payload
 * @flags: LATCH_RECORD_*
 * @tag: what the payload is
 */
struct latch_record_header {
	__le64 size;
	__le32 flags;
	__le32 tag;
} __packed;

/* A reader that does not know the tag may skip the record. */
#define LATCH_RECORD_OPTIONAL	BIT(0)

/* An image, as the firmware saved it. */
#define LATCH_TAG_IMAGE		0
/* __le64: bytes that the images saved from STOP_COPY on are expected to take. */
#define LATCH_TAG_STOP_COPY_SIZE	1

/* The firmware's sizes have 32 bits. */
#define LATCH_IMAGE_MAX		U32_MAX

/* The part of a record that comes next, or is incomplete. */
enum latch_record_part {
	LATCH_RECORD_HEADER,
	LATCH_RECORD_IMAGE,
	LATCH_RECORD_SKIP,	/* a payload that we ignore */
};

/**
 * struct latch_record_reader - the position in a stream that a user writes
 * @header: the record's header
 * @next: what comes next
 * @left: bytes of it, never 0
 */
struct latch_record_reader {
	struct latch_record_header header;
	enum latch_record_part next;
	u64 left;
};

void latch_record_encode(struct latch_record_header *header, u32 tag, u32 flags, u64 size);
void latch_record_reader_init(struct latch_record_reader *reader);
void *latch_record_header_space(struct latch_record_reader *reader);
int latch_record_advance(struct latch_record_reader *reader, u64 bytes);
bool latch_record_is_whole(const struct latch_record_reader *reader);

#endif
