// SPDX-License-Identifier: GPL-2.0-only
/*
 * A function whose registers take their time: what a device that hangs is to its host. BAR 0
 * has 64 KiB of them; the register at offset n reads as n, a read takes milliseconds, a write is
 * lost. In BAR 2, at once: how many reads and writes there were.
 */
#include "qemu/osdep.h"
#include "hw/pci/pci.h"
#include "hw/pci/pcie.h"
#include "hw/qdev-properties.h"
#include "qapi/error.h"
#include "slow.h"

#define TYPE_SLOW	"latch-slow"
typedef struct slow slow;
DECLARE_INSTANCE_CHECKER(slow, SLOW, TYPE_SLOW)

#define ID_VENDOR	0x1234
#define ID_DEVICE	0x510e

#define REGISTERS_SIZE	0x10000
#define COUNTS_SIZE	0x1000

struct slow {
	PCIDevice parent_obj;
	MemoryRegion registers;
	MemoryRegion counts;
	uint64_t accesses;
};

static uint64_t registers_read(void *opaque, hwaddr at, unsigned int size)
{
	struct slow *slow = opaque;

	slow->accesses++;
	g_usleep(3000);
	return at;
}

static void registers_write(void *opaque, hwaddr at, uint64_t value, unsigned int size)
{
	struct slow *slow = opaque;

	slow->accesses++;
	g_usleep(3000);
}

static const MemoryRegionOps registers_ops = {
	.read = registers_read,
	.write = registers_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.impl = { .min_access_size = 1, .max_access_size = 8 },
	.valid = { .min_access_size = 1, .max_access_size = 8 },
};

static uint64_t counts_read(void *opaque, hwaddr at, unsigned int size)
{
	return ((struct slow *)opaque)->accesses;
}

static void counts_write(void *opaque, hwaddr at, uint64_t value, unsigned int size)
{
	((struct slow *)opaque)->accesses = value;
}

static const MemoryRegionOps counts_ops = {
	.read = counts_read,
	.write = counts_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.impl = { .min_access_size = 4, .max_access_size = 8 },
};

static void config_write(PCIDevice *pci, uint32_t address, uint32_t value, int size)
{
	pci_default_write_config(pci, address, value, size);
	pcie_cap_flr_write_config(pci, address, value, size);
}

static void realize(PCIDevice *pci, Error **errp)
{
	struct slow *slow = SLOW(pci);

	if (pcie_endpoint_cap_init(pci, 0x80) < 0) {
		error_setg(errp, "no room for the PCIe capability");
		return;
	}
	pcie_cap_flr_init(pci);
	memory_region_init_io(&slow->registers, OBJECT(slow), &registers_ops, slow, "slow",
			      REGISTERS_SIZE);
	memory_region_init_io(&slow->counts, OBJECT(slow), &counts_ops, slow, "slow-counts",
			      COUNTS_SIZE);
	pci_register_bar(pci, 0, PCI_BASE_ADDRESS_SPACE_MEMORY, &slow->registers);
	pci_register_bar(pci, 2, PCI_BASE_ADDRESS_SPACE_MEMORY, &slow->counts);
}

static void class_init(ObjectClass *object_class, void *data)
{
	PCIDeviceClass *pci = PCI_DEVICE_CLASS(object_class);

	pci->realize = realize;
	pci->config_write = config_write;
	pci->vendor_id = ID_VENDOR;
	pci->device_id = ID_DEVICE;
	pci->class_id = PCI_CLASS_OTHERS;
}

static const TypeInfo type = {
	.name = TYPE_SLOW,
	.parent = TYPE_PCI_DEVICE,
	.instance_size = sizeof(struct slow),
	.class_init = class_init,
	.interfaces = (InterfaceInfo[]) { { INTERFACE_PCIE_DEVICE }, {} },
};

void slow_register_type(void)
{
	type_register_static(&type);
}
