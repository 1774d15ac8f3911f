// SPDX-License-Identifier: GPL-2.0-only
/*
 * What src/core/config_layout.h promises of registers: which bits a user may write, which come
 * from the shadow, which hardware changes by itself. The expected values are the registers'
 * definitions in the PCI and PCIe specifications, written out.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <string.h>

#include "cmocka_test.h"
#include "space.h"

static struct space space;

/* A register of a capability; what is not listed must take no write. */
struct reg {
	u16 offset;
	u8 width;
	u32 write;
	u32 status;	/* at least these change by themselves */
	u32 rw1c;	/* write one to clear: the hardware's own, never the shadow's */
};

static void assert_registers(const struct latch_config *config, unsigned int base,
			     unsigned int length, const struct reg *regs, unsigned int nr)
{
	u8 expected[PCI_CFG_SPACE_EXP_SIZE] = { 0 };
	unsigned int n, at;

	for (n = 0; n < nr; n++) {
		const struct reg *reg = &regs[n];

		for (at = 0; at < reg->width; at++)
			expected[reg->offset + at] = reg->write >> at * 8;
		assert_int_equal(bits_status(config, base + reg->offset, reg->width) & reg->status,
				 reg->status);
		assert_int_equal(bits_status(config, base + reg->offset, reg->width) & reg->rw1c,
				 reg->rw1c);
		assert_int_equal(bits_virt(config, base + reg->offset, reg->width) & reg->rw1c, 0);
	}
	for (at = 0; at < length; at++)
		if (bits_write(config, base + at, 1) != expected[at])
			fail_msg("byte %#x of the capability takes %#x, not %#x", at,
				 bits_write(config, base + at, 1), expected[at]);
}

/* A space with one capability at 0x40, its bytes after the header all ones but for FLAGS. */
static struct latch_config *with_cap(u8 id, u16 flags)
{
	space_init(&space, 256);
	space_first(&space, 0x40);
	memset(space.byte + 0x40, 0xff, 0x80);
	space_cap(&space, 0x40, id, 0);
	space_set(&space, 0x42, 2, flags);
	return space_compile(&space);
}

/* A space with one extended capability at 0x100, its first and second dword given. */
static void with_ext_cap_head(u32 head, u32 second)
{
	space_init(&space, 4096);
	memset(space.byte + 0x100, 0xff, 0x300);
	space_set(&space, 0x100, 4, head);
	space_set(&space, 0x104, 4, second);
}

static struct latch_config *with_ext_cap(u16 id, u32 second)
{
	with_ext_cap_head(id | 1 << 16, second);
	return space_compile(&space);
}

/* The capability holds LENGTH bytes: the byte after them is the device's own register. */
static void assert_length(const struct latch_config *config, unsigned int base,
			  unsigned int length)
{
	unsigned int at;

	assert_int_equal(bits_write(config, base, 1), 0);
	for (at = base + length; at < base + length + 8; at++)
		if (bits_write(config, at, 1) != 0xff)
			fail_msg("byte %#x takes %#x: the capability is longer than %u", at - base,
				 bits_write(config, at, 1), length);
}

#define ASSERT_REGISTERS(config, base, length, ...)					\
	do {										\
		static const struct reg regs[] = { __VA_ARGS__ };			\
											\
		assert_registers(config, base, length, regs, ARRAY_SIZE(regs));		\
		assert_length(config, base, length);					\
	} while (0)

/* The header: conventional PCI 3.0, 6.1 and 6.2 */

static void the_header_takes_writes_where_the_specification_has_registers(void **state)
{
	static const struct reg regs[] = {
		{ .offset = 0x04, .width = 2, .write = 0x07ff },
		{ .offset = 0x06, .width = 2, .write = 0xf900, .rw1c = 0xf900, .status = 0x0008 },
		{ .offset = 0x0c, .width = 1, .write = 0xff },
		{ .offset = 0x0d, .width = 1, .write = 0xff },
		{ .offset = 0x3c, .width = 1, .write = 0xff },
	};
	struct latch_config *config;

	(void)state;
	space_init(&space, 256);
	config = space_compile(&space);
	assert_registers(config, 0, 64, regs, ARRAY_SIZE(regs));
	latch_config_free(config);
}

static void ids_class_and_subsystem_cannot_be_written(void **state)
{
	struct latch_config *config;
	unsigned int at;

	(void)state;
	space_load(&space, DATA "/nvme");
	config = space_compile(&space);
	for (at = 0; at < 64; at += 4) {
		u32 before = user_read(config, &space, at, 4);

		if (at != PCI_VENDOR_ID && at != PCI_CLASS_REVISION && at != PCI_CARDBUS_CIS &&
		    at != PCI_SUBSYSTEM_VENDOR_ID)
			continue;
		user_write(config, &space, at, 4, ~before);
		assert_int_equal(user_read(config, &space, at, 4), before);
	}
	latch_config_free(config);
}

static void decoding_and_intx_are_the_users_wish_not_the_hardwares(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 256);
	config = space_compile(&space);
	assert_int_equal(bits_virt(config, PCI_COMMAND, 2), 0x0403);
	assert_int_equal(config->dword[PCI_COMMAND / 4].hook, LATCH_HOOK_COMMAND);
	user_write(config, &space, PCI_COMMAND, 2, 0x0407);
	/* Bus mastering reached the function, decoding stayed as it was. */
	assert_int_equal(space_get(&space, PCI_COMMAND, 2), 0x0006);
	assert_int_equal(user_read(config, &space, PCI_COMMAND, 2), 0x0407);
	user_write(config, &space, PCI_COMMAND, 1, 0);
	assert_int_equal(user_read(config, &space, PCI_COMMAND, 2), 0x0400);
	latch_config_free(config);
}

static void the_interrupt_line_is_the_users_own(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 256);
	space_set(&space, PCI_INTERRUPT_LINE, 1, 0x0b);
	config = space_compile(&space);
	user_write(config, &space, PCI_INTERRUPT_LINE, 1, 0x55);
	assert_int_equal(user_read(config, &space, PCI_INTERRUPT_LINE, 1), 0x55);
	assert_int_equal(space_get(&space, PCI_INTERRUPT_LINE, 1), 0x0b);
	latch_config_free(config);
}

static void a_built_in_self_test_is_neither_seen_nor_started(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 256);
	space_set(&space, PCI_BIST, 1, PCI_BIST_CAPABLE);
	config = space_compile(&space);
	user_write(config, &space, PCI_BIST, 1, PCI_BIST_START);
	assert_int_equal(user_read(config, &space, PCI_BIST, 1), 0);
	assert_int_equal(space_get(&space, PCI_BIST, 1), PCI_BIST_CAPABLE);
	latch_config_free(config);
}

static void intx_can_be_hidden(void **state)
{
	struct latch_config_source source;
	struct latch_config *config;

	(void)state;
	space_init(&space, 256);
	config = space_compile(&space);
	assert_int_equal(user_read(config, &space, PCI_INTERRUPT_PIN, 1), 1);
	latch_config_free(config);

	source = space_source(&space);
	source.hide_intx = true;
	config = latch_config_compile(&source);
	assert_int_equal(user_read(config, &space, PCI_INTERRUPT_PIN, 1), 0);
	latch_config_free(config);
}

static void a_vf_shows_the_ids_it_has_none_of_and_decodes_memory(void **state)
{
	struct latch_config_source source;
	struct latch_config *config;

	(void)state;
	space_init(&space, 4096);
	space_set(&space, PCI_VENDOR_ID, 4, 0xffffffff);
	space_set(&space, PCI_COMMAND, 2, 0);
	source = space_source(&space);
	source.vendor = 0x15b3;
	source.device = 0x101e;
	source.no_command_memory = true;
	config = latch_config_compile(&source);
	assert_int_equal(user_read(config, &space, PCI_VENDOR_ID, 4), 0x101e15b3);
	assert_int_equal(user_read(config, &space, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	assert_int_equal(bits_write(config, PCI_VENDOR_ID, 4), 0);
	latch_config_free(config);
}

/* BARs: conventional PCI 3.0, 6.2.5 */

/* Writes all ones, reads back. Hardware must see none of it. */
static u32 size_bar(struct latch_config *config, unsigned int at)
{
	u32 hardware = space_get(&space, at, 4);

	user_write(config, &space, at, 4, ~0U);
	assert_int_equal(space_get(&space, at, 4), hardware);
	return user_read(config, &space, at, 4);
}

static struct latch_config *with_bars(const u64 *sizes, const u32 *flags)
{
	struct latch_config_source source;
	struct latch_config *config;

	space_init(&space, 256);
	space_set(&space, PCI_BASE_ADDRESS_0, 4, 0xfebf0000);
	space_set(&space, PCI_BASE_ADDRESS_1, 4, 0x12345678);
	source = space_source(&space);
	memcpy(source.bar, sizes, sizeof(source.bar));
	if (flags)
		memcpy(source.bar_flags, flags, sizeof(source.bar_flags));
	config = latch_config_compile(&source);
	assert_false(IS_ERR(config));
	return config;
}

static void a_32_bit_bar_can_be_sized(void **state)
{
	const u64 sizes[LATCH_NR_BARS] = { 0x10 };
	struct latch_config *config;
	u64 size;

	(void)state;
	for (size = 0x10; size <= 0x80000000; size *= 2) {
		const u64 one[LATCH_NR_BARS] = { size };

		config = with_bars(one, NULL);
		assert_int_equal(size_bar(config, PCI_BASE_ADDRESS_0), (u32)-size);
		latch_config_free(config);
	}
	config = with_bars(sizes, NULL);
	assert_int_equal(user_read(config, &space, PCI_BASE_ADDRESS_0, 4), 0xfebf0000);
	latch_config_free(config);
}

static void a_64_bit_bar_can_be_sized(void **state)
{
	const u32 flags[LATCH_NR_BARS] = {
		PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH,
	};
	struct latch_config *config;
	u64 size;

	(void)state;
	for (size = 0x10; size; size *= 2) {
		const u64 sizes[LATCH_NR_BARS] = { size };

		config = with_bars(sizes, flags);
		assert_int_equal(size_bar(config, PCI_BASE_ADDRESS_0), (u32)-size | 0xc);
		assert_int_equal(size_bar(config, PCI_BASE_ADDRESS_1), (u32)(-size >> 32));
		/* A third dword is another BAR. */
		assert_int_equal(size_bar(config, PCI_BASE_ADDRESS_2), 0);
		latch_config_free(config);
	}
}

static void an_io_bar_can_be_sized(void **state)
{
	const u64 sizes[LATCH_NR_BARS] = { 0, 0, 0x20 };
	const u32 flags[LATCH_NR_BARS] = { 0, 0, PCI_BASE_ADDRESS_SPACE_IO };
	struct latch_config *config = with_bars(sizes, flags);

	(void)state;
	assert_int_equal(size_bar(config, PCI_BASE_ADDRESS_2), 0xffffffe1);
	latch_config_free(config);
}

static void a_rom_can_be_sized_and_its_enable_bit_written(void **state)
{
	const u64 sizes[LATCH_NR_BARS] = { [LATCH_BAR_ROM] = 0x20000 };
	struct latch_config *config = with_bars(sizes, NULL);

	(void)state;
	assert_int_equal(size_bar(config, PCI_ROM_ADDRESS), 0xfffe0001);
	user_write(config, &space, PCI_ROM_ADDRESS, 4, 0xfffff800);
	assert_int_equal(user_read(config, &space, PCI_ROM_ADDRESS, 4), 0xfffe0000);
	latch_config_free(config);
}

static void an_absent_bar_reads_as_zero_whatever_is_written(void **state)
{
	const u64 sizes[LATCH_NR_BARS] = { 0 };
	struct latch_config *config = with_bars(sizes, NULL);
	unsigned int at;

	(void)state;
	for (at = PCI_BASE_ADDRESS_0; at <= PCI_BASE_ADDRESS_5; at += 4)
		assert_int_equal(size_bar(config, at), 0);
	assert_int_equal(size_bar(config, PCI_ROM_ADDRESS), 0);
	latch_config_free(config);
}

static void a_bar_keeps_the_address_that_the_user_gives_it(void **state)
{
	const u64 sizes[LATCH_NR_BARS] = { 0x4000 };
	const u32 flags[LATCH_NR_BARS] = { PCI_BASE_ADDRESS_MEM_TYPE_64 };
	struct latch_config *config = with_bars(sizes, flags);

	(void)state;
	user_write(config, &space, PCI_BASE_ADDRESS_0, 4, 0xc000ffff);
	user_write(config, &space, PCI_BASE_ADDRESS_1, 4, 0x00000012);
	assert_int_equal(user_read(config, &space, PCI_BASE_ADDRESS_0, 4), 0xc000c004);
	assert_int_equal(user_read(config, &space, PCI_BASE_ADDRESS_1, 4), 0x12);
	/* Byte by byte as well. */
	user_write(config, &space, PCI_BASE_ADDRESS_0 + 3, 1, 0xe0);
	assert_int_equal(user_read(config, &space, PCI_BASE_ADDRESS_0, 4), 0xe000c004);
	latch_config_free(config);
}

static void the_last_two_bars_can_be_one_64_bit_bar(void **state)
{
	const u64 sizes[LATCH_NR_BARS] = { [4] = 1ULL << 33, [LATCH_BAR_ROM] = 0x800 };
	const u32 flags[LATCH_NR_BARS] = { [4] = PCI_BASE_ADDRESS_MEM_TYPE_64 };
	struct latch_config *config = with_bars(sizes, flags);

	(void)state;
	assert_int_equal(size_bar(config, PCI_BASE_ADDRESS_4), 0x4);
	assert_int_equal(size_bar(config, PCI_BASE_ADDRESS_5), 0xfffffffe);
	assert_int_equal(size_bar(config, PCI_CARDBUS_CIS), 0);
	assert_int_equal(size_bar(config, PCI_ROM_ADDRESS), 0xfffff801);
	latch_config_free(config);
}

/* Capabilities of the first 256 bytes */

static void power_management_takes_state_and_data_select(void **state)
{
	struct latch_config *config = with_cap(PCI_CAP_ID_PM, 0xffff);

	(void)state;
	/* PCI PM 1.2, 3.2.4 */
	ASSERT_REGISTERS(config, 0x40, 8, { .offset = 4, .width = 2, .write = 0x1e03 });
	assert_int_equal(config->dword[0x44 / 4].hook, LATCH_HOOK_PM_CTRL);
	latch_config_free(config);
}

static void power_management_events_are_hidden(void **state)
{
	struct latch_config *config = with_cap(PCI_CAP_ID_PM, 0xffff);

	(void)state;
	assert_int_equal(user_read(config, &space, 0x42, 2), 0x07ff);
	assert_int_equal(user_read(config, &space, 0x44, 2), 0xffff & ~0x8100);
	/* PME_Status is write one to clear: the user's write must not reach it. */
	user_write(config, &space, 0x44, 2, 0x8100);
	assert_int_equal(user_read(config, &space, 0x44, 2) & 0x8100, 0);
	assert_int_equal(bits_write(config, 0x44, 2) & 0x8100, 0);
	latch_config_free(config);
}

static void vital_product_data_is_accessed_through_the_shadow(void **state)
{
	struct latch_config *config = with_cap(PCI_CAP_ID_VPD, 0xffff);

	(void)state;
	ASSERT_REGISTERS(config, 0x40, 8,
			 { .offset = 2, .width = 2, .write = 0xffff },
			 { .offset = 4, .width = 4, .write = ~0U });
	assert_int_equal(bits_virt(config, 0x42, 2), 0xffff);
	assert_int_equal(bits_virt(config, 0x44, 4), ~0U);
	assert_int_equal(config->dword[0x40 / 4].hook, LATCH_HOOK_VPD);
	latch_config_free(config);
}

/* Conventional PCI 3.0, 6.8.1: four layouts. */
static void msi_of_32_bits_has_its_registers(void **state)
{
	struct latch_config *config = with_cap(PCI_CAP_ID_MSI, 0);

	(void)state;
	ASSERT_REGISTERS(config, 0x40, 10,
			 { .offset = 2, .width = 2, .write = 0x0071 },
			 { .offset = 4, .width = 4, .write = 0xfffffffc },
			 { .offset = 8, .width = 2, .write = 0xffff });
	latch_config_free(config);
}

static void msi_of_64_bits_has_its_registers(void **state)
{
	struct latch_config *config = with_cap(PCI_CAP_ID_MSI, 0x0080);

	(void)state;
	ASSERT_REGISTERS(config, 0x40, 14,
			 { .offset = 2, .width = 2, .write = 0x0071 },
			 { .offset = 4, .width = 4, .write = 0xfffffffc },
			 { .offset = 8, .width = 4, .write = ~0U },
			 { .offset = 12, .width = 2, .write = 0xffff });
	latch_config_free(config);
}

static void maskable_msi_of_32_bits_has_its_registers(void **state)
{
	struct latch_config *config = with_cap(PCI_CAP_ID_MSI, 0x0100);

	(void)state;
	ASSERT_REGISTERS(config, 0x40, 20,
			 { .offset = 2, .width = 2, .write = 0x0071 },
			 { .offset = 4, .width = 4, .write = 0xfffffffc },
			 { .offset = 8, .width = 2, .write = 0xffff },
			 { .offset = 12, .width = 4, .write = ~0U },
			 { .offset = 16, .width = 4, .status = ~0U });
	/* Mask bits act on the function; pending bits are its own. */
	assert_int_equal(bits_virt(config, 0x4c, 4), 0);
	assert_int_equal(bits_virt(config, 0x50, 4), 0);
	latch_config_free(config);
}

static void maskable_msi_of_64_bits_has_its_registers(void **state)
{
	struct latch_config *config = with_cap(PCI_CAP_ID_MSI, 0x0180);

	(void)state;
	ASSERT_REGISTERS(config, 0x40, 24,
			 { .offset = 2, .width = 2, .write = 0x0071 },
			 { .offset = 4, .width = 4, .write = 0xfffffffc },
			 { .offset = 8, .width = 4, .write = ~0U },
			 { .offset = 12, .width = 2, .write = 0xffff },
			 { .offset = 16, .width = 4, .write = ~0U },
			 { .offset = 20, .width = 4, .status = ~0U });
	assert_int_equal(bits_virt(config, 0x50, 4), 0);
	assert_int_equal(bits_virt(config, 0x54, 4), 0);
	latch_config_free(config);
}

static void msi_address_and_data_are_the_users_copy(void **state)
{
	struct latch_config *config = with_cap(PCI_CAP_ID_MSI, 0x0080);
	struct space before = space;

	(void)state;
	user_write(config, &space, 0x42, 2, 0x0001);
	user_write(config, &space, 0x44, 4, 0xfee01000);
	user_write(config, &space, 0x48, 4, 0);
	user_write(config, &space, 0x4c, 2, 0x4041);
	assert_int_equal(user_read(config, &space, 0x44, 4) & ~3U, 0xfee01000);
	assert_int_equal(user_read(config, &space, 0x48, 4), 0);
	assert_int_equal(user_read(config, &space, 0x4c, 2), 0x4041);
	assert_memory_equal(&before, &space, sizeof(space));
	assert_int_equal(config->dword[0x40 / 4].hook, LATCH_HOOK_MSI_FLAGS);
	latch_config_free(config);
}

static void msix_is_enabled_by_ioctl_only(void **state)
{
	struct latch_config *config = with_cap(PCI_CAP_ID_MSIX, 0x0010);

	(void)state;
	assert_registers(config, 0x40, 12, NULL, 0);
	assert_length(config, 0x40, 12);
	/* What the host enabled is seen. */
	space_set(&space, 0x42, 2, 0x8010);
	assert_int_equal(user_read(config, &space, 0x42, 2), 0x8010);
	latch_config_free(config);
}

/* PCIe 6.0, 7.5.3 */
#define DEVCTL { .offset = 0x08, .width = 2, .write = 0xfdff }
#define DEVSTA { .offset = 0x0a, .width = 2, .write = 0x000f, .rw1c = 0x000f, .status = 0x0020 }

static void pci_express_of_version_2_has_its_registers(void **state)
{
	struct latch_config *config = with_cap(PCI_CAP_ID_EXP, 0x0002);

	(void)state;
	ASSERT_REGISTERS(config, 0x40, 0x3c, DEVCTL, DEVSTA,
			 { .offset = 0x12, .width = 2, .status = 0xffff },
			 { .offset = 0x1a, .width = 2, .status = 0xffff },
			 { .offset = 0x20, .width = 4, .status = ~0U },
			 { .offset = 0x28, .width = 2, .write = 0xffdf },
			 { .offset = 0x2a, .width = 2, .status = 0xffff },
			 { .offset = 0x32, .width = 2, .status = 0xffff });
	latch_config_free(config);
}

static void pci_express_of_version_1_ends_after_the_link_registers(void **state)
{
	struct latch_config *config = with_cap(PCI_CAP_ID_EXP, 0x0001);

	(void)state;
	ASSERT_REGISTERS(config, 0x40, 0x14, DEVCTL, DEVSTA);
	latch_config_free(config);
}

static void a_version_1_endpoint_in_the_root_complex_has_no_link_registers(void **state)
{
	struct latch_config *config = with_cap(PCI_CAP_ID_EXP, PCI_EXP_TYPE_RC_END << 4 | 1);

	(void)state;
	ASSERT_REGISTERS(config, 0x40, 0x0c, DEVCTL, DEVSTA);
	latch_config_free(config);
}

static void payload_read_request_and_reset_go_through_the_host(void **state)
{
	struct latch_config *config = with_cap(PCI_CAP_ID_EXP, 0x0002);

	(void)state;
	space_set(&space, 0x48, 2, 0x2810);
	user_write(config, &space, 0x48, 2, 0xd0e0 | 0x0010);
	/* The rest is the function's own: no snoop was switched off. */
	assert_int_equal(space_get(&space, 0x48, 2), 0x2010);
	assert_int_equal(user_read(config, &space, 0x48, 2) & 0x70e0, 0x50e0);
	assert_int_equal(config->dword[0x48 / 4].hook, LATCH_HOOK_EXP_DEVCTL);
	latch_config_free(config);
}

static void a_function_level_reset_bit_reads_as_zero(void **state)
{
	struct latch_config *config = with_cap(PCI_CAP_ID_EXP, 0x0002);

	(void)state;
	assert_int_equal(user_read(config, &space, 0x48, 2) & PCI_EXP_DEVCTL_BCR_FLR, 0);
	latch_config_free(config);
}

static void advanced_features_take_a_reset_only(void **state)
{
	struct latch_config *config = with_cap(PCI_CAP_ID_AF, 0x0306);

	(void)state;
	ASSERT_REGISTERS(config, 0x40, 6, { .offset = 4, .width = 1, .write = 0x01 },
			 { .offset = 5, .width = 1, .status = 0x01 });
	assert_int_equal(user_read(config, &space, 0x44, 1), 0);
	assert_int_equal(config->dword[0x44 / 4].hook, LATCH_HOOK_AF_CTRL);
	latch_config_free(config);
}

static void pci_x_has_its_registers(void **state)
{
	struct latch_config *config = with_cap(PCI_CAP_ID_PCIX, 0);

	(void)state;
	/* PCI-X 2.0, 7.2.4: split completion discarded, unexpected, error. */
	ASSERT_REGISTERS(config, 0x40, 8, { .offset = 2, .width = 2, .write = 0xffff },
			 { .offset = 4, .width = 4, .write = 0x200c0000, .rw1c = 0x200c0000 });
	latch_config_free(config);
}

static void subsystem_hypertransport_and_sata_cannot_be_written(void **state)
{
	/* HyperTransport 3.1, 7: the type is in the highest bits of the flags. */
	static const struct {
		u8 id;
		u16 flags;
		u8 length;
	} caps[] = {
		{ PCI_CAP_ID_SSVID, 0, 8 }, { PCI_CAP_ID_SATA, 0, 8 },
		{ PCI_CAP_ID_PCIX, 0x1000, 24 }, { PCI_CAP_ID_PCIX, 0x2000, 24 },
		{ PCI_CAP_ID_HT, 0x0000, 28 }, { PCI_CAP_ID_HT, 0x1fff, 28 },
		{ PCI_CAP_ID_HT, 0x2000, 24 }, { PCI_CAP_ID_HT, 0x8000, 8 },
		{ PCI_CAP_ID_HT, 0x9000, 12 }, { PCI_CAP_ID_HT, 0xc000, 12 },
		{ PCI_CAP_ID_HT, 0xa800, 12 }, { PCI_CAP_ID_HT, 0xa803, 4 },
	};
	unsigned int n;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(caps); n++) {
		struct latch_config *config = with_cap(caps[n].id, caps[n].flags);

		if (caps[n].id != PCI_CAP_ID_PCIX)
			assert_registers(config, 0x40, caps[n].length, NULL, 0);
		assert_length(config, 0x40, caps[n].length);
		latch_config_free(config);
	}
}

/* What a hidden capability has: nothing to see, nothing to write, and its neighbours their own. */
static void assert_hides(const struct latch_config *config, unsigned int base, unsigned int length)
{
	unsigned int at;

	for (at = base; at < base + length; at++) {
		assert_int_equal(user_read(config, &space, at, 1), 0);
		if (bits_write(config, at, 1))
			fail_msg("byte %#x of the capability takes a write", at - base);
	}
	assert_length(config, base, length);
	assert_int_equal(bits_virt(config, base + length, 4), 0);
}

/* Conventional PCI 3.0, appendix H, and what it refers to; PCIe 6.0, 7.8.5 */
static void hidden_capabilities_hide_no_more_than_themselves(void **state)
{
	static const struct {
		u8 id;
		u16 flags;
		u8 length;
	} caps[] = {
		{ PCI_CAP_ID_AGP, 0, 12 }, { PCI_CAP_ID_SLOTID, 0, 4 },
		{ PCI_CAP_ID_CHSWP, 0, 4 }, { PCI_CAP_ID_DBG, 0, 4 }, { PCI_CAP_ID_CCRC, 0, 4 },
		{ PCI_CAP_ID_SHPC, 0, 8 }, { PCI_CAP_ID_AGP3, 0, 12 },
		/* Entries of 8 dwords, all of the bits being ones. */
		{ PCI_CAP_ID_EA, 0, 4 }, { PCI_CAP_ID_EA, 1, 36 }, { PCI_CAP_ID_EA, 0xffc2, 68 },
	};
	unsigned int n;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(caps); n++) {
		struct latch_config *config = with_cap(caps[n].id, caps[n].flags);

		assert_hides(config, 0x40, caps[n].length);
		latch_config_free(config);
	}
}

static void a_vendor_capability_is_the_devices_own_but_for_its_header(void **state)
{
	struct latch_config *config = with_cap(PCI_CAP_ID_VNDR, 0x0014);
	unsigned int at;

	(void)state;
	assert_int_equal(bits_write(config, 0x40, 2), 0);
	assert_int_equal(bits_virt(config, 0x40, 2), 0xffff);
	for (at = 0x42; at < 0x60; at++) {
		assert_int_equal(bits_write(config, at, 1), 0xff);
		assert_int_equal(bits_virt(config, at, 1), 0);
	}
	latch_config_free(config);
}

static void what_no_capability_claims_is_the_devices_own(void **state)
{
	struct latch_config *config;
	unsigned int at;

	(void)state;
	space_init(&space, 4096);
	config = space_compile(&space);
	for (at = 0x40; at < 4096; at += 4) {
		assert_int_equal(bits_write(config, at, 4), ~0U);
		assert_int_equal(bits_virt(config, at, 4), 0);
	}
	latch_config_free(config);
}

static void capabilities_that_concern_the_host_are_hidden(void **state)
{
	static const u8 shown[] = {
		PCI_CAP_ID_PM, PCI_CAP_ID_VPD, PCI_CAP_ID_MSI, PCI_CAP_ID_PCIX, PCI_CAP_ID_HT,
		PCI_CAP_ID_VNDR, PCI_CAP_ID_SSVID, PCI_CAP_ID_EXP, PCI_CAP_ID_MSIX,
		PCI_CAP_ID_SATA, PCI_CAP_ID_AF,
	};
	unsigned int id;

	(void)state;
	for (id = 0; id < 255; id++) {
		struct latch_config *config = with_cap(id, 8);
		bool is_shown = memchr(shown, id, sizeof(shown));

		assert_int_equal(user_read(config, &space, PCI_CAPABILITY_LIST, 1),
				 is_shown ? 0x40 : 0);
		if (!is_shown) {
			assert_int_equal(user_read(config, &space, 0x40, 4), 0);
			assert_int_equal(bits_write(config, 0x40, 4), 0);
		}
		latch_config_free(config);
	}
}

/* Extended capabilities: PCIe 6.0, 7.7 to 7.9 */

static void advanced_error_reporting_has_its_registers(void **state)
{
	struct latch_config *config = with_ext_cap(PCI_EXT_CAP_ID_ERR, 0);

	(void)state;
	ASSERT_REGISTERS(config, 0x100, 0x38,
			 { .offset = 0x04, .width = 4, .write = ~0U, .rw1c = ~0U },
			 { .offset = 0x08, .width = 4, .write = ~0U },
			 { .offset = 0x0c, .width = 4, .write = ~0U },
			 { .offset = 0x10, .width = 4, .write = ~0U, .rw1c = ~0U },
			 { .offset = 0x14, .width = 4, .write = ~0U },
			 { .offset = 0x18, .width = 4, .write = 0x0140, .status = 0x1f },
			 { .offset = 0x1c, .width = 4, .status = ~0U },
			 { .offset = 0x20, .width = 4, .status = ~0U },
			 { .offset = 0x24, .width = 4, .status = ~0U },
			 { .offset = 0x28, .width = 4, .status = ~0U },
			 { .offset = 0x30, .width = 4, .status = ~0U });
	latch_config_free(config);
}

static void power_budgeting_takes_its_selector(void **state)
{
	struct latch_config *config = with_ext_cap(PCI_EXT_CAP_ID_PWR, 0);

	(void)state;
	ASSERT_REGISTERS(config, 0x100, 16, { .offset = 4, .width = 1, .write = 0xff },
			 { .offset = 8, .width = 4, .status = ~0U });
	latch_config_free(config);
}

static void extended_capabilities_of_the_host_cannot_be_written(void **state)
{
	static const struct {
		u16 id;
		u32 second;
		u16 length;
	} caps[] = {
		{ PCI_EXT_CAP_ID_VC, 0, 0x1c },
		{ PCI_EXT_CAP_ID_VC, 7, 0x70 },
		{ PCI_EXT_CAP_ID_MFVC, 1, 0x28 },
		{ PCI_EXT_CAP_ID_VC9, 1, 0x28 },
		{ PCI_EXT_CAP_ID_DSN, 0, 12 },
		{ PCI_EXT_CAP_ID_ACS, 0x001f, 8 },
		{ PCI_EXT_CAP_ID_ACS, 0x017f, 12 },
		{ PCI_EXT_CAP_ID_ACS, 0x207f, 12 },
		{ PCI_EXT_CAP_ID_ACS, 0x217f, 16 },
		{ PCI_EXT_CAP_ID_ACS, 0x007f, 40 },
		{ PCI_EXT_CAP_ID_ARI, 0, 8 },
		{ PCI_EXT_CAP_ID_ATS, 0, 8 },
		{ PCI_EXT_CAP_ID_SRIOV, 0, 0x40 },
		{ PCI_EXT_CAP_ID_MCAST, 0, 40 },
		{ PCI_EXT_CAP_ID_PRI, 0, 16 },
		{ PCI_EXT_CAP_ID_DPA, 0, 17 },
		{ PCI_EXT_CAP_ID_DPA, 31, 48 },
		{ PCI_EXT_CAP_ID_TPH, 0x00030000, 12 },
		{ PCI_EXT_CAP_ID_TPH, 0x00030200, 20 },
		{ PCI_EXT_CAP_ID_TPH, 0x07ff0400, 12 },
		{ PCI_EXT_CAP_ID_LTR, 0, 8 },
	};
	unsigned int n;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(caps); n++) {
		struct latch_config *config = with_ext_cap(caps[n].id, caps[n].second);

		assert_int_equal(user_read(config, &space, 0x100, 4), caps[n].id | 0x10000);
		assert_registers(config, 0x100, caps[n].length, NULL, 0);
		assert_length(config, 0x100, caps[n].length);
		latch_config_free(config);
	}
}

static void resizable_bars_cannot_be_written(void **state)
{
	unsigned int bars;

	(void)state;
	for (bars = 1; bars <= 6; bars++) {
		struct latch_config *config;

		space_init(&space, 4096);
		space_ext_cap(&space, 0x100, PCI_EXT_CAP_ID_REBAR, 0);
		space_set(&space, 0x108, 4, bars << PCI_REBAR_CTRL_NBAR_SHIFT);
		config = space_compile(&space);
		assert_registers(config, 0x100, 4 + 8 * bars, NULL, 0);
		assert_length(config, 0x100, 4 + 8 * bars);
		latch_config_free(config);
	}
}

static void extended_vendor_capabilities_are_the_devices_own_but_for_their_header(void **state)
{
	static const u16 ids[] = { PCI_EXT_CAP_ID_VNDR, PCI_EXT_CAP_ID_DVSEC };
	unsigned int n;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(ids); n++) {
		struct latch_config *config = with_ext_cap(ids[n], 0x02000000);

		assert_int_equal(bits_write(config, 0x100, 4), 0);
		assert_int_equal(bits_virt(config, 0x100, 4), ~0U);
		assert_int_equal(bits_write(config, 0x104, 4), ~0U);
		assert_int_equal(bits_virt(config, 0x104, 4), 0);
		latch_config_free(config);
	}
}

static void extended_capabilities_that_concern_the_host_are_hidden(void **state)
{
	static const struct {
		u16 id;
		u32 second;
		u16 length;
	} caps[] = {
		{ PCI_EXT_CAP_ID_RCLD, 0, 0x10 }, { PCI_EXT_CAP_ID_RCLD, 0x0300, 0x40 },
		{ PCI_EXT_CAP_ID_RCILC, 0, 0x0c }, { PCI_EXT_CAP_ID_RCEC, 0, 0x08 },
		{ PCI_EXT_CAP_ID_RCRB, 0, 0x14 },
		{ PCI_EXT_CAP_ID_PMUX, 0, 0x10 }, { PCI_EXT_CAP_ID_PMUX, 0x3f, 0x10c },
		{ PCI_EXT_CAP_ID_PASID, 0, 8 }, { 0x1c /* LNR */, 0, 8 },
		{ PCI_EXT_CAP_ID_DPC, 0x0f00, 0x0c }, { PCI_EXT_CAP_ID_DPC, 0x0920, 0x44 },
		{ PCI_EXT_CAP_ID_L1SS, 0, 0x10 }, { PCI_EXT_CAP_ID_PTM, 0, 0x0c },
		{ 0x21 /* FRS */, 0, 0x10 }, { 0x22 /* RTR */, 0, 0x0c },
		{ PCI_EXT_CAP_ID_DLF, 0, 0x0c }, { 0x28 /* Hierarchy ID */, 0, 0x20 },
		{ 0x29 /* NPEM */, 0, 0x10 }, { 0x2b /* Alternate Protocol */, 0, 0x18 },
		{ 0x2c /* SFI */, 0, 0x14 }, { PCI_EXT_CAP_ID_DOE, 0, 0x18 },
		{ 0x2f /* Device 3 */, 0, 0x10 },
		/* IDE: none; two classes of the link; two selective streams of 15 associations. */
		{ 0x30, 0, 0x0c }, { 0x30, 0x2001, 0x1c }, { 0x30, 0x12003, 0x1c + 2 * 200 },
	};
	unsigned int n;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(caps); n++) {
		struct latch_config *config = with_ext_cap(caps[n].id, caps[n].second);

		/* At the head of the list a hidden one is a null capability: it reads as zero, too. */
		assert_hides(config, 0x100, caps[n].length);
		latch_config_free(config);
	}
}

static void later_versions_of_hidden_extended_capabilities_are_longer(void **state)
{
	static const struct {
		u16 id;
		u16 length;
	} caps[] = { { PCI_EXT_CAP_ID_L1SS, 0x14 }, { PCI_EXT_CAP_ID_RCEC, 0x0c } };
	unsigned int n;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(caps); n++) {
		struct latch_config *config;

		with_ext_cap_head(caps[n].id | 2 << 16, 0);
		config = space_compile(&space);
		assert_hides(config, 0x100, caps[n].length);
		latch_config_free(config);
	}
}

static void hidden_capabilities_of_lanes_are_as_long_as_the_link_is_wide(void **state)
{
	static const struct {
		u16 id;
		u16 base;
		u16 per_lane;
	} caps[] = {
		{ PCI_EXT_CAP_ID_SECPCI, 0x0c, 2 }, { PCI_EXT_CAP_ID_PL_16GT, 0x20, 1 },
		{ 0x27 /* Lane Margining */, 0x08, 4 }, { 0x2a /* 32 GT/s */, 0x20, 1 },
		{ 0x31 /* 64 GT/s */, 0x10, 1 },
	};
	/* The width that the link says, and the one that it has: 0 is none, 63 nonsense. */
	static const u8 widths[][2] = {
		{ 1, 1 }, { 2, 2 }, { 4, 4 }, { 8, 8 }, { 12, 12 }, { 16, 16 }, { 32, 32 },
		{ 0, 32 }, { 63, 32 },
	};
	unsigned int n, w;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(caps); n++)
		for (w = 0; w < ARRAY_SIZE(widths); w++) {
			unsigned int lanes = widths[w][1] * caps[n].per_lane;
			struct latch_config *config;

			with_ext_cap_head(caps[n].id | 1 << 16, 0);
			space_first(&space, 0x40);
			space_cap(&space, 0x40, PCI_CAP_ID_EXP, 0);
			space_set(&space, 0x42, 2, 2);
			space_set(&space, 0x4c, 4, widths[w][0] << 4 | 0xf);
			config = space_compile(&space);
			assert_hides(config, 0x100, caps[n].base + (lanes + 3) / 4 * 4);
			latch_config_free(config);
		}
}

/* Nobody knows where it ends: it cannot be found, and nothing up to the next one takes a write. */
static void unknown_extended_capabilities_can_be_read_only(void **state)
{
	static const u16 ids[] = { PCI_EXT_CAP_ID_CAC, PCI_EXT_CAP_ID_MRIOV, 0x14, 0x77, 0x1000 };
	unsigned int n, at;

	(void)state;
	for (n = 0; n < ARRAY_SIZE(ids); n++) {
		struct latch_config *config;

		with_ext_cap_head(ids[n] | 1 << 16, 0xa5a5a5a5);
		space_ext_cap(&space, 0x180, PCI_EXT_CAP_ID_LTR, 0);
		space_set(&space, 0x100, 4, ids[n] | 0x18010000);
		config = space_compile(&space);
		assert_int_equal(user_read(config, &space, 0x100, 4), 0x18000000);
		assert_int_equal(bits_write(config, 0x100, 4), 0);
		assert_int_equal(user_read(config, &space, 0x104, 4), 0xa5a5a5a5);
		for (at = 0x104; at < 0x180; at += 4) {
			assert_int_equal(bits_virt(config, at, 4), 0);
			assert_int_equal(bits_write(config, at, 4), 0);
		}
		assert_int_equal(bits_write(config, 0x188, 4), ~0U);
		latch_config_free(config);
	}
}

/* The helpers of the header file */

static void an_access_is_as_wide_as_alignment_and_count_allow(void **state)
{
	(void)state;
	assert_int_equal(latch_access_width(0, 4), 4);
	assert_int_equal(latch_access_width(0, 256), 4);
	assert_int_equal(latch_access_width(0, 3), 2);
	assert_int_equal(latch_access_width(0, 1), 1);
	assert_int_equal(latch_access_width(2, 4), 2);
	assert_int_equal(latch_access_width(1, 4), 1);
	assert_int_equal(latch_access_width(3, 4), 1);
	assert_int_equal(latch_access_width(4, 2), 2);
}

static void a_field_of_the_shadow_is_read_and_written_alone(void **state)
{
	struct latch_config *config;

	(void)state;
	space_init(&space, 256);
	config = space_compile(&space);
	latch_shadow_set(config, 0x40, 4, 0x11223344);
	latch_shadow_set(config, 0x41, 1, 0xffffff99);
	latch_shadow_set(config, 0x42, 2, 0xabcd);
	assert_int_equal(latch_shadow_get(config, 0x40, 4), 0xabcd9944);
	assert_int_equal(latch_shadow_get(config, 0x40, 1), 0x44);
	assert_int_equal(latch_shadow_get(config, 0x41, 1), 0x99);
	assert_int_equal(latch_shadow_get(config, 0x42, 2), 0xabcd);
	latch_config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_header_takes_writes_where_the_specification_has_registers),
		cmocka_unit_test(ids_class_and_subsystem_cannot_be_written),
		cmocka_unit_test(decoding_and_intx_are_the_users_wish_not_the_hardwares),
		cmocka_unit_test(the_interrupt_line_is_the_users_own),
		cmocka_unit_test(a_built_in_self_test_is_neither_seen_nor_started),
		cmocka_unit_test(intx_can_be_hidden),
		cmocka_unit_test(a_vf_shows_the_ids_it_has_none_of_and_decodes_memory),
		cmocka_unit_test(a_32_bit_bar_can_be_sized),
		cmocka_unit_test(a_64_bit_bar_can_be_sized),
		cmocka_unit_test(an_io_bar_can_be_sized),
		cmocka_unit_test(a_rom_can_be_sized_and_its_enable_bit_written),
		cmocka_unit_test(an_absent_bar_reads_as_zero_whatever_is_written),
		cmocka_unit_test(a_bar_keeps_the_address_that_the_user_gives_it),
		cmocka_unit_test(the_last_two_bars_can_be_one_64_bit_bar),
		cmocka_unit_test(power_management_takes_state_and_data_select),
		cmocka_unit_test(power_management_events_are_hidden),
		cmocka_unit_test(vital_product_data_is_accessed_through_the_shadow),
		cmocka_unit_test(msi_of_32_bits_has_its_registers),
		cmocka_unit_test(msi_of_64_bits_has_its_registers),
		cmocka_unit_test(maskable_msi_of_32_bits_has_its_registers),
		cmocka_unit_test(maskable_msi_of_64_bits_has_its_registers),
		cmocka_unit_test(msi_address_and_data_are_the_users_copy),
		cmocka_unit_test(msix_is_enabled_by_ioctl_only),
		cmocka_unit_test(pci_express_of_version_2_has_its_registers),
		cmocka_unit_test(pci_express_of_version_1_ends_after_the_link_registers),
		cmocka_unit_test(a_version_1_endpoint_in_the_root_complex_has_no_link_registers),
		cmocka_unit_test(payload_read_request_and_reset_go_through_the_host),
		cmocka_unit_test(a_function_level_reset_bit_reads_as_zero),
		cmocka_unit_test(advanced_features_take_a_reset_only),
		cmocka_unit_test(pci_x_has_its_registers),
		cmocka_unit_test(subsystem_hypertransport_and_sata_cannot_be_written),
		cmocka_unit_test(hidden_capabilities_hide_no_more_than_themselves),
		cmocka_unit_test(a_vendor_capability_is_the_devices_own_but_for_its_header),
		cmocka_unit_test(what_no_capability_claims_is_the_devices_own),
		cmocka_unit_test(capabilities_that_concern_the_host_are_hidden),
		cmocka_unit_test(advanced_error_reporting_has_its_registers),
		cmocka_unit_test(power_budgeting_takes_its_selector),
		cmocka_unit_test(extended_capabilities_of_the_host_cannot_be_written),
		cmocka_unit_test(resizable_bars_cannot_be_written),
		cmocka_unit_test(extended_vendor_capabilities_are_the_devices_own_but_for_their_header),
		cmocka_unit_test(extended_capabilities_that_concern_the_host_are_hidden),
		cmocka_unit_test(later_versions_of_hidden_extended_capabilities_are_longer),
		cmocka_unit_test(hidden_capabilities_of_lanes_are_as_long_as_the_link_is_wide),
		cmocka_unit_test(unknown_extended_capabilities_can_be_read_only),
		cmocka_unit_test(an_access_is_as_wide_as_alignment_and_count_allow),
		cmocka_unit_test(a_field_of_the_shadow_is_read_and_written_alone),
	};

	return cmocka_run_group_tests_name("config_access", tests, NULL, NULL);
}
