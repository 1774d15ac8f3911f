// SPDX-License-Identifier: GPL-2.0
/*
 * Intel graphics: an OpRegion of version 2.0, which is shown as 2.1.
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
	CHECK_EQ(opregion[OPREGION_SIZE], 0x80);
}
