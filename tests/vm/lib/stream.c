// SPDX-License-Identifier: GPL-2.0-only
#include "stream.h"

#include <stdlib.h>
#include <string.h>

#include "test.h"

size_t stream_next(const struct migration_image *image, size_t offset,
		   struct stream_header *header)
{
	if (offset == image->size)
		return 0;
	if (image->size - offset < sizeof(*header))
		FAIL("a stream of %zu bytes ends in the header at %zu", image->size, offset);
	memcpy(header, image->bytes + offset, sizeof(*header));
	offset += sizeof(*header);
	if (image->size - offset < header->size)
		FAIL("a stream of %zu bytes ends in a record of %llu at %zu", image->size,
		     (unsigned long long)header->size, offset);
	return offset + header->size;
}

void stream_insert(struct migration_image *image, size_t offset, const void *bytes, size_t size)
{
	image->bytes = realloc(image->bytes, image->size + size);
	memmove(image->bytes + offset + size, image->bytes + offset, image->size - offset);
	memcpy(image->bytes + offset, bytes, size);
	image->size += size;
}

void stream_add_bytes(struct migration_image *image, const void *bytes, size_t size)
{
	stream_insert(image, image->size, bytes, size);
}

void stream_add_header(struct migration_image *image, uint64_t size, uint32_t flags, uint32_t tag)
{
	struct stream_header header = { size, flags, tag };

	stream_add_bytes(image, &header, sizeof(header));
}

void stream_add(struct migration_image *image, uint32_t flags, uint32_t tag, const void *payload,
		size_t size)
{
	stream_add_header(image, size, flags, tag);
	stream_add_bytes(image, payload, size);
}

unsigned int stream_count(const struct migration_image *image, uint32_t tag)
{
	struct stream_header header;
	unsigned int count = 0;
	size_t offset = 0;

	while ((offset = stream_next(image, offset, &header)))
		count += header.tag == tag;
	return count;
}
