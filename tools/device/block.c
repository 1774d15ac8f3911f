// SPDX-License-Identifier: GPL-2.0-only
/*
 * Block devices in sysfs. An NVMe controller that shares its subsystem with others has no disk below
 * it, but a path to one: nvme0c1n2 leads to nvme0n2. The path has no node. The disk has, and a
 * character device besides, ng0n2; both are the subsystem's.
 */
#include <stdio.h>
#include <string.h>

#include "device/block.h"

/* Whether @directory of sysfs is a block device's. */
bool is_block_device(const char *directory)
{
	char subsystem[NAME_SIZE];

	link_name(subsystem, sizeof(subsystem), "%s/subsystem", directory);
	return !strcmp(subsystem, "block");
}

/* Whether @directory of sysfs is a path's. @disk becomes the directories of its disk. */
bool path_find_disk(const char *directory, struct disk *disk)
{
	unsigned int subsystem, controller, number;
	int end = 0;

	if (sscanf(strrchr(directory, '/'), "/nvme%uc%un%u%n", &subsystem, &controller, &number,
		   &end) != 3 || strrchr(directory, '/')[end])
		return false;
	snprintf(disk->block, sizeof(disk->block), "/sys/class/block/nvme%un%u", subsystem, number);
	snprintf(disk->generic, sizeof(disk->generic), "/sys/class/nvme-generic/ng%un%u", subsystem,
		 number);
	return exists("%s", disk->block);
}

/* Visits the directories of @disk, and all below them. */
bool any_of_disk(const struct disk *disk, bool (*visit)(const char *directory, void *arg),
		 void *arg)
{
	return any_directory(disk->block, visit, arg) || any_directory(disk->generic, visit, arg);
}
