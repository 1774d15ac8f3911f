// SPDX-License-Identifier: GPL-2.0-only
/*
 * The test window in a VF's BAR: gives the VF a state, tells a digest of it, and makes the VF
 * write to memory. The registers are described in docs/simulator.md.
 */
#include "vf_migration.h"

#define ID		0x57545843	/* "CXTW" */

enum {
	REG_ID		= 0x00,
	REG_SIZE	= 0x08,
	REG_SEED	= 0x10,
	REG_OFFSET	= 0x18,
	REG_LENGTH	= 0x20,
	REG_ADDRESS	= 0x28,
	REG_COUNT	= 0x30,
	REG_STRIDE	= 0x38,
	REG_COMMAND	= 0x40,
	REG_STATUS	= 0x48,
	REG_DIGEST	= 0x50,
	REG_WRITTEN	= 0x58,
	REG_SUSPENDED	= 0x60,
	REG_STATE_SIZE	= 0x68,
	REG_SAVES	= 0x70,
	REG_LOADS	= 0x78,
	REG_END		= CX_WINDOW_REGISTERS,
};

enum { FILL = 1, TOUCH = 2, DIGEST = 3, WRITE = 4 };
enum { DONE = 0, INVALID = 1, SUSPENDED = 2, DMA_FAILED = 3 };

#define WRITE_MAX	(16 * 1024 * 1024)

struct cx_window {
	uint8_t registers[REG_END];
};

struct cx_window *cx_window_new(void)
{
	return g_new0(struct cx_window, 1);
}

uint8_t *cx_window_registers(struct cx_function *fn)
{
	return fn->window->registers;
}

static uint64_t get(struct cx_function *fn, unsigned int offset)
{
	return ldq_le_p(fn->window->registers + offset);
}

static void set(struct cx_function *fn, unsigned int offset, uint64_t value)
{
	stq_le_p(fn->window->registers + offset, value);
}

static unsigned int fill(struct cx_function *fn)
{
	if (get(fn, REG_SIZE) > fn->pf->state_limit)
		return INVALID;
	return cx_state_fill(fn->migration, get(fn, REG_SIZE), get(fn, REG_SEED)) ?
	       DONE : SUSPENDED;
}

static unsigned int touch(struct cx_function *fn)
{
	uint64_t offset = get(fn, REG_OFFSET), length = get(fn, REG_LENGTH);

	if (offset > fn->migration->size || length > fn->migration->size - offset)
		return INVALID;
	return cx_state_touch(fn->migration, offset, length, get(fn, REG_SEED)) ? DONE : SUSPENDED;
}

static unsigned int write_memory(struct cx_function *fn)
{
	uint64_t address = get(fn, REG_ADDRESS), length = get(fn, REG_LENGTH);
	uint64_t count = get(fn, REG_COUNT);
	g_autofree uint8_t *data = NULL;

	set(fn, REG_WRITTEN, 0);
	if (!length || !count || length > WRITE_MAX || count > WRITE_MAX / length)
		return INVALID;
	if (cx_suspended(fn))
		return SUSPENDED;
	data = g_malloc(length);
	for (uint64_t index = 0; index < count; index++) {
		cx_pattern(data, length, get(fn, REG_SEED), index * length);
		if (!cx_dma_write(fn, address + index * get(fn, REG_STRIDE), data, length))
			return DMA_FAILED;
		set(fn, REG_WRITTEN, index + 1);
	}
	return DONE;
}

static unsigned int execute(struct cx_function *fn, uint64_t command)
{
	switch (command) {
	case FILL:
		return fill(fn);
	case TOUCH:
		return touch(fn);
	case DIGEST:
		set(fn, REG_DIGEST, cx_state_digest(fn->migration));
		return DONE;
	case WRITE:
		return write_memory(fn);
	default:
		return INVALID;
	}
}

static uint64_t current(struct cx_function *fn, unsigned int offset)
{
	const struct cx_migration *migration = fn->migration;

	switch (offset) {
	case REG_ID:
		return ID;
	case REG_SUSPENDED:
		return migration->initiator_suspended | migration->responder_suspended << 1 |
		       migration->tracking << 2 | migration->loading << 3;
	case REG_STATE_SIZE:
		return migration->size;
	case REG_SAVES:
		return migration->saves;
	case REG_LOADS:
		return migration->loads;
	default:
		return get(fn, offset);
	}
}

uint64_t cx_window_read(struct cx_function *fn, hwaddr offset, unsigned int size)
{
	uint64_t value;

	if (offset >= REG_END || offset % size)
		return 0;
	value = current(fn, offset & ~7);
	return size == 8 ? value : extract64(value, offset % 8 * 8, size * 8);
}

/* A register may be written in two halves; the lower half of COMMAND is what starts it. */
void cx_window_write(struct cx_function *fn, hwaddr offset, uint64_t value, unsigned int size)
{
	if (offset >= REG_END || size < 4 || offset % size)
		return;
	fn->migration->registers_pending = true;
	if (offset == REG_COMMAND)
		set(fn, REG_STATUS, execute(fn, value));
	else if (offset < REG_COMMAND)
		stn_le_p(fn->window->registers + offset, size, value);
}
