/* SPDX-License-Identifier: GPL-2.0-only */
/* What /dev/importer is asked for. Each open file is one attachment at most. */
#ifndef IMPORTER_H
#define IMPORTER_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Takes addresses without memory behind them. */
#define IMPORTER_PEER		(1 << 0)
/* Is told when it must let go, and does so. */
#define IMPORTER_REVOCABLE	(1 << 1)
/* Lets go when it is asked to, not when it is told that it must. */
#define IMPORTER_LAZY		(1 << 2)

/**
 * struct importer_attach - for whom a buffer is attached
 * @fd: the buffer
 * @flags: IMPORTER_*
 * @domain: with @bus and @devfn, the PCI function that will access it
 */
struct importer_attach {
	__s32 fd;
	__u32 flags;
	__u32 domain;
	__u8 bus;
	__u8 devfn;
	__u8 reserved[2];
};

/**
 * struct importer_state - what has become of it
 * @address: where the function finds the buffer's first range, while it is mapped
 * @length: bytes from there
 * @mapped: whether it is mapped
 * @revocations: how often it was told to let go while it was mapped
 * @awaited: whether somebody waits for its fence, or has waited
 */
struct importer_state {
	__u64 address;
	__u64 length;
	__u32 mapped;
	__u32 revocations;
	__u32 awaited;
	__u32 reserved;
};

#define IMPORTER_ATTACH	_IOW('i', 0, struct importer_attach)
#define IMPORTER_MAP	_IO('i', 1)
#define IMPORTER_UNMAP	_IO('i', 2)
#define IMPORTER_STATE	_IOR('i', 3, struct importer_state)
/* Adds a fence to the buffer, one at most, until IMPORTER_SIGNAL or the end of the file. */
#define IMPORTER_FENCE	_IO('i', 4)
#define IMPORTER_SIGNAL	_IO('i', 5)

#endif
