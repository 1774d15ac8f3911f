// SPDX-License-Identifier: GPL-2.0-only
/* What src/core/config_layout.h promises of the lists of capabilities. */
#include <linux/err.h>
#include <linux/kernel.h>
#include <string.h>

#include "cmocka_test.h"
#include "shim/shim.h"
#include "space.h"

static struct space space;

static void assert_user_reads(const struct latch_config *config, unsigned int offset,
			      unsigned int width, u32 value)
{
	assert_int_equal(user_read(config, &space, offset, width), value);
}

/* Bytes that read as zero and take no write. */
static void assert_hidden(const struct latch_config *config, unsigned int from, unsigned int to)
{
	for (; from < to; from++) {
		assert_user_reads(config, from, 1, 0);
		assert_int_equal(bits_write(config, from, 1), 0);
	}
}

/* Bytes that read as hardware has them, and take no write. */
static void assert_read_only(const struct latch_config *config, unsigned int from, unsigned int to)
{
	for (; from < to; from++) {
		assert_int_equal(bits_virt(config, from, 1), 0);
		assert_int_equal(bits_write(config, from, 1), 0);
	}
}

/* Bytes that are the device's own. */
static void assert_own(const struct latch_config *config, unsigned int from, unsigned int to)
{
	for (; from < to; from++) {
		assert_int_equal(bits_virt(config, from, 1), 0);
		assert_int_equal(bits_write(config, from, 1), 0xff);
	}
}

static void fill(unsigned int from, unsigned int to)
{
	memset(space.byte + from, 0xa5, to - from);
}

/* The list in the first 256 bytes */

static void the_list_is_seen_as_hardware_has_it_when_all_of_it_is_shown(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 256);
	space_first(&space, 0x80);
	space_cap(&space, 0x80, PCI_CAP_ID_PM, 0x40);
	space_cap(&space, 0x40, PCI_CAP_ID_MSI, 0xc0);
	space_cap(&space, 0xc0, PCI_CAP_ID_MSIX, 0);
	config = space_compile(&space);
	assert_user_reads(config, PCI_CAPABILITY_LIST, 1, 0x80);
	assert_user_reads(config, 0x80, 2, PCI_CAP_ID_PM | 0x4000);
	assert_user_reads(config, 0x40, 2, PCI_CAP_ID_MSI | 0xc000);
	assert_user_reads(config, 0xc0, 2, PCI_CAP_ID_MSIX);
	assert_int_equal(config->cap[LATCH_CAP_PM], 0x80);
	assert_int_equal(config->cap[LATCH_CAP_MSI], 0x40);
	assert_int_equal(config->cap[LATCH_CAP_MSIX], 0xc0);
	assert_int_equal(config->cap[LATCH_CAP_EXP], 0);
	latch_config_free(config);
}

static void a_function_without_a_list_has_none(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 256);
	/* The pointer counts only when STATUS says that there is a list. */
	space_set(&space, PCI_CAPABILITY_LIST, 1, 0x40);
	space_cap(&space, 0x40, PCI_CAP_ID_PM, 0);
	config = space_compile(&space);
	assert_user_reads(config, PCI_CAPABILITY_LIST, 1, 0);
	assert_int_equal(config->cap[LATCH_CAP_PM], 0);
	latch_config_free(config);
}

static void a_hidden_capability_is_unlinked_wherever_it_stands(void **state)
{
	static const u8 order[] = { 0x40, 0x60, 0x80 };
	unsigned int hidden;

	(void)state;
	for (hidden = 0; hidden < 3; hidden++) {
		unsigned int first = hidden == 0, second = hidden <= 1 ? 2 : 1;
		struct latch_config *config;
		unsigned int n;

		space_init(&space, 256);
		fill(0x40, 0x100);
		space_first(&space, 0x40);
		for (n = 0; n < 3; n++)
			space_cap(&space, order[n],
				  n == hidden ? PCI_CAP_ID_SHPC : PCI_CAP_ID_SSVID,
				  n < 2 ? order[n + 1] : 0);
		config = space_compile(&space);
		assert_user_reads(config, PCI_CAPABILITY_LIST, 1, order[first]);
		assert_user_reads(config, order[first] + 1, 1, order[second]);
		assert_user_reads(config, order[second] + 1, 1, 0);
		assert_hidden(config, order[hidden], order[hidden] + 8);
		latch_config_free(config);
	}
}

static void a_list_of_hidden_capabilities_is_empty(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 256);
	space_first(&space, 0x40);
	space_cap(&space, 0x40, PCI_CAP_ID_EA, 0x60);
	space_cap(&space, 0x60, PCI_CAP_ID_AGP, 0);
	config = space_compile(&space);
	assert_user_reads(config, PCI_CAPABILITY_LIST, 1, 0);
	latch_config_free(config);
}

static void an_unknown_capability_takes_no_write_up_to_the_next_one(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 256);
	fill(0x40, 0x100);
	space_first(&space, 0x40);
	/* The next one by address, not by link. */
	space_cap(&space, 0x40, 0x77, 0x80);
	space_cap(&space, 0x80, PCI_CAP_ID_SSVID, 0x60);
	space_cap(&space, 0x60, PCI_CAP_ID_SSVID, 0);
	config = space_compile(&space);
	assert_hidden(config, 0x40, 0x44);
	assert_read_only(config, 0x44, 0x60);
	assert_user_reads(config, 0x44, 4, 0xa5a5a5a5);
	assert_own(config, 0x68, 0x80);
	assert_user_reads(config, PCI_CAPABILITY_LIST, 1, 0x80);
	assert_user_reads(config, 0x61, 1, 0);
	assert_user_reads(config, 0x64, 4, 0xa5a5a5a5);
	latch_config_free(config);
}

static void an_unknown_capability_at_the_end_takes_no_write_up_to_there(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 256);
	fill(0x40, 0x100);
	space_first(&space, 0xf0);
	space_cap(&space, 0xf0, 0x77, 0);
	config = space_compile(&space);
	assert_hidden(config, 0xf0, 0xf4);
	assert_read_only(config, 0xf4, 0x100);
	assert_user_reads(config, 0xfc, 4, 0xa5a5a5a5);
	latch_config_free(config);
}

static void a_list_in_a_circle_ends(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 256);
	space_first(&space, 0x40);
	space_cap(&space, 0x40, PCI_CAP_ID_SSVID, 0x50);
	space_cap(&space, 0x50, PCI_CAP_ID_VNDR, 0x40);
	space_set(&space, 0x52, 1, 8);
	config = space_compile(&space);
	assert_user_reads(config, 0x41, 1, 0x50);
	assert_user_reads(config, 0x51, 1, 0);
	latch_config_free(config);

	space_cap(&space, 0x50, PCI_CAP_ID_VNDR, 0x50);
	config = space_compile(&space);
	assert_user_reads(config, 0x51, 1, 0);
	latch_config_free(config);
}

static void a_link_into_the_header_ends_the_list(void **state)
{
	struct latch_config *config;
	unsigned int at;

	(void)state;
	for (at = 1; at < PCI_STD_HEADER_SIZEOF; at++) {
		space_init(&space, 256);
		space_first(&space, 0x40);
		space_cap(&space, 0x40, PCI_CAP_ID_SSVID, at);
		config = space_compile(&space);
		assert_user_reads(config, PCI_CAPABILITY_LIST, 1, 0x40);
		assert_user_reads(config, 0x41, 1, 0);
		latch_config_free(config);

		space_first(&space, at);
		config = space_compile(&space);
		assert_user_reads(config, PCI_CAPABILITY_LIST, 1, 0);
		latch_config_free(config);
	}
}

static void the_reserved_low_bits_of_a_link_are_ignored(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 256);
	space_first(&space, 0x43);
	space_cap(&space, 0x40, PCI_CAP_ID_SSVID, 0x52);
	space_cap(&space, 0x50, PCI_CAP_ID_SSVID, 0x01);
	config = space_compile(&space);
	assert_user_reads(config, PCI_CAPABILITY_LIST, 1, 0x40);
	assert_user_reads(config, 0x41, 1, 0x50);
	assert_user_reads(config, 0x51, 1, 0);
	latch_config_free(config);
}

static void a_link_to_nothing_ends_the_list(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 256);
	space_first(&space, 0x40);
	space_cap(&space, 0x40, PCI_CAP_ID_SSVID, 0x50);
	space_set(&space, 0x50, 4, ~0U);
	config = space_compile(&space);
	assert_user_reads(config, 0x41, 1, 0);
	latch_config_free(config);
}

static void a_list_of_all_places_is_walked_to_its_end(void **state)
{
	struct latch_config *config;
	unsigned int at, seen = 0;

	(void)state;
	space_init(&space, 256);
	space_first(&space, 0x40);
	for (at = 0x40; at < 0x100; at += 4)
		space_cap(&space, at, PCI_CAP_ID_HT, at + 4 < 0x100 ? at + 4 : 0);
	config = space_compile(&space);
	for (at = user_read(config, &space, PCI_CAPABILITY_LIST, 1); at;
	     at = user_read(config, &space, at + 1, 1))
		seen++;
	assert_int_equal(seen, 48);
	latch_config_free(config);
}

/* Capabilities that are cut, overlap, or come twice */

static void fields_end_where_the_next_capability_starts(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 256);
	space_first(&space, 0x40);
	space_cap(&space, 0x40, PCI_CAP_ID_EXP, 0x4c);
	space_set(&space, 0x40 + PCI_EXP_FLAGS, 2, 2);
	space_cap(&space, 0x4c, PCI_CAP_ID_SSVID, 0);
	space_set(&space, 0x50, 4, 0xdeadbeef);
	config = space_compile(&space);
	assert_int_equal(config->cap[LATCH_CAP_EXP], 0x40);
	assert_int_not_equal(bits_write(config, 0x40 + PCI_EXP_DEVCTL, 2), 0);
	assert_user_reads(config, 0x4c, 4, PCI_CAP_ID_SSVID);
	assert_user_reads(config, 0x50, 4, 0xdeadbeef);
	assert_int_equal(bits_write(config, 0x4c, 4), 0);
	assert_int_equal(bits_write(config, 0x50, 4), 0);
	/* Past both, where DEVCTL2 of the first would be: the device's own. */
	assert_int_equal(bits_write(config, 0x40 + PCI_EXP_DEVCTL2, 2), 0xffff);
	latch_config_free(config);
}

static void a_capability_that_hooks_rely_on_is_hidden_when_it_is_cut(void **state)
{
	static const struct {
		u8 id;
		u8 length;
		enum latch_capability slot;
	} cut[] = {
		{ PCI_CAP_ID_PM, 8, LATCH_CAP_PM },
		{ PCI_CAP_ID_VPD, 8, LATCH_CAP_VPD },
		{ PCI_CAP_ID_MSI, 10, LATCH_CAP_MSI },
		{ PCI_CAP_ID_MSIX, 12, LATCH_CAP_MSIX },
		{ PCI_CAP_ID_EXP, 12, LATCH_CAP_EXP },
		{ PCI_CAP_ID_AF, 6, LATCH_CAP_AF },
	};
	unsigned int n;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(cut); n++) {
		unsigned int fits = (256 - cut[n].length) & ~3U;
		struct latch_config *config;

		space_init(&space, 256);
		space_first(&space, fits);
		space_cap(&space, fits, cut[n].id, 0);
		config = space_compile(&space);
		assert_int_equal(config->cap[cut[n].slot], fits);
		assert_int_equal(user_cap(config, &space, cut[n].id), fits);
		latch_config_free(config);

		space_init(&space, 256);
		space_first(&space, fits + 4);
		space_cap(&space, fits + 4, cut[n].id, 0);
		config = space_compile(&space);
		assert_int_equal(config->cap[cut[n].slot], 0);
		assert_int_equal(user_cap(config, &space, cut[n].id), 0);
		assert_hidden(config, fits + 4, 256);
		latch_config_free(config);
	}
}

static void of_a_capability_that_comes_twice_the_first_is_shown(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 256);
	space_first(&space, 0x80);
	space_cap(&space, 0x80, PCI_CAP_ID_PM, 0x40);
	space_cap(&space, 0x40, PCI_CAP_ID_PM, 0x60);
	space_cap(&space, 0x60, PCI_CAP_ID_SSVID, 0);
	config = space_compile(&space);
	assert_int_equal(config->cap[LATCH_CAP_PM], 0x80);
	assert_user_reads(config, 0x81, 1, 0x60);
	assert_hidden(config, 0x40, 0x48);
	latch_config_free(config);
}

static void vendor_capabilities_may_come_any_number_of_times(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 256);
	space_first(&space, 0x40);
	space_cap(&space, 0x40, PCI_CAP_ID_VNDR, 0x50);
	space_set(&space, 0x42, 1, 16);
	space_cap(&space, 0x50, PCI_CAP_ID_VNDR, 0);
	space_set(&space, 0x52, 1, 16);
	config = space_compile(&space);
	assert_user_reads(config, 0x40, 2, PCI_CAP_ID_VNDR | 0x5000);
	assert_user_reads(config, 0x50, 2, PCI_CAP_ID_VNDR);
	latch_config_free(config);
}

/* Extended capabilities */

static void the_extended_list_is_seen_as_hardware_has_it(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 4096);
	space_ext_cap(&space, 0x100, PCI_EXT_CAP_ID_ERR, 0x400);
	space_ext_cap(&space, 0x400, PCI_EXT_CAP_ID_DSN, 0x200);
	space_ext_cap(&space, 0x200, PCI_EXT_CAP_ID_ARI, 0);
	config = space_compile(&space);
	assert_user_reads(config, 0x100, 4, 0x40010001);
	assert_user_reads(config, 0x400, 4, 0x20010003);
	assert_user_reads(config, 0x200, 4, 0x0001000e);
	latch_config_free(config);
}

static void a_hidden_first_extended_capability_still_leads_to_the_next(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 4096);
	space_ext_cap(&space, 0x100, PCI_EXT_CAP_ID_DPC, 0x200);
	space_ext_cap(&space, 0x200, PCI_EXT_CAP_ID_PTM, 0x300);
	space_ext_cap(&space, 0x300, PCI_EXT_CAP_ID_DSN, 0);
	space_set(&space, 0x108, 4, 0x11111111);
	config = space_compile(&space);
	/* A null capability: no id, no version, a link. */
	assert_user_reads(config, 0x100, 4, 0x30000000);
	assert_int_equal(bits_write(config, 0x100, 4), 0);
	assert_hidden(config, 0x104, 0x10c);
	assert_own(config, 0x10c, 0x200);
	assert_hidden(config, 0x200, 0x20c);
	assert_own(config, 0x20c, 0x300);
	assert_int_equal(user_ext_cap(config, &space, PCI_EXT_CAP_ID_DSN), 0x300);
	latch_config_free(config);
}

static void an_extended_list_of_hidden_capabilities_is_empty(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 4096);
	space_ext_cap(&space, 0x100, PCI_EXT_CAP_ID_DPC, 0x200);
	space_ext_cap(&space, 0x200, PCI_EXT_CAP_ID_PTM, 0);
	config = space_compile(&space);
	assert_hidden(config, 0x100, 0x10c);
	assert_own(config, 0x10c, 0x200);
	assert_hidden(config, 0x200, 0x20c);
	assert_own(config, 0x20c, 4096);
	latch_config_free(config);
}

static void a_hidden_extended_capability_is_unlinked_wherever_it_stands(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 4096);
	space_ext_cap(&space, 0x100, PCI_EXT_CAP_ID_DSN, 0x200);
	space_ext_cap(&space, 0x200, PCI_EXT_CAP_ID_DPC, 0x300);
	space_ext_cap(&space, 0x300, PCI_EXT_CAP_ID_ARI, 0x400);
	space_ext_cap(&space, 0x400, PCI_EXT_CAP_ID_L1SS, 0);
	config = space_compile(&space);
	assert_user_reads(config, 0x100, 4, 0x30010003);
	assert_user_reads(config, 0x300, 4, 0x0001000e);
	assert_hidden(config, 0x200, 0x20c);
	assert_own(config, 0x20c, 0x300);
	assert_hidden(config, 0x400, 0x410);
	assert_own(config, 0x410, 4096);
	latch_config_free(config);
}

static void an_extended_list_in_a_circle_ends(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 4096);
	space_ext_cap(&space, 0x100, PCI_EXT_CAP_ID_DSN, 0x200);
	space_ext_cap(&space, 0x200, PCI_EXT_CAP_ID_ARI, 0x100);
	config = space_compile(&space);
	assert_user_reads(config, 0x200, 4, 0x0001000e);
	latch_config_free(config);
}

static void an_extended_link_into_the_first_256_bytes_ends_the_list(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 4096);
	space_first(&space, 0x40);
	space_cap(&space, 0x40, PCI_CAP_ID_SSVID, 0);
	space_ext_cap(&space, 0x100, PCI_EXT_CAP_ID_DSN, 0x40);
	config = space_compile(&space);
	assert_user_reads(config, 0x100, 4, 0x00010003);
	assert_user_reads(config, 0x40, 2, PCI_CAP_ID_SSVID);
	latch_config_free(config);
}

static void without_extended_capabilities_nothing_is_linked(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 4096);
	config = space_compile(&space);
	assert_user_reads(config, 0x100, 4, 0);
	latch_config_free(config);

	space_set(&space, 0x100, 4, ~0U);
	config = space_compile(&space);
	assert_user_reads(config, 0x100, 4, ~0U);
	latch_config_free(config);
}

static void an_extended_capability_at_the_very_end_is_read_within_the_space(void **state)
{
	unsigned int id;

	(void)state;
	for (id = 1; id < 64; id++) {
		space_init(&space, 4096);
		space_ext_cap(&space, 0x100, PCI_EXT_CAP_ID_DSN, 0xffc);
		space_ext_cap(&space, 0xffc, id, 0);
		/* space_compile() fails the test if anything past the end is read. */
		latch_config_free(space_compile(&space));
	}
}

/* Real devices: configuration spaces that QEMU 7.2's models show */

static void an_e1000e_is_seen_with_its_capabilities(void **state)
{
	struct latch_config *config;

	(void)state;
	space_load(&space, DATA "/e1000e");
	assert_int_equal(space.size, 4096);
	config = space_compile(&space);
	assert_user_reads(config, PCI_VENDOR_ID, 4, 0x10d38086);
	assert_int_equal(user_cap(config, &space, PCI_CAP_ID_PM), 0xc8);
	assert_int_equal(user_cap(config, &space, PCI_CAP_ID_MSI), 0xd0);
	assert_int_equal(user_cap(config, &space, PCI_CAP_ID_EXP), 0xe0);
	assert_int_equal(user_cap(config, &space, PCI_CAP_ID_MSIX), 0xa0);
	assert_int_equal(user_ext_cap(config, &space, PCI_EXT_CAP_ID_ERR), 0x100);
	assert_int_equal(user_ext_cap(config, &space, PCI_EXT_CAP_ID_DSN), 0x140);
	assert_int_equal(config->cap[LATCH_CAP_PM], 0xc8);
	assert_int_equal(config->cap[LATCH_CAP_EXP], 0xe0);
	latch_config_free(config);
}

static void an_nvme_is_seen_with_its_capabilities(void **state)
{
	struct latch_config *config;

	(void)state;
	space_load(&space, DATA "/nvme");
	assert_int_equal(space.size, 4096);
	config = space_compile(&space);
	assert_user_reads(config, PCI_CLASS_REVISION + 1, 1, 0x02);
	assert_int_equal(user_cap(config, &space, PCI_CAP_ID_MSIX), config->cap[LATCH_CAP_MSIX]);
	assert_int_equal(user_cap(config, &space, PCI_CAP_ID_EXP), config->cap[LATCH_CAP_EXP]);
	assert_int_not_equal(config->cap[LATCH_CAP_MSIX], 0);
	assert_int_not_equal(config->cap[LATCH_CAP_EXP], 0);
	assert_int_not_equal(user_ext_cap(config, &space, PCI_EXT_CAP_ID_SRIOV), 0);
	assert_int_equal(bits_write(config, user_ext_cap(config, &space, PCI_EXT_CAP_ID_SRIOV) +
				    PCI_SRIOV_CTRL, 2), 0);
	latch_config_free(config);
}

/* Memory */

static void a_failed_allocation_is_enomem_and_leaks_nothing(void **state)
{
	struct latch_config_source source;
	struct latch_config *config;
	int n;

	(void)state;
	space_init(&space, 4096);
	source = space_source(&space);
	for (n = 0; n < 2; n++) {
		shim_fail_allocation(n);
		config = latch_config_compile(&source);
		assert_true(IS_ERR(config));
		assert_int_equal(PTR_ERR(config), -ENOMEM);
	}
	shim_fail_allocation(-1);
	latch_config_free(NULL);
}

/* Sizes that quirks of the kernel give functions that hang beyond them; space.c fails then. */
static void a_space_that_ends_early_is_not_read_beyond(void **state)
{
	static const unsigned int sizes[] = { 0x40, 0xa0, 0x600 };
	unsigned int n;

	(void)state;
	for (n = 0; n < 3; n++) {
		struct latch_config *config;

		space_init(&space, sizes[n]);
		space_first(&space, 0x40);
		space_cap(&space, 0x40, PCI_CAP_ID_EXP, 0x80);
		space_set(&space, 0x42, 2, 2);
		space_cap(&space, 0x80, PCI_CAP_ID_VNDR, 0xc0);
		space_set(&space, 0x82, 1, 0x60);
		space_cap(&space, 0xc0, PCI_CAP_ID_PM, 0);
		space_ext_cap(&space, 0x100, PCI_EXT_CAP_ID_DSN, 0x5f0);
		space_ext_cap(&space, 0x5f0, PCI_EXT_CAP_ID_ERR, 0x700);
		space_ext_cap(&space, 0x700, PCI_EXT_CAP_ID_DSN, 0);
		config = space_compile(&space);
		latch_config_free(config);
	}
}

static u32 read_described(void *context, unsigned int offset)
{
	/* The header, the vendor capability's first dword, the last capability. */
	if (offset >= PCI_STD_HEADER_SIZEOF && offset != 0x50 && !(offset >= 0x80 && offset < 0x88))
		fail_msg("the device's own register at %#x is read", offset);
	return space_get(context, offset, 4);
}

static void the_devices_own_registers_are_not_read_or_called_described(void **state)
{
	struct latch_config *config;
	unsigned int at;

	(void)state;
	space_init(&space, 256);
	space_first(&space, 0x50);
	space_cap(&space, 0x50, PCI_CAP_ID_VNDR, 0x80);
	space_set(&space, 0x52, 1, 0x18);
	space_cap(&space, 0x80, PCI_CAP_ID_PM, 0);
	config = space_compile_by(&space, read_described);
	for (at = 0; at < 256; at += 4) {
		bool is_described = at < 0x40 || at == 0x50 || (at >= 0x80 && at < 0x88);

		assert_int_equal(latch_config_dword(config, at)->described,
				 is_described ? 0xf : 0);
	}
	latch_config_free(config);
}

static unsigned int nr_reads;

static u32 read_counted(void *context, unsigned int offset)
{
	nr_reads++;
	return space_get(context, offset, 4);
}

/* Capabilities that each claim to have entries as far as the end of the space. */
static void a_list_that_claims_much_is_read_a_few_times(void **state)
{
	struct latch_config *config;
	struct space space;

	(void)state;
	space_init(&space, 4096);
	space_first(&space, 0x40);
	for (unsigned int at = 0x40; at < 0x100; at += 8) {
		space_cap(&space, at, PCI_CAP_ID_EA, at + 8 < 0x100 ? at + 8 : 0);
		space_set(&space, at + PCI_EA_NUM_ENT, 1, PCI_EA_NUM_ENT_MASK);
	}
	for (unsigned int at = 0x100; at < 4096; at += 8) {
		space_ext_cap(&space, at, 0x30, at + 8 < 4096 ? at + 8 : 0);
		space_set(&space, at + 4, 4, 0x00ff0002);
	}
	config = space_compile_by(&space, read_counted);
	/* Three for each dword. */
	assert_in_range(nr_reads, 1, 4096 / 4 * 3);
	latch_config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_that_claims_much_is_read_a_few_times),
		cmocka_unit_test(the_list_is_seen_as_hardware_has_it_when_all_of_it_is_shown),
		cmocka_unit_test(a_function_without_a_list_has_none),
		cmocka_unit_test(a_hidden_capability_is_unlinked_wherever_it_stands),
		cmocka_unit_test(a_list_of_hidden_capabilities_is_empty),
		cmocka_unit_test(an_unknown_capability_takes_no_write_up_to_the_next_one),
		cmocka_unit_test(an_unknown_capability_at_the_end_takes_no_write_up_to_there),
		cmocka_unit_test(a_list_in_a_circle_ends),
		cmocka_unit_test(a_link_into_the_header_ends_the_list),
		cmocka_unit_test(the_reserved_low_bits_of_a_link_are_ignored),
		cmocka_unit_test(a_space_that_ends_early_is_not_read_beyond),
		cmocka_unit_test(the_devices_own_registers_are_not_read_or_called_described),
		cmocka_unit_test(a_link_to_nothing_ends_the_list),
		cmocka_unit_test(a_list_of_all_places_is_walked_to_its_end),
		cmocka_unit_test(fields_end_where_the_next_capability_starts),
		cmocka_unit_test(a_capability_that_hooks_rely_on_is_hidden_when_it_is_cut),
		cmocka_unit_test(of_a_capability_that_comes_twice_the_first_is_shown),
		cmocka_unit_test(vendor_capabilities_may_come_any_number_of_times),
		cmocka_unit_test(the_extended_list_is_seen_as_hardware_has_it),
		cmocka_unit_test(a_hidden_first_extended_capability_still_leads_to_the_next),
		cmocka_unit_test(an_extended_list_of_hidden_capabilities_is_empty),
		cmocka_unit_test(a_hidden_extended_capability_is_unlinked_wherever_it_stands),
		cmocka_unit_test(an_extended_list_in_a_circle_ends),
		cmocka_unit_test(an_extended_link_into_the_first_256_bytes_ends_the_list),
		cmocka_unit_test(without_extended_capabilities_nothing_is_linked),
		cmocka_unit_test(an_extended_capability_at_the_very_end_is_read_within_the_space),
		cmocka_unit_test(an_e1000e_is_seen_with_its_capabilities),
		cmocka_unit_test(an_nvme_is_seen_with_its_capabilities),
		cmocka_unit_test(a_failed_allocation_is_enomem_and_leaks_nothing),
	};

	return cmocka_run_group_tests_name("config_layout", tests, NULL, NULL);
}
