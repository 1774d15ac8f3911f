// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reliable connected QPs within one function: the firmware sends from one, and what it sends
 * arrives in buffers that the driver has posted to the other.
 */
#include "connectx.h"

#define SEGMENT_BYTES		16
#define SEGMENT_LENGTH		0x0
#define SEGMENT_KEY		0x4
#define SEGMENT_ADDRESS		0x8
#define INVALID_KEY		0x100
#define RECORD_RECEIVE		0
#define ERROR_DATA_TYPE		0x14	/* within the data of an event */
#define ERROR_DATA_QPN		0x18

enum qp_state { RESET, INIT, READY_TO_RECEIVE, READY_TO_SEND, ERROR };

struct cx_qp {
	enum qp_state state;
	uint32_t pd;
	uint32_t peer;
	uint32_t receive_cq;
	uint64_t doorbell_record;
	struct cx_buffer buffer;	/* the receive queue is at its beginning */
	unsigned int log_size, log_stride;
	uint16_t received;
};

void cx_qp_free(void *opaque)
{
	struct cx_qp *qp = opaque;

	cx_buffer_free(&qp->buffer);
	g_free(qp);
}

enum cx_status cx_create_qp(struct cx_command *cmd)
{
	const uint8_t *qpc = IFC_AT(create_qp_in, cmd->in, qpc);
	struct cx_qp *qp;
	uint32_t number;

	if (!cx_table_get(&cmd->fn->pds, GET(qpc, qpc, pd)))
		return CX_BAD_RESOURCE;
	qp = g_new0(struct cx_qp, 1);
	qp->pd = GET(qpc, qpc, pd);
	qp->log_size = GET(qpc, qpc, log_rq_size);
	qp->log_stride = GET(qpc, qpc, log_rq_stride) + 4;
	qp->receive_cq = GET(qpc, qpc, cqn_rcv);
	qp->doorbell_record = GET(qpc, qpc, dbr_addr);
	/* A QP for sending only, the firmware's own, may come without a buffer. */
	if (cmd->in_length > IFC_BYTES(create_qp_in) &&
	    !cx_buffer_init(&qp->buffer, IFC_AT(create_qp_in, cmd->in, pas),
			    cmd->in_length - IFC_BYTES(create_qp_in),
			    GET(qpc, qpc, log_page_size) + 12, GET(qpc, qpc, page_offset) * 64,
			    1ULL << (qp->log_size + qp->log_stride))) {
		cx_qp_free(qp);
		return CX_BAD_PARAMETER;
	}
	number = cx_table_add(&cmd->fn->qps, qp);
	if (!number) {
		cx_qp_free(qp);
		return CX_NO_RESOURCES;
	}
	SET(create_qp_out, cmd->out, qpn, number);
	return CX_OK;
}

enum cx_status cx_destroy_qp(struct cx_command *cmd)
{
	return cx_table_remove(&cmd->fn->qps, GET(destroy_qp_in, cmd->in, qpn)) ?
	       CX_OK : CX_BAD_RESOURCE;
}

static enum cx_status transition(struct cx_command *cmd, enum qp_state from, enum qp_state to)
{
	struct cx_qp *qp = cx_table_get(&cmd->fn->qps, GET(rst2init_qp_in, cmd->in, qpn));

	if (!qp)
		return CX_BAD_RESOURCE;
	if (qp->state != from)
		return CX_BAD_QP_STATE;
	qp->state = to;
	return CX_OK;
}

enum cx_status cx_rst2init_qp(struct cx_command *cmd)
{
	return transition(cmd, RESET, INIT);
}

enum cx_status cx_init2rtr_qp(struct cx_command *cmd)
{
	enum cx_status status = transition(cmd, INIT, READY_TO_RECEIVE);
	struct cx_qp *qp = cx_table_get(&cmd->fn->qps, GET(init2rtr_qp_in, cmd->in, qpn));

	if (status == CX_OK)
		qp->peer = GET(init2rtr_qp_in, cmd->in, qpc.remote_qpn);
	return status;
}

enum cx_status cx_rtr2rts_qp(struct cx_command *cmd)
{
	return transition(cmd, READY_TO_RECEIVE, READY_TO_SEND);
}

static enum cx_status force(struct cx_command *cmd, enum qp_state to)
{
	struct cx_qp *qp = cx_table_get(&cmd->fn->qps, GET(qp_2err_in, cmd->in, qpn));

	if (!qp)
		return CX_BAD_RESOURCE;
	qp->state = to;
	return CX_OK;
}

enum cx_status cx_2err_qp(struct cx_command *cmd)
{
	return force(cmd, ERROR);
}

enum cx_status cx_2rst_qp(struct cx_command *cmd)
{
	return force(cmd, RESET);
}

uint32_t cx_qp_peer(struct cx_function *fn, uint32_t qpn)
{
	struct cx_qp *qp = cx_table_get(&fn->qps, qpn);

	return qp ? qp->peer : 0;
}

uint32_t cx_qp_receive_cq(struct cx_function *fn, uint32_t qpn)
{
	struct cx_qp *qp = cx_table_get(&fn->qps, qpn);

	return qp ? qp->receive_cq : 0;
}

/* Scatter DATA over the segments of the receive request at the head of the queue. */
static bool scatter(struct cx_function *fn, struct cx_qp *qp, const uint8_t *data, uint32_t length)
{
	uint64_t request = (uint64_t)(qp->received & ((1u << qp->log_size) - 1)) << qp->log_stride;
	unsigned int segments = (1u << qp->log_stride) / SEGMENT_BYTES;

	for (unsigned int index = 0; length && index < segments; index++) {
		uint8_t segment[SEGMENT_BYTES];
		uint32_t key, part;

		if (!cx_dma_read(fn, cx_buffer_address(&qp->buffer,
						       request + index * SEGMENT_BYTES),
				 segment, sizeof(segment)))
			return false;
		key = ldl_be_p(segment + SEGMENT_KEY);
		if (key == INVALID_KEY ||
		    (CX_RULE(fn->pf, keys) && !cx_mkey_is_of(fn, key, qp->pd)))
			return false;
		part = MIN(length, ldl_be_p(segment + SEGMENT_LENGTH));
		if (!cx_mkey_write(fn, key, ldq_be_p(segment + SEGMENT_ADDRESS), data, part))
			return false;
		data += part;
		length -= part;
	}
	return !length;
}

enum cx_send_result cx_qp_send(struct cx_function *fn, uint32_t qpn, const void *data,
			       uint32_t length, uint32_t immediate)
{
	struct cx_qp *qp = cx_table_get(&fn->qps, qpn);
	struct cx_qp *peer = qp ? cx_table_get(&fn->qps, qp->peer) : NULL;
	uint32_t peer_qpn = qp ? qp->peer : 0;
	uint8_t record[4];

	if (!peer || qp->state != READY_TO_SEND || !peer->buffer.pages ||
	    (peer->state != READY_TO_RECEIVE && peer->state != READY_TO_SEND))
		return CX_SEND_FAILED;
	if (!cx_dma_read(fn, peer->doorbell_record + RECORD_RECEIVE, record, sizeof(record)))
		return CX_SEND_FAILED;
	if ((uint16_t)ldl_be_p(record) == peer->received)
		return CX_NOT_READY;
	if (!scatter(fn, peer, data, length)) {
		cx_qp_error(fn, peer_qpn);
		return CX_SEND_FAILED;
	}
	if (!cx_cq_receive(fn, peer->receive_cq, peer_qpn, peer->received, length, immediate)) {
		cx_cq_error(fn, peer->receive_cq);
		return CX_SEND_FAILED;
	}
	peer->received++;
	return CX_SENT;
}

bool cx_qp_uses_pd(struct cx_function *fn, uint32_t pd)
{
	GHashTableIter iter;
	void *value;

	g_hash_table_iter_init(&iter, fn->qps.entries);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		if (((struct cx_qp *)value)->pd == pd)
			return true;
	}
	return false;
}

void cx_qp_error(struct cx_function *fn, uint32_t qpn)
{
	struct cx_qp *qp = cx_table_get(&fn->qps, qpn);
	uint8_t data[28] = { 0 };

	if (!qp)
		return;
	qp->state = ERROR;
	data[ERROR_DATA_TYPE] = 0;	/* of a QP */
	stl_be_p(data + ERROR_DATA_QPN, qpn);
	cx_event(fn, CX_EVENT_QP_ERROR, data);
}
