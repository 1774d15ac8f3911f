/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys of a section that say which devices it is for. */
#ifndef MATCH_H
#define MATCH_H

#include <stdbool.h>

#include "device/device.h"

enum match_key {
	MATCH_ADDRESS,
	MATCH_ID,
	MATCH_PF,
	MATCH_PF_NETDEV,
	MATCH_VF,
	MATCH_IOMMU_GROUP,
	NR_MATCH_KEYS
};

extern const char *const match_key_names[NR_MATCH_KEYS];

/* match.c APIs: */
const char *match_fault(enum match_key key, const char *list, char *item, unsigned int size);
bool match_device(enum match_key key, const char *list, const struct device *dev);

#endif
