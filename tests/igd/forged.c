// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intel graphics: who says where the OpRegion is, and what is in it, is not believed further than
 * to what firmware has reserved. What a forger would see is a secret in the memory of this
 * process, which stands for anybody's.
 *
 * vm-machine: igd
 * vm-drivers: ours kernel
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "igd.h"

#define PAGE		4096
#define SECRET		"a secret of the host's"

/* A page of RAM that stays where it is, and its physical address. */
static uint8_t *page_of_ram(uint64_t *address)
{
	uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	uint64_t entry = 0;
	int fd;

	CHECK(page != MAP_FAILED);
	memset(page, 0, PAGE);
	fd = CHECK_OK(open("/proc/self/pagemap", O_RDONLY));
	CHECK_EQ(pread(fd, &entry, sizeof(entry), (uintptr_t)page / PAGE * sizeof(entry)),
		 (ssize_t)sizeof(entry));
	close(fd);
	*address = (entry & ((1ull << 55) - 1)) * PAGE;
	CHECK_NE(*address, 0);
	return page;
}

static uint64_t secret_page(void)
{
	uint64_t address;
	uint8_t *page = page_of_ram(&address);

	memcpy(page, "$VBT", 4);
	strcpy((char *)page + 64, SECRET);
	return address;
}

static void set_table(uint8_t *opregion, uint16_t version, uint64_t table, uint32_t size)
{
	memcpy(opregion + OPREGION_VERSION, &version, sizeof(version));
	memcpy(opregion + OPREGION_RVDA, &table, sizeof(table));
	memcpy(opregion + OPREGION_RVDS, &size, sizeof(size));
}

static uint32_t forged_opregion(void)
{
	static const uint32_t size = OPREGION_SIZE / 1024;
	uint64_t address;
	uint8_t *page = page_of_ram(&address);

	memcpy(page, "IntelGraphicsMem", 16);
	memcpy(page + 0x10, &size, sizeof(size));
	set_table(page, 0x0200, secret_page(), PAGE);
	return address;
}

/* Firmware's OpRegion, to be changed in place. */
static uint8_t *firmwares_opregion(void)
{
	int fd = CHECK_OK(open("/dev/mem", O_RDWR));
	uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, OPREGION_ADDRESS);

	CHECK(page != MAP_FAILED);
	close(fd);
	return page;
}

CLEAN_UP {
	real_cfg_set(vm_bdf("igd0"), ASLS, OPREGION_ADDRESS, 4);
	set_table(firmwares_opregion(), 0x0201, VBT_ADDRESS - OPREGION_ADDRESS, VBT_SIZE);
}

static void check_no_secret(struct vfio_device *graphics)
{
	unsigned int index;

	for (index = VFIO_PCI_NUM_REGIONS; index < graphics->info.num_regions; index++) {
		struct vfio_region_info *info = vfio_region(graphics, index);
		uint8_t *bytes = read_region(graphics, index, info->size);

		CHECK(!memmem(bytes, info->size, SECRET, sizeof(SECRET)));
		free(bytes);
		free(info);
	}
}

TEST(client_cannot_move_the_opregion)
{
	uint32_t real = real_cfg(vm_bdf("igd0"), ASLS, 4), forged = forged_opregion();
	struct vfio_device *graphics = open_graphics();
	unsigned int index;

	cfg_set32(graphics, ASLS, forged);
	CHECK_EQ(cfg32(graphics, ASLS), forged);
	CHECK_EQ(real_cfg(graphics->bdf, ASLS, 4), real);
	vfio_close(graphics);
	graphics = vfio_open(vm_bdf("igd0"));
	check_no_secret(graphics);
	index = region_of(graphics, VFIO_REGION_SUBTYPE_INTEL_IGD_OPREGION);
	CHECK_EQ(vfio_read(graphics, index, 0x100, 4), 0x03020100);
	if (driver_is_ours())
		CHECK_EQ(cfg32(graphics, ASLS), real);
}

/* Bytes at a time, too: what a width would let through. */
TEST(client_cannot_move_the_opregion_byte_by_byte)
{
	uint32_t real = real_cfg(vm_bdf("igd0"), ASLS, 4);
	struct vfio_device *graphics = open_graphics();

	for (int n = 0; n < 4; n++)
		cfg_set8(graphics, ASLS + n, 0x55);
	cfg_set16(graphics, ASLS + 2, 0x1234);
	CHECK_EQ(cfg32(graphics, ASLS), 0x12345555);
	CHECK_EQ(real_cfg(graphics->bdf, ASLS, 4), real);
}

/* Whoever had the function before us may have left any address there. */
TEST_OURS(address_in_ram_is_not_believed)
{
	struct vfio_device *graphics;

	real_cfg_set(vm_bdf("igd0"), ASLS, forged_opregion(), 4);
	graphics = open_graphics();
	CHECK_EQ(find_region(graphics, VFIO_REGION_SUBTYPE_INTEL_IGD_OPREGION), 0);
	check_no_secret(graphics);
}

TEST_OURS(table_in_ram_is_not_shown)
{
	struct vfio_device *graphics;
	unsigned int index;

	set_table(firmwares_opregion(), 0x0200, secret_page(), PAGE);
	graphics = open_graphics();
	check_no_secret(graphics);
	index = region_of(graphics, VFIO_REGION_SUBTYPE_INTEL_IGD_OPREGION);
	CHECK_EQ(vfio_region(graphics, index)->size, OPREGION_SIZE);
	CHECK_EQ(vfio_read(graphics, index, OPREGION_RVDA, 8), 0);
	CHECK_EQ(vfio_read(graphics, index, OPREGION_RVDS, 4), 0);
}

/* Reserved, as the OpRegion is, and no table: the OpRegion itself. */
TEST_OURS(table_without_its_signature_is_not_shown)
{
	struct vfio_device *graphics;
	unsigned int index;

	set_table(firmwares_opregion(), 0x0200, OPREGION_ADDRESS, PAGE);
	graphics = open_graphics();
	index = region_of(graphics, VFIO_REGION_SUBTYPE_INTEL_IGD_OPREGION);
	CHECK_EQ(vfio_region(graphics, index)->size, OPREGION_SIZE);
	CHECK_EQ(vfio_read(graphics, index, OPREGION_RVDA, 8), 0);
}

/* Sizes and addresses at the ends of their fields. */
TEST_OURS(table_of_an_absurd_size_or_place_is_not_shown)
{
	static const struct {
		uint16_t version;
		uint64_t address;
		uint32_t size;
	} tables[] = {
		{ 0x0200, VBT_ADDRESS, 0 }, { 0x0200, VBT_ADDRESS, 3 },
		{ 0x0200, VBT_ADDRESS, 0x10001 }, { 0x0200, VBT_ADDRESS, 0xffffffff },
		{ 0x0200, 0xffffffffffffffff, PAGE }, { 0x0200, 0xfffffffffffff000, 0x1000 },
		{ 0x0201, VBT_ADDRESS, PAGE }, { 0x0201, 0x1000, PAGE },
		{ 0x0201, 0xffffffff01298000, PAGE }, { 0x0105, VBT_ADDRESS, PAGE },
		{ 0x0300, 0x1000, PAGE },
	};
	uint8_t *opregion = firmwares_opregion();
	struct vfio_device *graphics;
	unsigned int index;

	driver_load(NULL);
	pci_bind(vm_bdf("igd0"), "vfio-pci");
	for (size_t n = 0; n < sizeof(tables) / sizeof(tables[0]); n++) {
		test_note("table %zu", n);
		set_table(opregion, tables[n].version, tables[n].address, tables[n].size);
		graphics = vfio_open(vm_bdf("igd0"));
		index = region_of(graphics, VFIO_REGION_SUBTYPE_INTEL_IGD_OPREGION);
		CHECK_EQ(vfio_region(graphics, index)->size, OPREGION_SIZE);
		vfio_close(graphics);
	}
}

/* Firmware acts on SWSCI and SWSMI, the others are its to set: docs/trusted-registers.md. */
TEST_OURS(client_does_not_reach_what_firmware_believes)
{
	static const struct {
		unsigned int at, width;
		bool is_virtual;
	} registers[] = {
		{ 0x50, 2, false }, { 0x5c, 4, false }, { 0x62, 1, false }, { 0xc0, 4, false },
		{ 0xc4, 4, false }, { 0xe0, 4, true }, { 0xe4, 4, true }, { 0xe8, 4, true },
	};
	struct vfio_device *graphics = open_graphics();

	for (size_t n = 0; n < sizeof(registers) / sizeof(registers[0]); n++) {
		uint32_t before = real_cfg(graphics->bdf, registers[n].at, registers[n].width);
		uint32_t value = ~before;

		if (registers[n].width < 4)
			value &= (1u << registers[n].width * 8) - 1;
		test_note("register at %#x", registers[n].at);
		vfio_write(graphics, VFIO_PCI_CONFIG_REGION_INDEX, registers[n].at, value,
			   registers[n].width);
		CHECK_EQ(real_cfg(graphics->bdf, registers[n].at, registers[n].width), before);
		CHECK_EQ(vfio_read(graphics, VFIO_PCI_CONFIG_REGION_INDEX, registers[n].at,
				   registers[n].width),
			 registers[n].is_virtual ? value : before);
	}
	/* All others stay his. */
	cfg_set32(graphics, 0x54, 0x12345678);
	CHECK_EQ(real_cfg(graphics->bdf, 0x54, 4), 0x12345678);
}
