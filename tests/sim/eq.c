// SPDX-License-Identifier: GPL-2.0-only
/* Event queues, and their interrupts. */
#include "connectx.h"
#include "hw/pci/msix.h"

#define EQE_BYTES	64
#define EQE_TYPE	0x01
#define EQE_DATA	0x20
#define EQE_OWNER	0x3f
#define DATA_BYTES	28
#define DATA_CQN	0x18	/* within the data of a completion */

struct cx_eq {
	struct cx_buffer buffer;
	unsigned int log_size;
	unsigned int vector;
	uint64_t wanted[4];		/* types of events */
	uint32_t producer, consumer;	/* 24 bits */
	bool armed;
};

void cx_eq_free(void *opaque)
{
	struct cx_eq *eq = opaque;

	cx_buffer_free(&eq->buffer);
	g_free(eq);
}

enum cx_status cx_create_eq(struct cx_command *cmd)
{
	const uint8_t *eqc = IFC_AT(create_eq_in, cmd->in, eq_context_entry);
	struct cx_eq *eq = g_new0(struct cx_eq, 1);
	uint32_t number;

	eq->log_size = GET(eqc, eqc, log_eq_size);
	eq->vector = GET(eqc, eqc, intr);
	for (unsigned int word = 0; word < 4; word++)
		eq->wanted[word] = ifc_get(cmd->in, IFC_OFFSET(create_eq_in, event_bitmask[word]),
					   64);
	if (!msix_present(cmd->fn->pci) || eq->vector >= cmd->fn->pci->msix_entries_nr ||
	    eq->log_size > 22 ||
	    !cx_table_get(&cmd->fn->uars, GET(eqc, eqc, uar_page)) ||
	    !cx_buffer_init(&eq->buffer, IFC_AT(create_eq_in, cmd->in, pas),
			    cmd->in_length - IFC_BYTES(create_eq_in),
			    GET(eqc, eqc, log_page_size) + 12, GET(eqc, eqc, page_offset) * 64,
			    EQE_BYTES << eq->log_size)) {
		cx_eq_free(eq);
		return CX_BAD_PARAMETER;
	}
	number = cx_table_add(&cmd->fn->eqs, eq);
	if (!number) {
		cx_eq_free(eq);
		return CX_NO_RESOURCES;
	}
	SET(create_eq_out, cmd->out, eq_number, number);
	return CX_OK;
}

enum cx_status cx_destroy_eq(struct cx_command *cmd)
{
	return cx_table_remove(&cmd->fn->eqs, GET(destroy_eq_in, cmd->in, eq_number)) ?
	       CX_OK : CX_BAD_RESOURCE;
}

/* An armed queue with something in it interrupts, once. */
static void interrupt(struct cx_function *fn, struct cx_eq *eq)
{
	if (!eq->armed || eq->producer == eq->consumer)
		return;
	eq->armed = false;
	msix_notify(fn->pci, eq->vector);
}

void cx_eq_doorbell(struct cx_function *fn, uint32_t value, bool arm)
{
	struct cx_eq *eq = cx_table_get(&fn->eqs, value >> 24);

	if (!eq)
		return;
	eq->consumer = value & 0xffffff;
	eq->armed |= arm;
	interrupt(fn, eq);
}

static void push(struct cx_function *fn, struct cx_eq *eq, enum cx_event type, const void *data)
{
	uint8_t eqe[EQE_BYTES] = { 0 };
	uint32_t index = eq->producer & ((1u << eq->log_size) - 1);
	uint64_t address = cx_buffer_address(&eq->buffer, index * EQE_BYTES);

	if (((eq->producer - eq->consumer) & 0xffffff) >= 1u << eq->log_size) {
		qemu_log_mask(LOG_GUEST_ERROR, "connectx: function %u: event queue overrun\n",
			      fn->id);
		return;
	}
	eqe[EQE_TYPE] = type;
	memcpy(eqe + EQE_DATA, data, DATA_BYTES);
	eqe[EQE_OWNER] = eq->producer >> eq->log_size & 1;
	/* The owner bit last: another processor may be looking. */
	cx_dma_write(fn, address, eqe, EQE_OWNER);
	cx_dma_write(fn, address + EQE_OWNER, eqe + EQE_OWNER, 1);
	eq->producer = (eq->producer + 1) & 0xffffff;
	interrupt(fn, eq);
}

static bool wants(const struct cx_eq *eq, enum cx_event type)
{
	return eq->wanted[type / 64] & BIT_ULL(type % 64);
}

bool cx_event_wanted(struct cx_function *fn, enum cx_event type)
{
	GHashTableIter iter;
	void *eq;

	g_hash_table_iter_init(&iter, fn->eqs.entries);
	while (g_hash_table_iter_next(&iter, NULL, &eq)) {
		if (wants(eq, type))
			return true;
	}
	return false;
}

void cx_event(struct cx_function *fn, enum cx_event type, const void *data)
{
	GHashTableIter iter;
	void *eq;

	g_hash_table_iter_init(&iter, fn->eqs.entries);
	while (g_hash_table_iter_next(&iter, NULL, &eq)) {
		if (wants(eq, type))
			push(fn, eq, type, data);
	}
}

void cx_completion_event(struct cx_function *fn, uint32_t eqn, uint32_t cqn)
{
	struct cx_eq *eq = cx_table_get(&fn->eqs, eqn);
	uint8_t data[DATA_BYTES] = { 0 };

	if (!eq)
		return;
	stl_be_p(data + DATA_CQN, cqn);
	push(fn, eq, CX_EVENT_COMPLETION, data);
}
