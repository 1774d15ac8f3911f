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
#include "qemu/units.h"

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

struct cx_function *cx_migration_subject(struct cx_command *cmd)
{
	switch (cmd->opcode) {
	case MLX5_CMD_OP_QUERY_VHCA_MIGRATION_STATE:
	case MLX5_CMD_OP_SUSPEND_VHCA:
	case MLX5_CMD_OP_RESUME_VHCA:
	case MLX5_CMD_OP_SAVE_VHCA_STATE:
	case MLX5_CMD_OP_LOAD_VHCA_STATE:
		return target(cmd);
	default:
		return NULL;
	}
}

void cx_migration_attempted(struct cx_command *cmd)
{
	struct cx_function *vf = cx_migration_subject(cmd);

	if (vf && cmd->opcode == MLX5_CMD_OP_SAVE_VHCA_STATE)
		vf->migration->track_tried |= ifc_get(cmd->in, SAVE_IN_SET_TRACK, 1);
}

void cx_migration_begin_work(struct cx_command *cmd)
{
	struct cx_function *vf = cx_migration_subject(cmd);

	if (vf && !vf->migration->work && (cmd->opcode == MLX5_CMD_OP_SAVE_VHCA_STATE ||
					   cmd->opcode == MLX5_CMD_OP_LOAD_VHCA_STATE))
		vf->migration->work = cmd;
}

void cx_migration_end_work(struct cx_command *cmd)
{
	struct cx_function *vf = cx_migration_subject(cmd);

	if (vf && vf->migration->work == cmd)
		vf->migration->work = NULL;
}

void cx_migration_grow(struct cx_command *cmd, uint64_t length)
{
	struct cx_function *vf = cx_migration_subject(cmd);

	if (vf)
		cx_state_grow(vf->migration, length);
}

void cx_migration_require(struct cx_command *cmd, uint32_t length)
{
	if (cmd->opcode == MLX5_CMD_OP_QUERY_VHCA_MIGRATION_STATE)
		SET(query_vhca_migration_state_out, cmd->out, required_umem_size, length);
	else if (cmd->opcode == MLX5_CMD_OP_SAVE_VHCA_STATE)
		ifc_set(cmd->out, SAVE_OUT_NEXT_REQUIRED, 32, length);
}

void cx_migration_never_end(struct cx_command *cmd)
{
	if (cmd->opcode == MLX5_CMD_OP_QUERY_VHCA_MIGRATION_STATE)
		ifc_set(cmd->out, QUERY_MIGRATION_OUT_REMAINING, 64, UINT64_MAX);
}

void cx_migration_reinit(struct cx_function *vf)
{
	vf->migration->reinit = true;
}

/*
 * The firmware is at work for this VF, and takes nothing that would disturb that. Not so to resume
 * it as initiator: the kernel's driver goes back from PRE_COPY_P2P amid a save.
 */
static bool is_busy(struct cx_command *cmd, const struct cx_function *vf)
{
	return CX_RULE(cmd->fn->pf, busy) && vf->migration->work;
}

/* With chunks: the largest image, and the smallest buffer that will do unless less is left. */
static uint32_t largest_chunk(const struct cx_pf *pf)
{
	if (pf->chunk_size)
		return pf->chunk_size;
	return CX_RULE(pf, fill) ? pf->image_limit : CX_CHUNK_NOT_FILLED;
}

static uint32_t smallest_buffer(const struct cx_pf *pf)
{
	return CX_RULE(pf, fill) ? MIN(pf->chunk_required, largest_chunk(pf)) : largest_chunk(pf);
}

static uint32_t next_size(const struct cx_pf *pf, const struct cx_migration *migration,
			  uint64_t total)
{
	total = ROUND_UP(total, CX_BLOCK);
	return migration->chunked ? MIN(total, smallest_buffer(pf)) : total;
}

/*
 * An increment is empty when nothing has changed, not even a register. There is always something
 * in the last one, of a VF that is suspended: the kernel's driver takes an empty one for an error.
 */
static uint64_t image_size(const struct cx_pf *pf, const struct cx_migration *migration, bool all)
{
	if (CX_RULE(pf, idle) && !all && !migration->responder_suspended &&
	    !migration->registers_pending && !has_pending(migration))
		return 0;
	return cx_image_size(migration, all);
}

enum cx_status cx_suspend_vhca(struct cx_command *cmd)
{
	struct cx_function *vf = target(cmd);

	if (!vf)
		return CX_BAD_PARAMETER;
	if (is_busy(cmd, vf))
		return CX_BUSY;
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
	migration->track_tried = false;
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
		if (is_busy(cmd, vf))
			return CX_BUSY;
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
	total = image_size(pf, vf->migration, !incremental);
	if (!chunk && total > pf->image_limit)
		return CX_LIMIT;
	vf->migration->chunked = chunk;
	if (!incremental)
		vf->migration->restart = true;
	SET(query_vhca_migration_state_out, cmd->out, required_umem_size,
	    next_size(pf, vf->migration, total));
	ifc_set(cmd->out, QUERY_MIGRATION_OUT_REMAINING, 64, total);
	if (pf->migration_state)
		ifc_set(cmd->out, QUERY_MIGRATION_OUT_STATE, 4,
			vf->migration->reinit ? MIGRATION_STATE_INIT : MIGRATION_STATE_READY);
	return CX_OK;
}

static int64_t image_work(const struct cx_pf *pf, uint32_t length)
{
	return pf->image_us * (int64_t)SCALE_US +
	       pf->image_us_per_mib * (int64_t)SCALE_US * length / MiB;
}

/* With ANY_SIZE as much is saved as the buffer takes, if anything. */
static enum cx_status save(struct cx_command *cmd, struct cx_function *vf, bool first,
			   bool any_size)
{
	struct cx_pf *pf = cmd->fn->pf;
	struct cx_migration *migration = vf->migration;
	uint32_t key = GET(save_vhca_state_in, cmd->in, mkey);
	uint64_t va = GET(save_vhca_state_in, cmd->in, va);
	uint32_t limit = GET(save_vhca_state_in, cmd->in, size), length = 0;
	uint64_t total = image_size(pf, migration, false);
	uint64_t least = migration->chunked ? MIN(total, CX_CHUNK_MIN) : total;
	g_autofree uint8_t *image = NULL;

	/* To a clean-up without any buffer belongs no key. */
	if (CX_RULE(pf, keys) && !(any_size && !limit) &&
	    !cx_mkey_takes_image(cmd->fn, key, va, limit))
		return CX_BAD_RESOURCE;
	if (migration->chunked && CX_RULE(pf, fill))
		least = MIN(total, smallest_buffer(pf));
	if (limit < least && !any_size)
		return CX_LIMIT;
	if (migration->chunked)
		limit = MIN(limit, largest_chunk(pf));
	if (total && limit >= MIN(total, CX_CHUNK_MIN)) {
		image = g_malloc(MIN(limit, total) + CX_BLOCK);
		length = cx_image_save(vf, image, limit, first);
		if (!cx_mkey_write(cmd->fn, key, va, image, length))
			return CX_BAD_RESOURCE;
	}
	SET(save_vhca_state_out, cmd->out, actual_image_size, length);
	cmd->work = image_work(pf, length);
	return CX_OK;
}

/*
 * Which image the driver may ask for: changes are noted, and an increment of them saved, until
 * the VF is suspended; then comes what is left. Of a VF that is not suspended a whole image that
 * notes no changes ends the noting: pre-copy is given up.
 */
static bool may_save(const struct cx_pf *pf, const struct cx_migration *migration,
		     bool incremental, bool track)
{
	if (incremental && !migration->tracking && !migration->unfinished)
		return false;
	if (track && CX_RULE(pf, track) && migration->responder_suspended)
		return false;
	if (track && incremental && CX_RULE(pf, increment) && migration->initiator_suspended)
		return false;
	if (track || migration->responder_suspended)
		return true;
	return CX_RULE(pf, clean_up) ? !incremental && migration->track_tried :
				       migration->tracking;
}

enum cx_status cx_save_vhca_state(struct cx_command *cmd)
{
	bool incremental = ifc_get(cmd->in, SAVE_IN_INCREMENTAL, 1);
	bool track = ifc_get(cmd->in, SAVE_IN_SET_TRACK, 1);
	struct cx_pf *pf = cmd->fn->pf;
	struct cx_function *vf = target(cmd);
	struct cx_migration *migration;
	bool first = false, ends_tracking;
	enum cx_status status;

	if (!vf || ((incremental || track) && !pf->precopy))
		return CX_BAD_PARAMETER;
	migration = vf->migration;
	if (is_busy(cmd, vf))
		return CX_BUSY;
	if (!may_save(pf, migration, incremental, track))
		return CX_BAD_RESOURCE_STATE;
	if (!incremental &&
	    (CX_RULE(pf, restart) || migration->restart || !migration->unfinished)) {
		bitmap_set(migration->pending, 0, cx_blocks(migration));
		migration->registers_pending = true;
		first = true;
	}
	migration->restart = false;
	ends_tracking = CX_RULE(pf, clean_up) && first && !track && migration->track_tried;
	status = save(cmd, vf, first, ends_tracking);
	if (status != CX_OK)
		return status;
	migration->unfinished = has_pending(migration);
	migration->tracking = track;
	if (!track)
		migration->track_tried = false;
	/* Of a VF that runs, that was no image that could go on. */
	if (ends_tracking && !migration->responder_suspended)
		migration->unfinished = false;
	migration->reinit = false;
	if (migration->unfinished && migration->chunked)
		ifc_set(cmd->out, SAVE_OUT_NEXT_REQUIRED, 32,
			next_size(pf, migration, image_size(pf, migration, false)));
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
	if (is_busy(cmd, vf))
		return CX_BUSY;
	if (!vf->migration->responder_suspended)
		return CX_BAD_RESOURCE_STATE;
	if (CX_RULE(pf, keys) &&
	    !cx_mkey_takes_image(cmd->fn, GET(load_vhca_state_in, cmd->in, mkey),
				 GET(load_vhca_state_in, cmd->in, va), length))
		return CX_BAD_RESOURCE;
	image = g_malloc(MAX(length, 1));
	if (!cx_mkey_read(cmd->fn, GET(load_vhca_state_in, cmd->in, mkey),
			  GET(load_vhca_state_in, cmd->in, va), image, length))
		return CX_BAD_RESOURCE;
	status = cx_image_load(vf, image, length, pf->state_limit, pf->multi_load);
	if (status != CX_OK)
		return status;
	vf->migration->loads++;
	cmd->work = image_work(pf, length);
	return CX_OK;
}
