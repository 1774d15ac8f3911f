/* SPDX-License-Identifier: GPL-2.0-only */
/* Block devices in sysfs, and what leads to them. */
#ifndef BLOCK_H
#define BLOCK_H

#include <stdbool.h>

#include "system/sysfs.h"

/* Directories of sysfs: a disk's, and its character device's. */
struct disk {
	char block[NAME_SIZE];
	char generic[NAME_SIZE];
};

/* block.c APIs: */
bool is_block_device(const char *directory);
bool path_find_disk(const char *directory, struct disk *disk);
bool any_of_disk(const struct disk *disk, bool (*visit)(const char *directory, void *arg),
		 void *arg);

#endif
