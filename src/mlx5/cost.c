// SPDX-License-Identifier: GPL-2.0-only
/* What a VF's last migration cost: see cost.h. */
#include <linux/ktime.h>

#include "cost.h"

/**
 * latch_costs_init - begin without a migration
 * @costs: zeroed
 */
void latch_costs_init(struct latch_costs *costs)
{
	spin_lock_init(&costs->lock);
}

/**
 * latch_costs_stops_running - separate the next migration from the last
 * @costs: of a VF that runs, and is to be suspended or saved
 */
void latch_costs_stops_running(struct latch_costs *costs)
{
	spin_lock(&costs->lock);
	costs->suspends = (struct latch_tally){};
	costs->is_recent = false;
	spin_unlock(&costs->lock);
}

/**
 * latch_costs_begin - a session begins
 * @costs: the VF's
 * @direction: "save" or "load"
 */
void latch_costs_begin(struct latch_costs *costs, const char *direction)
{
	spin_lock(&costs->lock);
	costs->last = (struct latch_cost){ .direction = direction };
	costs->last.commands[LATCH_SUSPEND] = costs->suspends;
	costs->is_recent = true;
	spin_unlock(&costs->lock);
}

static void add(struct latch_tally *tally, u64 ns)
{
	tally->count++;
	tally->ns += ns;
}

/**
 * latch_costs_command - a command has ended
 * @costs: the VF's
 * @command: which
 * @begun_ns: ktime_get_ns() when it was given
 */
void latch_costs_command(struct latch_costs *costs, enum latch_command command, u64 begun_ns)
{
	u64 ns = ktime_get_ns() - begun_ns;

	spin_lock(&costs->lock);
	if (command == LATCH_SUSPEND)
		add(&costs->suspends, ns);
	if (costs->is_recent)
		add(&costs->last.commands[command], ns);
	spin_unlock(&costs->lock);
}

/**
 * latch_costs_image - an image was saved or loaded
 * @costs: the VF's
 * @bytes: of the image
 * @is_precopy: the VF was not stopped
 */
void latch_costs_image(struct latch_costs *costs, u64 bytes, bool is_precopy)
{
	spin_lock(&costs->lock);
	costs->last.bytes += bytes;
	if (is_precopy)
		costs->last.precopy_bytes += bytes;
	spin_unlock(&costs->lock);
}

/**
 * latch_costs_end - the session ends
 * @costs: the VF's; nothing happens if its end was told already
 * @end: its result
 */
void latch_costs_end(struct latch_costs *costs, const char *end)
{
	spin_lock(&costs->lock);
	if (!costs->last.end)
		costs->last.end = end;
	spin_unlock(&costs->lock);
}

/**
 * latch_costs_read - what the last migration cost
 * @costs: the VF's
 * @cost: set to it
 */
void latch_costs_read(struct latch_costs *costs, struct latch_cost *cost)
{
	spin_lock(&costs->lock);
	*cost = costs->last;
	spin_unlock(&costs->lock);
}
