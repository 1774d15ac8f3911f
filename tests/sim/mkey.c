// SPDX-License-Identifier: GPL-2.0-only
/* Protection domains, memory keys and queue buffers: the driver's memory as the device sees it. */
#include "connectx.h"

#define ACCESS_MODE_PA		0
#define ACCESS_MODE_MTT		1
#define MTT_FLAGS		7ULL
#define IMAGE_PAGE_SHIFT	12
#define RESERVED_KEY		0x8000	/* addresses are the DMA addresses of the function itself */

struct cx_mkey {
	uint8_t variant;		/* low 8 bits of the key, the driver's choice */
	uint32_t pd;
	bool local_read, local_write, remote_read, remote_write;
	unsigned int mode;
	uint64_t start, length;
	bool unlimited;
	struct cx_buffer buffer;
};

bool cx_buffer_init(struct cx_buffer *buffer, const void *pas, size_t pas_bytes,
		    unsigned int page_shift, uint32_t offset, uint64_t length)
{
	uint64_t count = DIV_ROUND_UP(offset + length, 1ULL << page_shift);

	if (count > pas_bytes / 8)
		return false;
	buffer->page_shift = page_shift;
	buffer->offset = offset;
	buffer->count = count;
	buffer->pages = g_new(uint64_t, count);
	for (uint64_t index = 0; index < count; index++)
		buffer->pages[index] = ldq_be_p((const uint8_t *)pas + index * 8) & ~MTT_FLAGS;
	return true;
}

void cx_buffer_free(struct cx_buffer *buffer)
{
	g_clear_pointer(&buffer->pages, g_free);
}

uint64_t cx_buffer_address(const struct cx_buffer *buffer, uint64_t offset)
{
	offset += buffer->offset;
	return buffer->pages[offset >> buffer->page_shift] +
	       (offset & ((1ULL << buffer->page_shift) - 1));
}

enum cx_status cx_alloc_pd(struct cx_command *cmd)
{
	uint32_t pd = cx_table_add(&cmd->fn->pds, cmd->fn);

	if (!pd)
		return CX_NO_RESOURCES;
	SET(alloc_pd_out, cmd->out, pd, pd);
	return CX_OK;
}

static bool pd_has_keys(struct cx_function *fn, uint32_t pd)
{
	GHashTableIter iter;
	void *value;

	g_hash_table_iter_init(&iter, fn->mkeys.entries);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		if (((struct cx_mkey *)value)->pd == pd)
			return true;
	}
	return false;
}

enum cx_status cx_dealloc_pd(struct cx_command *cmd)
{
	uint32_t pd = GET(dealloc_pd_in, cmd->in, pd);

	if (CX_RULE(cmd->fn->pf, keys) &&
	    (pd_has_keys(cmd->fn, pd) || cx_qp_uses_pd(cmd->fn, pd)))
		return CX_BAD_RESOURCE_STATE;
	return cx_table_remove(&cmd->fn->pds, pd) ? CX_OK : CX_BAD_RESOURCE;
}

enum cx_status cx_query_special_contexts(struct cx_command *cmd)
{
	SET(query_special_contexts_out, cmd->out, resd_lkey, RESERVED_KEY);
	return CX_OK;
}

void cx_mkey_free(void *opaque)
{
	struct cx_mkey *mkey = opaque;

	cx_buffer_free(&mkey->buffer);
	g_free(mkey);
}

static bool read_translations(struct cx_command *cmd, struct cx_mkey *mkey, const uint8_t *mkc)
{
	unsigned int shift = GET(mkc, mkc, log_page_size);
	uint32_t offset;

	if (shift < 12 || shift > 31)
		return false;
	offset = mkey->start & ((1ULL << shift) - 1);
	return cx_buffer_init(&mkey->buffer, IFC_AT(create_mkey_in, cmd->in, klm_pas_mtt),
			      cmd->in_length - IFC_BYTES(create_mkey_in), shift, offset,
			      mkey->length);
}

enum cx_status cx_create_mkey(struct cx_command *cmd)
{
	const uint8_t *mkc = IFC_AT(create_mkey_in, cmd->in, memory_key_mkey_entry);
	struct cx_mkey *mkey;
	uint32_t index;

	if (!cx_table_get(&cmd->fn->pds, GET(mkc, mkc, pd)))
		return CX_BAD_RESOURCE;
	mkey = g_new0(struct cx_mkey, 1);
	mkey->variant = GET(mkc, mkc, mkey_7_0);
	mkey->mode = GET(mkc, mkc, access_mode_4_2) << 2 | GET(mkc, mkc, access_mode_1_0);
	mkey->pd = GET(mkc, mkc, pd);
	mkey->local_read = GET(mkc, mkc, lr);
	mkey->local_write = GET(mkc, mkc, lw);
	mkey->remote_read = GET(mkc, mkc, rr);
	mkey->remote_write = GET(mkc, mkc, rw);
	mkey->start = GET(mkc, mkc, start_addr);
	mkey->length = GET(mkc, mkc, len);
	mkey->unlimited = GET(mkc, mkc, length64);
	if (mkey->mode > ACCESS_MODE_MTT ||
	    (mkey->mode == ACCESS_MODE_MTT && !read_translations(cmd, mkey, mkc))) {
		cx_mkey_free(mkey);
		return CX_BAD_PARAMETER;
	}
	index = cx_table_add(&cmd->fn->mkeys, mkey);
	if (!index) {
		cx_mkey_free(mkey);
		return CX_NO_RESOURCES;
	}
	SET(create_mkey_out, cmd->out, mkey_index, index);
	return CX_OK;
}

enum cx_status cx_destroy_mkey(struct cx_command *cmd)
{
	return cx_table_remove(&cmd->fn->mkeys, GET(destroy_mkey_in, cmd->in, mkey_index)) ?
	       CX_OK : CX_BAD_RESOURCE;
}

static bool move(struct cx_function *fn, uint64_t address, void *buffer, size_t length, bool write)
{
	return write ? cx_dma_write(fn, address, buffer, length) :
		       cx_dma_read(fn, address, buffer, length);
}

/* The key with this number and variant, if it describes LENGTH bytes at VA. */
static struct cx_mkey *key_of(struct cx_function *fn, uint32_t key, uint64_t va, uint64_t length)
{
	struct cx_mkey *mkey = cx_table_get(&fn->mkeys, key >> 8);

	if (!mkey || mkey->variant != (key & 0xff))
		return NULL;
	if (!mkey->unlimited &&
	    (va < mkey->start || length > mkey->length || va - mkey->start > mkey->length - length))
		return NULL;
	return mkey;
}

bool cx_mkey_takes_image(struct cx_function *fn, uint32_t key, uint64_t va, uint64_t length)
{
	const struct cx_mkey *mkey = key_of(fn, key, va, length);

	return mkey && mkey->mode == ACCESS_MODE_MTT &&
	       mkey->buffer.page_shift == IMAGE_PAGE_SHIFT && mkey->local_read &&
	       mkey->local_write && mkey->remote_read && mkey->remote_write;
}

bool cx_mkey_is_of(struct cx_function *fn, uint32_t key, uint32_t pd)
{
	struct cx_mkey *mkey = cx_table_get(&fn->mkeys, key >> 8);

	return key == RESERVED_KEY || (mkey && mkey->pd == pd);
}

static bool access_mkey(struct cx_function *fn, uint32_t key, uint64_t va, uint8_t *buffer,
			size_t length, bool write)
{
	struct cx_mkey *mkey = key_of(fn, key, va, length);

	if (key == RESERVED_KEY)
		return move(fn, va, buffer, length, write);
	if (!mkey)
		return false;
	if (CX_RULE(fn->pf, keys) && !(write ? mkey->local_write : mkey->local_read))
		return false;
	if (mkey->mode == ACCESS_MODE_PA)
		return move(fn, va, buffer, length, write);
	for (uint64_t offset = va - mkey->start; length;) {
		uint64_t page = 1ULL << mkey->buffer.page_shift;
		size_t part = MIN(length, page - ((offset + mkey->buffer.offset) & (page - 1)));

		if (!move(fn, cx_buffer_address(&mkey->buffer, offset), buffer, part, write))
			return false;
		buffer += part;
		offset += part;
		length -= part;
	}
	return true;
}

bool cx_mkey_read(struct cx_function *fn, uint32_t key, uint64_t va, void *buffer, size_t length)
{
	return access_mkey(fn, key, va, buffer, length, false);
}

bool cx_mkey_write(struct cx_function *fn, uint32_t key, uint64_t va, const void *buffer,
		   size_t length)
{
	return access_mkey(fn, key, va, (uint8_t *)buffer, length, true);
}
