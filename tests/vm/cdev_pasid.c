// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device does in the name of a PASID has page tables of its own, which its user attaches.
 *
 * vm-machine: pasid
 * vm-drivers: ours kernel
 * vm-seconds: 60
 */
#include "vmtest.h"

#define PASID	1
#define IOVA	0x100000
#define SIZE	4096

#ifndef PCI_EXT_CAP_ID_PASID
#define PCI_EXT_CAP_ID_PASID	0x1b
#endif

static struct vfio_device *witness;
static int iommufd;
static uint32_t ioas, other;

/* Two address spaces, and the device, which is attached to a page table of the first. */
static void open_and_attach(const char *id)
{
	driver_load("disable_idle_d3=1");
	pci_bind(vm_bdf(id), VFIO_PCI);
	iommufd = iommufd_open();
	ioas = ioas_new(iommufd);
	other = ioas_new(iommufd);
	witness = cdev_open_bound(vm_bdf(id), iommufd);
}

static uint32_t attach_for_pasids(void)
{
	uint32_t hwpt = hwpt_new(iommufd, witness->devid, ioas, HWPT_PASID);

	cdev_attach(witness, hwpt);
	return hwpt;
}

TEST_WHEN(kernel_has_cdev, a_pasid_is_attached_replaced_and_detached)
{
	uint32_t own, first, second;

	open_and_attach("witness0");
	own = attach_for_pasids();
	first = hwpt_new(iommufd, witness->devid, other, HWPT_PASID);
	second = hwpt_new(iommufd, witness->devid, other, HWPT_PASID);
	CHECK_EQ(cdev_attach_pasid_try(witness, PASID, first), 0);
	CHECK_ERR(EBUSY, iommufd_destroy_try(iommufd, first));
	CHECK_EQ(cdev_attach_pasid_try(witness, PASID, second), 0);
	CHECK_EQ(iommufd_destroy_try(iommufd, first), 0);
	CHECK_ERR(EBUSY, iommufd_destroy_try(iommufd, second));
	/* The device's own attachment is another one. */
	cdev_detach(witness);
	CHECK_EQ(iommufd_destroy_try(iommufd, own), 0);
	CHECK_ERR(EBUSY, iommufd_destroy_try(iommufd, second));
	CHECK_EQ(cdev_detach_pasid_try(witness, PASID), 0);
	CHECK_EQ(iommufd_destroy_try(iommufd, second), 0);
}

TEST_WHEN(kernel_has_cdev, close_detaches_pasids)
{
	uint32_t hwpt;

	open_and_attach("witness0");
	for (int round = 0; round < 2; round++) {
		attach_for_pasids();
		hwpt = hwpt_new(iommufd, witness->devid, other, HWPT_PASID);
		CHECK_EQ(cdev_attach_pasid_try(witness, PASID, hwpt), 0);
		vfio_close(witness);
		CHECK_EQ(iommufd_destroy_try(iommufd, hwpt), 0);
		witness = cdev_open_bound(vm_bdf("witness0"), iommufd);
	}
}

TEST_WHEN(kernel_has_cdev, pasids_that_cannot_be_are_refused)
{
	uint32_t hwpt, plain;

	open_and_attach("witness0");
	attach_for_pasids();
	hwpt = hwpt_new(iommufd, witness->devid, other, HWPT_PASID);
	plain = hwpt_new(iommufd, witness->devid, other, 0);
	CHECK_LT(cdev_attach_pasid_try(witness, 1 << 20, hwpt), 0);
	CHECK_LT(cdev_attach_pasid_try(witness, PASID, plain), 0);
	CHECK_ERR(ENOENT, cdev_attach_pasid_try(witness, PASID, 1000));
	CHECK_EQ(cdev_attach_pasid_try(witness, PASID, hwpt), 0);
}

TEST_WHEN(kernel_has_cdev, a_function_without_pasids_has_none)
{
	uint32_t hwpt = 0;
	int error;

	open_and_attach("witness1");
	cdev_attach(witness, ioas);
	error = hwpt_new_try(iommufd, witness->devid, other, HWPT_PASID, &hwpt);
	CHECK_LT(cdev_attach_pasid_try(witness, PASID, error ? other : hwpt), 0);
	CHECK_LT(cdev_attach_pasid_try(witness, PASID, ioas), 0);
}

/* Where the host sees the control register of the capability. */
static unsigned int pasid_control(void)
{
	unsigned int at = 0x100;

	while ((real_cfg(witness->bdf, at, 4) & 0xffff) != PCI_EXT_CAP_ID_PASID)
		at = real_cfg(witness->bdf, at, 4) >> 20;
	return at + 6;
}

TEST_WHEN(kernel_has_cdev, the_host_keeps_pasids_enabled)
{
	unsigned int control;

	open_and_attach("witness0");
	control = pasid_control();
	CHECK_EQ(cfg_ext_cap(witness, PCI_EXT_CAP_ID_PASID), 0);
	CHECK_EQ(real_cfg(witness->bdf, control, 2), 1);
	vfio_reset(witness);
	CHECK_EQ(real_cfg(witness->bdf, control, 2), 1);
}

/* With the kernel's driver he can: it only leaves the capability out of the list. */
TEST_WHEN(kernel_has_cdev_and_driver_is_ours, a_user_cannot_disable_the_hosts_pasids)
{
	unsigned int control;

	open_and_attach("witness0");
	control = pasid_control();
	cfg_set16(witness, control, 0);
	CHECK_EQ(real_cfg(witness->bdf, control, 2), 1);
	CHECK_EQ(cfg16(witness, control), 0);
}

static bool dma_arrives(volatile uint32_t *memory)
{
	bool arrives;

	*memory = 0;
	cfg_command(witness, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	vfio_write(witness, 0, WITNESS_DMA_ADDRESS, IOVA, 4);
	vfio_write(witness, 0, WITNESS_DMA_PERIOD, 1, 4);
	arrives = WAIT_UNTIL(*memory, 10000);
	vfio_write(witness, 0, WITNESS_DMA_PERIOD, 0, 4);
	return arrives;
}

TEST_WHEN(kernel_has_cdev, what_is_attached_stays_so_through_a_reset)
{
	uint32_t *memory, own, hwpt;

	open_and_attach("witness0");
	own = attach_for_pasids();
	memory = ioas_memory(iommufd, ioas, IOVA, SIZE);
	hwpt = hwpt_new(iommufd, witness->devid, other, HWPT_PASID);
	CHECK_EQ(cdev_attach_pasid_try(witness, PASID, hwpt), 0);
	CHECK(dma_arrives(memory));
	vfio_reset(witness);
	CHECK(dma_arrives(memory));
	CHECK_ERR(EBUSY, iommufd_destroy_try(iommufd, own));
	CHECK_ERR(EBUSY, iommufd_destroy_try(iommufd, hwpt));
	CHECK_EQ(cdev_detach_pasid_try(witness, PASID), 0);
	CHECK(dma_arrives(memory));
}

static void reset_often(void *device)
{
	for (int n = 0; n < 20; n++)
		vfio_reset(device);
}

TEST_WHEN(kernel_has_cdev, attachments_and_resets_may_meet)
{
	unsigned int n = 0;
	uint32_t *memory;
	int status, error;
	pid_t child;

	open_and_attach("witness0");
	memory = ioas_memory(iommufd, ioas, IOVA, SIZE);
	child = child_start(reset_often, witness);
	while (!waitpid(child, &status, WNOHANG)) {
		error = cdev_attach_try(witness, n++ % 2 ? ioas : other);
		/* The kernel refuses it during the reset of a function that translates by itself (ATS). */
		if (error != -EBUSY)
			CHECK_EQ(error, 0);
		pause_ms(5);
	}
	CHECK_EQ(status, 0);
	CHECK_GT(n, 20);
	cdev_attach(witness, ioas);
	CHECK(dma_arrives(memory));
}
