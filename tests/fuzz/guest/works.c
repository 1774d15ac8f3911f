// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the device still works: configuration space, resets, each interrupt, the first BAR; and
 * what may be in the log.
 */
#include <linux/pci_regs.h>

#include "fuzz.h"
#include "vmtest.h"

static void check_interrupt(struct vfio_device *device, unsigned int index)
{
	struct vfio_irq_info info = vfio_irq_info(device, index);
	int event;

	if (!info.count)
		return;
	event = vfio_irq_event(device, index);
	for (int n = 0; n < 2; n++) {
		vfio_irq_loopback(device, index, 0);
		if (event_wait(event, 10000) != 1)
			FAIL("interrupt %u does not come", index);
	}
	vfio_irq_disable(device, index);
	close(event);
}

void check_works(const struct subject *subject)
{
	struct vfio_device *device;

	CHECK_EQ(vfio_open_try(subject->bdf, subject->words, &device), 0);
	CHECK_EQ(cfg16(device, PCI_VENDOR_ID), pci_attr_number(subject->bdf, "vendor"));
	CHECK_EQ(cfg16(device, PCI_DEVICE_ID), pci_attr_number(subject->bdf, "device"));
	if (device->info.flags & VFIO_DEVICE_FLAGS_RESET)
		vfio_reset(device);
	cfg_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	for (unsigned int index = 0; index <= VFIO_PCI_MSIX_IRQ_INDEX; index++)
		check_interrupt(device, index);
	if (subject->bar_size[0] && !subject->bar_is_port[0]) {
		uint32_t value;

		CHECK_EQ(vfio_read_try(device, 0, 0, &value, 4), 4);
	}
	vfio_close(device);
}

/*
 * When the eventfd of MSI's first vector is taken away, the kernel's driver has the kernel clear the
 * address that all vectors share; the function's messages then go to address 0.
 */
void expect_messages_to_nowhere(void)
{
	if (driver_is_ours())
		return;
	kmsg_expect("DMAR: DRHD: handling fault status");
	kmsg_expect("DMAR: \\[DMA Write .* fault addr 0x0 ");
}
