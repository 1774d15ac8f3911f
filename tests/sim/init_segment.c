// SPDX-License-Identifier: GPL-2.0-only
/*
 * The init segment: versions, the command queue's address and doorbell, health, timers.
 * Offsets are those of struct mlx5_init_seg in the kernel's device.h.
 */
#include "connectx.h"

#define FW_REVISION		0x000
#define COMMAND_REVISION	0x004
#define COMMAND_QUEUE_HIGH	0x010
#define COMMAND_QUEUE_LOW	0x014
#define COMMAND_DOORBELL	0x018
#define INITIALIZING		0x1fc
#define HEALTH_FW_VERSION	0x230
#define HEALTH_HW_ID		0x234
#define HEALTH_RFR_SEVERITY	0x238
#define HEALTH_SYNDROME		0x23c
#define COMMAND_TIMEOUT		0xff8
#define INIT_TIMEOUT		0xffc
#define TIMER_HIGH		0x1000
#define TIMER_LOW		0x1004
#define HEALTH_COUNTER		0x1010

#define FW_MAJOR		28
#define FW_MINOR		39
#define FW_SUB_MINOR		1002
#define COMMAND_INTERFACE	5
#define CONNECTX7_HW_ID		0x218
#define RESET_SUPPORTED		BIT(30)
#define REQUEST_FOR_RESET	BIT(31)

/* Modes of the NIC interface, bits 8 to 10 of COMMAND_QUEUE_LOW. */
#define MODE_FULL		0
#define MODE_DISABLED		1
#define MODE_SOFTWARE_RESET	7

static uint32_t milliseconds_field(uint32_t ms)
{
	return MIN(ms, 0xfffff);	/* the unit, bits 29 to 31, is 0 for milliseconds */
}

uint32_t cx_init_segment_read(struct cx_function *fn, hwaddr offset)
{
	uint64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

	switch (offset) {
	case FW_REVISION:
	case HEALTH_FW_VERSION:
		return FW_MINOR << 16 | FW_MAJOR;
	case COMMAND_REVISION:
		return COMMAND_INTERFACE << 16 | FW_SUB_MINOR;
	case COMMAND_QUEUE_HIGH:
		return fn->queue.address >> 32;
	case COMMAND_QUEUE_LOW:
		return (uint32_t)fn->queue.address | fn->queue.interface_mode << 8 |
		       CX_COMMAND_SLOTS_LOG << 4 | CX_COMMAND_STRIDE_LOG;
	case INITIALIZING:
		return RESET_SUPPORTED;
	case HEALTH_HW_ID:
		return CONNECTX7_HW_ID;
	case HEALTH_RFR_SEVERITY:
		return fn->health_syndrome ? REQUEST_FOR_RESET : 0;
	case HEALTH_SYNDROME:
		return fn->health_syndrome << 16;
	case COMMAND_TIMEOUT:
		return milliseconds_field(fn->pf->command_timeout_ms);
	case INIT_TIMEOUT:
		return milliseconds_field(2000);
	case TIMER_HIGH:
		return now >> 32;
	case TIMER_LOW:
		return now;
	case HEALTH_COUNTER:
		return ++fn->health_counter;
	default:
		return 0;
	}
}

static void reset(struct cx_function *fn)
{
	cx_firmware_reset(fn);
	fn->queue.interface_mode = MODE_DISABLED;
}

void cx_hold_reset(struct cx_function *fn)
{
	fn->holds_reset = true;
}

void cx_let_reset_go(struct cx_function *fn)
{
	fn->holds_reset = false;
	if (fn->queue.interface_mode == MODE_SOFTWARE_RESET)
		reset(fn);
}

static void set_queue_low(struct cx_function *fn, uint32_t value)
{
	unsigned int mode = extract32(value, 8, 3);

	fn->queue.address = deposit64(fn->queue.address, 0, 32, value & ~0xfffu);
	fn->queue.interface_mode = mode;
	if (mode == MODE_SOFTWARE_RESET && !fn->holds_reset)
		reset(fn);
}

void cx_init_segment_write(struct cx_function *fn, hwaddr offset, uint32_t value)
{
	switch (offset) {
	case COMMAND_QUEUE_HIGH:
		fn->queue.address = deposit64(fn->queue.address, 32, 32, value);
		break;
	case COMMAND_QUEUE_LOW:
		set_queue_low(fn, value);
		break;
	case COMMAND_DOORBELL:
		cx_doorbell(fn, value);
		break;
	}
}
