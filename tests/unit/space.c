// SPDX-License-Identifier: GPL-2.0-only
/* A configuration space in memory; see space.h. */
#include "space.h"

#include <linux/err.h>
#include <stdio.h>
#include <string.h>

#include "cmocka_test.h"

void space_init(struct space *space, unsigned int size)
{
	memset(space, 0, sizeof(*space));
	space->size = size;
	space_set(space, PCI_VENDOR_ID, 2, 0x1234);
	space_set(space, PCI_DEVICE_ID, 2, 0x5678);
	space_set(space, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	space_set(space, PCI_INTERRUPT_PIN, 1, 1);
}

u32 space_get(const struct space *space, unsigned int offset, unsigned int width)
{
	u32 value = 0;

	while (width--)
		value = value << 8 | space->byte[offset + width];
	return value;
}

void space_set(struct space *space, unsigned int offset, unsigned int width, u32 value)
{
	for (; width--; value >>= 8)
		space->byte[offset++] = value;
}

void space_cap(struct space *space, unsigned int offset, u8 id, u8 next)
{
	space_set(space, offset + PCI_CAP_LIST_ID, 1, id);
	space_set(space, offset + PCI_CAP_LIST_NEXT, 1, next);
}

void space_ext_cap(struct space *space, unsigned int offset, u16 id, u16 next)
{
	space_set(space, offset, 4, id | 1 << 16 | (u32)next << 20);
}

void space_first(struct space *space, u8 offset)
{
	space_set(space, PCI_STATUS, 2, space_get(space, PCI_STATUS, 2) | PCI_STATUS_CAP_LIST);
	space_set(space, PCI_CAPABILITY_LIST, 1, offset);
}

void space_load(struct space *space, const char *file)
{
	unsigned int at, byte;
	char line[256];
	FILE *in = fopen(file, "r");

	if (!in)
		fail_msg("%s cannot be read", file);
	memset(space, 0, sizeof(*space));
	while (fgets(line, sizeof(line), in)) {
		const char *rest = strchr(line, ':');
		int length;

		if (!rest || sscanf(line, "%x:", &at) != 1)
			continue;
		for (rest++; sscanf(rest, "%2x%n", &byte, &length) == 1; rest += length) {
			assert_in_range(at, 0, sizeof(space->byte) - 1);
			space->byte[at++] = byte;
			space->size = at;
		}
	}
	fclose(in);
}

static u32 read_dword(void *context, unsigned int offset)
{
	const struct space *space = context;

	if (offset % 4 || offset >= space->size)
		fail_msg("a dword is read at %#x of %#x", offset, space->size);
	return space_get(space, offset, 4);
}

struct latch_config_source space_source(struct space *space)
{
	return (struct latch_config_source){
		.read = read_dword,
		.context = space,
		.size = space->size,
		.vendor = space_get(space, PCI_VENDOR_ID, 2),
		.device = space_get(space, PCI_DEVICE_ID, 2),
	};
}

struct latch_config *space_compile_by(struct space *space, u32 (*read)(void *, unsigned int))
{
	struct latch_config_source source = space_source(space);
	struct latch_config *config;

	source.read = read;
	config = latch_config_compile(&source);
	assert_false(IS_ERR(config));
	assert_int_equal(config->size, space->size);
	return config;
}

struct latch_config *space_compile(struct space *space)
{
	return space_compile_by(space, read_dword);
}

/* A field of one of the members of struct latch_dword. */
#define BITS(config, offset, width, member)						\
	(((config)->dword[(offset) / 4].member & latch_config_mask(offset, width)) >>	\
	 (offset) % 4 * 8)

u32 bits_write(const struct latch_config *config, unsigned int offset, unsigned int width)
{
	return BITS(config, offset, width, write);
}

u32 bits_virt(const struct latch_config *config, unsigned int offset, unsigned int width)
{
	return BITS(config, offset, width, virt);
}

u32 bits_status(const struct latch_config *config, unsigned int offset, unsigned int width)
{
	return BITS(config, offset, width, status);
}

u32 user_read(const struct latch_config *config, const struct space *space, unsigned int offset,
	      unsigned int width)
{
	u32 virt = bits_virt(config, offset, width);

	return (BITS(config, offset, width, shadow) & virt) |
	       (space_get(space, offset, width) & ~virt);
}

void user_write(struct latch_config *config, struct space *space, unsigned int offset,
		unsigned int width, u32 value)
{
	u32 write = bits_write(config, offset, width);
	u32 shadow = write & bits_virt(config, offset, width);
	u32 hardware = write & ~shadow;

	latch_shadow_set(config, offset, width,
			 (latch_shadow_get(config, offset, width) & ~shadow) | (value & shadow));
	space_set(space, offset, width,
		  (space_get(space, offset, width) & ~hardware) | (value & hardware));
}

unsigned int user_cap(const struct latch_config *config, const struct space *space, u8 id)
{
	unsigned int at = user_read(config, space, PCI_CAPABILITY_LIST, 1);

	if (!(user_read(config, space, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return 0;
	while (at && user_read(config, space, at + PCI_CAP_LIST_ID, 1) != id)
		at = user_read(config, space, at + PCI_CAP_LIST_NEXT, 1);
	return at;
}

unsigned int user_ext_cap(const struct latch_config *config, const struct space *space, u16 id)
{
	unsigned int at = PCI_CFG_SPACE_SIZE;

	if (config->size <= PCI_CFG_SPACE_SIZE)
		return 0;
	while (at && PCI_EXT_CAP_ID(user_read(config, space, at, 4)) != id)
		at = PCI_EXT_CAP_NEXT(user_read(config, space, at, 4));
	return at;
}
