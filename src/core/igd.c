// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intel graphics: what its driver needs besides the function itself, as
 * read-only regions. These are the OpRegion, which firmware leaves in memory
 * (Intel IGD OpRegion Specification), and the configuration spaces of the host
 * bridge and of the LPC bridge, by which the driver recognises the platform.
 *
 * The OpRegion's address is in a register, ASLS, that we, the host's driver and
 * firmware believe. So a user's write does not reach it (config_layout.c): its
 * value is latched at probe and restored after resets. It may still be wrong, since
 * others had the function before us, and so may everything in the OpRegion. We
 * map only memory that firmware reserved, and show only what has the signature
 * of an OpRegion or of a video BIOS table.
 *
 * Regions exist from open to close; only the device's users read them.
 */
#include <linux/io.h>

#include "core.h"

#define OPREGION_SIGNATURE	"IntelGraphicsMem"
#define OPREGION_SIZE		0x10	/* u32, KiB */
#define OPREGION_VERSION	0x14	/* u32, major in the top byte, minor below it */
#define OPREGION_RVDA		0x3ba	/* u64, where the video BIOS table is if it is outside */
#define OPREGION_RVDS		0x3c2	/* u32, its bytes */
#define OPREGION_LENGTH		SZ_8K
#define OPREGION_VBT_MAX	SZ_64K
#define VBT_SIGNATURE		"$VBT"

#define VERSION_2_0		0x0200
#define VERSION_2_1		0x0201

#define INTEL_REGION_TYPE	(VFIO_REGION_TYPE_PCI_VENDOR_TYPE | PCI_VENDOR_ID_INTEL)

/**
 * struct opregion - an OpRegion, and the video BIOS table behind it
 * @base: OPREGION_LENGTH bytes of firmware's memory, which firmware goes on
 *	changing
 * @vbt: the table, if it is outside of the OpRegion and valid, else NULL
 * @vbt_size: its bytes
 * @version: as firmware says, major in the high byte
 */
struct opregion {
	void *base;
	void *vbt;
	u32 vbt_size;
	u16 version;
};

static bool is_intel_display(struct pci_dev *pdev)
{
	return pdev->vendor == PCI_VENDOR_ID_INTEL &&
	       pdev->class >> 16 == PCI_BASE_CLASS_DISPLAY;
}

static void put_bytes(u8 *buf, u64 offset, size_t count, u64 at, const void *value, size_t size)
{
	u64 from = max(offset, at);
	u64 to = min_t(u64, offset + count, at + size);

	if (from < to)
		memcpy(buf + (from - offset), value + (from - at), to - from);
}

/*
 * The user sees the table right behind the OpRegion. Its address says so: an
 * offset from the OpRegion's start, as in version 2.1. Version 2.0, whose
 * address is physical and useless to a guest, is shown as 2.1. A table that is
 * not shown has no address.
 */
static int opregion_rw(struct vfio_latch_device *dev, void *data, void *buf, u64 offset,
		       size_t count, bool is_write)
{
	const struct opregion *opregion = data;
	const __le64 address = cpu_to_le64(opregion->vbt ? OPREGION_LENGTH : 0);
	const __le32 size = cpu_to_le32(opregion->vbt_size);
	const __le16 version = cpu_to_le16(VERSION_2_1);

	if (is_write)
		return -EINVAL;
	put_bytes(buf, offset, count, 0, opregion->base, OPREGION_LENGTH);
	if (opregion->vbt)
		put_bytes(buf, offset, count, OPREGION_LENGTH, opregion->vbt, opregion->vbt_size);
	if (opregion->version >= VERSION_2_0) {
		put_bytes(buf, offset, count, OPREGION_RVDA, &address, sizeof(address));
		put_bytes(buf, offset, count, OPREGION_RVDS, &size, sizeof(size));
	}
	if (opregion->version == VERSION_2_0)
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

/*
 * Maps what firmware left in memory. The address may be wrong: so we map only
 * what the firmware's memory map reserves for the firmware, neither RAM, which
 * is others' data, nor a device's registers.
 */
static void *map_firmware(u64 address, size_t size)
{
	if (region_intersects(address, size, IORESOURCE_MEM, IORES_DESC_ACPI_NV_STORAGE) !=
	    REGION_INTERSECTS &&
	    region_intersects(address, size, IORESOURCE_MEM, IORES_DESC_RESERVED) !=
	    REGION_INTERSECTS)
		return NULL;
	return memremap(address, size, MEMREMAP_WB);
}

/* Maps a table outside of the OpRegion, if there is one and it is valid. */
static void map_vbt(struct opregion *opregion, u32 base)
{
	u64 address = get_unaligned_le64(opregion->base + OPREGION_RVDA);
	u32 size = get_unaligned_le32(opregion->base + OPREGION_RVDS);

	if (opregion->version < VERSION_2_0 || !address || size < sizeof(VBT_SIGNATURE) - 1 ||
	    size > OPREGION_VBT_MAX)
		return;
	/* From 2.1 on it is an offset from the OpRegion's start, and lies behind the OpRegion. */
	if (opregion->version > VERSION_2_0) {
		if (address < OPREGION_LENGTH || address > U32_MAX)
			return;
		address += base;
	}
	if (address > U64_MAX - size)
		return;
	opregion->vbt = map_firmware(address, size);
	if (!opregion->vbt)
		return;
	if (memcmp(opregion->vbt, VBT_SIGNATURE, sizeof(VBT_SIGNATURE) - 1)) {
		memunmap(opregion->vbt);
		opregion->vbt = NULL;
		return;
	}
	opregion->vbt_size = size;
}

static bool is_opregion(const void *base)
{
	return !memcmp(base, OPREGION_SIGNATURE, sizeof(OPREGION_SIGNATURE) - 1) &&
	       get_unaligned_le32(base + OPREGION_SIZE) == OPREGION_LENGTH / SZ_1K;
}

static int add_opregion(struct vfio_latch_device *dev)
{
	struct opregion *opregion;
	int ret = 0;

	/* Firmware without one leaves zero or all ones there. */
	if (!dev->opregion || dev->opregion == ~0U)
		return 0;

	opregion = kzalloc(sizeof(*opregion), GFP_KERNEL_ACCOUNT);
	if (!opregion)
		return -ENOMEM;
	opregion->base = map_firmware(dev->opregion, OPREGION_LENGTH);
	if (!opregion->base)
		goto free;
	/* A discrete GPU has another register there. */
	if (!is_opregion(opregion->base))
		goto unmap;
	opregion->version = get_unaligned_le16(opregion->base + OPREGION_VERSION + 2);
	map_vbt(opregion, dev->opregion);
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

/*
 * Processor graphics, whose driver looks at the chipset: device 2 of the root
 * bus. A graphics card does not depend on the platform.
 */
static bool is_integrated(struct pci_dev *pdev)
{
	return pci_is_root_bus(pdev->bus) && pdev->devfn == PCI_DEVFN(2, 0);
}

static bool has_asls(struct pci_dev *pdev)
{
	return is_intel_display(pdev) && pdev->cfg_size >= PCI_CFG_SPACE_SIZE;
}

/**
 * latch_igd_latch - latch the OpRegion's address of Intel's graphics function
 * @dev: the device; nothing is done for others
 *
 * Context: probe.
 */
void latch_igd_latch(struct vfio_latch_device *dev)
{
	if (has_asls(dev->pdev))
		pci_read_config_dword(dev->pdev, LATCH_INTEL_ASLS, &dev->opregion);
}

/**
 * latch_igd_restore - restore what latch_igd_latch() found
 * @dev: the device; nothing is done for others
 *
 * A reset may have cleared it, and the PCI core does not restore registers that
 * no capability describes. The next user and the host's driver need it.
 *
 * Context: state_lock is held; after each reset, at open before the layout is
 * compiled, at remove.
 */
void latch_igd_restore(struct vfio_latch_device *dev)
{
	u32 now;

	lockdep_assert_held(&dev->state_lock);

	/* All ones: nobody has set it, or the function did not answer then. */
	if (!has_asls(dev->pdev) || PCI_POSSIBLE_ERROR(dev->opregion))
		return;
	pci_read_config_dword(dev->pdev, LATCH_INTEL_ASLS, &now);
	if (now != dev->opregion && !PCI_POSSIBLE_ERROR(now))
		pci_write_config_dword(dev->pdev, LATCH_INTEL_ASLS, dev->opregion);
}

/**
 * latch_igd_unlatch - leave the host's driver what latch_igd_latch() found
 * @dev: the device, awake and closed; nothing is done for others
 *
 * A sleep of an idle function may have cleared it. A value that root has written
 * meanwhile stays.
 *
 * Context: remove; takes state_lock.
 */
void latch_igd_unlatch(struct vfio_latch_device *dev)
{
	u32 now;

	if (!has_asls(dev->pdev))
		return;
	latch_state_lock(dev);
	if (latch_answers(dev)) {
		pci_read_config_dword(dev->pdev, LATCH_INTEL_ASLS, &now);
		if (!now)
			latch_igd_restore(dev);
	}
	latch_state_unlock(dev);
}

/**
 * latch_igd_add_regions - add the platform's regions to Intel's graphics function
 * @dev: the device; nothing is done for others
 *
 * Regions that the platform does not have are left out.
 *
 * Context: first open.
 * Return: 0 or -ENOMEM. latch_regions_free() frees what was added before an
 * error.
 */
int latch_igd_add_regions(struct vfio_latch_device *dev)
{
	int ret;

	if (!COMPAT_IGD || !is_intel_display(dev->pdev))
		return 0;
	ret = add_opregion(dev);
	if (ret || !is_integrated(dev->pdev))
		return ret;
	ret = add_bridge(dev, PCI_DEVFN(0, 0), PCI_CLASS_BRIDGE_HOST,
			 VFIO_REGION_SUBTYPE_INTEL_IGD_HOST_CFG);
	if (ret)
		return ret;
	return add_bridge(dev, PCI_DEVFN(0x1f, 0), PCI_CLASS_BRIDGE_ISA,
			  VFIO_REGION_SUBTYPE_INTEL_IGD_LPC_CFG);
}
