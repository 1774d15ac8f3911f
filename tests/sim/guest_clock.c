// SPDX-License-Identifier: GPL-2.0-only
/*
 * The time by the guest's own clock. Linux counts jiffies in its timer interrupt. If the host gives
 * the processor that counts them no time, they stand still, and then leap: a sleep that began before
 * the leap ends too early. Nobody who sleeps can know that.
 */
#include "witness.h"
#include "exec/cpu-common.h"
#include "hw/core/cpu.h"
#include "hw/qdev-core.h"
#include "qom/object.h"

#define JIFFY	(4 * SCALE_MS)	/* CONFIG_HZ=250, of Debian's kernels */

/* Where the guest's jiffies_64 is; 0 if nobody has said so. */
static uint64_t counter;

void guest_clock_register(void)
{
	object_property_add_uint64_ptr(qdev_get_machine(), "guest-jiffies", &counter,
				       OBJ_PROP_FLAG_READWRITE);
}

int64_t guest_clock(void)
{
	uint64_t jiffies;

	if (!counter || !current_cpu ||
	    cpu_memory_rw_debug(current_cpu, counter, &jiffies, sizeof(jiffies), false))
		return 0;
	return le64_to_cpu(jiffies) * JIFFY;
}
