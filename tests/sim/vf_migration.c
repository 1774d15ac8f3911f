// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands that migrate a VF, which the PF's driver gives.
 *
 * A VF suspended as initiator begins nothing (no DMA, no commands of its own); suspended as
 * responder as well it is still, and its state does not change. In that order, and resumed in
 * the opposite one.
 */
#include "vf_migration.h"
#include "qemu/bitmap.h"

struct cx_migration *cx_migration_new(void)
{
	struct cx_migration *migration = g_new0(struct cx_migration, 1);

	cx_state_resize(migration, 0);
	return migration;
}

static void clear(struct cx_migration *migration)
{
	g_free(migration->state);
	g_free(migration->pending);
	g_free(migration->missing);
	memset(migration, 0, sizeof(*migration));
}

void cx_migration_free(struct cx_migration *migration)
{
	clear(migration);
	g_free(migration);
}

void cx_migration_reset(struct cx_migration *migration)
{
	clear(migration);
	cx_state_resize(migration, 0);
}

bool cx_suspended(const struct cx_function *fn)
{
	return fn->migration && fn->migration->initiator_suspended;
}

/* All five commands have the VF's number at the same place. */
static struct cx_function *target(struct cx_command *cmd)
{
	struct cx_function *vf;

	if (cmd->fn->id || !cmd->fn->pf->migration)
		return NULL;
	vf = cx_function_by_vhca(cmd->fn->pf, GET(suspend_vhca_in, cmd->in, vhca_id));
	return vf && vf->migration ? vf : NULL;
}

static bool has_missing(const struct cx_migration *migration)
{
	return find_first_bit(migration->missing, cx_blocks(migration)) <
	       (unsigned long)cx_blocks(migration);
}

static bool has_pending(const struct cx_migration *migration)
{
	return find_first_bit(migration->pending, cx_blocks(migration)) <
	       (unsigned long)cx_blocks(migration);
}

/* An image always fits that has a header, an extent and a block. */
static uint32_t next_size(const struct cx_pf *pf, const struct cx_migration *migration,
			  uint64_t total)
{
	total = ROUND_UP(total, CX_BLOCK);
	return migration->chunked ? MIN(total, pf->chunk_size) : total;
}

enum cx_status cx_suspend_vhca(struct cx_command *cmd)
{
	struct cx_function *vf = target(cmd);

	if (!vf)
		return CX_BAD_PARAMETER;
	switch (cmd->op_mod) {
	case MLX5_SUSPEND_VHCA_IN_OP_MOD_SUSPEND_INITIATOR:
		if (vf->migration->initiator_suspended)
			return CX_BAD_RESOURCE_STATE;
		vf->migration->initiator_suspended = true;
		return CX_OK;
	case MLX5_SUSPEND_VHCA_IN_OP_MOD_SUSPEND_RESPONDER:
		if (!vf->migration->initiator_suspended || vf->migration->responder_suspended)
			return CX_BAD_RESOURCE_STATE;
		vf->migration->responder_suspended = true;
		return CX_OK;
	default:
		return CX_BAD_PARAMETER;
	}
}

static enum cx_status resume_responder(struct cx_migration *migration)
{
	if (!migration->responder_suspended)
		return CX_BAD_RESOURCE_STATE;
	/* A series of images of which some did not come makes no VF. */
	if (migration->loading && has_missing(migration))
		return CX_BAD_RESOURCE_STATE;
	migration->loading = false;
	migration->tracking = false;
	migration->unfinished = false;
	migration->responder_suspended = false;
	return CX_OK;
}

enum cx_status cx_resume_vhca(struct cx_command *cmd)
{
	struct cx_function *vf = target(cmd);

	if (!vf)
		return CX_BAD_PARAMETER;
	switch (cmd->op_mod) {
	case MLX5_RESUME_VHCA_IN_OP_MOD_RESUME_RESPONDER:
		return resume_responder(vf->migration);
	case MLX5_RESUME_VHCA_IN_OP_MOD_RESUME_INITIATOR:
		if (!vf->migration->initiator_suspended || vf->migration->responder_suspended)
			return CX_BAD_RESOURCE_STATE;
		vf->migration->initiator_suspended = false;
		cx_command_queue_resume(vf);
		return CX_OK;
	default:
		return CX_BAD_PARAMETER;
	}
}

enum cx_status cx_query_vhca_migration_state(struct cx_command *cmd)
{
	bool incremental = ifc_get(cmd->in, QUERY_MIGRATION_IN_INCREMENTAL, 1);
	bool chunk = ifc_get(cmd->in, QUERY_MIGRATION_IN_CHUNK, 1);
	struct cx_pf *pf = cmd->fn->pf;
	struct cx_function *vf = target(cmd);
	uint64_t total;

	if (!vf || (incremental && !pf->precopy) || (chunk && !pf->chunks))
		return CX_BAD_PARAMETER;
	if (incremental && !vf->migration->tracking && !vf->migration->unfinished)
		return CX_BAD_RESOURCE_STATE;
	total = cx_image_size(vf->migration, !incremental);
	if (!chunk && total > pf->image_limit)
		return CX_LIMIT;
	vf->migration->chunked = chunk;
	if (!incremental)
		vf->migration->restart = true;
	SET(query_vhca_migration_state_out, cmd->out, required_umem_size,
	    next_size(pf, vf->migration, total));
	ifc_set(cmd->out, QUERY_MIGRATION_OUT_REMAINING, 64, total);
	return CX_OK;
}

static enum cx_status save(struct cx_command *cmd, struct cx_function *vf, bool first)
{
	struct cx_migration *migration = vf->migration;
	uint32_t limit = GET(save_vhca_state_in, cmd->in, size), length;
	g_autofree uint8_t *image = NULL;

	if (migration->chunked)
		limit = MIN(limit, cmd->fn->pf->chunk_size);
	else if (cx_image_size(migration, false) > limit)
		return CX_LIMIT;
	if (limit < MIN(2 * CX_BLOCK, cx_image_size(migration, false)))
		return CX_LIMIT;
	image = g_malloc(MIN(limit, cx_image_size(migration, false)) + CX_BLOCK);
	length = cx_image_save(vf, image, limit, first);
	if (!cx_mkey_write(cmd->fn, GET(save_vhca_state_in, cmd->in, mkey),
			   GET(save_vhca_state_in, cmd->in, va), image, length))
		return CX_BAD_RESOURCE;
	SET(save_vhca_state_out, cmd->out, actual_image_size, length);
	return CX_OK;
}

enum cx_status cx_save_vhca_state(struct cx_command *cmd)
{
	bool incremental = ifc_get(cmd->in, SAVE_IN_INCREMENTAL, 1);
	bool track = ifc_get(cmd->in, SAVE_IN_SET_TRACK, 1);
	struct cx_function *vf = target(cmd);
	struct cx_migration *migration;
	enum cx_status status;
	bool first = false;

	if (!vf || ((incremental || track) && !cmd->fn->pf->precopy))
		return CX_BAD_PARAMETER;
	migration = vf->migration;
	/* A VF that runs has its changes noted or, with this, no longer: pre-copy is given up. */
	if (!track && !migration->tracking && !migration->responder_suspended)
		return CX_BAD_RESOURCE_STATE;
	if (incremental && !migration->tracking && !migration->unfinished)
		return CX_BAD_RESOURCE_STATE;
	if (!incremental && (migration->restart || !migration->unfinished)) {
		bitmap_set(migration->pending, 0, cx_blocks(migration));
		first = true;
	}
	migration->restart = false;
	status = save(cmd, vf, first);
	if (status != CX_OK)
		return status;
	migration->unfinished = has_pending(migration);
	migration->tracking = track;
	if (migration->unfinished && migration->chunked)
		ifc_set(cmd->out, SAVE_OUT_NEXT_REQUIRED, 32,
			next_size(cmd->fn->pf, migration, cx_image_size(migration, false)));
	migration->saves++;
	return CX_OK;
}

enum cx_status cx_load_vhca_state(struct cx_command *cmd)
{
	uint32_t length = GET(load_vhca_state_in, cmd->in, size);
	struct cx_pf *pf = cmd->fn->pf;
	struct cx_function *vf = target(cmd);
	g_autofree uint8_t *image = NULL;
	enum cx_status status;

	if (!vf || length > pf->image_limit)
		return CX_BAD_PARAMETER;
	if (!vf->migration->responder_suspended)
		return CX_BAD_RESOURCE_STATE;
	image = g_malloc(MAX(length, 1));
	if (!cx_mkey_read(cmd->fn, GET(load_vhca_state_in, cmd->in, mkey),
			  GET(load_vhca_state_in, cmd->in, va), image, length))
		return CX_BAD_RESOURCE;
	status = cx_image_load(vf, image, length, pf->state_limit,
			       pf->precopy || pf->chunks);
	if (status == CX_OK)
		vf->migration->loads++;
	return status;
}
