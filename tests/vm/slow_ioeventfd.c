// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many ioeventfds of a slow function do not hold up another user.
 *
 * vm-machine: slow-and-witness
 * vm-drivers: ours
 * vm-timeout: 180
 */
#include "vmtest.h"

/* A write takes 3 ms. */
#define MANY		500
#define ROUNDS		3
#define INTX		VFIO_PCI_INTX_IRQ_INDEX
#define COUNTS_BAR	2
#define LIMIT_MS	30000

#define AFFINITY	"/proc/irq/default_smp_affinity"

CLEAN_UP
{
	witness_set_intx("witness0", false);
	witness_set("witness0", "intx-limit-ms", "5000");
	file_write(AFFINITY, "3");
}

static uint64_t writes_done(struct vfio_device *slow)
{
	return vfio_read(slow, COUNTS_BAR, 0, 4);
}

/* A write that is due again before it happened happens once: their number is not known. */
static void wait_for_the_writes(struct vfio_device *slow)
{
	uint64_t before, now = 0;

	CHECK(WAIT_UNTIL(writes_done(slow) >= MANY, LIMIT_MS));
	do {
		before = now;
		pause_ms(200);
		now = writes_done(slow);
	} while (now != before);
}

/* The writes read the event. */
static void unmask_and_wait(int unmask)
{
	unsigned long long before = interrupts("vfio-intx");

	event_signal(unmask);
	CHECK(WAIT_UNTIL(interrupts("vfio-intx") > before, LIMIT_MS));
}

/*
 * The interrupt of one device is the event for many writes of a slow one. They are due, and happen
 * in a work item. The interrupt is masked at the controller. It is unmasked in a workqueue of this
 * processor, where the writes would be, too. One round may be late because the machine is, but not
 * each.
 */
TEST(slow_ioeventfds_hold_up_no_interrupt_of_another_user)
{
	int unmask = event_new(), trigger, in_time = 0;
	struct vfio_device *slow, *other;

	driver_load("nointxmask=1 disable_idle_d3=1");
	/* The interrupt comes to this processor. */
	file_write(AFFINITY, "1");
	use_processor(0);
	slow = vfio_bind_and_open(vm_bdf("slow0"));
	cfg_command(slow, PCI_COMMAND_MEMORY, 0);
	other = vfio_bind_and_open(vm_bdf("witness0"));
	cfg_command(other, PCI_COMMAND_MEMORY, 0);
	trigger = vfio_irq_event(other, INTX);
	CHECK_EQ(vfio_irqs_try(other, INTX,
			       VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK, 0, 1,
			       &unmask, sizeof(unmask)), 0);
	for (unsigned int n = 0; n < MANY; n++)
		vfio_write_by_event(slow, 0, 0x100, n, trigger);
	/* The interrupt is masked while the writes go on. */
	witness_set("witness0", "intx-limit-ms", "60000");
	witness_set_intx("witness0", true);

	for (int n = 0; n < ROUNDS; n++) {
		wait_for_the_writes(slow);
		vfio_write(slow, COUNTS_BAR, 0, 0, 4);
		unmask_and_wait(unmask);
		unmask_and_wait(unmask);
		in_time += writes_done(slow) < MANY;
	}
	CHECK_LT(0, in_time);
}
