// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intel graphics: what its driver needs besides the function itself, as
 * read-only regions. The OpRegion, which firmware leaves in memory (Intel IGD
 * OpRegion Specification), and the configuration spaces of the host bridge and
 * of the LPC bridge, where the driver looks for what platform it is on.
 *
 * Regions come at open and go at close; their readers are the device's users.
 */
#include <linux/io.h>

#include "core.h"

#define ASLS			0xfc	/* configuration space: address of the OpRegion */
#define OPREGION_SIGNATURE	"IntelGraphicsMem"
#define OPREGION_SIZE		0x10	/* u32, KiB */
#define OPREGION_VERSION	0x14	/* u32, major in the top byte, minor below it */
#define OPREGION_RVDA		0x3ba	/* u64, where the video BIOS table is if it is outside */
#define OPREGION_RVDS		0x3c2	/* u32, its bytes */
#define OPREGION_LENGTH		SZ_8K
#define OPREGION_VBT_MAX	SZ_64K

#define VERSION_2_0		0x0200
#define VERSION_2_1		0x0201

#define INTEL_REGION_TYPE	(VFIO_REGION_TYPE_PCI_VENDOR_TYPE | PCI_VENDOR_ID_INTEL)

/**
 * struct opregion - an OpRegion, and the video BIOS table behind it
 * @base: OPREGION_LENGTH bytes of firmware's memory, which it goes on changing
 * @vbt: the table, if it stands outside, else NULL
 * @vbt_size: its bytes
 * @is_absolute: its address in the OpRegion is physical (version 2.0)
 */
struct opregion {
	void *base;
	void *vbt;
	u32 vbt_size;
	bool is_absolute;
};

static void put_bytes(u8 *buf, u64 offset, size_t count, u64 at, const void *value, size_t size)
{
	u64 from = max(offset, at);
	u64 to = min_t(u64, offset + count, at + size);

	if (from < to)
		memcpy(buf + (from - offset), value + (from - at), to - from);
}

/*
 * The user sees the table right behind the OpRegion, and its address says so,
 * counted from the OpRegion's start as version 2.1 does; version 2.0, whose
 * address is physical and tells a guest nothing, is shown as 2.1.
 */
static int opregion_rw(struct vfio_latch_device *dev, void *data, void *buf, u64 offset,
		       size_t count, bool is_write)
{
	const __le16 version = cpu_to_le16(VERSION_2_1);
	const __le64 address = cpu_to_le64(OPREGION_LENGTH);
	const struct opregion *opregion = data;

	if (is_write)
		return -EINVAL;
	put_bytes(buf, offset, count, 0, opregion->base, OPREGION_LENGTH);
	if (opregion->vbt) {
		put_bytes(buf, offset, count, OPREGION_LENGTH, opregion->vbt, opregion->vbt_size);
		put_bytes(buf, offset, count, OPREGION_RVDA, &address, sizeof(address));
	}
	if (opregion->is_absolute)
		put_bytes(buf, offset, count, OPREGION_VERSION + 2, &version, sizeof(version));
	return 0;
}

static void opregion_release(struct vfio_latch_device *dev, void *data)
{
	struct opregion *opregion = data;

	if (opregion->vbt)
		memunmap(opregion->vbt);
	memunmap(opregion->base);
	kfree(opregion);
}

static const struct vfio_latch_region_ops opregion_ops = {
	.rw = opregion_rw,
	.release = opregion_release,
};

static bool has_outside_vbt(u16 version, u64 rvda, u32 rvds)
{
	if (!rvda || !rvds || rvds > OPREGION_VBT_MAX)
		return false;
	/* From 2.1 on it counts from the OpRegion's start. */
	return version == VERSION_2_0 || (version >= VERSION_2_1 && rvda >= OPREGION_LENGTH);
}

static int map_vbt(struct opregion *opregion, u32 address)
{
	u16 version = get_unaligned_le16(opregion->base + OPREGION_VERSION + 2);
	u64 rvda = get_unaligned_le64(opregion->base + OPREGION_RVDA);
	u32 rvds = get_unaligned_le32(opregion->base + OPREGION_RVDS);

	if (!has_outside_vbt(version, rvda, rvds))
		return 0;
	opregion->is_absolute = version == VERSION_2_0;
	opregion->vbt = memremap(opregion->is_absolute ? rvda : address + rvda, rvds, MEMREMAP_WB);
	opregion->vbt_size = rvds;
	return opregion->vbt ? 0 : -ENOMEM;
}

static int add_opregion(struct vfio_latch_device *dev)
{
	struct opregion *opregion;
	u32 address;
	int ret;

	/* Firmware without one leaves zero or all ones there. */
	pci_read_config_dword(dev->pdev, ASLS, &address);
	if (!address || address == ~0U)
		return 0;

	opregion = kzalloc(sizeof(*opregion), GFP_KERNEL_ACCOUNT);
	if (!opregion)
		return -ENOMEM;
	ret = -ENOMEM;
	opregion->base = memremap(address, OPREGION_LENGTH, MEMREMAP_WB);
	if (!opregion->base)
		goto free;
	/* A discrete GPU's register there is something else. */
	ret = 0;
	if (memcmp(opregion->base, OPREGION_SIGNATURE, sizeof(OPREGION_SIGNATURE) - 1) ||
	    get_unaligned_le32(opregion->base + OPREGION_SIZE) != OPREGION_LENGTH / SZ_1K)
		goto unmap;
	ret = map_vbt(opregion, address);
	if (ret)
		goto unmap;
	ret = vfio_latch_add_region(dev, INTEL_REGION_TYPE, VFIO_REGION_SUBTYPE_INTEL_IGD_OPREGION,
				    OPREGION_LENGTH + opregion->vbt_size,
				    VFIO_REGION_INFO_FLAG_READ, &opregion_ops, opregion);
	if (ret)
		goto unmap_vbt;
	return 0;

unmap_vbt:
	if (opregion->vbt)
		memunmap(opregion->vbt);
unmap:
	memunmap(opregion->base);
free:
	kfree(opregion);
	return ret;
}

static int bridge_rw(struct vfio_latch_device *dev, void *data, void *buf, u64 offset,
		     size_t count, bool is_write)
{
	struct pci_dev *bridge = data;
	u8 *at = buf;

	if (is_write)
		return -EINVAL;
	while (count) {
		unsigned int width = latch_access_width(offset, count);
		__le32 value;
		u32 dword;

		pci_user_read_config_dword(bridge, offset & ~3, &dword);
		value = cpu_to_le32(dword >> offset % 4 * 8);
		memcpy(at, &value, width);
		at += width;
		offset += width;
		count -= width;
	}
	return 0;
}

static void bridge_release(struct vfio_latch_device *dev, void *data)
{
	pci_dev_put(data);
}

static const struct vfio_latch_region_ops bridge_ops = {
	.rw = bridge_rw,
	.release = bridge_release,
};

static int add_bridge(struct vfio_latch_device *dev, unsigned int devfn, unsigned int class,
		      u32 subtype)
{
	struct pci_dev *bridge;
	int ret;

	bridge = pci_get_domain_bus_and_slot(pci_domain_nr(dev->pdev->bus), 0, devfn);
	if (!bridge || bridge->vendor != PCI_VENDOR_ID_INTEL || bridge->class >> 8 != class) {
		pci_dev_put(bridge);
		return 0;
	}
	ret = vfio_latch_add_region(dev, INTEL_REGION_TYPE, subtype, bridge->cfg_size,
				    VFIO_REGION_INFO_FLAG_READ, &bridge_ops, bridge);
	if (ret)
		pci_dev_put(bridge);
	return ret;
}

/**
 * latch_igd_add_regions - give Intel's graphics function its platform's regions
 * @dev: the device; nothing is done for others
 *
 * What the platform does not have is left out.
 *
 * Context: first open.
 * Return: 0 or -ENOMEM. What was added before an error is freed by
 * latch_regions_free().
 */
int latch_igd_add_regions(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;
	int ret;

	if (!IS_ENABLED(CONFIG_VFIO_PCI_IGD) || pdev->vendor != PCI_VENDOR_ID_INTEL ||
	    pdev->class >> 8 != PCI_CLASS_DISPLAY_VGA)
		return 0;
	ret = add_opregion(dev);
	if (ret)
		return ret;
	ret = add_bridge(dev, PCI_DEVFN(0, 0), PCI_CLASS_BRIDGE_HOST,
			 VFIO_REGION_SUBTYPE_INTEL_IGD_HOST_CFG);
	if (ret)
		return ret;
	return add_bridge(dev, PCI_DEVFN(0x1f, 0), PCI_CLASS_BRIDGE_ISA,
			  VFIO_REGION_SUBTYPE_INTEL_IGD_LPC_CFG);
}
