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
#define MANY		1000
#define ROUNDS		3
#define INTX		VFIO_PCI_INTX_IRQ_INDEX
#define COUNTS_BAR	2
#define LIMIT_MS	30000

CLEAN_UP
{
	witness_set_intx("witness0", false);
	witness_set("witness0", "intx-limit-ms", "5000");
}

static uint64_t writes_done(struct vfio_device *slow)
{
	return vfio_read(slow, COUNTS_BAR, 0, 4);
}

/*
 * An interrupt that is masked at the controller is unmasked in the workqueue of this processor,
 * which would have the writes, too. One round may be late because the machine is, but not each.
 */
TEST(slow_ioeventfds_hold_up_no_interrupt_of_another_user)
{
	int event = event_new(), unmask = event_new(), trigger, in_time = 0;
	struct vfio_device *slow, *other;

	driver_load("nointxmask=1 disable_idle_d3=1");
	slow = vfio_bind_and_open(vm_bdf("slow0"));
	cfg_command(slow, PCI_COMMAND_MEMORY, 0);
	for (unsigned int n = 0; n < MANY; n++)
		vfio_write_by_event(slow, 0, 0x100, n, event);

	other = vfio_bind_and_open(vm_bdf("witness0"));
	cfg_command(other, PCI_COMMAND_MEMORY, 0);
	trigger = vfio_irq_event(other, INTX);
	CHECK_EQ(vfio_irqs_try(other, INTX,
			       VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK, 0, 1,
			       &unmask, sizeof(unmask)), 0);
	/* The interrupt is masked while the writes go on. */
	witness_set("witness0", "intx-limit-ms", "60000");
	witness_set_intx("witness0", true);
	CHECK_EQ(event_wait(trigger, LIMIT_MS), 1);
	use_processor(0);

	for (int n = 0; n < ROUNDS; n++) {
		vfio_write(slow, COUNTS_BAR, 0, 0, 4);
		event_signal(event);
		event_signal(unmask);
		CHECK_EQ(event_wait(trigger, LIMIT_MS), 1);
		in_time += writes_done(slow) < MANY;
		CHECK(WAIT_UNTIL(writes_done(slow) == MANY, LIMIT_MS));
	}
	CHECK_LT(0, in_time);
}
