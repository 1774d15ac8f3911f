// SPDX-License-Identifier: GPL-2.0-only
/*
 * An Intel graphics function as far as VFIO is concerned with it: its ids, and an OpRegion
 * in memory that firmware would have left. Not part of the ConnectX; it shares the way
 * into QEMU.
 *
 * The OpRegion's bytes count up, n at offset n, but for what its specification defines; so
 * do those of the video BIOS table, from 0x80, but for its signature.
 *
 * The machine's command line has to say that firmware reserved the memory: firmware here knows
 * nothing of it.
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "hw/pci/pci.h"
#include "hw/pci/pcie.h"
#include "hw/qdev-properties.h"
#include "qapi/error.h"
#include "intel_graphics.h"

#define TYPE_INTEL_GRAPHICS	"latch-intel-graphics"
OBJECT_DECLARE_SIMPLE_TYPE(intel_graphics, INTEL_GRAPHICS)

#define VENDOR_INTEL		0x8086
#define DEVICE_GRAPHICS		0x1912
#define CLASS_VGA		0x0300
#define CONFIG_ASLS		0xfc

/* Where a q35 machine has nothing. */
#define OPREGION_ADDRESS	0xfed60000
#define OPREGION_SIZE		0x2000
#define VBT_ADDRESS		0xfed68000
#define VBT_SIZE		0x1000

struct intel_graphics {
	PCIDevice parent_obj;
	MemoryRegion opregion;
	MemoryRegion vbt;
	uint16_t version;
	bool is_card;
	bool forgets;
};

static void fill(uint8_t *at, unsigned int size, uint8_t first)
{
	unsigned int n;

	for (n = 0; n < size; n++)
		at[n] = first + n;
}

static void write_opregion(intel_graphics *graphics, uint8_t *at)
{
	bool is_absolute = graphics->version == 0x0200;

	fill(at, OPREGION_SIZE, 0);
	memcpy(at, "IntelGraphicsMem", 16);
	stl_le_p(at + 0x10, OPREGION_SIZE / 1024);
	stw_le_p(at + 0x16, graphics->version);
	stq_le_p(at + 0x3ba, is_absolute ? VBT_ADDRESS : VBT_ADDRESS - OPREGION_ADDRESS);
	stl_le_p(at + 0x3c2, graphics->version < 0x0200 ? 0 : VBT_SIZE);
}

static bool add_memory(intel_graphics *graphics, MemoryRegion *region, const char *name,
		       hwaddr address, uint64_t size, Error **errp)
{
	Error *error = NULL;

	memory_region_init_ram(region, OBJECT(graphics), name, size, &error);
	if (error) {
		error_propagate(errp, error);
		return false;
	}
	memory_region_add_subregion(get_system_memory(), address, region);
	return true;
}

static void realize(PCIDevice *pci, Error **errp)
{
	intel_graphics *graphics = INTEL_GRAPHICS(pci);

	if (pcie_endpoint_cap_init(pci, 0x80) < 0) {
		error_setg(errp, "no room for the PCIe capability");
		return;
	}
	pcie_cap_flr_init(pci);
	if (graphics->is_card)
		return;
	if (!add_memory(graphics, &graphics->opregion, "opregion", OPREGION_ADDRESS,
			OPREGION_SIZE, errp) ||
	    !add_memory(graphics, &graphics->vbt, "vbt", VBT_ADDRESS, VBT_SIZE, errp))
		return;
	write_opregion(graphics, memory_region_get_ram_ptr(&graphics->opregion));
	fill(memory_region_get_ram_ptr(&graphics->vbt), VBT_SIZE, 0x80);
	memcpy(memory_region_get_ram_ptr(&graphics->vbt), "$VBT", 4);
	pci_set_long(pci->config + CONFIG_ASLS, OPREGION_ADDRESS);
}

static void config_write(PCIDevice *pci, uint32_t address, uint32_t value, int size)
{
	intel_graphics *graphics = INTEL_GRAPHICS(pci);
	uint32_t control = pci->exp.exp_cap + PCI_EXP_DEVCTL;

	pci_default_write_config(pci, address, value, size);
	pcie_cap_flr_write_config(pci, address, value, size);
	if (graphics->forgets && address == control && value & PCI_EXP_DEVCTL_BCR_FLR)
		pci_set_long(pci->config + CONFIG_ASLS, 0);
}

static Property properties[] = {
	/* A graphics card: without an OpRegion. */
	DEFINE_PROP_BOOL("card", intel_graphics, is_card, false),
	/* A function-level reset clears the register that says where the OpRegion is. */
	DEFINE_PROP_BOOL("forgets", intel_graphics, forgets, false),
	DEFINE_PROP_UINT16("version", intel_graphics, version, 0x0201),
	DEFINE_PROP_END_OF_LIST(),
};

static void class_init(ObjectClass *object_class, void *data)
{
	DeviceClass *device = DEVICE_CLASS(object_class);
	PCIDeviceClass *pci = PCI_DEVICE_CLASS(object_class);

	device_class_set_props(device, properties);
	device->user_creatable = true;
	pci->realize = realize;
	pci->config_write = config_write;
	pci->vendor_id = VENDOR_INTEL;
	pci->device_id = DEVICE_GRAPHICS;
	pci->class_id = CLASS_VGA;
}

static const TypeInfo type = {
	.name = TYPE_INTEL_GRAPHICS,
	.parent = TYPE_PCI_DEVICE,
	.instance_size = sizeof(intel_graphics),
	.class_init = class_init,
	.interfaces = (InterfaceInfo[]) { { INTERFACE_PCIE_DEVICE }, {} },
};

void intel_graphics_register_type(void)
{
	type_register_static(&type);
}
