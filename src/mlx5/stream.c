// SPDX-License-Identifier: GPL-2.0-only
/* Record headers of the migration stream. */
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
 * latch_record_decode - check a record's header that came from user space
 * @header: the header
 * @record: set to what its payload is
 * @size: set to the bytes of its payload
 *
 * The expected size of what is still to come is only a hint, and skipped.
 *
 * Return: 0; -EINVAL if no such record can be; -EOPNOTSUPP for one that we do
 * not know and that must not be skipped.
 */
int latch_record_decode(const struct latch_record_header *header, enum latch_record *record,
			u64 *size)
{
	u32 flags = le32_to_cpu(header->flags);

	if (flags & ~LATCH_RECORD_OPTIONAL)
		return -EOPNOTSUPP;
	*size = le64_to_cpu(header->size);
	switch (le32_to_cpu(header->tag)) {
	case LATCH_TAG_IMAGE:
		*record = LATCH_RECORD_IMAGE;
		return !*size || *size > LATCH_IMAGE_MAX ? -EINVAL : 0;
	case LATCH_TAG_STOP_COPY_SIZE:
		*record = LATCH_RECORD_SKIP;
		return *size == sizeof(__le64) ? 0 : -EINVAL;
	default:
		*record = LATCH_RECORD_SKIP;
		return flags & LATCH_RECORD_OPTIONAL ? 0 : -EOPNOTSUPP;
	}
}
