// SPDX-License-Identifier: GPL-2.0-only
/* Which call comes next: one of those of tests/compare mostly. */
#include "fuzz.h"

static const struct {
	void (*call)(void);
	unsigned int weight;
	bool wants_device_alone;	/* it closes what others use, or waits for them */
	bool is_slow;			/* the device is reset */
} kinds[] = {
	{ call_wild_ioctl, 40, false, false },
	{ call_wild_feature, 30, false, false },
	{ call_wild_access, 60, false, false },
	{ call_further_region, 20, false, false },
	{ call_token, 20, false, false },
	{ call_wake, 40, false, false },
	{ call_dma_buf_held, 10, false, false },
	{ call_open_again, 15, true, false },
	{ call_reopen, 3, true, true },
	{ call_host, 2, true, true },
};

#define NR_KINDS	(sizeof(kinds) / sizeof(kinds[0]))

void call_whatever(unsigned int group, unsigned int slow, bool is_alone)
{
	unsigned int at = random_below(1000);

	for (unsigned int n = 0; n < NR_KINDS; n++) {
		if (at >= kinds[n].weight) {
			at -= kinds[n].weight;
			continue;
		}
		if ((kinds[n].wants_device_alone && !is_alone) ||
		    (kinds[n].is_slow && !random_chance(slow)))
			break;
		kinds[n].call();
		return;
	}
	call_any(group, slow);
}
