// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a witness does: registers, interrupts, a DMA engine, a ROM.
 */
#include "witness.h"
#include "hw/pci/msi.h"
#include "hw/pci/msix.h"

#define ID_VALUE		0x534e5457
#define MEMORY			0x1000

/* All of 4 bytes; the ports are the first 64 bytes of the memory. */
enum {
	ID = 0x00,
	SCRATCH = 0x04,
	/* Write: INTx is pending. Read: whether it is. */
	INTX_RAISE = 0x08,
	/* Write: it no longer is. */
	INTX_ACK = 0x0c,
	/* Write: interrupt on this vector of what is enabled, MSI-X, MSI or INTx. */
	TRIGGER = 0x10,
	/* Writes are counted, reading gives the count. */
	DOORBELL = 0x14,
	/* A write of 4 bytes each so many milliseconds; 0 for none. */
	DMA_ADDRESS = 0x20,
	DMA_ADDRESS_HIGH = 0x24,
	DMA_PERIOD = 0x28,
	/* How many were done. */
	DMA_COUNT = 0x2c,
};

static bool can_signal(struct witness *witness)
{
	return !witness_power_state(witness) && !witness_is_absent(witness);
}

static bool is_intx_asserted(struct witness *witness)
{
	PCIDevice *pci = &witness->parent_obj;

	return witness->intx_pending && can_signal(witness) && !msi_enabled(pci) &&
	       !msix_enabled(pci);
}

void witness_update_intx(struct witness *witness)
{
	PCIDevice *pci = &witness->parent_obj;
	bool is_asserted = is_intx_asserted(witness);

	if (pci_is_vf(pci))
		return;
	pci_set_irq(pci, is_asserted);
	if (!is_asserted || pci_get_word(pci->config + PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE ||
	    !witness->intx_limit_ms)
		timer_del(witness->intx_timer);
	else if (!timer_pending(witness->intx_timer))
		timer_mod(witness->intx_timer,
			  witness_now() + (int64_t)witness->intx_limit_ms * SCALE_MS);
}

void witness_set_intx(struct witness *witness, bool pending)
{
	witness->intx_pending = pending;
	witness_update_intx(witness);
}

static void intx_timeout(void *opaque)
{
	struct witness *witness = opaque;

	witness_count(witness, WITNESS_INTX_IGNORED, "for %u ms", witness->intx_limit_ms);
	witness_update_intx(witness);
}

static void dma_tick(void *opaque)
{
	struct witness *witness = opaque;
	PCIDevice *pci = &witness->parent_obj;
	uint32_t value = cpu_to_le32(witness->dma_count + 1);

	if (can_signal(witness) && pci_get_word(pci->config + PCI_COMMAND) & PCI_COMMAND_MASTER) {
		if (witness->quiet)
			witness_count(witness, WITNESS_DMA_UNWANTED, "to 0x%" PRIx64,
				      witness->dma_address);
		else if (pci_dma_write(pci, witness->dma_address, &value, sizeof(value)))
			witness_count(witness, WITNESS_DMA_REFUSED, "to 0x%" PRIx64,
				      witness->dma_address);
		else
			witness->dma_count++;
	}
	timer_mod(witness->dma_timer, witness_now() + (int64_t)witness->dma_period * SCALE_MS);
}

static void set_dma_period(struct witness *witness, uint32_t period)
{
	witness->dma_period = period;
	if (period)
		timer_mod(witness->dma_timer, witness_now() + (int64_t)period * SCALE_MS);
	else
		timer_del(witness->dma_timer);
}

/* A bug of some real functions. */
static bool is_msi_disabled_by_disintx(struct witness *witness)
{
	PCIDevice *pci = &witness->parent_obj;

	return witness->msi_needs_intx && (msi_enabled(pci) || msix_enabled(pci)) &&
	       pci_get_word(pci->config + PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE;
}

static void trigger(struct witness *witness, unsigned int vector)
{
	PCIDevice *pci = &witness->parent_obj;

	if (!can_signal(witness) || is_msi_disabled_by_disintx(witness))
		return;
	if (msix_enabled(pci))
		msix_notify(pci, vector);
	else if (!msi_enabled(pci))
		witness_set_intx(witness, true);
	else if (vector < msi_nr_vectors_allocated(pci))
		msi_notify(pci, vector);
}

static uint32_t read_register(struct witness *witness, hwaddr offset)
{
	switch (offset) {
	case ID:
		return ID_VALUE;
	case SCRATCH:
		return witness->scratch;
	case INTX_RAISE:
		return witness->intx_pending;
	case DOORBELL:
		return witness->doorbells;
	case DMA_ADDRESS:
		return witness->dma_address;
	case DMA_ADDRESS_HIGH:
		return witness->dma_address >> 32;
	case DMA_PERIOD:
		return witness->dma_period;
	case DMA_COUNT:
		return witness->dma_count;
	}
	return 0;
}

uint32_t witness_registers_read(struct witness *witness, hwaddr offset, unsigned int size)
{
	if (offset >= MEMORY && offset + size <= MEMORY + sizeof(witness->memory))
		return ldn_le_p(witness->memory + offset - MEMORY, size);
	return read_register(witness, offset & ~3ULL) >> (offset & 3) * 8;
}

void witness_registers_write(struct witness *witness, hwaddr offset, uint32_t value,
			     unsigned int size)
{
	if (offset >= MEMORY && offset + size <= MEMORY + sizeof(witness->memory)) {
		stn_le_p(witness->memory + offset - MEMORY, size, value);
		return;
	}
	switch (offset) {
	case SCRATCH:
		witness->scratch = value;
		break;
	case INTX_RAISE:
		witness_set_intx(witness, true);
		break;
	case INTX_ACK:
		witness_set_intx(witness, false);
		break;
	case TRIGGER:
		trigger(witness, value);
		break;
	case DOORBELL:
		witness->doorbells++;
		break;
	case DMA_ADDRESS:
		witness->dma_address = deposit64(witness->dma_address, 0, 32, value);
		break;
	case DMA_ADDRESS_HIGH:
		witness->dma_address = deposit64(witness->dma_address, 32, 32, value);
		break;
	case DMA_PERIOD:
		set_dma_period(witness, value);
		break;
	}
}

/*
 * One image of 512 bytes, of a kind that no processor executes, and with no valid checksum, so that
 * firmware leaves it alone; then bytes that count.
 */
uint32_t witness_rom_read(struct witness *witness, hwaddr offset, unsigned int size)
{
	const uint8_t header[0x20] = { 0x55, witness->rom_data ? 0xaa : 0, 0x01,
				       [0x18] = witness->rom_data, witness->rom_data >> 8 };
	static const uint8_t data[0x18] = { 'P', 'C', 'I', 'R', [0x0a] = 0x18, [0x10] = 1,
					    [0x14] = 0xfe, [0x15] = 0x80 };
	uint32_t value = 0;

	for (unsigned int n = 0; n < size; n++) {
		hwaddr at = offset + n;
		uint8_t byte = at;

		if (at < sizeof(header))
			byte = header[at];
		else if (at >= 0x20 && at - 0x20 < sizeof(data))
			byte = data[at - 0x20];
		if (at == 0x24)
			byte = witness->vendor;
		else if (at == 0x25)
			byte = witness->vendor >> 8;
		else if (at == 0x26)
			byte = witness->device;
		else if (at == 0x27)
			byte = witness->device >> 8;
		value |= (uint32_t)byte << n * 8;
	}
	return value;
}

void witness_registers_init(struct witness *witness)
{
	witness->intx_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, intx_timeout, witness);
	witness->dma_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, dma_tick, witness);
}

void witness_registers_reset(struct witness *witness)
{
	if (!witness->intx_survives_reset)
		witness->intx_pending = false;
	witness->scratch = 0;
	witness->doorbells = 0;
	witness->dma_address = 0;
	witness->dma_count = 0;
	memset(witness->memory, 0, sizeof(witness->memory));
	set_dma_period(witness, 0);
	timer_del(witness->intx_timer);
}

void witness_registers_exit(struct witness *witness)
{
	timer_free(witness->intx_timer);
	timer_free(witness->dma_timer);
}
