// SPDX-License-Identifier: GPL-2.0-only
#include "testdev.h"

#include "module.h"
#include "pci.h"
#include "test.h"
#include "vfio.h"
#include "vm.h"

const char * const slot_ids[SLOT_SIZE] = { "nic1", "testdev1", "testdev2" };

void testdev_mark(struct vfio_device *testdev)
{
	cfg_command(testdev, PCI_COMMAND_MEMORY, 0);
	vfio_write(testdev, 0, 0, 0, 1);
	CHECK_NE(vfio_read(testdev, 0, 4, 4), 0);
}

bool testdev_is_marked(struct vfio_device *testdev)
{
	cfg_command(testdev, PCI_COMMAND_MEMORY, 0);
	return vfio_read(testdev, 0, 4, 4);
}

void slot_bind(void)
{
	driver_load(NULL);
	for (int n = 0; n < SLOT_SIZE; n++)
		pci_bind(vm_bdf(slot_ids[n]), VFIO_PCI);
}

void slot_open(struct vfio_device **devices)
{
	slot_bind();
	devices[0] = vfio_open(vm_bdf(slot_ids[0]));
	for (int n = 1; n < SLOT_SIZE; n++)
		devices[n] = vfio_open_with(devices[0], vm_bdf(slot_ids[n]));
}
