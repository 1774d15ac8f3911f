// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory and ports of a witness, and who may reach them.
 *
 * A BAR that does not decode has no place in QEMU's memory, so that nothing of ours would be called
 * when somebody accesses it. Therefore each BAR has a shadow at the same address, always there and of
 * lower priority. And since a processor of the guest may take a moment to learn what is mapped, both
 * judge an access by the registers, not by the way that it came.
 */
#include "witness.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie_sriov.h"

#define BAR_SIZE		0x10000
#define TABLE			0x8000
#define PBA			0xc000
#define PORTS_SIZE		64
#define ROM_SIZE		0x10000

static bool decodes(struct witness_bar *bar)
{
	PCIDevice *pci = &bar->witness->parent_obj, *pf;

	if (pci_is_vf(pci)) {
		pf = pcie_sriov_get_pf(pci);
		return pci_get_word(pf->config + pf->exp.sriov_cap + PCI_SRIOV_CTRL) &
		       PCI_SRIOV_CTRL_MSE;
	}
	return pci_get_word(pci->config + PCI_COMMAND) & bar->command &&
	       (!bar->enable || pci_get_long(pci->config + bar->reg) & bar->enable);
}

/* Whether the function answers; counts the access if not. */
static bool judge(struct witness_bar *bar, hwaddr offset, unsigned int size, const char *what)
{
	struct witness *witness = bar->witness;
	enum witness_offence offence;

	if (witness_is_forbidden(witness))
		offence = witness->is_in_transition ? WITNESS_ACCESS_IN_TRANSITION :
						      WITNESS_ACCESS_IN_RESET;
	else if (witness_power_state(witness))
		offence = WITNESS_ACCESS_ASLEEP;
	else if (!decodes(bar))
		offence = WITNESS_ACCESS_UNDECODED;
	else
		return !witness_is_absent(witness);
	witness_count(witness, offence, "%s of %u bytes at %s + 0x%" HWADDR_PRIx, what, size,
		      bar->name, offset);
	return false;
}

static MemoryRegion *msix_part(struct witness *witness, hwaddr *offset)
{
	PCIDevice *pci = &witness->parent_obj;

	if (*offset < TABLE)
		return NULL;
	if (*offset < PBA) {
		*offset -= TABLE;
		return *offset < memory_region_size(&pci->msix_table_mmio) ?
			&pci->msix_table_mmio : NULL;
	}
	*offset -= PBA;
	return *offset < memory_region_size(&pci->msix_pba_mmio) ? &pci->msix_pba_mmio : NULL;
}

static uint32_t read_memory(struct witness *witness, hwaddr offset, unsigned int size)
{
	MemoryRegion *part = msix_part(witness, &offset);
	uint64_t value = 0;

	if (!part)
		return witness_registers_read(witness, offset, size);
	memory_region_dispatch_read(part, offset, &value, size_memop(size) | MO_LE,
				    MEMTXATTRS_UNSPECIFIED);
	return value;
}

static void write_memory(struct witness *witness, hwaddr offset, uint32_t value, unsigned int size)
{
	MemoryRegion *part = msix_part(witness, &offset);

	if (!part)
		witness_registers_write(witness, offset, value, size);
	else
		memory_region_dispatch_write(part, offset, value, size_memop(size) | MO_LE,
					     MEMTXATTRS_UNSPECIFIED);
}

static uint64_t bar_read(void *opaque, hwaddr offset, unsigned int size)
{
	struct witness_bar *bar = opaque;

	if (!judge(bar, offset, size, "read"))
		return UINT64_MAX;
	return bar->read(bar->witness, offset, size);
}

static void bar_write(void *opaque, hwaddr offset, uint64_t value, unsigned int size)
{
	struct witness_bar *bar = opaque;

	if (judge(bar, offset, size, "write"))
		bar->write(bar->witness, offset, value, size);
}

/* An access of 8 bytes arrives as two of 4. */
static const MemoryRegionOps ops = {
	.read = bar_read,
	.write = bar_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 1, .max_access_size = 8 },
	.impl = { .min_access_size = 1, .max_access_size = 4 },
};

static void ignore_write(struct witness *witness, hwaddr offset, uint32_t value, unsigned int size)
{
}

static void init_bar(struct witness *witness, int number, const char *name, uint64_t size)
{
	struct witness_bar *bar = &witness->bars[number];

	bar->witness = witness;
	bar->name = name;
	memory_region_init_io(&bar->region, OBJECT(witness), &ops, bar, "witness-bar", size);
	memory_region_init_io(&bar->shadow, OBJECT(witness), &ops, bar, "witness-shadow", size);
	/* What it forwards to belongs to the same device. */
	bar->shadow.disable_reentrancy_guard = true;
}

void witness_bars_init(struct witness *witness)
{
	PCIDevice *pci = &witness->parent_obj;
	struct witness_bar *bar = &witness->bars[WITNESS_BAR_MEMORY];

	init_bar(witness, WITNESS_BAR_MEMORY, "BAR 0", BAR_SIZE);
	bar->read = read_memory;
	bar->write = write_memory;
	bar->reg = PCI_BASE_ADDRESS_0;
	bar->command = PCI_COMMAND_MEMORY;
	if (pci_is_vf(pci)) {
		pcie_sriov_vf_register_bar(pci, 0, &bar->region);
		return;
	}
	pci_register_bar(pci, 0, PCI_BASE_ADDRESS_SPACE_MEMORY, &bar->region);
	bar->container = pci_get_bus(pci)->address_space_mem;

	init_bar(witness, WITNESS_BAR_PORTS, "ports", PORTS_SIZE);
	bar = &witness->bars[WITNESS_BAR_PORTS];
	bar->read = witness_registers_read;
	bar->write = witness_registers_write;
	bar->reg = PCI_BASE_ADDRESS_2;
	bar->command = PCI_COMMAND_IO;
	pci_register_bar(pci, 2, PCI_BASE_ADDRESS_SPACE_IO, &bar->region);
	bar->container = pci_get_bus(pci)->address_space_io;

	init_bar(witness, WITNESS_BAR_ROM, "ROM", ROM_SIZE);
	bar = &witness->bars[WITNESS_BAR_ROM];
	bar->read = witness_rom_read;
	bar->write = ignore_write;
	bar->reg = PCI_ROM_ADDRESS;
	bar->command = PCI_COMMAND_MEMORY;
	bar->enable = PCI_ROM_ADDRESS_ENABLE;
	pci_register_bar(pci, PCI_ROM_SLOT, 0, &bar->region);
	bar->container = pci_get_bus(pci)->address_space_mem;
}

/* QEMU puts table and PBA into a region of their own, which nobody maps: BAR 0 forwards to them. */
bool witness_bars_add_table(struct witness *witness, unsigned int vectors, uint8_t capability,
			    Error **errp)
{
	PCIDevice *pci = &witness->parent_obj;

	memory_region_init(&witness->table_bar, OBJECT(witness), "witness-msix", BAR_SIZE);
	if (msix_init(pci, vectors, &witness->table_bar, 0, TABLE, &witness->table_bar, 0, PBA,
		      capability, errp) < 0)
		return false;
	pci->msix_table_mmio.disable_reentrancy_guard = true;
	pci->msix_pba_mmio.disable_reentrancy_guard = true;
	for (unsigned int vector = 0; vector < vectors; vector++)
		msix_vector_use(pci, vector);
	return true;
}

/* The address where the function decodes, or would: that of the last one, while there is none. */
static void follow(struct witness *witness, struct witness_bar *bar)
{
	uint32_t size = memory_region_size(&bar->region), address;

	address = pci_get_long(witness->parent_obj.config + bar->reg) & -size;
	/* Reset, or being sized. */
	if (!address || address == -size)
		return;
	if (bar->has_shadow && bar->shadow.addr == address)
		return;
	if (bar->has_shadow)
		memory_region_del_subregion(bar->container, &bar->shadow);
	memory_region_add_subregion_overlap(bar->container, address, &bar->shadow, 0);
	bar->has_shadow = true;
}

void witness_bars_follow(struct witness *witness)
{
	for (int number = 0; number < WITNESS_NR_BARS; number++)
		if (witness->bars[number].container)
			follow(witness, &witness->bars[number]);
}

void witness_bars_exit(struct witness *witness)
{
	for (int number = 0; number < WITNESS_NR_BARS; number++) {
		struct witness_bar *bar = &witness->bars[number];

		if (bar->has_shadow)
			memory_region_del_subregion(bar->container, &bar->shadow);
		bar->has_shadow = false;
	}
	msix_uninit(&witness->parent_obj, &witness->table_bar, &witness->table_bar);
}
