// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that are opened by their own nodes and bound to an iommufd, which only kernels with iommufd
 * have. Debian's do not.
 *
 * vm-machine: default
 * vm-drivers: ours kernel
 * vm-seconds: 60
 */
#include "vmtest.h"
#include "edu.h"

#define IOVA		0x100000
#define SIZE		4096
#define DMA_FAULT	"DMAR: .*"

/* Whether a copy within the first page of MEMORY, at IOVA, is seen there. */
static bool edu_reaches(struct vfio_device *edu, volatile uint32_t *memory)
{
	static uint32_t pattern = 0x1a7c4000;

	memory[0] = ++pattern;
	edu_copy(edu, IOVA, IOVA + 8);
	return memory[2] == pattern;
}

static void load_and_bind(const char *id)
{
	driver_load("disable_idle_d3=1");
	pci_bind(vm_bdf(id), VFIO_PCI);
}

/* Bind to an iommufd */

TEST_WHEN(kernel_has_cdev, nothing_can_be_done_before_the_bind)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_device *edu;
	char bytes[4];
	int iommufd;

	load_and_bind("edu0");
	iommufd = iommufd_open();
	edu = cdev_open(vm_bdf("edu0"));
	CHECK_ERRNO(EINVAL, ioctl(edu->fd, VFIO_DEVICE_GET_INFO, &info));
	CHECK_ERRNO(EINVAL, ioctl(edu->fd, VFIO_DEVICE_RESET));
	CHECK_ERRNO(EINVAL, pread(edu->fd, bytes, 4, 0));
	CHECK_ERRNO(EINVAL, pwrite(edu->fd, bytes, 4, 0));
	CHECK(mmap(NULL, SIZE, PROT_READ, MAP_SHARED, edu->fd, 0) == MAP_FAILED);
	CHECK_ERR(EINVAL, cdev_attach_try(edu, ioas_new(iommufd)));
	cdev_bind(edu, iommufd);
	CHECK_OK(ioctl(edu->fd, VFIO_DEVICE_GET_INFO, &info));
}

TEST_WHEN(kernel_has_cdev, a_bound_device_works)
{
	int event = event_new();
	struct vfio_device *edu;
	volatile uint32_t *bar;

	load_and_bind("edu0");
	edu = cdev_open_bound(vm_bdf("edu0"), iommufd_open());
	CHECK_NE(edu->devid, 0);
	CHECK(edu->info.flags & VFIO_DEVICE_FLAGS_PCI);
	CHECK_EQ(cfg32(edu, PCI_VENDOR_ID), 0x11e81234);
	cfg_command(edu, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	CHECK_EQ(vfio_read(edu, 0, EDU_ID, 4), EDU_ID_VALUE);
	bar = vfio_mmap(edu, 0, 0, SIZE, PROT_READ | PROT_WRITE);
	CHECK(bar != MAP_FAILED);
	CHECK_EQ(bar[0], EDU_ID_VALUE);
	vfio_irq_eventfd(edu, VFIO_PCI_MSI_IRQ_INDEX, 0, event);
	vfio_write(edu, 0, EDU_IRQ_RAISE, 1, 4);
	CHECK_EQ(event_wait(event, 5000), 1);
	vfio_write(edu, 0, EDU_IRQ_ACK, 1, 4);
}

TEST_WHEN(kernel_has_cdev, a_bind_that_fails_leaves_the_device_as_it_was)
{
	const char *bdf = vm_bdf("edu0");
	int usage, no_iommufd = CHECK_OK(open("/dev/null", O_RDWR));
	struct vfio_device *edu;

	driver_load(NULL);
	pci_bind(bdf, VFIO_PCI);
	usage = pm_usage(bdf);
	edu = cdev_open(bdf);
	CHECK_LT(cdev_bind_try(edu, no_iommufd, NULL), 0);
	CHECK_LT(cdev_bind_try(edu, -1, NULL), 0);
	CHECK_LT(cdev_bind_try(edu, iommufd_open(), (void *)8), 0);
	CHECK_EQ(pm_usage(bdf), usage);
	cdev_bind(edu, iommufd_open());
	CHECK_EQ(pm_usage(bdf), usage + 1);
	CHECK_LT(cdev_bind_try(edu, iommufd_open(), NULL), 0);
	CHECK_EQ(cfg32(edu, PCI_VENDOR_ID), 0x11e81234);
	vfio_close(edu);
	CHECK_EQ(pm_usage(bdf), usage);
	vfio_close(vfio_open(bdf));
}

TEST_WHEN(kernel_has_cdev, a_device_has_one_user_through_its_node_or_its_group)
{
	struct vfio_device *edu, *other, *group;
	const char *bdf = vm_bdf("edu0");
	int iommufd;

	load_and_bind("edu0");
	iommufd = iommufd_open();
	edu = cdev_open_bound(bdf, iommufd);
	other = cdev_open(bdf);
	CHECK_LT(cdev_bind_try(other, iommufd, NULL), 0);
	CHECK_LT(vfio_open_try(bdf, bdf, &group), 0);
	vfio_close(edu);
	cdev_bind(other, iommufd);
	vfio_close(other);
	group = vfio_open(bdf);
	CHECK_LT(cdev_open_bound_try(bdf, iommufd, NULL, &other), 0);
	vfio_close(group);
	vfio_close(cdev_open_bound(bdf, iommufd));
}

/* The child has a copy of the device's file. */
static void close_and_unbind(void *data)
{
	struct vfio_device *device = data;

	close(device->fd);
	pci_unbind(device->bdf);
}

TEST_WHEN(kernel_has_cdev, an_unbind_asks_for_the_device_and_waits_for_its_user)
{
	const char *bdf = vm_bdf("edu0");
	struct vfio_device *edu;
	pid_t child;
	int event;

	load_and_bind("edu0");
	edu = cdev_open_bound(bdf, iommufd_open());
	event = vfio_irq_event(edu, VFIO_PCI_REQ_IRQ_INDEX);
	child = child_start(close_and_unbind, edu);
	CHECK_GE(event_wait(event, 20000), 1);
	CHECK_EQ(cfg32(edu, PCI_VENDOR_ID), 0x11e81234);
	CHECK_EQ(waitpid(child, NULL, WNOHANG), 0);
	vfio_close(edu);
	child_check_ends("the unbind", child);
	CHECK_STR(pci_driver(bdf), "");
}

/* Attach, replace, detach */

TEST_WHEN(kernel_has_cdev, dma_goes_where_the_attached_address_space_says)
{
	uint32_t *first, *second, ioas, other;
	struct vfio_device *edu;
	int iommufd;

	load_and_bind("edu0");
	iommufd = iommufd_open();
	first = ioas_new_memory(iommufd, &ioas, IOVA, SIZE);
	second = ioas_new_memory(iommufd, &other, IOVA, SIZE);
	edu = cdev_open_bound(vm_bdf("edu0"), iommufd);
	cdev_attach(edu, ioas);
	CHECK(edu_reaches(edu, first));
	CHECK_EQ(second[2], 0);

	/* In its place, without a detach, and back. */
	cdev_attach(edu, other);
	first[2] = 0;
	CHECK(edu_reaches(edu, second));
	CHECK_EQ(first[2], 0);
	cdev_attach(edu, ioas);
	CHECK(edu_reaches(edu, first));

	/* What is in use cannot be destroyed. */
	CHECK_ERR(EBUSY, iommufd_destroy_try(iommufd, ioas));
	CHECK_EQ(iommufd_destroy_try(iommufd, other), 0);
	cdev_detach(edu);
	CHECK_EQ(iommufd_destroy_try(iommufd, ioas), 0);
}

TEST_WHEN(kernel_has_cdev, a_page_table_can_take_the_place_of_an_address_space)
{
	uint32_t *first, *second, ioas, other, hwpt;
	struct vfio_device *edu;
	int iommufd;

	load_and_bind("edu0");
	iommufd = iommufd_open();
	first = ioas_new_memory(iommufd, &ioas, IOVA, SIZE);
	second = ioas_new_memory(iommufd, &other, IOVA, SIZE);
	edu = cdev_open_bound(vm_bdf("edu0"), iommufd);
	hwpt = hwpt_new(iommufd, edu->devid, other, 0);
	cdev_attach(edu, ioas);
	CHECK(edu_reaches(edu, first));
	cdev_attach(edu, hwpt);
	CHECK(edu_reaches(edu, second));
	CHECK_ERR(EBUSY, iommufd_destroy_try(iommufd, hwpt));
	cdev_attach(edu, ioas);
	CHECK_EQ(iommufd_destroy_try(iommufd, hwpt), 0);
	CHECK(edu_reaches(edu, first));
}

TEST_WHEN(kernel_has_cdev, a_detached_device_reaches_no_memory)
{
	struct vfio_device *edu;
	uint32_t *memory, ioas;
	int iommufd;

	load_and_bind("edu0");
	iommufd = iommufd_open();
	memory = ioas_new_memory(iommufd, &ioas, IOVA, SIZE);
	edu = cdev_open_bound(vm_bdf("edu0"), iommufd);
	kmsg_expect(DMA_FAULT);
	CHECK(!edu_reaches(edu, memory));
	cdev_attach(edu, ioas);
	CHECK(edu_reaches(edu, memory));
	cdev_detach(edu);
	CHECK(!edu_reaches(edu, memory));
	CHECK_EQ(cdev_detach_try(edu), 0);
	cdev_attach(edu, ioas);
	CHECK(edu_reaches(edu, memory));
}

TEST_WHEN(kernel_has_cdev, what_cannot_be_attached_changes_nothing)
{
	struct vfio_device *edu;
	uint32_t *memory, ioas;
	int iommufd;

	load_and_bind("edu0");
	iommufd = iommufd_open();
	memory = ioas_new_memory(iommufd, &ioas, IOVA, SIZE);
	edu = cdev_open_bound(vm_bdf("edu0"), iommufd);
	CHECK_ERR(ENOENT, cdev_attach_try(edu, 1000));
	CHECK_LT(cdev_attach_try(edu, edu->devid), 0);
	cdev_attach(edu, ioas);
	CHECK_ERR(ENOENT, cdev_attach_try(edu, 1000));
	CHECK_LT(cdev_attach_try(edu, edu->devid), 0);
	CHECK_LT(cdev_attach_pasid_try(edu, 1, ioas), 0);
	CHECK(edu_reaches(edu, memory));
}

TEST_WHEN(kernel_has_cdev, mappings_come_and_go_while_the_device_is_attached)
{
	struct vfio_device *edu;
	uint32_t *memory, ioas;
	int iommufd;

	load_and_bind("edu0");
	iommufd = iommufd_open();
	ioas = ioas_new(iommufd);
	edu = cdev_open_bound(vm_bdf("edu0"), iommufd);
	cdev_attach(edu, ioas);
	memory = ioas_memory(iommufd, ioas, IOVA, SIZE);
	CHECK(edu_reaches(edu, memory));
	ioas_unmap(iommufd, ioas, IOVA, SIZE);
	kmsg_expect(DMA_FAULT);
	CHECK(!edu_reaches(edu, memory));
	CHECK_EQ(ioas_map_try(iommufd, ioas, memory, IOVA, SIZE), 0);
	CHECK(edu_reaches(edu, memory));
}

/* The next user of the node gets a device that is attached to nothing. */
TEST_WHEN(kernel_has_cdev, close_detaches)
{
	struct vfio_device *edu;
	uint32_t *memory, ioas;
	int iommufd;

	load_and_bind("edu0");
	iommufd = iommufd_open();
	memory = ioas_new_memory(iommufd, &ioas, IOVA, SIZE);
	for (int round = 0; round < 2; round++) {
		edu = cdev_open_bound(vm_bdf("edu0"), iommufd);
		kmsg_expect(DMA_FAULT);
		CHECK(!edu_reaches(edu, memory));
		cdev_attach(edu, ioas);
		CHECK(edu_reaches(edu, memory));
		vfio_close(edu);
	}
	CHECK_EQ(iommufd_destroy_try(iommufd, ioas), 0);
}

/* The files of a context may be closed in any order. */
TEST_WHEN(kernel_has_cdev, a_context_lives_as_long_as_its_devices)
{
	struct vfio_device *edu;
	uint32_t *memory, ioas;
	int iommufd;

	load_and_bind("edu0");
	iommufd = iommufd_open();
	memory = ioas_new_memory(iommufd, &ioas, IOVA, SIZE);
	edu = cdev_open_bound(vm_bdf("edu0"), iommufd);
	cdev_attach(edu, ioas);
	close(iommufd);
	CHECK(edu_reaches(edu, memory));
	vfio_close(edu);
	vfio_close(cdev_open_bound(vm_bdf("edu0"), iommufd_open()));
}

/* Several devices */

TEST_WHEN(kernel_has_cdev, devices_of_one_context_share_an_address_space)
{
	struct vfio_device *one, *two, *nvme;
	uint32_t *memory, ioas;
	int iommufd;

	load_and_bind("edu0");
	pci_bind(vm_bdf("edu1"), VFIO_PCI);
	pci_bind(vm_bdf("nvme1"), VFIO_PCI);
	iommufd = iommufd_open();
	memory = ioas_new_memory(iommufd, &ioas, IOVA, SIZE);
	one = cdev_open_bound(vm_bdf("edu0"), iommufd);
	two = cdev_open_bound(vm_bdf("edu1"), iommufd);
	nvme = cdev_open_bound(vm_bdf("nvme1"), iommufd);
	CHECK_NE(one->devid, two->devid);
	CHECK_NE(one->devid, nvme->devid);
	cdev_attach(one, ioas);
	cdev_attach(two, ioas);
	cdev_attach(nvme, ioas);
	CHECK(edu_reaches(one, memory));
	CHECK(edu_reaches(two, memory));
	vfio_close(one);
	vfio_reset(nvme);
	CHECK(edu_reaches(two, memory));
	vfio_close(nvme);
	CHECK(edu_reaches(two, memory));
}

TEST_WHEN(kernel_has_cdev, devices_of_one_context_have_address_spaces_of_their_own)
{
	uint32_t *first, *second, ioas, other;
	struct vfio_device *one, *two;
	int iommufd;

	load_and_bind("edu0");
	pci_bind(vm_bdf("edu1"), VFIO_PCI);
	iommufd = iommufd_open();
	first = ioas_new_memory(iommufd, &ioas, IOVA, SIZE);
	second = ioas_new_memory(iommufd, &other, IOVA, SIZE);
	one = cdev_open_bound(vm_bdf("edu0"), iommufd);
	two = cdev_open_bound(vm_bdf("edu1"), iommufd);
	cdev_attach(one, ioas);
	cdev_attach(two, other);
	CHECK(edu_reaches(one, first));
	CHECK_EQ(second[2], 0);
	CHECK(edu_reaches(two, second));
	cdev_attach(one, other);
	CHECK(edu_reaches(one, second));
	cdev_detach(two);
	CHECK(edu_reaches(one, second));
}

TEST_WHEN(kernel_has_cdev, a_device_cannot_be_attached_to_another_contexts_address_space)
{
	struct vfio_device *edu;
	uint32_t ioas;
	int own, other;

	load_and_bind("edu0");
	own = iommufd_open();
	other = iommufd_open();
	for (int n = 0; n < 8; n++)
		ioas = ioas_new(other);
	edu = cdev_open_bound(vm_bdf("edu0"), own);
	CHECK_ERR(ENOENT, cdev_attach_try(edu, ioas));
}

/* VF tokens. No kernel before 6.17 passes the token to drivers. */

static const uint8_t token[16] = { 0xb3, 0xa1 }, other_token[16] = { 0x11, 0x22 };
#define TOKEN_WORDS " vf_token=b3a10000-0000-0000-0000-000000000000"
static char *pf, *vf;

/* To a context of its own. Returns 0 or a negative errno. */
static int bind_node(const char *bdf, const uint8_t *uuid, struct vfio_device **device)
{
	struct vfio_device *ignored;
	int iommufd = iommufd_open();
	int error = cdev_open_bound_try(bdf, iommufd, uuid, device ?: &ignored);

	close(iommufd);
	return error;
}

static void bind_pf(void)
{
	/* QEMU's PF loses its VFs for good when it is reset. */
	pci_attr_set(vm_bdf("nvme0"), "reset_method", "\n");
	driver_load("enable_sriov=1 disable_idle_d3=1");
	pf = strdup(vm_bdf("nvme0"));
	pci_bind(pf, VFIO_PCI);
}

static void make_vf(void)
{
	pci_set_vfs(pf, 1);
	vf = strdup(pci_vf(pf, 0));
	pci_bind(vf, VFIO_PCI);
}

TEST_WHEN(kernel_has_cdev, a_vf_opens_with_its_pfs_token_only)
{
	struct vfio_device *device;

	bind_pf();
	CHECK_EQ(bind_node(pf, token, &device), 0);
	make_vf();
	CHECK_EQ(bind_node(vf, NULL, NULL), -EACCES);
	CHECK_EQ(bind_node(vf, other_token, NULL), -EACCES);
	CHECK_EQ(bind_node(vf, token, NULL), 0);
	vfio_close(device);
	CHECK_EQ(bind_node(pf, NULL, NULL), -EACCES);
	CHECK_EQ(bind_node(pf, other_token, NULL), -EACCES);
	CHECK_EQ(bind_node(pf, token, NULL), 0);
}

TEST_WHEN(kernel_has_cdev, a_pfs_user_sets_the_token_of_the_nodes_of_its_vfs)
{
	struct vfio_device *device;

	bind_pf();
	CHECK_EQ(bind_node(pf, NULL, &device), 0);
	CHECK_EQ(vfio_set_vf_token_try(device, other_token), 0);
	make_vf();
	CHECK_EQ(bind_node(vf, token, NULL), -EACCES);
	CHECK_EQ(bind_node(vf, other_token, NULL), 0);
}

TEST_WHEN(kernel_has_cdev, a_token_is_one_for_nodes_and_groups)
{
	struct vfio_device *device, *virtual;

	bind_pf();
	CHECK_EQ(vfio_open_words_try(pf, TOKEN_WORDS, &device), 0);
	make_vf();
	CHECK_EQ(bind_node(vf, other_token, NULL), -EACCES);
	CHECK_EQ(bind_node(vf, token, &virtual), 0);
	vfio_close(virtual);
	vfio_close(device);
	CHECK_EQ(bind_node(pf, token, NULL), 0);
	CHECK_ERR(EACCES, vfio_open_words_try(vf, "", &virtual));
	CHECK_EQ(vfio_open_words_try(vf, TOKEN_WORDS, &virtual), 0);
}

TEST_WHEN(kernel_has_cdev, a_token_that_nobody_needs_is_refused)
{
	load_and_bind("edu0");
	CHECK_EQ(bind_node(vm_bdf("edu0"), token, NULL), -EINVAL);
	CHECK_EQ(bind_node(vm_bdf("edu0"), NULL, NULL), 0);
}

/* The kernel's driver takes the token of the bind that fails. */
TEST_WHEN(kernel_has_cdev_and_driver_is_ours,
	  a_bind_of_an_open_pf_that_fails_does_not_change_its_token)
{
	bind_pf();
	CHECK_EQ(bind_node(pf, token, NULL), 0);
	make_vf();
	CHECK_LT(bind_node(pf, other_token, NULL), 0);
	CHECK_EQ(bind_node(vf, other_token, NULL), -EACCES);
	CHECK_EQ(bind_node(vf, token, NULL), 0);
}

/* With the kernel's driver the token of the last client opens it. */
TEST_WHEN(kernel_has_cdev_and_driver_is_ours, a_pf_without_token_keeps_its_vfs_closed)
{
	struct vfio_device *device;

	bind_pf();
	CHECK_EQ(bind_node(pf, token, &device), 0);
	make_vf();
	vfio_close(device);
	CHECK_EQ(bind_node(pf, NULL, NULL), 0);
	CHECK_EQ(bind_node(vf, token, NULL), -EACCES);
	CHECK_LT(bind_node(pf, token, NULL), 0);
	CHECK_EQ(bind_node(vf, token, NULL), -EACCES);
}
