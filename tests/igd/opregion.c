// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intel graphics: the OpRegion, version 2.1, and the platform's bridges as regions.
 *
 * vm-machine: igd
 * vm-drivers: ours
 */
#include "igd.h"

TEST(opregion_and_its_table_are_one_region)
{
	struct vfio_device *graphics = open_graphics();
	unsigned int index = region_of(graphics, VFIO_REGION_SUBTYPE_INTEL_IGD_OPREGION);
	uint8_t *opregion = read_region(graphics, index, OPREGION_SIZE + VBT_SIZE);

	CHECK_MEM(opregion, "IntelGraphicsMem", 16);
	CHECK_EQ(opregion[0x1234], 0x34);
	CHECK_EQ(opregion[OPREGION_SIZE - 1], 0xff);
	CHECK_MEM(opregion + OPREGION_SIZE, "$VBT", 4);
	CHECK_EQ(opregion[OPREGION_SIZE + 5], 0x85);
	CHECK_EQ(opregion[OPREGION_SIZE + VBT_SIZE - 1], 0x7f);
}

TEST(opregion_says_where_its_table_is)
{
	struct vfio_device *graphics = open_graphics();
	unsigned int index = region_of(graphics, VFIO_REGION_SUBTYPE_INTEL_IGD_OPREGION);

	CHECK_EQ(vfio_read(graphics, index, OPREGION_VERSION, 2), 0x0201);
	CHECK_EQ(vfio_read(graphics, index, OPREGION_RVDA, 8), OPREGION_SIZE);
	CHECK_EQ(vfio_read(graphics, index, OPREGION_RVDS, 4), VBT_SIZE);
}

TEST(opregion_cannot_be_written)
{
	struct vfio_device *graphics = open_graphics();
	unsigned int index = region_of(graphics, VFIO_REGION_SUBTYPE_INTEL_IGD_OPREGION);
	uint32_t value = 0;

	CHECK_EQ(vfio_write_try(graphics, index, 0x100, &value, sizeof(value)), -EINVAL);
	CHECK_EQ(vfio_read(graphics, index, 0x100, 4), 0x03020100);
}

TEST(region_ends_where_its_info_says)
{
	struct vfio_device *graphics = open_graphics();
	unsigned int index = region_of(graphics, VFIO_REGION_SUBTYPE_INTEL_IGD_OPREGION);
	uint8_t bytes[8];

	CHECK_EQ(vfio_read_try(graphics, index, OPREGION_SIZE + VBT_SIZE - 4, bytes, 8), 4);
	CHECK_EQ(vfio_read_try(graphics, index, OPREGION_SIZE + VBT_SIZE, bytes, 8), -EINVAL);
}

TEST(host_bridge_and_lpc_bridge_are_shown)
{
	struct vfio_device *graphics = open_graphics();
	unsigned int host = region_of(graphics, VFIO_REGION_SUBTYPE_INTEL_IGD_HOST_CFG);
	unsigned int lpc = region_of(graphics, VFIO_REGION_SUBTYPE_INTEL_IGD_LPC_CFG);
	uint32_t value = 0;

	CHECK_EQ(vfio_read(graphics, host, 0, 4), 0x29c08086);
	CHECK_EQ(vfio_read(graphics, lpc, 0, 4), 0x29188086);
	CHECK_EQ(vfio_read(graphics, lpc, 2, 2), 0x2918);
	CHECK_EQ(vfio_read(graphics, lpc, 3, 1), 0x29);
	CHECK_EQ(vfio_write_try(graphics, host, 4, &value, 2), -EINVAL);
}

TEST(card_is_not_shown_the_bridges)
{
	struct vfio_device *card;

	driver_load(NULL);
	card = vfio_bind_and_open(vm_bdf("card0"));
	CHECK_EQ(card->info.num_regions, VFIO_PCI_NUM_REGIONS);
}

TEST(regions_come_again_with_every_open)
{
	struct vfio_device *graphics = open_graphics();
	unsigned int regions = graphics->info.num_regions;

	vfio_close(graphics);
	graphics = vfio_open(vm_bdf("igd0"));
	CHECK_EQ(graphics->info.num_regions, regions);
	CHECK_EQ(regions, VFIO_PCI_NUM_REGIONS + 3);
}
