/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a VF's last migration cost, for the operator: bytes, and the firmware's
 * commands with their time. VMMs report little of it.
 *
 * A migration is a saving or a loading session, with the SUSPENDs before and
 * the RESUMEs after it, as long as the VF does not run in between.
 */
#ifndef LATCH_MLX5_COST_H
#define LATCH_MLX5_COST_H

#include <linux/spinlock.h>
#include <linux/types.h>

enum latch_command {
	LATCH_SUSPEND,
	LATCH_RESUME,
	LATCH_SAVE,
	LATCH_LOAD,
	LATCH_NR_COMMANDS
};

/**
 * struct latch_tally - commands of one kind
 * @count: how many there were, refused ones included
 * @ns: nanoseconds that all of them took together
 */
struct latch_tally {
	u32 count;
	u64 ns;
};

/**
 * struct latch_cost - a migration
 * @direction: "save" or "load"; NULL if there was none
 * @end: its result, in the words of docs/sysfs-abi.txt; NULL while it is under way
 * @bytes: of images, saved or loaded
 * @precopy_bytes: those of them that were saved before the VF was stopped
 * @commands: by enum latch_command
 */
struct latch_cost {
	const char *direction;
	const char *end;
	u64 bytes;
	u64 precopy_bytes;
	struct latch_tally commands[LATCH_NR_COMMANDS];
};

/**
 * struct latch_costs - the costs of a VF's last migration
 * @lock: protects the rest; inside all others
 * @last: the last migration, or the one that is under way
 * @suspends: the SUSPENDs since the VF ran last
 * @is_recent: the VF has not run since @last began, except at its end
 */
struct latch_costs {
	spinlock_t lock;	/* see above */
	struct latch_cost last;
	struct latch_tally suspends;
	bool is_recent;
};

void latch_costs_init(struct latch_costs *costs);
void latch_costs_stops_running(struct latch_costs *costs);
void latch_costs_begin(struct latch_costs *costs, const char *direction);
void latch_costs_command(struct latch_costs *costs, enum latch_command command, u64 begun_ns);
void latch_costs_image(struct latch_costs *costs, u64 bytes, bool is_precopy);
void latch_costs_end(struct latch_costs *costs, const char *end);
void latch_costs_read(struct latch_costs *costs, struct latch_cost *cost);

#endif
