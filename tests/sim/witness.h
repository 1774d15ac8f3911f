/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The witness: a PCI function that knows what nobody may do to it, and counts it. Not part of the
 * ConnectX; it shares the way into QEMU. docs/simulator.md describes it.
 */
#ifndef WITNESS_H
#define WITNESS_H

#include "qemu/osdep.h"
#include "hw/pci/pci.h"
#include "qemu/timer.h"

#define TYPE_WITNESS		"latch-witness"
#define TYPE_WITNESS_VF		"latch-witness-vf"

/* What is counted. */
enum witness_offence {
	/* An access to a function that has just been reset, or was told to leave or enter D3hot. */
	WITNESS_CONFIG_IN_RESET,
	WITNESS_CONFIG_IN_TRANSITION,
	WITNESS_CONFIG_BEYOND_SIZE,
	/* Memory and ports. */
	WITNESS_ACCESS_UNDECODED,
	WITNESS_ACCESS_ASLEEP,
	WITNESS_ACCESS_IN_RESET,
	WITNESS_ACCESS_IN_TRANSITION,
	/* INTx is asserted, and neither acknowledged nor masked. */
	WITNESS_INTX_IGNORED,
	/* Bus mastering is on where the function was declared to be nobody's. */
	WITNESS_DMA_UNWANTED,
	/* Bus mastering is on, and memory refuses. */
	WITNESS_DMA_REFUSED,
	WITNESS_NR_OFFENCES,
};

/* The counts of one function. They outlive it. */
struct witness_counts;

struct witness_bar {
	struct witness *witness;
	const char *name;
	/* The register in configuration space, the bit of COMMAND, and the bit of the register itself. */
	unsigned int reg;
	uint16_t command;
	uint32_t enable;
	/* What is mapped while the function decodes. */
	MemoryRegion region;
	/* What lies below it, always: accesses arrive here that the function does not decode. */
	MemoryRegion shadow;
	MemoryRegion *container;
	bool has_shadow;
	uint32_t (*read)(struct witness *witness, hwaddr offset, unsigned int size);
	void (*write)(struct witness *witness, hwaddr offset, uint32_t value, unsigned int size);
};

enum { WITNESS_BAR_MEMORY, WITNESS_BAR_PORTS, WITNESS_BAR_ROM, WITNESS_NR_BARS };

typedef struct witness {
	PCIDevice parent_obj;

	/* Properties */
	uint16_t vendor, device, class_id;
	uint16_t vfs;
	uint32_t config_size;
	uint32_t flr_ms;
	uint32_t intx_limit_ms;
	uint32_t rom_data;
	uint32_t move_table;
	uint32_t more_vectors;
	bool flr, af, no_soft_reset, intx_survives_reset;
	bool hidden_capabilities;
	bool pasid;
	bool atomic_ops;
	bool msi_needs_intx;
	bool no_vpd;
	bool recovers;
	bool quiet;

	struct witness_counts *counts;
	/* Configuration space as it is after a reset. */
	uint8_t *defaults;
	/*
	 * In virtual nanoseconds: when a reset or transition began, the same by the guest's clock (0 if
	 * that is not known), how long everybody must wait, and until when it does not answer.
	 */
	int64_t began, began_for_guest, wait, absent_until;
	bool is_in_transition;

	struct witness_bar bars[WITNESS_NR_BARS];
	MemoryRegion table_bar;

	/* Registers */
	bool intx_pending;
	uint32_t scratch;
	uint32_t doorbells;
	uint64_t dma_address;
	uint32_t dma_period;
	uint32_t dma_count;
	uint8_t memory[4096];

	/* It answers again. */
	QEMUTimer *ready_timer;
	QEMUTimer *intx_timer;
	QEMUTimer *dma_timer;
} witness;

DECLARE_INSTANCE_CHECKER(witness, WITNESS, TYPE_WITNESS)
DECLARE_INSTANCE_CHECKER(witness, WITNESS_VF, TYPE_WITNESS_VF)

/* witness.c APIs: */
void witness_register_types(void);
int64_t witness_now(void);
/* The function must be left alone, or does not answer. */
bool witness_is_forbidden(const struct witness *witness);
bool witness_is_absent(const struct witness *witness);
/* 0 to 3, as in PMCSR. */
unsigned int witness_power_state(struct witness *witness);

/* guest_clock.c APIs: */
void guest_clock_register(void);
/* In nanoseconds; 0 if it is not known. */
int64_t guest_clock(void);

/* witness_bars.c APIs: */
void witness_bars_init(struct witness *witness);
bool witness_bars_add_table(struct witness *witness, unsigned int vectors, uint8_t capability,
			    Error **errp);
/* To be called whenever BARs may have changed. */
void witness_bars_follow(struct witness *witness);
void witness_bars_exit(struct witness *witness);

/* witness_registers.c APIs: */
uint32_t witness_registers_read(struct witness *witness, hwaddr offset, unsigned int size);
void witness_registers_write(struct witness *witness, hwaddr offset, uint32_t value,
			     unsigned int size);
uint32_t witness_rom_read(struct witness *witness, hwaddr offset, unsigned int size);
void witness_registers_init(struct witness *witness);
void witness_registers_reset(struct witness *witness);
void witness_registers_exit(struct witness *witness);
void witness_set_intx(struct witness *witness, bool pending);
/* To be called whenever configuration space or the power state may have changed. */
void witness_update_intx(struct witness *witness);

/* witness_counts.c APIs: */
struct witness_counts *witness_counts_new(const char *name);
/* Count one; the words say what the first one was. */
void witness_count(struct witness *witness, enum witness_offence offence, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

#endif
