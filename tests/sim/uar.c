// SPDX-License-Identifier: GPL-2.0-only
/* UAR pages: doorbells of EQs and CQs. */
#include "connectx.h"

#define CQ_DOORBELL		0x20
#define EQ_DOORBELL_ARM		0x40
#define EQ_DOORBELL		0x48

#define NUMBER_MASK		0xffffff

enum cx_status cx_alloc_uar(struct cx_command *cmd)
{
	uint32_t index = cx_table_add(&cmd->fn->uars, cmd->fn);

	if (!index)
		return CX_NO_RESOURCES;
	SET(alloc_uar_out, cmd->out, uar, index);
	return CX_OK;
}

enum cx_status cx_dealloc_uar(struct cx_command *cmd)
{
	return cx_table_remove(&cmd->fn->uars, GET(dealloc_uar_in, cmd->in, uar)) ?
	       CX_OK : CX_BAD_RESOURCE;
}

static void cq_doorbell(struct cx_function *fn, uint64_t value)
{
	cx_cq_doorbell(fn, value & NUMBER_MASK, value >> 32 & NUMBER_MASK);
}

void cx_uar_write(struct cx_function *fn, hwaddr offset, uint64_t value, unsigned int size)
{
	if (!cx_table_get(&fn->uars, CX_UAR_FIRST + offset / 0x1000)) {
		qemu_log_mask(LOG_GUEST_ERROR, "connectx: doorbell in a UAR that is not allocated\n");
		return;
	}
	switch (offset % 0x1000) {
	case CQ_DOORBELL:
		if (size == 8)
			cq_doorbell(fn, value);
		else
			stl_be_p(fn->uar_word, value);
		break;
	case CQ_DOORBELL + 4:
		cq_doorbell(fn, (uint64_t)ldl_be_p(fn->uar_word) << 32 | value);
		break;
	case EQ_DOORBELL_ARM:
		cx_eq_doorbell(fn, value, true);
		break;
	case EQ_DOORBELL:
		cx_eq_doorbell(fn, value, false);
		break;
	}
}
