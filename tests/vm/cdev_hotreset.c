// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hot resets by who has devices through their own nodes: he owns what is bound to his iommufd, and what
 * is in an IOMMU group with that.
 *
 * vm-machine: resets
 * vm-drivers: ours kernel
 * vm-seconds: 60
 */
#include "vmtest.h"

static void open_slot(struct vfio_device **devices, int iommufd)
{
	for (int n = 0; n < SLOT_SIZE; n++)
		devices[n] = cdev_open_bound(vm_bdf(slot_ids[n]), iommufd);
}

static struct vfio_pci_hot_reset_info *reset_info(struct vfio_device *device)
{
	struct vfio_pci_hot_reset_info *info;

	CHECK_EQ(vfio_hot_reset_info_try(device, &info), 0);
	CHECK(info->flags & HOT_RESET_INFO_DEVIDS);
	return info;
}

/* The number that DEVICE's user is told for the function BDF. */
static uint32_t reported_id(struct vfio_device *device, const char *bdf)
{
	struct vfio_pci_hot_reset_info *info = reset_info(device);
	char name[32];

	for (unsigned int n = 0; n < info->count; n++) {
		const struct vfio_pci_dependent_device *entry = &info->devices[n];

		snprintf(name, sizeof(name), "%04x:%02x:%02x.%x", entry->segment, entry->bus,
			 entry->devfn >> 3, entry->devfn & 7);
		if (!strcmp(name, bdf))
			return entry->group_id;
	}
	FAIL("%s is not in the list of %u", bdf, info->count);
}

static bool owns_all(struct vfio_device *device)
{
	return reset_info(device)->flags & HOT_RESET_INFO_OWNED;
}

/* Owned */

TEST_WHEN(kernel_has_cdev, info_has_the_ids_of_opened_functions)
{
	struct vfio_device *devices[SLOT_SIZE];

	slot_bind();
	open_slot(devices, iommufd_open());
	for (int n = 0; n < SLOT_SIZE; n++) {
		CHECK_EQ(reset_info(devices[n])->count, SLOT_SIZE);
		CHECK(owns_all(devices[n]));
		for (int other = 0; other < SLOT_SIZE; other++)
			CHECK_EQ(reported_id(devices[n], vm_bdf(slot_ids[other])),
				 devices[other]->devid);
	}
}

TEST_WHEN(kernel_has_cdev, functions_that_one_user_has_opened_are_reset)
{
	struct vfio_device *devices[SLOT_SIZE];

	slot_bind();
	open_slot(devices, iommufd_open());
	for (int round = 0; round < SLOT_SIZE; round++) {
		testdev_mark(devices[1]);
		testdev_mark(devices[2]);
		cfg_command(devices[0], PCI_COMMAND_MEMORY, 0);
		vfio_write(devices[0], 0, 0x100, 4, 4);		/* receive control */
		CHECK_EQ(cdev_hot_reset_try(devices[round]), 0);
		CHECK(!testdev_is_marked(devices[1]));
		CHECK(!testdev_is_marked(devices[2]));
		cfg_command(devices[0], PCI_COMMAND_MEMORY, 0);
		CHECK_EQ(vfio_read(devices[0], 0, 0x100, 4), 0);
	}
}

TEST_WHEN(kernel_has_cdev, functions_that_are_bound_and_closed_belong_to_who_has_their_group)
{
	struct vfio_device *testdev, *other;
	int iommufd;

	slot_bind();
	iommufd = iommufd_open();
	testdev = cdev_open_bound(vm_bdf("testdev1"), iommufd);
	testdev_mark(testdev);
	CHECK_EQ(reported_id(testdev, vm_bdf("testdev1")), testdev->devid);
	CHECK_EQ(reported_id(testdev, vm_bdf("testdev2")), DEVID_OWNED);
	CHECK_EQ(reported_id(testdev, vm_bdf("nic1")), DEVID_OWNED);
	CHECK(owns_all(testdev));
	other = cdev_open_bound(vm_bdf("testdev2"), iommufd);
	testdev_mark(other);
	close(other->fd);
	CHECK_EQ(cdev_hot_reset_try(testdev), 0);
	CHECK(!testdev_is_marked(testdev));
	CHECK(!testdev_is_marked(cdev_open_bound(vm_bdf("testdev2"), iommufd)));
}

TEST_WHEN(kernel_has_cdev, a_function_that_is_alone_is_reset)
{
	struct vfio_device *testdev;

	driver_load(NULL);
	pci_bind(vm_bdf("testdev0"), VFIO_PCI);
	testdev = cdev_open_bound(vm_bdf("testdev0"), iommufd_open());
	CHECK_EQ(reset_info(testdev)->count, 1);
	CHECK(owns_all(testdev));
	CHECK_EQ(reported_id(testdev, testdev->bdf), testdev->devid);
	testdev_mark(testdev);
	CHECK_EQ(cdev_hot_reset_try(testdev), 0);
	CHECK(!testdev_is_marked(testdev));
}

TEST_WHEN(kernel_has_cdev, a_function_stays_attached_through_a_reset)
{
	struct vfio_device *devices[SLOT_SIZE];
	uint32_t ioas;
	int iommufd;

	slot_bind();
	iommufd = iommufd_open();
	ioas = ioas_new(iommufd);
	open_slot(devices, iommufd);
	for (int n = 0; n < SLOT_SIZE; n++)
		cdev_attach(devices[n], ioas);
	CHECK_EQ(cdev_hot_reset_try(devices[1]), 0);
	CHECK_ERR(EBUSY, iommufd_destroy_try(iommufd, ioas));
	for (int n = 0; n < SLOT_SIZE; n++)
		cdev_detach(devices[n]);
	CHECK_EQ(iommufd_destroy_try(iommufd, ioas), 0);
}

/* Not owned */

TEST_WHEN(kernel_has_cdev, an_unbound_function_prevents_it)
{
	struct vfio_device *testdev;

	slot_bind();
	testdev = cdev_open_bound(vm_bdf("testdev1"), iommufd_open());
	testdev_mark(testdev);
	pci_unbind(vm_bdf("testdev2"));
	CHECK_EQ(reported_id(testdev, vm_bdf("testdev2")), DEVID_NOT_OWNED);
	CHECK(!owns_all(testdev));
	CHECK_ERR(EINVAL, cdev_hot_reset_try(testdev));
	CHECK(testdev_is_marked(testdev));
	pci_bind(vm_bdf("testdev2"), VFIO_PCI);
	CHECK(owns_all(testdev));
	CHECK_EQ(cdev_hot_reset_try(testdev), 0);
	CHECK(!testdev_is_marked(testdev));
}

static const uint8_t token[16] = { 0xb3, 0xa1 };

/* VFs are on the bus of their PF, each in a group of its own. */
static struct vfio_device *open_pf_with_a_vf(int *iommufd, const char **vf)
{
	const char *bdf = vm_bdf("nvme0");
	struct vfio_device *pf;

	/* QEMU's PF loses its VFs for good when it is reset. */
	pci_attr_set(bdf, "reset_method", "\n");
	driver_load("enable_sriov=1 disable_idle_d3=1");
	pci_bind(bdf, VFIO_PCI);
	*iommufd = iommufd_open();
	CHECK_EQ(cdev_open_bound_try(bdf, *iommufd, token, &pf), 0);
	pci_set_vfs(bdf, 1);
	*vf = pci_vf(bdf, 0);
	pci_bind(*vf, VFIO_PCI);
	CHECK_NE(pci_group(bdf), pci_group(*vf));
	return pf;
}

static struct vfio_device *open_vf(const char *vf, int iommufd)
{
	struct vfio_device *virtual;

	CHECK_EQ(cdev_open_bound_try(vf, iommufd, token, &virtual), 0);
	return virtual;
}

TEST_WHEN(kernel_has_cdev, a_vf_of_another_context_prevents_it)
{
	struct vfio_device *pf, *virtual;
	const char *vf;
	int iommufd;

	pf = open_pf_with_a_vf(&iommufd, &vf);
	CHECK_EQ(reset_info(pf)->count, 2);
	CHECK_EQ(reported_id(pf, pf->bdf), pf->devid);
	CHECK_EQ(reported_id(pf, vf), DEVID_NOT_OWNED);
	CHECK(!owns_all(pf));
	CHECK_ERR(EINVAL, cdev_hot_reset_try(pf));
	virtual = open_vf(vf, iommufd_open());
	CHECK_EQ(reported_id(pf, vf), DEVID_NOT_OWNED);
	CHECK(!owns_all(pf));
	CHECK_ERR(EINVAL, cdev_hot_reset_try(pf));
	CHECK_EQ(cfg32(virtual, PCI_CLASS_REVISION) >> 8, 0x010802);
	CHECK_EQ(cfg32(pf, PCI_CLASS_REVISION) >> 8, 0x010802);
}

TEST_WHEN(kernel_has_cdev, a_bus_with_vfs_is_not_reset_even_for_who_owns_them_all)
{
	struct vfio_device *pf, *virtual;
	int iommufd;
	const char *vf;

	pf = open_pf_with_a_vf(&iommufd, &vf);
	virtual = open_vf(vf, iommufd);
	test_note("PF is told %#x, owned %d", reported_id(pf, vf), owns_all(pf));
	CHECK_ERR(EINVAL, cdev_hot_reset_try(pf));
	CHECK_LT(cdev_hot_reset_try(virtual), 0);
	CHECK_EQ(cfg32(virtual, PCI_CLASS_REVISION) >> 8, 0x010802);
	cfg_command(pf, PCI_COMMAND_MEMORY, 0);
	CHECK_NE(vfio_read(pf, 0, 8, 4), 0xffffffff);
}

/* Proofs are for users of groups. */
TEST_WHEN(kernel_has_cdev, descriptors_are_refused)
{
	struct vfio_device *devices[SLOT_SIZE];
	int iommufd, group;

	slot_bind();
	group = vfio_bind_and_open(vm_bdf("testdev0"))->group;
	iommufd = iommufd_open();
	open_slot(devices, iommufd);
	testdev_mark(devices[1]);
	CHECK_ERR(EINVAL, vfio_hot_reset_try(devices[1], &devices[1]->fd, 1));
	CHECK_ERR(EINVAL, vfio_hot_reset_try(devices[1], &iommufd, 1));
	CHECK_ERR(EINVAL, vfio_hot_reset_try(devices[1], &group, 1));
	CHECK(testdev_is_marked(devices[1]));
	CHECK_EQ(cdev_hot_reset_try(devices[1]), 0);
	CHECK(!testdev_is_marked(devices[1]));
}

/* So nobody else can have a function that a hot reset affects. */
TEST_WHEN(kernel_has_cdev, functions_of_one_group_have_one_user)
{
	struct vfio_device *testdev, *other;
	int iommufd;

	slot_bind();
	iommufd = iommufd_open();
	testdev = cdev_open_bound(vm_bdf("testdev1"), iommufd);
	CHECK_LT(cdev_open_bound_try(vm_bdf("testdev2"), iommufd_open(), NULL, &other), 0);
	CHECK_LT(vfio_open_try(vm_bdf("testdev2"), vm_bdf("testdev2"), &other), 0);
	CHECK(owns_all(testdev));
	testdev_mark(testdev);
	CHECK_EQ(cdev_hot_reset_try(testdev), 0);
	CHECK(!testdev_is_marked(testdev));
	vfio_close(testdev);

	testdev = vfio_open(vm_bdf("testdev1"));
	CHECK_LT(cdev_open_bound_try(vm_bdf("testdev2"), iommufd, NULL, &other), 0);
}

/* Functions without a reset of their own, at the last close of the slot */

TEST_WHEN(kernel_has_cdev, last_close_of_a_slot_resets_what_has_no_reset)
{
	struct vfio_device *devices[SLOT_SIZE], *testdev;
	int iommufd;

	slot_bind();
	iommufd = iommufd_open();
	open_slot(devices, iommufd);
	testdev_mark(devices[1]);
	testdev_mark(devices[2]);
	vfio_close(devices[1]);
	testdev = cdev_open_bound(vm_bdf("testdev1"), iommufd);
	/* The others are still open: the reset was not possible. */
	CHECK(testdev_is_marked(testdev));
	vfio_close(testdev);
	vfio_close(devices[2]);
	vfio_close(devices[0]);
	CHECK(!testdev_is_marked(cdev_open_bound(vm_bdf("testdev1"), iommufd)));
	CHECK(!testdev_is_marked(cdev_open_bound(vm_bdf("testdev2"), iommufd)));
}
