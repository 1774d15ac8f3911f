// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who uses something is stopped amid it, by hold/; who takes it away must wait until that one is
 * done.
 *
 * vm-machine: held
 * vm-drivers: ours kernel
 * vm-cmdline: idle=poll
 * vm-sources: lib/hold.c
 */
#include "lib/hold.h"
#include "vmtest.h"

#define ERR		VFIO_PCI_ERR_IRQ_INDEX
#define INTX		VFIO_PCI_INTX_IRQ_INDEX
#define MSI		VFIO_PCI_MSI_IRQ_INDEX

#define LIMIT_MS	10000

/* edu's interrupt registers */
#define EDU_IRQ_RAISE	0x60
#define EDU_IRQ_ACK	0x64

CLEAN_UP
{
	hold_end();
}

/* --- eventfds --- */

static int replace(struct vfio_device *device, unsigned int index)
{
	int event = event_new();

	return vfio_irq_eventfds_try(device, index, 0, 1, &event);
}

static int replace_intx(struct vfio_device *device)
{
	return replace(device, INTX);
}

static int replace_msi(struct vfio_device *device)
{
	return replace(device, MSI);
}

static int take_err_away(struct vfio_device *device)
{
	int none = -1;

	return vfio_irq_eventfds_try(device, ERR, 0, 1, &none);
}

static void hold_next_signal(void)
{
	/* In newer kernels the first is part of its callers. */
	hold_next("eventfd_signal", "eventfd_signal_mask");
}

static void check_handler_is_waited_for(unsigned int index,
					int (*replace_trigger)(struct vfio_device *device))
{
	struct vfio_device *edu = vfio_open_with_memory("edu0", NULL);
	struct side side = { .work = replace_trigger, .device = edu, .processor = 1 };
	int event;

	hold_begin();
	cfg_command(edu, PCI_COMMAND_MASTER, 0);
	vfio_write(edu, 0, EDU_IRQ_ACK, 0xffffffff, 4);
	event = vfio_irq_event(edu, index);
	hold_next_signal();
	vfio_write(edu, 0, EDU_IRQ_RAISE, 1, 4);
	hold_wait();
	side_check_waits(&side);
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
	vfio_write(edu, 0, EDU_IRQ_ACK, 0xffffffff, 4);
}

TEST(the_eventfd_of_intx_is_there_until_its_handler_is_done)
{
	check_handler_is_waited_for(INTX, replace_intx);
}

TEST(the_eventfd_of_msi_is_there_until_its_handler_is_done)
{
	check_handler_is_waited_for(MSI, replace_msi);
}

/* The kernel's driver of 7.3 does not wait: it gives the eventfd back after an RCU grace period. */
TEST_OURS(the_eventfd_of_err_is_there_until_it_is_signalled)
{
	struct vfio_device *rng = vfio_open_with_memory("rng0", NULL);
	struct side side = { .work = take_err_away, .device = rng, .processor = 1 };
	int event = vfio_irq_event(rng, ERR), start = kmsg_mark();

	hold_begin();
	hold_next_signal();
	vm_aer("rng0", "POISON_TLP");
	hold_wait();
	side_check_waits(&side);
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
	vm_wait_recovered(start, LIMIT_MS);
}

/* --- resets --- */

static int reset_slot(struct vfio_device *device)
{
	return vfio_hot_reset_try(device, &device->group, 1);
}

static int write_config(struct vfio_device *device)
{
	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	return 0;
}

/* Functions 0 to 2 of a slot, in one group. */
TEST(no_function_of_a_slot_decodes_anew_while_all_are_reset)
{
	struct vfio_device *devices[SLOT_SIZE];
	struct side reset = { .work = reset_slot }, write = { .work = write_config };

	slot_open(devices);
	reset.device = devices[0];
	write.device = devices[2];
	write.processor = 1;

	hold_begin();
	hold_next("pci_reset_bus", NULL);
	side_start(&reset);
	hold_wait();
	side_check_waits(&write);
	side_end(&reset);
}
