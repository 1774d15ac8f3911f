/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * machine.h: a machine with VFs in QEMU of Debian 13, its guest (guest/guest.c), and its migration
 * to another one.
 */
#ifndef LIVE_MIGRATION_MACHINE_H
#define LIVE_MIGRATION_MACHINE_H

#include "connectx.h"
#include "migration.h"
#include "vmtest.h"

/* Milliseconds for anything that an emulated machine in an emulated machine does. */
#define NESTED_MS 120000
/* As in guest/guest.c, which knows no more VFs. */
#define MAX_VFS 4

/* How machines are made, of which one is migrated to another one. */
struct setup {
	unsigned int vfs;
	/* Whether not the VFs track their writes, but the IOMMU's driver. */
	bool without_tracker;
	/* Send memory and states through so many channels, and stop when the other side agrees. */
	unsigned int channels;
};

/* What the runner was told: how long is tested, and whether QEMU uses iommufd. */
struct run_options {
	unsigned int seed, cancels, moves, iommufd;
};

struct machine {
	const char *name;
	const struct setup *setup;
	const char *vfs[MAX_VFS];
	struct client *qemu;
};

/* Newer drivers send a state ahead, and load each image as soon as it has come. */
bool driver_has_precopy(void);
/* A VF, with a tracker if it can be reported. */
struct setup setup_one(void);

struct run_options run_options(void);

/* With its VFs from the FIRST one of the PF on, the guest at work. */
struct machine machine_start(const char *name, const struct setup *setup, unsigned int first);
/* One for a migration to arrive at: it then runs when it is told to. */
struct machine machine_start_destination(const char *name, const struct setup *setup,
					 unsigned int first);
/* Both, with VFs of their own. */
void machine_start_two(struct machine *source, struct machine *destination,
		       const struct setup *setup);
/* A command of its machine protocol, whose answer may come after events that it leads to. */
void machine_tell(struct machine *machine, const char *command, const char *arguments);
/* The same, and it has done that. */
void machine_ask(struct machine *machine, const char *command, const char *arguments);
void machine_quit(struct machine *machine);

/* The guest has gone on, and still finds its memory and all states right. */
void machine_check_goes_on(const struct machine *machine);

/* Which does not end, as the machine would have to stand still for too long. */
void migration_begin(struct machine *source);
/*
 * The same; waits until the VFs have written all their memory again after it was sent. What they
 * write QEMU learns of their trackers and of nobody else, unless they have none.
 */
void migration_begin_and_wait(struct machine *source);
/* It does not even begin, for this reason. */
void migration_check_refused(struct machine *source, const char *reason);
/* Whatever is left may now be sent while the machine stands still. */
void migration_let_end(struct machine *source);
/* Wait for its end: "completed", "failed" or "cancelled"; to be freed. */
char *migration_wait(struct machine *machine);
void migration_check(struct machine *machine, const char *outcome);
/*
 * It has arrived: both stand still and are the same, bit by bit; then the destination's guest goes
 * on.
 */
void migration_check_arrived(struct machine *source, struct machine *destination);
/* How many VFs' states have come through channels. */
unsigned int migration_states_by_channels(struct machine *destination);
/* All of it. */
void migration_do(struct machine *source, struct machine *destination);

#endif
