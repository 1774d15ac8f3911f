/* SPDX-License-Identifier: GPL-2.0-only */
/* What the model of tests/sim/intel_graphics.c has, and how to find it. */
#ifndef IGD_H
#define IGD_H

#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include "vmtest.h"

/* Where the model puts them. */
#define OPREGION_ADDRESS	0xfed60000
#define VBT_ADDRESS		0xfed68000

#define OPREGION_SIZE		0x2000
#define OPREGION_VERSION	0x16
#define ASLS			0xfc
#define OPREGION_RVDA		0x3ba
#define OPREGION_RVDS		0x3c2
#define VBT_SIZE		0x1000

static inline struct vfio_device *open_graphics(void)
{
	driver_load(NULL);
	return vfio_bind_and_open(vm_bdf("igd0"));
}

/* The index of the region of Intel's SUBTYPE, 0 if there is none. */
static inline unsigned int find_region(struct vfio_device *graphics, unsigned int subtype)
{
	unsigned int index;

	for (index = VFIO_PCI_NUM_REGIONS; index < graphics->info.num_regions; index++) {
		struct vfio_region_info *info = vfio_region(graphics, index);
		struct vfio_region_info_cap_type *type =
			(void *)vfio_info_cap(info, info->cap_offset, VFIO_REGION_INFO_CAP_TYPE);

		CHECK(type);
		CHECK_EQ(type->type, (uint32_t)VFIO_REGION_TYPE_PCI_VENDOR_TYPE | 0x8086);
		CHECK_EQ(info->flags & ~VFIO_REGION_INFO_FLAG_CAPS, VFIO_REGION_INFO_FLAG_READ);
		if (type->subtype == subtype)
			return index;
	}
	return 0;
}

static inline unsigned int region_of(struct vfio_device *graphics, unsigned int subtype)
{
	unsigned int index = find_region(graphics, subtype);

	if (!index)
		FAIL("no region of subtype %u", subtype);
	return index;
}

static inline uint8_t *read_region(struct vfio_device *graphics, unsigned int index, size_t size)
{
	uint8_t *bytes = malloc(size);

	CHECK_EQ(vfio_read_try(graphics, index, 0, bytes, size), (ssize_t)size);
	return bytes;
}

#endif
