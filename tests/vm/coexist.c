// SPDX-License-Identifier: GPL-2.0-only
/*
 * Our modules beside the kernel's own vfio-pci-core and vfio-pci.
 *
 * The kernel's vfio-pci has the same name as ours, so that only one of them can be loaded. For the
 * tests that need both it is loaded under another name: its image is patched in memory.
 *
 * vm-machine: switch
 * vm-drivers: ours
 */
#include <sys/syscall.h>

#include "vmtest.h"

#define RENAMED_MODULE	"vfio_pcx"
#define RENAMED_DRIVER	"vfio-pcx"

static void unload_if_loaded(const char *name)
{
	if (module_loaded(name))
		module_unload(name);
}

CLEAN_UP {
	static const char * const ids[] = { "nic0", "edu0", "nvme0", "nic1", "nic2", "edu1", "edu2" };

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (!strcmp(pci_driver(vm_bdf(ids[i])), RENAMED_DRIVER))
			pci_unbind(vm_bdf(ids[i]));
	unload_if_loaded(RENAMED_MODULE);
}

static void replace_all(char *data, size_t size, const char *old, const char *new)
{
	size_t length = strlen(old) + 1;
	char *end = data + size, *found;
	int count = 0;

	while ((found = memmem(data, end - data, old, length))) {
		memcpy(found, new, length);
		data = found + length;
		count++;
	}
	CHECK_GT(count, 0);
}

/* The size before the signature's last bytes: without these a module counts as unsigned. */
static size_t size_unsigned(const char *image, size_t size)
{
	static const char mark[] = "~Module signature appended~\n";
	const size_t length = sizeof(mark) - 1;

	return size > length && !memcmp(image + size - length, mark, length) ? size - length : size;
}

/* The kernel's vfio-pci as the module vfio_pcx with the driver vfio-pcx. */
static void load_renamed(void)
{
	int fd = CHECK_OK(open("/modules/kernel/vfio_pci.ko", O_RDONLY));
	size_t size = CHECK_OK(lseek(fd, 0, SEEK_END));
	char *image = malloc(size);

	CHECK_EQ(pread(fd, image, size, 0), size);
	close(fd);
	replace_all(image, size, "vfio_pci", RENAMED_MODULE);
	replace_all(image, size, "vfio-pci", RENAMED_DRIVER);
	module_load("base", "vfio_iommu_type1", NULL);
	module_load("kernel", "vfio_pci_core", NULL);
	CHECK_OK(syscall(SYS_init_module, image, size_unsigned(image, size), ""));
}

static void check_works(struct vfio_device *device)
{
	int event = event_new();

	CHECK_EQ(cfg32(device, PCI_VENDOR_ID), real_cfg(device->bdf, PCI_VENDOR_ID, 4));
	vfio_irq_eventfd(device, VFIO_PCI_MSI_IRQ_INDEX, 0, event);
	vfio_irq_loopback(device, VFIO_PCI_MSI_IRQ_INDEX, 0);
	CHECK_EQ(event_wait(event, 10000), 1);
	vfio_irq_disable(device, VFIO_PCI_MSI_IRQ_INDEX);
	close(event);
}

/* Both cores */

TEST(ours_works_with_the_kernels_core_loaded_before_it)
{
	module_load("kernel", "vfio_pci_core", NULL);
	driver_load(NULL);
	check_works(vfio_bind_and_open(vm_bdf("edu1")));
}

TEST(ours_works_with_the_kernels_core_loaded_after_it)
{
	struct vfio_device *edu;

	driver_load(NULL);
	edu = vfio_bind_and_open(vm_bdf("edu1"));
	module_load("kernel", "vfio_pci_core", NULL);
	check_works(edu);
}

TEST(kernels_core_can_go_while_ours_is_in_use)
{
	struct vfio_device *edu;

	module_load("kernel", "vfio_pci_core", NULL);
	driver_load(NULL);
	edu = vfio_bind_and_open(vm_bdf("edu1"));
	CHECK_EQ(module_uses("vfio_pci_core"), 0);
	module_unload("vfio_pci_core");
	check_works(edu);
}

TEST(our_core_can_go_while_the_kernels_driver_is_in_use)
{
	struct vfio_device *edu;

	module_load("kernel", "vfio_pci", NULL);
	module_load("ours", "vfio_latch", NULL);
	pci_bind(vm_bdf("edu1"), VFIO_PCI);
	edu = vfio_open(vm_bdf("edu1"));
	CHECK_EQ(module_uses("vfio_latch"), 0);
	module_unload("vfio_latch");
	check_works(edu);
}

/* Both generic drivers */

TEST(our_driver_is_refused_where_the_kernels_is_loaded_and_disturbs_nothing)
{
	struct vfio_device *edu;

	module_load("base", "vfio_iommu_type1", NULL);
	module_load("kernel", "vfio_pci", NULL);
	pci_bind(vm_bdf("edu1"), VFIO_PCI);
	edu = vfio_open(vm_bdf("edu1"));
	CHECK_ERR(EEXIST, module_load_try("ours", "vfio_pci", NULL));
	CHECK_EQ(module_uses("vfio_latch"), 0);
	module_unload("vfio_latch");
	check_works(edu);
}

TEST(kernels_driver_is_refused_where_ours_is_loaded_and_disturbs_nothing)
{
	struct vfio_device *edu;

	driver_load(NULL);
	edu = vfio_bind_and_open(vm_bdf("edu1"));
	CHECK_ERR(EEXIST, module_load_try("kernel", "vfio_pci", NULL));
	module_unload("vfio_pci_core");
	check_works(edu);
}

TEST(one_driver_can_follow_the_other)
{
	const char *bdf = vm_bdf("nic0");

	module_load("base", "vfio_iommu_type1", NULL);
	for (int round = 0; round < 3; round++) {
		module_load("kernel", "vfio_pci", NULL);
		pci_bind(bdf, VFIO_PCI);
		vfio_close(vfio_open(bdf));
		module_unload("vfio_pci");
		CHECK(!pci_attr_exists(bdf, "vfio_pci"));
		driver_load(NULL);
		pci_bind(bdf, VFIO_PCI);
		CHECK(pci_attr_exists(bdf, "vfio_pci"));
		vfio_close(vfio_open(bdf));
		driver_unload();
	}
}

/*
 * Both have functions that a hot reset would reset together. Neither may take the other's device
 * for its own.
 */

static struct vfio_device *ours, *theirs;

static void open_one_each(const char *our_id, const char *their_id)
{
	driver_load(NULL);
	load_renamed();
	pci_bind(vm_bdf(our_id), VFIO_PCI);
	pci_bind(vm_bdf(their_id), RENAMED_DRIVER);
	ours = vfio_open(vm_bdf(our_id));
	theirs = vfio_open_with(ours, vm_bdf(their_id));
}

TEST(functions_of_one_slot_work_under_both_drivers)
{
	open_one_each("nic1", "nic2");
	check_works(ours);
	check_works(theirs);
	vfio_close(theirs);
	check_works(ours);
}

TEST(functions_of_one_conventional_bus_work_under_both_drivers)
{
	open_one_each("edu1", "edu2");
	check_works(ours);
	check_works(theirs);
	/* The container belongs to our device, so the other one is closed first. */
	close(theirs->fd);
	check_works(ours);
}

TEST(no_hot_reset_of_a_slot_that_the_kernels_driver_has_a_part_in)
{
	struct vfio_pci_hot_reset_info *info;
	uint32_t bar;

	open_one_each("nic1", "nic2");
	bar = real_cfg(theirs->bdf, PCI_BASE_ADDRESS_0, 4);
	if (!vfio_hot_reset_info_try(ours, &info))
		CHECK_EQ(info->count, 2);
	CHECK(vfio_hot_reset_try(ours, &ours->group, 1) < 0);
	CHECK_EQ(real_cfg(theirs->bdf, PCI_BASE_ADDRESS_0, 4), bar);
	check_works(ours);
	check_works(theirs);
}

TEST(no_hot_reset_by_the_kernels_driver_of_a_slot_that_ours_has_a_part_in)
{
	open_one_each("nic1", "nic2");
	CHECK(vfio_hot_reset_try(theirs, &theirs->group, 1) < 0);
	check_works(ours);
	check_works(theirs);
}

/* At the last close a core may want to reset the whole slot. */
TEST(last_close_under_either_driver_leaves_the_other_whole)
{
	for (int round = 0; round < 2; round++) {
		open_one_each(round ? "nic1" : "nic2", round ? "nic2" : "nic1");
		close(theirs->fd);
		check_works(ours);
		theirs->fd = CHECK_OK(ioctl(theirs->group, VFIO_GROUP_GET_DEVICE_FD,
					    theirs->bdf));
		close(ours->fd);
		check_works(theirs);
		close(theirs->fd);
		close(ours->group);
		close(ours->container);
		pci_unbind(ours->bdf);
		pci_unbind(theirs->bdf);
		module_unload(RENAMED_MODULE);
		module_unload("vfio_pci_core");
		driver_unload();
	}
}
