// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that the firmware borrows from drivers: for a function's own needs while it starts,
 * and for VFs, asked of the PF's driver by an event.
 */
#include "connectx.h"

#define OP_MOD_FAIL	0
#define OP_MOD_GIVE	1
#define OP_MOD_TAKE	2

void cx_pages_request(struct cx_pf *pf, unsigned int id, int32_t count)
{
	uint8_t data[28] = { 0 };

	if (!count)
		return;
	stw_be_p(data + 2, id);
	stl_be_p(data + 4, count);
	cx_event(&pf->fn, CX_EVENT_PAGE_REQUEST, data);
}

enum cx_status cx_query_pages(struct cx_command *cmd)
{
	struct cx_pf *pf = cmd->fn->pf;
	uint32_t count;

	switch (cmd->op_mod) {
	case MLX5_QUERY_PAGES_IN_OP_MOD_BOOT_PAGES:
		count = pf->boot_pages;
		break;
	case MLX5_QUERY_PAGES_IN_OP_MOD_INIT_PAGES:
		count = pf->init_pages;
		break;
	default:
		return CX_BAD_PARAMETER;
	}
	SET(query_pages_out, cmd->out, num_pages, cmd->fn->id ? 0 : count);
	return CX_OK;
}

static enum cx_status give(struct cx_command *cmd, GQueue *pages)
{
	uint32_t count = GET(manage_pages_in, cmd->in, input_num_entries);

	if (cmd->in_length < IFC_BYTES(manage_pages_in) + count * 8ULL)
		return CX_BAD_INPUT_LENGTH;
	for (uint32_t index = 0; index < count; index++) {
		uint64_t *page = g_new(uint64_t, 1);

		*page = ldq_be_p(IFC_AT(manage_pages_in, cmd->in, pas) + index * 8);
		g_queue_push_tail(pages, page);
	}
	return CX_OK;
}

static enum cx_status take(struct cx_command *cmd, GQueue *pages)
{
	uint32_t count = MIN(GET(manage_pages_in, cmd->in, input_num_entries), pages->length);

	if (cmd->out_length < IFC_BYTES(manage_pages_out) + count * 8ULL)
		return CX_BAD_OUTPUT_LENGTH;
	for (uint32_t index = 0; index < count; index++) {
		g_autofree uint64_t *page = g_queue_pop_head(pages);

		stq_be_p(IFC_AT(manage_pages_out, cmd->out, pas) + index * 8, *page);
	}
	SET(manage_pages_out, cmd->out, output_num_entries, count);
	return CX_OK;
}

enum cx_status cx_manage_pages(struct cx_command *cmd)
{
	unsigned int id = GET(manage_pages_in, cmd->in, function_id);
	GQueue *pages = &cmd->fn->pages;

	if (id) {
		if (cmd->fn->id || id > cmd->fn->pf->vfs)
			return CX_BAD_PARAMETER;
		pages = &cmd->fn->pf->vf_pages[id];
	}
	switch (cmd->op_mod) {
	case OP_MOD_FAIL:
		return CX_OK;
	case OP_MOD_GIVE:
		return give(cmd, pages);
	case OP_MOD_TAKE:
		return take(cmd, pages);
	default:
		return CX_BAD_PARAMETER;
	}
}

void cx_pages_forget(struct cx_pf *pf)
{
	for (size_t id = 0; id < ARRAY_SIZE(pf->vf_pages); id++)
		g_queue_clear_full(&pf->vf_pages[id], g_free);
}
