// SPDX-License-Identifier: GPL-2.0-only
/*
 * The layout of configuration space against random spaces. The sanitizers and space_compile() notice
 * what is read or written outside; here stands what must hold of every space.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <string.h>

#include "cmocka_test.h"
#include "fuzz.h"
#include "space.h"

static struct space space;

/* Ids that a user may meet. */
static const u8 shown[] = {
	PCI_CAP_ID_PM, PCI_CAP_ID_VPD, PCI_CAP_ID_MSI, PCI_CAP_ID_PCIX, PCI_CAP_ID_HT,
	PCI_CAP_ID_VNDR, PCI_CAP_ID_SSVID, PCI_CAP_ID_EXP, PCI_CAP_ID_MSIX, PCI_CAP_ID_SATA,
	PCI_CAP_ID_AF,
};
static const u16 shown_extended[] = {
	PCI_EXT_CAP_ID_ERR, PCI_EXT_CAP_ID_VC, PCI_EXT_CAP_ID_DSN, PCI_EXT_CAP_ID_PWR,
	PCI_EXT_CAP_ID_MFVC, PCI_EXT_CAP_ID_VC9, PCI_EXT_CAP_ID_VNDR, PCI_EXT_CAP_ID_ACS,
	PCI_EXT_CAP_ID_ARI, PCI_EXT_CAP_ID_ATS, PCI_EXT_CAP_ID_SRIOV, PCI_EXT_CAP_ID_MCAST,
	PCI_EXT_CAP_ID_PRI, PCI_EXT_CAP_ID_REBAR, PCI_EXT_CAP_ID_DPA, PCI_EXT_CAP_ID_TPH,
	PCI_EXT_CAP_ID_LTR, PCI_EXT_CAP_ID_DVSEC,
};

static bool is_shown_extended(u16 id)
{
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(shown_extended); n++)
		if (shown_extended[n] == id)
			return true;
	return false;
}

/* Random input: garbage, and lists that are nearly right. */

static void random_bytes(void)
{
	unsigned int at, kind = fuzz_below(3);

	for (at = 0; at < space.size; at += 4)
		space_set(&space, at, 4, kind == 0 ? 0 : kind == 1 ? ~0U :
			  fuzz_below(~0U) ^ fuzz_below(256) << 24);
}

static unsigned int random_offset(unsigned int from, unsigned int to)
{
	/* The last places of a space are where mistakes live. */
	if (!fuzz_below(8))
		return to - 4 - 4 * fuzz_below(4);
	return from + fuzz_below(to - from);
}

static void random_list(void)
{
	unsigned int at = random_offset(0x40, 0x100);
	unsigned int n = fuzz_below(12);

	space_first(&space, at);
	while (n--) {
		unsigned int next = fuzz_below(8) ? random_offset(0x40, 0x100) : fuzz_below(0x100);

		at &= ~3U;
		if (at >= 0x40)
			space_cap(&space, at, fuzz_below(8) ? fuzz_below(0x17) : fuzz_below(256),
				  n ? next : 0);
		at = next;
	}
}

static void random_extended_list(void)
{
	unsigned int at = 0x100;
	unsigned int n = fuzz_below(20);

	while (n--) {
		unsigned int next = fuzz_below(8) ? random_offset(0x100, 0x1000) :
						    fuzz_below(0x1000);

		at &= ~3U;
		if (at >= 0x100)
			space_ext_cap(&space, at, fuzz_below(8) ? fuzz_below(0x30) :
				      fuzz_below(0x10000), n ? next : 0);
		at = next;
	}
}

static void random_space(void)
{
	space.size = fuzz_below(3) ? 256 : 4096;
	random_bytes();
	if (!fuzz_below(10))
		return;
	random_list();
	if (space.size == 4096)
		random_extended_list();
}

static struct latch_config *compile_randomly(void)
{
	struct latch_config_source source = space_source(&space);
	struct latch_config *config;
	unsigned int n;

	source.no_command_memory = fuzz_below(2);
	source.hide_intx = fuzz_below(2);
	for (n = 0; n < LATCH_NR_BARS; n++) {
		if (!fuzz_below(3))
			continue;
		source.bar[n] = 1ULL << fuzz_below(64);
		source.bar_flags[n] = n == LATCH_BAR_ROM ? 0 : fuzz_below(16);
	}
	config = latch_config_compile(&source);
	assert_false(IS_ERR(config));
	return config;
}

/* What must hold. */

/* Registers of the header that a BAR is no part of. */
static void assert_header(const struct latch_config *config)
{
	static const struct {
		u8 offset;
		u32 write;
	} header[] = {
		{ 0x00, 0 }, { 0x04, 0xf90007ff }, { 0x08, 0 }, { 0x0c, 0x0000ffff },
		{ 0x28, 0 }, { 0x2c, 0 }, { 0x34, 0 }, { 0x38, 0 }, { 0x3c, 0x000000ff },
	};
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(header); n++)
		assert_int_equal(bits_write(config, header[n].offset, 4), header[n].write);
	for (n = 0x10; n <= 0x30; n += 4)
		assert_int_equal(bits_virt(config, n, 4), ~0U);
}

/* Marks the places of the user's list in SEEN. */
static void assert_list(const struct latch_config *config, bool *seen)
{
	unsigned int at = user_read(config, &space, PCI_CAPABILITY_LIST, 1);
	unsigned int steps = 0;

	while (at) {
		u8 id = user_read(config, &space, at, 1);

		if (at < PCI_STD_HEADER_SIZEOF || at % 4)
			fail_msg("the list leads to %#x", at);
		if (++steps > 48)
			fail_msg("the list does not end");
		if (!memchr(shown, id, sizeof(shown)))
			fail_msg("a capability %#x is shown at %#x", id, at);
		assert_int_equal(bits_virt(config, at, 2), 0xffff);
		assert_int_equal(bits_write(config, at, 2), 0);
		seen[at / 4] = true;
		at = user_read(config, &space, at + 1, 1);
	}
}

static void assert_extended_list(const struct latch_config *config, bool *seen)
{
	unsigned int at = PCI_CFG_SPACE_SIZE;
	unsigned int steps = 0;
	u32 head = user_read(config, &space, at, 4);

	/* Nothing that would be a list: the device's own registers. */
	if (!space_get(&space, at, 4) || space_get(&space, at, 4) == ~0U)
		return;
	while (at) {
		u16 id = PCI_EXT_CAP_ID(head);

		if (at < PCI_CFG_SPACE_SIZE || at % 4)
			fail_msg("the extended list leads to %#x", at);
		if (++steps > 960)
			fail_msg("the extended list does not end");
		if (!is_shown_extended(id) && (at != PCI_CFG_SPACE_SIZE || id))
			fail_msg("an extended capability %#x is shown at %#x", id, at);
		assert_int_equal(bits_virt(config, at, 4), ~0U);
		assert_int_equal(bits_write(config, at, 4), 0);
		seen[at / 4] = true;
		at = PCI_EXT_CAP_NEXT(head);
		head = user_read(config, &space, at, 4);
	}
}

/* What hardware links and the user does not see reads as zero. */
static void assert_unlinked_is_hidden(const struct latch_config *config, const bool *seen)
{
	unsigned int at = space_get(&space, PCI_CAPABILITY_LIST, 1) & ~3U;
	unsigned int steps = 0;

	if (!(space_get(&space, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return;
	while (at >= PCI_STD_HEADER_SIZEOF && space_get(&space, at, 1) != 0xff && steps++ < 48) {
		if (!seen[at / 4]) {
			assert_int_equal(user_read(config, &space, at, 4), 0);
			assert_int_equal(bits_write(config, at, 4), 0);
		}
		at = space_get(&space, at + 1, 1) & ~3U;
	}
}

/* Hooks stand at the registers that they are named after, all inside the space. */
static void assert_hooks(const struct latch_config *config, const bool *seen)
{
	static const struct {
		enum latch_capability cap;
		enum latch_config_hook hook;
		u8 offset;
		u8 length;
	} hooks[] = {
		{ LATCH_CAP_PM, LATCH_HOOK_PM_CTRL, 4, 8 },
		{ LATCH_CAP_VPD, LATCH_HOOK_VPD, 0, 8 },
		{ LATCH_CAP_MSI, LATCH_HOOK_MSI_FLAGS, 0, 10 },
		{ LATCH_CAP_EXP, LATCH_HOOK_EXP_DEVCTL, 8, 12 },
		{ LATCH_CAP_AF, LATCH_HOOK_AF_CTRL, 4, 6 },
	};
	u8 expected[PCI_CFG_SPACE_EXP_SIZE / 4] = { [PCI_COMMAND / 4] = LATCH_HOOK_COMMAND };
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(hooks); n++) {
		unsigned int at = config->cap[hooks[n].cap];

		if (!at)
			continue;
		assert_true(seen[at / 4]);
		assert_true(at + hooks[n].length <= PCI_CFG_SPACE_SIZE);
		expected[(at + hooks[n].offset) / 4] = hooks[n].hook;
	}
	for (n = 0; n < config->size / 4; n++)
		if (config->dword[n].hook != expected[n])
			fail_msg("hook %u at %#x", config->dword[n].hook, n * 4);
}

/* A user who writes anything anywhere changes neither lists nor what is not writable. */
static void assert_writes_change_only_what_they_may(struct latch_config *config)
{
	static struct space before;
	unsigned int n;

	before = space;
	for (n = 0; n < 32; n++) {
		unsigned int width = 1 << fuzz_below(3);
		unsigned int at = fuzz_below(config->size) & -width;
		u32 write = bits_write(config, at, width), virt = bits_virt(config, at, width);
		u32 all = width == 4 ? ~0U : (1U << width * 8) - 1;
		u32 seen = user_read(config, &space, at, width);
		u32 hardware = space_get(&space, at, width);

		user_write(config, &space, at, width, ~seen);
		assert_int_equal(user_read(config, &space, at, width), (seen ^ write) & all);
		assert_int_equal(space_get(&space, at, width), hardware ^ (write & ~virt));
	}
	space = before;
}

static void every_space_gives_a_sound_layout(void **state)
{
	unsigned long round, rounds = fuzz_rounds();
	unsigned long listed = 0;

	(void)state;
	for (round = 0; round < rounds; round++) {
		bool seen[PCI_CFG_SPACE_EXP_SIZE / 4] = { false };
		struct latch_config *config;

		fuzz_seed(round);
		random_space();
		config = compile_randomly();
		assert_header(config);
		assert_list(config, seen);
		assert_unlinked_is_hidden(config, seen);
		assert_hooks(config, seen);
		if (config->size > PCI_CFG_SPACE_SIZE)
			assert_extended_list(config, seen);
		assert_writes_change_only_what_they_may(config);
		listed += user_read(config, &space, PCI_CAPABILITY_LIST, 1) != 0;
		latch_config_free(config);
	}
	print_message("%lu of %lu spaces show a list\n", listed, rounds);
	assert_in_range(listed, rounds / 4, rounds);
}

/* Real devices with some of their bits turned over. */
static void every_damaged_device_gives_a_sound_layout(void **state)
{
	static const char *const files[] = { DATA "/e1000e", DATA "/nvme" };
	unsigned long round, rounds = fuzz_rounds() / 10;
	struct space devices[ARRAY_SIZE(files)];

	(void)state;
	space_load(&devices[0], files[0]);
	space_load(&devices[1], files[1]);
	for (round = 0; round < rounds; round++) {
		bool seen[PCI_CFG_SPACE_EXP_SIZE / 4] = { false };
		struct latch_config *config;
		unsigned int bits;

		fuzz_seed(round);
		space = devices[fuzz_below(ARRAY_SIZE(files))];
		for (bits = fuzz_below(20); bits; bits--)
			space.byte[fuzz_below(fuzz_below(2) ? 0x160 : 0x100)] ^= 1 << fuzz_below(8);
		config = compile_randomly();
		assert_header(config);
		assert_list(config, seen);
		assert_unlinked_is_hidden(config, seen);
		assert_hooks(config, seen);
		assert_extended_list(config, seen);
		assert_writes_change_only_what_they_may(config);
		latch_config_free(config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_space_gives_a_sound_layout),
		cmocka_unit_test(every_damaged_device_gives_a_sound_layout),
	};

	return cmocka_run_group_tests_name("config_fuzz", tests, NULL, NULL);
}
