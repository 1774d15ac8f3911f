// SPDX-License-Identifier: GPL-2.0-only
/*
 * The handler of INTx meets the PCI core amid a reset: it is stopped, by hold/, between its read
 * and its write of COMMAND, which the PCI core restores meanwhile.
 *
 * vm-machine: held-witness
 * vm-drivers: ours
 * vm-cmdline: idle=poll
 * vm-sources: lib/hold.c
 */
#include "lib/hold.h"
#include "vmtest.h"

#define INTX		VFIO_PCI_INTX_IRQ_INDEX

#define LIMIT_MS	10000
/* The time that a restore is given. */
#define RESTORE_MS	400

CLEAN_UP
{
	hold_end();
	witness_set("witness0", "flr-ms", "95");
	witness_wait_ready("witness0");
	witness_set_intx("witness0", false);
	witness_set("witness0", "intx-survives-reset", "false");
}

TEST(command_is_whole_after_a_handler_has_met_its_restore)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	struct side reset = { .work = vfio_reset_try, .device = device, .processor = 1 };
	int event = vfio_irq_event(device, INTX), mark = kmsg_mark();
	unsigned int command;

	cfg_command(device, PCI_COMMAND_MASTER, 0);
	command = real_cfg(device->bdf, PCI_COMMAND, 2);
	kmsg_expect("not ready");
	witness_raise_through_resets("witness0", "1500");
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);

	hold_begin();
	side_start(&reset);
	witness_wait_in_reset("witness0");
	hold_next("pci_write_config_word", NULL);
	hold_wait();
	CHECK_EQ(kmsg_count(mark, ": ready "), 0);
	CHECK(WAIT_UNTIL(kmsg_count(mark, ": ready "), LIMIT_MS));
	pause_ms(RESTORE_MS);
	hold_let_go();
	side_end(&reset);
	CHECK_EQ(real_cfg(device->bdf, PCI_COMMAND, 2) | PCI_COMMAND_INTX_DISABLE,
		 command | PCI_COMMAND_INTX_DISABLE);
}
