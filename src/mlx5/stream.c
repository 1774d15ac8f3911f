// SPDX-License-Identifier: GPL-2.0-only
/* Records of the migration stream: see stream.h. */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "stream.h"

/**
 * latch_record_encode - write a record's header
 * @header: where
 * @tag: LATCH_TAG_*
 * @flags: LATCH_RECORD_*
 * @size: bytes of payload that follow
 */
void latch_record_encode(struct latch_record_header *header, u32 tag, u32 flags, u64 size)
{
	header->size = cpu_to_le64(size);
	header->flags = cpu_to_le32(flags);
	header->tag = cpu_to_le32(tag);
}

/**
 * latch_record_reader_init - begin to read a stream
 * @reader: the reader
 */
void latch_record_reader_init(struct latch_record_reader *reader)
{
	reader->next = LATCH_RECORD_HEADER;
	reader->left = sizeof(reader->header);
}

/**
 * latch_record_header_space - where the next bytes of a header belong
 * @reader: the reader, with a header coming next
 *
 * Return: space for @reader->left bytes.
 */
void *latch_record_header_space(struct latch_record_reader *reader)
{
	return (char *)(&reader->header + 1) - reader->left;
}

/* Evaluates a header from user space that is whole. The expected size is a hint, and skipped. */
static int decode(struct latch_record_reader *reader)
{
	u32 flags = le32_to_cpu(reader->header.flags);

	if (flags & ~LATCH_RECORD_OPTIONAL)
		return -EOPNOTSUPP;
	reader->left = le64_to_cpu(reader->header.size);
	switch (le32_to_cpu(reader->header.tag)) {
	case LATCH_TAG_IMAGE:
		reader->next = LATCH_RECORD_IMAGE;
		return !reader->left || reader->left > LATCH_IMAGE_MAX ? -EINVAL : 0;
	case LATCH_TAG_STOP_COPY_SIZE:
		reader->next = LATCH_RECORD_SKIP;
		return reader->left == sizeof(__le64) ? 0 : -EINVAL;
	default:
		reader->next = LATCH_RECORD_SKIP;
		return flags & LATCH_RECORD_OPTIONAL ? 0 : -EOPNOTSUPP;
	}
}

/**
 * latch_record_advance - take further bytes of the stream
 * @reader: the reader; no earlier call has failed for it
 * @bytes: how many, @reader->left at most; a header's bytes are in their space
 *	already
 *
 * Return: 0; -EINVAL for an impossible record; -EOPNOTSUPP for one that we do
 * not know and that must not be skipped.
 */
int latch_record_advance(struct latch_record_reader *reader, u64 bytes)
{
	int ret = 0;

	reader->left -= bytes;
	if (reader->left)
		return 0;
	if (reader->next == LATCH_RECORD_HEADER)
		ret = decode(reader);
	/* The payload is complete, or there is none. */
	if (!reader->left)
		latch_record_reader_init(reader);
	return ret;
}

/**
 * latch_record_is_whole - whether a stream may end here
 * @reader: the reader
 *
 * Return: true if no record is incomplete.
 */
bool latch_record_is_whole(const struct latch_record_reader *reader)
{
	return reader->next == LATCH_RECORD_HEADER && reader->left == sizeof(reader->header);
}
