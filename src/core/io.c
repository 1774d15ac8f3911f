// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device memory and ports, accessed in the widest aligned steps.
 *
 * The device decides how long an access takes: one that hangs lets each run
 * into a time limit. So a range that is accessed under access_lock ends early,
 * after a bounded number of accesses, when somebody waits for that lock or the
 * task is being killed. The caller drops the lock and goes on from there.
 */
#include <linux/io.h>
#include <linux/sched/signal.h>

#include "core.h"

#define ACCESSES_AT_ONCE	64

static bool should_pause(struct vfio_latch_device *dev)
{
	return rwsem_is_contended(&dev->access_lock) || need_resched() ||
	       fatal_signal_pending(current);
}

/* User space sees device registers little-endian, whatever the host's byte order is. */
static unsigned int step_width(const void __iomem *io, size_t count, unsigned int max_width)
{
	unsigned long at = (unsigned long)io;

	if (max_width == 8 && count >= 8 && !(at & 7))
		return 8;
	return latch_access_width(at, count);
}

/**
 * latch_io_write - write one register
 * @io: the register, aligned to @width; 8 bytes only in device memory, not a
 *	port
 * @value: the value, in host byte order
 * @width: 1, 2, 4 or (on 64-bit hosts) 8 bytes
 */
void latch_io_write(void __iomem *io, u64 value, unsigned int width)
{
	switch (width) {
#ifdef CONFIG_64BIT
	case 8:
		writeq(value, io);
		break;
#endif
	case 4:
		iowrite32(value, io);
		break;
	case 2:
		iowrite16(value, io);
		break;
	default:
		iowrite8(value, io);
	}
}

static u64 io_read(void __iomem *io, unsigned int width)
{
	switch (width) {
#ifdef CONFIG_64BIT
	case 8:
		return readq(io);
#endif
	case 4:
		return ioread32(io);
	case 2:
		return ioread16(io);
	default:
		return ioread8(io);
	}
}

static u64 get_le(const u8 *buf, unsigned int width)
{
	switch (width) {
	case 8:
		return get_unaligned_le64(buf);
	case 4:
		return get_unaligned_le32(buf);
	case 2:
		return get_unaligned_le16(buf);
	default:
		return *buf;
	}
}

static void put_le(u8 *buf, u64 value, unsigned int width)
{
	switch (width) {
	case 8:
		put_unaligned_le64(value, buf);
		break;
	case 4:
		put_unaligned_le32(value, buf);
		break;
	case 2:
		put_unaligned_le16(value, buf);
		break;
	default:
		*buf = value;
	}
}

/**
 * latch_io_read_range - read a range of registers
 * @dev: the device
 * @io: where
 * @buf: filled, little-endian
 * @count: bytes, not 0
 * @max_width: widest single access, 4 or 8 bytes
 *
 * Context: access_lock is held.
 * Return: bytes read; fewer than @count if the lock is to be dropped first.
 */
size_t latch_io_read_range(struct vfio_latch_device *dev, void __iomem *io, u8 *buf, size_t count,
			   unsigned int max_width)
{
	unsigned int accesses = 0;
	size_t done = 0;

	lockdep_assert_held(&dev->access_lock);

	while (done < count) {
		unsigned int width = step_width(io + done, count - done, max_width);

		put_le(buf + done, io_read(io + done, width), width);
		done += width;
		if (++accesses % ACCESSES_AT_ONCE == 0 && should_pause(dev))
			break;
	}
	return done;
}

/**
 * latch_io_write_range - write a range of registers
 * @dev: the device
 * @io: where
 * @buf: what, little-endian
 * @count: bytes, not 0
 * @max_width: widest single access, 4 or 8 bytes
 *
 * Context: access_lock is held.
 * Return: bytes written; fewer than @count if the lock is to be dropped first.
 */
size_t latch_io_write_range(struct vfio_latch_device *dev, void __iomem *io, const u8 *buf,
			    size_t count, unsigned int max_width)
{
	unsigned int accesses = 0;
	size_t done = 0;

	lockdep_assert_held(&dev->access_lock);

	while (done < count) {
		unsigned int width = step_width(io + done, count - done, max_width);

		latch_io_write(io + done, get_le(buf + done, width), width);
		done += width;
		if (++accesses % ACCESSES_AT_ONCE == 0 && should_pause(dev))
			break;
	}
	return done;
}
