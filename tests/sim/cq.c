// SPDX-License-Identifier: GPL-2.0-only
/* Completion queues, as far as receiving needs them. */
#include "connectx.h"

#define CQE_BYTES		64
#define CQE_QPN			0x38
#define CQE_IMMEDIATE		0x24
#define CQE_LENGTH		0x2c
#define CQE_WQE_INDEX		0x3c
#define CQE_OPCODE_OWNER	0x3f
#define OPCODE_SEND_IMMEDIATE	3

struct cx_cq {
	struct cx_buffer buffer;
	unsigned int log_size;
	uint32_t eqn;
	uint64_t doorbell_record;
	uint32_t producer;		/* 24 bits */
	bool armed;
};

void cx_cq_free(void *opaque)
{
	struct cx_cq *cq = opaque;

	cx_buffer_free(&cq->buffer);
	g_free(cq);
}

enum cx_status cx_create_cq(struct cx_command *cmd)
{
	const uint8_t *cqc = IFC_AT(create_cq_in, cmd->in, cq_context);
	struct cx_cq *cq = g_new0(struct cx_cq, 1);
	uint32_t number;

	cq->log_size = GET(cqc, cqc, log_cq_size);
	cq->eqn = GET(cqc, cqc, c_eqn_or_apu_element);
	cq->doorbell_record = GET(cqc, cqc, dbr_addr);
	if (GET(cqc, cqc, cqe_sz) || cq->log_size > 22 ||
	    !cx_table_get(&cmd->fn->eqs, cq->eqn) ||
	    !cx_table_get(&cmd->fn->uars, GET(cqc, cqc, uar_page)) ||
	    !cx_buffer_init(&cq->buffer, IFC_AT(create_cq_in, cmd->in, pas),
			    cmd->in_length - IFC_BYTES(create_cq_in),
			    GET(cqc, cqc, log_page_size) + 12, GET(cqc, cqc, page_offset) * 64,
			    CQE_BYTES << cq->log_size)) {
		cx_cq_free(cq);
		return CX_BAD_PARAMETER;
	}
	number = cx_table_add(&cmd->fn->cqs, cq);
	if (!number) {
		cx_cq_free(cq);
		return CX_NO_RESOURCES;
	}
	SET(create_cq_out, cmd->out, cqn, number);
	return CX_OK;
}

enum cx_status cx_destroy_cq(struct cx_command *cmd)
{
	return cx_table_remove(&cmd->fn->cqs, GET(destroy_cq_in, cmd->in, cqn)) ?
	       CX_OK : CX_BAD_RESOURCE;
}

void cx_cq_doorbell(struct cx_function *fn, uint32_t cqn, uint32_t consumer)
{
	struct cx_cq *cq = cx_table_get(&fn->cqs, cqn);

	if (!cq)
		return;
	if (cq->producer != consumer) {
		cq->armed = false;
		cx_completion_event(fn, cq->eqn, cqn);
	} else {
		cq->armed = true;
	}
	cx_tracker_continue(fn);
}

static bool full(struct cx_function *fn, const struct cx_cq *cq)
{
	uint8_t record[4];

	if (!cx_dma_read(fn, cq->doorbell_record, record, sizeof(record)))
		return true;
	return ((cq->producer - ldl_be_p(record)) & 0xffffff) >= 1u << cq->log_size;
}

bool cx_cq_receive(struct cx_function *fn, uint32_t cqn, uint32_t qpn, uint16_t wqe_index,
		   uint32_t bytes, uint32_t immediate)
{
	struct cx_cq *cq = cx_table_get(&fn->cqs, cqn);
	uint8_t cqe[CQE_BYTES] = { 0 };
	uint64_t address;
	uint32_t index;

	if (!cq || full(fn, cq))
		return false;
	index = cq->producer & ((1u << cq->log_size) - 1);
	address = cx_buffer_address(&cq->buffer, index * CQE_BYTES);
	stl_be_p(cqe + CQE_IMMEDIATE, immediate);
	stl_be_p(cqe + CQE_LENGTH, bytes);
	stl_be_p(cqe + CQE_QPN, qpn);
	stw_be_p(cqe + CQE_WQE_INDEX, wqe_index);
	cqe[CQE_OPCODE_OWNER] = OPCODE_SEND_IMMEDIATE << 4 | (cq->producer >> cq->log_size & 1);
	/* The owner bit last: another processor may be looking. */
	cx_dma_write(fn, address, cqe, CQE_OPCODE_OWNER);
	cx_dma_write(fn, address + CQE_OPCODE_OWNER, cqe + CQE_OPCODE_OWNER, 1);
	cq->producer = (cq->producer + 1) & 0xffffff;
	if (cq->armed) {
		cq->armed = false;
		cx_completion_event(fn, cq->eqn, cqn);
	}
	return true;
}

void cx_cq_error(struct cx_function *fn, uint32_t cqn)
{
	uint8_t data[28] = { 0 };

	stl_be_p(data, cqn);
	data[11] = 1;	/* syndrome: overrun */
	cx_event(fn, CX_EVENT_CQ_ERROR, data);
}
