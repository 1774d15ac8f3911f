// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices of a machine without an IOMMU, through their own nodes: since 7.3 the administrator can have
 * vfio offer these, as it has long done with groups.
 *
 * edu's DMA engine reaches 256 MiB, and no IOMMU puts memory there.
 *
 * vm-cmdline: mem=256M
 * vm-machine: noiommu-slot
 * vm-drivers: ours kernel
 * vm-seconds: 60
 */
#include <sys/stat.h>

#include "vmtest.h"
#include "edu.h"

#define IOVA		0x100000
#define SIZE		4096
#define PARAMETER	"enable_unsafe_noiommu_mode"
/* What vfio says when a device is opened so, and the kernel of the taint. */
#define WARNINGS	"(vfio-noiommu|Adding kernel taint|.*unsafe).*"

CLEAN_UP
{
	if (module_loaded("vfio"))
		module_parameter_set("vfio", PARAMETER, "N");
}

static void load_and_allow(void)
{
	kmsg_expect(WARNINGS);
	driver_load("disable_idle_d3=1");
	module_parameter_set("vfio", PARAMETER, "Y");
}

TEST_WHEN(kernel_has_cdev, a_device_binds_only_if_the_administrator_wants_it)
{
	const char *bdf = vm_bdf("edu0");

	load_and_allow();
	module_parameter_set("vfio", PARAMETER, "N");
	CHECK_ERR(EINVAL, pci_bind_try(bdf, VFIO_PCI));
	module_parameter_set("vfio", PARAMETER, "Y");
	pci_bind(bdf, VFIO_PCI);
	vfio_close(cdev_open_bound(bdf, iommufd_open()));
}

TEST_WHEN(kernel_has_cdev, a_device_without_an_iommu_works)
{
	const char *bdf = vm_bdf("edu0");
	struct vfio_device *edu;
	int event, usage;

	load_and_allow();
	pci_bind(bdf, VFIO_PCI);
	usage = pm_usage(bdf);
	edu = cdev_open_bound(bdf, iommufd_open());
	CHECK(edu->info.flags & VFIO_DEVICE_FLAGS_PCI);
	CHECK_EQ(cfg32(edu, PCI_VENDOR_ID), 0x11e81234);
	cfg_command(edu, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	CHECK_EQ(vfio_read(edu, 0, EDU_ID, 4), EDU_ID_VALUE);
	event = vfio_irq_event(edu, VFIO_PCI_MSI_IRQ_INDEX);
	vfio_write(edu, 0, EDU_IRQ_RAISE, 1, 4);
	CHECK_EQ(event_wait(event, 5000), 1);
	vfio_close(edu);
	CHECK_EQ(pm_usage(bdf), usage);
}

/* The user tells the device where memory is. */
TEST_WHEN(kernel_has_cdev, memory_of_an_attached_device_has_addresses)
{
	volatile uint32_t *memory;
	struct vfio_device *edu;
	uint64_t physical;
	uint32_t ioas;
	int iommufd;

	load_and_allow();
	pci_bind(vm_bdf("edu0"), VFIO_PCI);
	iommufd = iommufd_open();
	memory = ioas_new_memory(iommufd, &ioas, IOVA, SIZE);
	edu = cdev_open_bound(vm_bdf("edu0"), iommufd);
	cdev_attach(edu, ioas);
	CHECK_EQ(ioas_physical_try(iommufd, ioas, IOVA, &physical), 0);
	CHECK_EQ(physical % SIZE, 0);
	memory[0] = 0x1a7c4;
	edu_copy(edu, physical, physical + 8);
	CHECK_EQ(memory[2], 0x1a7c4);
	CHECK_LT(ioas_physical_try(iommufd, ioas, IOVA + SIZE, &physical), 0);
}

TEST_WHEN(kernel_has_cdev, several_devices_attach_replace_and_detach)
{
	struct vfio_device *edu, *nvme;
	uint32_t ioas, other;
	uint64_t physical;
	int iommufd;

	load_and_allow();
	pci_bind(vm_bdf("edu0"), VFIO_PCI);
	pci_bind(vm_bdf("nvme0"), VFIO_PCI);
	iommufd = iommufd_open();
	ioas_new_memory(iommufd, &ioas, IOVA, SIZE);
	ioas_new_memory(iommufd, &other, IOVA, SIZE);
	edu = cdev_open_bound(vm_bdf("edu0"), iommufd);
	nvme = cdev_open_bound(vm_bdf("nvme0"), iommufd);
	CHECK_NE(edu->devid, nvme->devid);
	cdev_attach(edu, ioas);
	cdev_attach(nvme, ioas);
	cdev_attach(edu, other);
	CHECK_EQ(ioas_physical_try(iommufd, other, IOVA, &physical), 0);
	CHECK_ERR(EBUSY, iommufd_destroy_try(iommufd, other));
	vfio_reset(nvme);
	cdev_detach(edu);
	cdev_detach(nvme);
	CHECK_EQ(iommufd_destroy_try(iommufd, other), 0);
	CHECK_EQ(iommufd_destroy_try(iommufd, ioas), 0);
}

/* Hot reset: each function is in a group of its own, so its user has only what he has opened. */

/* Of two functions, DEVICE's and the other one: the id of that one. */
static uint32_t reported_other(struct vfio_device *device, uint32_t flags)
{
	struct vfio_pci_hot_reset_info *info;

	CHECK_EQ(vfio_hot_reset_info_try(device, &info), 0);
	CHECK_EQ(info->count, 2);
	CHECK_EQ(info->flags, flags);
	CHECK_EQ(info->devices[0].group_id, device->devid);
	return info->devices[1].group_id;
}

static struct vfio_device *open_first_of_slot(int iommufd)
{
	return cdev_open_bound(vm_bdf("testdev0"), iommufd);
}

TEST_WHEN(kernel_has_cdev, a_slot_without_an_iommu_is_reset_by_who_has_opened_all_of_it)
{
	struct vfio_device *one, *two;
	int iommufd;

	load_and_allow();
	pci_bind(vm_bdf("testdev0"), VFIO_PCI);
	pci_bind(vm_bdf("testdev1"), VFIO_PCI);
	iommufd = iommufd_open();
	one = open_first_of_slot(iommufd);
	CHECK_EQ(reported_other(one, HOT_RESET_INFO_DEVIDS), DEVID_NOT_OWNED);
	testdev_mark(one);
	CHECK_ERR(EINVAL, cdev_hot_reset_try(one));
	CHECK(testdev_is_marked(one));

	two = cdev_open_bound(vm_bdf("testdev1"), iommufd_open());
	CHECK_EQ(reported_other(one, HOT_RESET_INFO_DEVIDS), DEVID_NOT_OWNED);
	CHECK_ERR(EINVAL, cdev_hot_reset_try(one));
	CHECK_ERR(EINVAL, cdev_hot_reset_try(two));
	CHECK(testdev_is_marked(one));
	vfio_close(two);

	two = cdev_open_bound(vm_bdf("testdev1"), iommufd);
	CHECK_EQ(reported_other(one, HOT_RESET_INFO_DEVIDS | HOT_RESET_INFO_OWNED), two->devid);
	testdev_mark(two);
	CHECK_EQ(cdev_hot_reset_try(one), 0);
	CHECK(!testdev_is_marked(one));
	CHECK(!testdev_is_marked(two));
}

TEST_WHEN(kernel_has_cdev, a_device_without_an_iommu_is_for_who_may_reach_all_memory)
{
	const char *bdf = vm_bdf("edu0");
	struct vfio_device *edu;

	load_and_allow();
	pci_bind(bdf, VFIO_PCI);
	edu = cdev_open(bdf);
	CHECK_OK(fchmod(edu->fd, 0666));
	vfio_close(edu);
	CHECK_OK(setuid(65534));
	CHECK_ERR(EPERM, cdev_open_try(bdf, &edu));
}
