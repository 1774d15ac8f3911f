// SPDX-License-Identifier: GPL-2.0-only
/*
 * BAR 0: the init segment, the UAR pages, and in VFs the test window. The first two are
 * big-endian on the bus; here values are as the device sees them.
 */
#include "connectx.h"

#define UAR_BEGIN	(CX_UAR_FIRST * 0x1000)
#define UAR_END		((CX_UAR_FIRST + CX_UAR_COUNT) * 0x1000)

static bool in_window(struct cx_function *fn, hwaddr offset)
{
	return fn->window && offset >= CX_WINDOW_OFFSET &&
	       offset < CX_WINDOW_OFFSET + CX_WINDOW_SIZE;
}

static uint64_t read_register(void *opaque, hwaddr offset, unsigned int size)
{
	struct cx_function *fn = opaque;
	uint32_t word;

	if (in_window(fn, offset))
		return cx_window_read(fn, offset - CX_WINDOW_OFFSET, size);
	if (offset >= UAR_BEGIN)
		return 0;
	word = cx_init_segment_read(fn, offset & ~3);
	switch (size) {
	case 1:
		return extract32(word, 24 - offset % 4 * 8, 8);
	case 2:
		return bswap16(extract32(word, 16 - offset % 4 * 8, 16));
	case 4:
		return bswap32(word);
	default:
		return bswap64((uint64_t)word << 32 | cx_init_segment_read(fn, offset + 4));
	}
}

static void write_register(void *opaque, hwaddr offset, uint64_t value, unsigned int size)
{
	struct cx_function *fn = opaque;

	if (in_window(fn, offset)) {
		cx_window_write(fn, offset - CX_WINDOW_OFFSET, value, size);
	} else if (offset >= UAR_BEGIN && offset < UAR_END) {
		cx_uar_write(fn, offset - UAR_BEGIN, size == 8 ? bswap64(value) : bswap32(value),
			     size);
	} else if (offset < UAR_BEGIN && size == 4) {
		cx_init_segment_write(fn, offset, bswap32(value));
	}
}

const MemoryRegionOps cx_register_ops = {
	.read = read_register,
	.write = write_register,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 1, .max_access_size = 8 },
	.impl = { .min_access_size = 1, .max_access_size = 8 },
};
