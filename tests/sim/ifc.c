// SPDX-License-Identifier: GPL-2.0-only
/* Read and write bit fields of the command interface: see ifc.h. */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/bswap.h"
#include "ifc.h"

uint64_t ifc_get(const void *buffer, size_t offset, size_t width)
{
	const uint8_t *word = (const uint8_t *)buffer + offset / 32 * 4;

	if (width == 64)
		return ldq_be_p((const uint8_t *)buffer + offset / 8);
	return extract32(ldl_be_p(word), 32 - offset % 32 - width, width);
}

void ifc_set(void *buffer, size_t offset, size_t width, uint64_t value)
{
	uint8_t *word = (uint8_t *)buffer + offset / 32 * 4;

	if (width == 64)
		stq_be_p((uint8_t *)buffer + offset / 8, value);
	else
		stl_be_p(word, deposit32(ldl_be_p(word), 32 - offset % 32 - width, width, value));
}
