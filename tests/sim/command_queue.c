// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command queue: entries in the driver's memory, given to the firmware by a doorbell.
 * What does not fit into an entry is in a chain of mailboxes. A command is complete when the
 * entry's owner bit is clear; then an event follows, if an EQ has asked for those.
 */
#include "connectx.h"

#define ENTRY_BYTES		(1 << CX_COMMAND_STRIDE_LOG)
#define ENTRY_TYPE		0x00
#define ENTRY_IN_LENGTH		0x04
#define ENTRY_IN_POINTER	0x08
#define ENTRY_IN		0x10
#define ENTRY_OUT		0x20
#define ENTRY_OUT_POINTER	0x30
#define ENTRY_OUT_LENGTH	0x38
#define ENTRY_TOKEN		0x3c
#define ENTRY_STATUS		0x3f	/* delivery status, and in bit 0 the owner */
#define INLINE_BYTES		16
#define TYPE_PCI		7
#define OWNER_HARDWARE		BIT(0)

#define MAILBOX_BYTES		0x240
#define MAILBOX_DATA		0x200
#define MAILBOX_NEXT		0x230
#define MAILBOX_NUMBER		0x238
#define MAILBOX_TOKEN		0x23d

enum delivery {
	DELIVERED		= 0x0,
	BAD_TOKEN		= 0x2,
	BAD_BLOCK_NUMBER	= 0x3,
	BAD_OUT_POINTER		= 0x4,
	BAD_IN_POINTER		= 0x5,
	BAD_IN_LENGTH		= 0x7,
	BAD_OUT_LENGTH		= 0x8,
	BAD_DESCRIPTOR		= 0x10,
};

/*
 * Walk a chain of mailboxes; move LENGTH bytes from it to BUFFER, or from BUFFER to it.
 */
static enum delivery move_mailboxes(struct cx_function *fn, uint64_t address, uint8_t token,
				    uint8_t *buffer, size_t length, bool out)
{
	const enum delivery bad_pointer = out ? BAD_OUT_POINTER : BAD_IN_POINTER;

	for (uint32_t number = 0; length; number++) {
		uint8_t box[MAILBOX_BYTES];
		size_t part = MIN(length, MAILBOX_DATA);

		if (!address || address % 0x200 ||
		    !cx_dma_read(fn, address, box, sizeof(box)))
			return bad_pointer;
		if (box[MAILBOX_TOKEN] != token)
			return BAD_TOKEN;
		if (ldl_be_p(box + MAILBOX_NUMBER) != number)
			return BAD_BLOCK_NUMBER;
		if (!out)
			memcpy(buffer, box, part);
		else if (!cx_dma_write(fn, address, buffer, part))
			return bad_pointer;
		buffer += part;
		length -= part;
		address = ldq_be_p(box + MAILBOX_NEXT);
	}
	return DELIVERED;
}

static void command_free(struct cx_command *cmd)
{
	if (cmd->late)
		timer_free(cmd->late);
	g_free(cmd->in);
	g_free(cmd->out);
	g_free(cmd);
}

static uint64_t entry_address(struct cx_command *cmd)
{
	return cmd->fn->queue.address + cmd->slot * ENTRY_BYTES;
}

static void complete(void *opaque)
{
	struct cx_command *cmd = opaque;
	struct cx_function *fn = cmd->fn;
	uint8_t data[28] = { 0 };
	bool notify = cmd->notify;
	uint8_t status;

	if (cmd->delivery == DELIVERED && cmd->out_length > INLINE_BYTES)
		cmd->delivery = move_mailboxes(fn, cmd->out_mailbox, cmd->token,
					       cmd->out + INLINE_BYTES,
					       cmd->out_length - INLINE_BYTES, true);
	cx_migration_end_work(cmd);
	status = cmd->delivery << 1;
	cx_dma_write(fn, entry_address(cmd) + ENTRY_OUT, cmd->out, INLINE_BYTES);
	cx_dma_write(fn, entry_address(cmd) + ENTRY_STATUS, &status, 1);
	fn->queue.running[cmd->slot] = NULL;
	stl_be_p(data, 1u << cmd->slot);
	command_free(cmd);
	if (notify)
		cx_event(fn, CX_EVENT_COMMAND, data);
}

static enum delivery fetch(struct cx_command *cmd)
{
	struct cx_function *fn = cmd->fn;
	uint8_t entry[ENTRY_BYTES];
	enum delivery delivery;

	/* Room for a header, whatever goes wrong. */
	cmd->in_length = cmd->out_length = INLINE_BYTES;
	cmd->in = g_malloc0(INLINE_BYTES);
	cmd->out = g_malloc0(INLINE_BYTES);
	if (!cx_dma_read(fn, entry_address(cmd), entry, sizeof(entry)))
		return BAD_DESCRIPTOR;
	if (entry[ENTRY_TYPE] != TYPE_PCI || !(entry[ENTRY_STATUS] & OWNER_HARDWARE))
		return BAD_DESCRIPTOR;
	if (ldl_be_p(entry + ENTRY_IN_LENGTH) > CX_COMMAND_MAX)
		return BAD_IN_LENGTH;
	if (ldl_be_p(entry + ENTRY_OUT_LENGTH) > CX_COMMAND_MAX)
		return BAD_OUT_LENGTH;
	cmd->in_length = MAX(ldl_be_p(entry + ENTRY_IN_LENGTH), INLINE_BYTES);
	cmd->out_length = MAX(ldl_be_p(entry + ENTRY_OUT_LENGTH), INLINE_BYTES);
	cmd->in = g_realloc(cmd->in, cmd->in_length);
	cmd->out = g_realloc(cmd->out, cmd->out_length);
	memset(cmd->out, 0, cmd->out_length);
	memcpy(cmd->in, entry + ENTRY_IN, INLINE_BYTES);
	cmd->token = entry[ENTRY_TOKEN];
	cmd->out_mailbox = ldq_be_p(entry + ENTRY_OUT_POINTER);
	delivery = move_mailboxes(fn, ldq_be_p(entry + ENTRY_IN_POINTER), cmd->token,
				  cmd->in + INLINE_BYTES, cmd->in_length - INLINE_BYTES, false);
	cmd->opcode = lduw_be_p(cmd->in);
	cmd->op_mod = lduw_be_p(cmd->in + 6);
	return delivery;
}

static void carry_out(struct cx_command *cmd, struct cx_fault_effect fault)
{
	static const char * const outcomes[] = {
		[CX_FAULT_NONE] = "executed", [CX_FAULT_STATUS] = "refused by a fault",
		[CX_FAULT_TIMEOUT] = "never completes", [CX_FAULT_DELAY] = "executed",
		[CX_FAULT_GROW] = "executed", [CX_FAULT_EMPTY] = "answered by a fault",
		[CX_FAULT_REQUIRED] = "executed", [CX_FAULT_DELIVERY] = "not delivered",
		[CX_FAULT_ENDLESS] = "executed",
	};
	struct cx_trace_before before = cx_trace_before(cmd);

	cx_migration_attempted(cmd);
	cmd->stuck = fault.kind == CX_FAULT_TIMEOUT;
	if (fault.kind == CX_FAULT_STATUS)
		cmd->out[0] = fault.value;
	else if (fault.kind == CX_FAULT_DELIVERY)
		cmd->delivery = fault.value;
	else if (!cmd->stuck && fault.kind != CX_FAULT_EMPTY)
		cmd->out[0] = cx_command_execute(cmd);
	if (fault.kind == CX_FAULT_REQUIRED)
		cx_migration_require(cmd, fault.value);
	if (fault.kind == CX_FAULT_ENDLESS)
		cx_migration_never_end(cmd);
	cx_trace(cmd, &before, outcomes[fault.kind]);
	if (fault.kind == CX_FAULT_GROW)
		cx_migration_grow(cmd, fault.value);
}

static void start(struct cx_function *fn, unsigned int slot)
{
	struct cx_command *cmd = g_new0(struct cx_command, 1);
	struct cx_fault_effect fault = { CX_FAULT_NONE };
	int64_t delay;

	cmd->fn = fn;
	cmd->slot = slot;
	fn->queue.running[slot] = cmd;
	/* The command that makes the EQ for commands is still one that the driver polls. */
	cmd->notify = cx_event_wanted(fn, CX_EVENT_COMMAND);
	cmd->delivery = fetch(cmd);
	if (cmd->delivery == DELIVERED) {
		fault = cx_fault_for(cmd);
		carry_out(cmd, fault);
	}
	/* A command may have reset its own function, and with it the queue. */
	if (fn->queue.running[slot] != cmd || cmd->stuck)
		return;
	delay = fn->pf->command_us * (int64_t)SCALE_US + cmd->work;
	if (fault.kind == CX_FAULT_DELAY)
		delay = fault.value * (int64_t)SCALE_MS;
	if (!delay) {
		complete(cmd);
		return;
	}
	cx_migration_begin_work(cmd);
	cmd->late = timer_new_ns(QEMU_CLOCK_VIRTUAL, complete, cmd);
	timer_mod(cmd->late, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + delay);
}

void cx_doorbell(struct cx_function *fn, uint32_t slots)
{
	if (cx_suspended(fn)) {
		fn->queue.held |= slots;
		return;
	}
	for (unsigned int slot = 0; slot < CX_COMMAND_SLOTS; slot++) {
		if (slots & 1u << slot && !fn->queue.running[slot])
			start(fn, slot);
	}
}

void cx_command_queue_resume(struct cx_function *fn)
{
	uint32_t held = fn->queue.held;

	fn->queue.held = 0;
	cx_doorbell(fn, held);
}

void cx_command_queue_unstick(struct cx_function *fn)
{
	for (unsigned int slot = 0; slot < CX_COMMAND_SLOTS; slot++) {
		struct cx_command *cmd = fn->queue.running[slot];

		if (!cmd || !cmd->stuck)
			continue;
		cmd->out[0] = CX_INTERNAL_ERROR;
		complete(cmd);
	}
}

bool cx_command_queue_work_on(struct cx_function *fn)
{
	bool any = false;

	for (unsigned int slot = 0; slot < CX_COMMAND_SLOTS; slot++) {
		struct cx_command *cmd = fn->queue.running[slot];

		if (!cmd || !cmd->stuck)
			continue;
		if (cx_command_execute(cmd) != CX_OK)
			return false;
		any = true;
	}
	return any;
}

void cx_command_queue_reset(struct cx_function *fn)
{
	for (unsigned int slot = 0; slot < CX_COMMAND_SLOTS; slot++) {
		if (fn->queue.running[slot])
			command_free(fn->queue.running[slot]);
	}
	memset(&fn->queue, 0, sizeof(fn->queue));
}
