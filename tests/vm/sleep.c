// SPDX-License-Identifier: GPL-2.0-only
/*
 * System sleep of a function whose interrupts are set up: the PM core disables them before the PCI
 * core brings the function to D0, and enables them afterwards.
 *
 * vm-machine: witness
 * vm-drivers: ours kernel
 * vm-threads: multi
 */
#include "vmtest.h"

#define LIMIT_MS	20000
#define VECTORS		4
#define MSI		VFIO_PCI_MSI_IRQ_INDEX
#define MSIX		VFIO_PCI_MSIX_IRQ_INDEX

static struct vfio_device *open_with_vectors(unsigned int index, int *events)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", NULL);

	for (int n = 0; n < VECTORS; n++)
		events[n] = event_new();
	vfio_irq_eventfds(device, index, 0, VECTORS, events);
	return device;
}

static void sleep_and_wake(struct vfio_device *device)
{
	vm_wakeup_when_suspended();
	file_write("/sys/power/state", "mem");
	cfg_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
}

static void raise_vector(struct vfio_device *device, unsigned int vector)
{
	vfio_write(device, 0, WITNESS_TRIGGER, vector, 4);
}

static void check_all_come(struct vfio_device *device, const int *events)
{
	for (int n = 0; n < VECTORS; n++) {
		raise_vector(device, n);
		CHECK_EQ(event_wait(events[n], LIMIT_MS), 1);
	}
}

TEST(msix_of_a_function_that_does_not_decode_comes_after_system_sleep)
{
	int events[VECTORS];
	struct vfio_device *device = open_with_vectors(MSIX, events);

	cfg_command(device, 0, PCI_COMMAND_MEMORY);
	sleep_and_wake(device);
	check_all_come(device, events);
}

TEST(msix_of_a_function_in_d3hot_is_not_touched_by_system_sleep)
{
	int events[VECTORS];
	struct vfio_device *device = open_with_vectors(MSIX, events);

	cfg_set16(device, cfg_cap(device, PCI_CAP_ID_PM) + PCI_PM_CTRL, 3);
	sleep_and_wake(device);
	check_all_come(device, events);
}

TEST(vector_of_msi_without_eventfd_keeps_what_comes_in_after_system_sleep)
{
	int events[VECTORS], none = -1;
	struct vfio_device *device = open_with_vectors(MSI, events);

	vfio_irq_eventfds(device, MSI, 1, 1, &none);
	sleep_and_wake(device);
	raise_vector(device, 2);
	CHECK_EQ(event_wait(events[2], LIMIT_MS), 1);
	raise_vector(device, 1);
	pause_ms(100);
	CHECK_EQ(event_take(events[1]), 0);
	vfio_irq_eventfd(device, MSI, 1, events[1]);
	CHECK_EQ(event_wait(events[1], LIMIT_MS), 1);
}
