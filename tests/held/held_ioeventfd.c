// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many slow writes of one eventfd: the processor that signals it, with its interrupts off, does
 * one. The work item that does the others is stopped, by hold/.
 *
 * vm-machine: held-slow
 * vm-drivers: ours
 * vm-cmdline: idle=poll
 * vm-sources: lib/hold.c
 */
#include "lib/hold.h"
#include "vmtest.h"

/* A write takes 3 ms. */
#define MANY		100
#define COUNTS_BAR	2
#define LIMIT_MS	10000

#define UNBOUND		"/sys/devices/virtual/workqueue/cpumask"

static int event;

CLEAN_UP
{
	hold_end();
	file_write(UNBOUND, "7");
}

static int signal_event(struct vfio_device *device)
{
	(void)device;
	event_signal(event);
	return 0;
}

TEST(an_eventfd_of_many_slow_writes_does_one_with_interrupts_off)
{
	struct side side = { .work = signal_event };
	struct vfio_device *slow;

	driver_load("disable_idle_d3=1");
	slow = vfio_bind_and_open(vm_bdf("slow0"));
	cfg_command(slow, PCI_COMMAND_MEMORY, 0);
	event = event_new();
	for (unsigned int n = 0; n < MANY; n++)
		vfio_write_by_event(slow, 0, 0x100, n, event);
	vfio_write(slow, COUNTS_BAR, 0, 0, 4);

	hold_begin();
	/* The work item has processor 1. */
	file_write(UNBOUND, "2");
	hold_next("latch_ioeventfd_work", NULL);
	side.device = slow;
	side_start(&side);
	side_end(&side);
	hold_wait();
	CHECK_EQ(vfio_read(slow, COUNTS_BAR, 0, 4), 1);
	hold_let_go();
	CHECK(WAIT_UNTIL(vfio_read(slow, COUNTS_BAR, 0, 4) == MANY, LIMIT_MS));
}
