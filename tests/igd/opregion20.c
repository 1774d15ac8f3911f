// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intel graphics: an OpRegion of version 2.0, which is shown as 2.1, on a function whose reset makes it
 * forget where that is.
 *
 * vm-machine: igd20
 * vm-drivers: ours
 */
#include "igd.h"

TEST(physical_table_address_becomes_one_in_the_region)
{
	struct vfio_device *graphics = open_graphics();
	unsigned int index = region_of(graphics, VFIO_REGION_SUBTYPE_INTEL_IGD_OPREGION);
	uint8_t *opregion = read_region(graphics, index, OPREGION_SIZE + VBT_SIZE);

	CHECK_EQ(vfio_read(graphics, index, OPREGION_VERSION, 2), 0x0201);
	CHECK_EQ(vfio_read(graphics, index, OPREGION_RVDA, 8), OPREGION_SIZE);
	CHECK_EQ(vfio_read(graphics, index, OPREGION_RVDA + 1, 1), OPREGION_SIZE >> 8);
	CHECK_MEM(opregion + OPREGION_SIZE, "$VBT", 4);
	CHECK_EQ(opregion[OPREGION_SIZE + 5], 0x85);
}

TEST(opregion_is_found_after_resets_and_by_the_next_driver)
{
	const char *bdf = vm_bdf("igd0");
	uint32_t real = real_cfg(bdf, ASLS, 4);
	struct vfio_device *graphics = open_graphics();

	CHECK_NE(real, 0);
	vfio_reset(graphics);
	CHECK_EQ(cfg32(graphics, ASLS), real);
	vfio_close(graphics);
	CHECK_EQ(real_cfg(bdf, ASLS, 4), real);
	graphics = vfio_open(bdf);
	region_of(graphics, VFIO_REGION_SUBTYPE_INTEL_IGD_OPREGION);
	vfio_close(graphics);
	pci_unbind(bdf);
	CHECK_EQ(real_cfg(bdf, ASLS, 4), real);
}
