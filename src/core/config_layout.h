/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The layout of configuration space: what a user sees of a function's configuration
 * space, and what the user may change.
 *
 * The header and each capability have a table in config_layout.c.
 * latch_config_compile() walks a function's capabilities once, at open, and
 * lays the tables out flat, one struct latch_dword for each dword. After that
 * an access is a mask operation, and a hook only where a table names one.
 *
 * Pure logic: no device, no lock. It also compiles in user space (tests/unit).
 */
#ifndef VFIO_LATCH_CONFIG_LAYOUT_H
#define VFIO_LATCH_CONFIG_LAYOUT_H

#include <linux/compiler.h>
#include <linux/nospec.h>
#include <linux/types.h>

/* What a write to a field does besides storing the bits. */
enum latch_config_hook {
	LATCH_HOOK_NONE,
	LATCH_HOOK_COMMAND,
	LATCH_HOOK_PM_CTRL,
	LATCH_HOOK_VPD,
	LATCH_HOOK_MSI_FLAGS,
	LATCH_HOOK_EXP_DEVCTL,
	LATCH_HOOK_AF_CTRL,
};

/**
 * struct latch_dword - the masks and the shadow of one dword, in host byte order
 * @virt: bits that come from @shadow; the others come from hardware
 * @write: bits that a user may write
 * @status: bits that hardware changes by itself
 * @shadow: value of the @virt bits
 * @hook: enum latch_config_hook
 * @described: bytes that the header or a shown capability describes, a bit for each;
 *	the others are not read without a reason
 */
struct latch_dword {
	u32 virt;
	u32 write;
	u32 status;
	u32 shadow;
	u8 hook;
	u8 described;
};

/* Capabilities that hooks use; their offset is 0 if the function has none. */
enum latch_capability {
	LATCH_CAP_PM,
	LATCH_CAP_VPD,
	LATCH_CAP_MSI,
	LATCH_CAP_MSIX,
	LATCH_CAP_EXP,
	LATCH_CAP_AF,
	LATCH_NR_CAPS
};

/**
 * struct latch_config - a function's compiled configuration space
 * @size: bytes, a multiple of 4; 256 or 4096, less if accesses beyond it hang the bus
 * @cap: offsets of capabilities, by enum latch_capability
 * @dword: the layout, @size / 4 of them
 *
 * Masks are read-only once compiled. Shadows are written under the device's
 * config_lock and read without a lock, a dword at a time.
 */
struct latch_config {
	unsigned int size;
	u16 cap[LATCH_NR_CAPS];
	struct latch_dword dword[];
};

#define LATCH_NR_BARS	7	/* six BARs and the expansion ROM */
#define LATCH_BAR_ROM	6

/* Intel graphics: the register that says where the OpRegion is. */
#define LATCH_INTEL_ASLS	0xfc

/**
 * struct latch_config_source - the function that is compiled
 * @read: reads a dword of its configuration space; offset is a multiple of 4
 * @context: first argument of @read
 * @size: bytes of configuration space that may be accessed
 * @vendor: vendor ID (a VF's own register has none)
 * @device: device ID (the same)
 * @base_class: the class code's highest byte
 * @no_command_memory: memory is decoded whatever COMMAND says (a VF)
 * @hide_intx: the user shall see no INTx pin
 * @bar: for each BAR its size in bytes, 0 if it has none
 * @bar_flags: for each BAR the value of its read-only low bits
 */
struct latch_config_source {
	u32 (*read)(void *context, unsigned int offset);
	void *context;
	unsigned int size;
	u16 vendor;
	u16 device;
	u8 base_class;
	bool no_command_memory;
	bool hide_intx;
	u64 bar[LATCH_NR_BARS];
	u32 bar_flags[LATCH_NR_BARS];
};

/* config_layout.c APIs: */
struct latch_config *latch_config_compile(const struct latch_config_source *source);
void latch_config_free(struct latch_config *config);

/* The offset is checked; the mask keeps speculation inside the layout. */
static inline struct latch_dword *latch_config_dword(struct latch_config *config,
						     unsigned int offset)
{
	return &config->dword[array_index_nospec(offset / 4, config->size / 4)];
}

/* Bits of a dword that an access of @width bytes at @offset covers. */
static inline u32 latch_config_mask(unsigned int offset, unsigned int width)
{
	return (width == 4 ? ~0U : (1U << width * 8) - 1) << offset % 4 * 8;
}

/* A field of 1, 2 or 4 bytes of the shadow. */
static inline u32 latch_shadow_get(struct latch_config *config, unsigned int offset,
				   unsigned int width)
{
	u32 shadow = READ_ONCE(latch_config_dword(config, offset)->shadow);

	return (shadow & latch_config_mask(offset, width)) >> offset % 4 * 8;
}

static inline void latch_shadow_set(struct latch_config *config, unsigned int offset,
				    unsigned int width, u32 value)
{
	struct latch_dword *dword = latch_config_dword(config, offset);
	u32 mask = latch_config_mask(offset, width);

	WRITE_ONCE(dword->shadow, (dword->shadow & ~mask) | (value << offset % 4 * 8 & mask));
}

/* Width of the next access when @count bytes remain at @offset: 4, 2 or 1, aligned. */
static inline unsigned int latch_access_width(u64 offset, size_t count)
{
	if (!(offset & 3) && count >= 4)
		return 4;
	if (!(offset & 1) && count >= 2)
		return 2;
	return 1;
}

#endif
