/* SPDX-License-Identifier: GPL-2.0-only */
/* space.h: a function's configuration space in memory, and its user. */
#ifndef SPACE_H
#define SPACE_H

#include <linux/pci_regs.h>

#include "config_layout.h"

struct space {
	unsigned int size;
	u8 byte[PCI_CFG_SPACE_EXP_SIZE];
};

/* An empty function: ids, COMMAND with memory decoding, no capability. */
void space_init(struct space *space, unsigned int size);
u32 space_get(const struct space *space, unsigned int offset, unsigned int width);
void space_set(struct space *space, unsigned int offset, unsigned int width, u32 value);

/* A capability's header. The first one's address still has to be set: space_first(). */
void space_cap(struct space *space, unsigned int offset, u8 id, u8 next);
void space_ext_cap(struct space *space, unsigned int offset, u16 id, u16 next);
/* Put the first capability's offset into the header. */
void space_first(struct space *space, u8 offset);

/* Fill from a text of `lspci -xxxx`; fails the test when there is none. Returns the size. */
void space_load(struct space *space, const char *file);

/* What latch_config_compile() takes, for a function without BARs. */
struct latch_config_source space_source(struct space *space);
/* Compile; fails the test when a read goes past the end or is not aligned. */
struct latch_config *space_compile(struct space *space);
/* With a reader that gets SPACE, and offsets that are multiples of 4. */
struct latch_config *space_compile_by(struct space *space, u32 (*read)(void *, unsigned int));

/*
 * The user's reads and writes, as the layout says: bits in virt are the shadow's, others the
 * hardware's, which stores what it is given. Return and take values as the user sees them.
 */
u32 user_read(const struct latch_config *config, const struct space *space, unsigned int offset,
	      unsigned int width);
void user_write(struct latch_config *config, struct space *space, unsigned int offset,
		unsigned int width, u32 value);
/* Bits that the user may write, that come from the shadow, that hardware changes. */
u32 bits_write(const struct latch_config *config, unsigned int offset, unsigned int width);
u32 bits_virt(const struct latch_config *config, unsigned int offset, unsigned int width);
u32 bits_status(const struct latch_config *config, unsigned int offset, unsigned int width);

/* The offset of a capability in the list as the user sees it, or 0. */
unsigned int user_cap(const struct latch_config *config, const struct space *space, u8 id);
unsigned int user_ext_cap(const struct latch_config *config, const struct space *space, u16 id);

#endif
