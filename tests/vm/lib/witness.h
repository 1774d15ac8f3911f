/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * witness.h: functions of tests/sim/witness.c, which count forbidden accesses and the like; on
 * machines that have one. docs/simulator.md describes registers, offences and properties.
 *
 * The runner has them forget everything before each test, and a test after which a count is not
 * zero has failed. No test needs to ask for that.
 */
#ifndef VMTEST_WITNESS_H
#define VMTEST_WITNESS_H

#include <stdbool.h>

/* Registers in BAR 0, the first 64 bytes also in the ports of BAR 2. */
#define WITNESS_ID		0x00
#define WITNESS_ID_VALUE	0x534e5457
#define WITNESS_SCRATCH		0x04
#define WITNESS_INTX_RAISE	0x08
#define WITNESS_INTX_ACK	0x0c
#define WITNESS_TRIGGER		0x10
#define WITNESS_DOORBELL	0x14
#define WITNESS_DMA_ADDRESS	0x20
#define WITNESS_DMA_PERIOD	0x28
#define WITNESS_DMA_COUNT	0x2c
#define WITNESS_MEMORY		0x1000

#define WITNESS_MSI_VECTORS	4
#define WITNESS_MSIX_VECTORS	8

/* Their counts in words, "" for none; to be freed. */
char *witness_offences(void);
/* The count of one kind, such as "access-asleep", of one function, such as "witness0". */
unsigned long long witness_count(const char *id, const char *offence);
/* For tests that show that something is counted. */
void witness_forget(void);

/*
 * A property of one, in JSON: witness_set("witness0", "quiet", "true"). It stays what it is made: a
 * test puts it back in CLEAN_UP.
 */
void witness_set(const char *id, const char *property, const char *value);
/* The device's other end raises INTx, or lowers it, whatever the function's registers are. */
void witness_set_intx(const char *id, bool raised);
/* Raise INTx, through resets of FLR_MS milliseconds as well. For CLEAN_UP: three properties. */
void witness_raise_through_resets(const char *id, const char *flr_ms);

/* Wait until it is in a reset, or no longer in one, without touching it. */
bool witness_is_in_reset(const char *id);
void witness_wait_in_reset(const char *id);
void witness_wait_ready(const char *id);

/* For the runner. */
bool witness_exists(void);
/* Tell them where the kernel counts the time (docs/simulator.md). */
void witness_tell_clock(void);
void witness_check(void);

#endif
