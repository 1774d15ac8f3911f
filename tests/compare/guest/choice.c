// SPDX-License-Identifier: GPL-2.0-only
/* Which call comes next, and what the kernel's command line says of a run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "vmtest.h"

static const struct {
	void (*call)(void);
	unsigned int weight;
	unsigned int group;
} kinds[] = {
	{ call_info, 4, 0 }, { call_region_info, 6, 0 }, { call_irq_info, 4, 0 },
	{ call_hot_reset_info, 2, 0 }, { call_unknown_ioctl, 2, 0 }, { call_feature, 6, 0 },
	{ call_dma_buf, 3, 0 },
	{ call_config_read, 20, 1 }, { call_config_write, 16, 1 },
	{ call_host_view, 4, 1 },
	{ call_region_read, 14, 2 }, { call_region_write, 5, 2 }, { call_device_register, 8, 2 },
	{ call_map, 5, 2 }, { call_touch_mapping, 12, 2 }, { call_unmap, 2, 2 },
	{ call_set_irqs, 16, 3 }, { call_event_write, 4, 3 }, { call_ioeventfd, 5, 3 },
	{ call_device_register, 6, 3 },
	{ call_power_state, 3, 4 }, { call_command, 4, 4 }, { call_low_power, 3, 4 },
	{ call_reset, 1, 4 }, { call_hot_reset, 1, 4 },
};

/* It waits for the device. */
static bool is_slow(void (*call)(void))
{
	return call == call_power_state || call == call_low_power || call == call_reset ||
	       call == call_hot_reset;
}

static unsigned int pick_kind(unsigned int group)
{
	unsigned int total = 0, at;

	for (unsigned int n = 0; n < sizeof(kinds) / sizeof(kinds[0]); n++)
		total += kinds[n].weight * (kinds[n].group == group ? 4 : 1);
	at = random_below(total);
	for (unsigned int n = 0;; n++) {
		unsigned int weight = kinds[n].weight * (kinds[n].group == group ? 4 : 1);

		if (at < weight)
			return n;
		at -= weight;
	}
}

void call_any(unsigned int group, unsigned int slow)
{
	unsigned int n = pick_kind(group);

	while (slow < 100 && is_slow(kinds[n].call) && !random_chance(slow))
		n = pick_kind(group);
	kinds[n].call();
}

uint64_t seed_of(const char *name, uint64_t seed)
{
	for (; *name; name++)
		seed = seed * 31 + *name;
	return seed;
}

uint64_t option(const char *name, uint64_t otherwise)
{
	char *line = file_read("/proc/cmdline"), *found;
	char word[64];

	snprintf(word, sizeof(word), " %s=", name);
	found = strstr(line, word);
	return found ? strtoull(found + strlen(word), NULL, 0) : otherwise;
}
