// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hot reset: the slot or bus with all functions on it, for a user that owns them all.
 *
 * vm-machine: resets
 * vm-drivers: ours kernel
 */
#include <pthread.h>
#include <stdatomic.h>

#include "vmtest.h"

static struct vfio_pci_hot_reset_info *reset_info(struct vfio_device *device)
{
	struct vfio_pci_hot_reset_info *info;

	CHECK_EQ(vfio_hot_reset_info_try(device, &info), 0);
	return info;
}

static void check_listed(const struct vfio_pci_hot_reset_info *info, const char *bdf)
{
	char name[32];

	for (unsigned int n = 0; n < info->count; n++) {
		const struct vfio_pci_dependent_device *entry = &info->devices[n];

		snprintf(name, sizeof(name), "%04x:%02x:%02x.%x", entry->segment, entry->bus,
			 entry->devfn >> 3, entry->devfn & 7);
		if (!strcmp(name, bdf)) {
			CHECK_EQ(entry->group_id, pci_group(bdf));
			return;
		}
	}
	FAIL("%s is not in the list of %u", bdf, info->count);
}

/* Info */

TEST(info_lists_every_function_of_the_slot)
{
	struct vfio_device *devices[SLOT_SIZE];

	slot_open(devices);
	for (int n = 0; n < SLOT_SIZE; n++) {
		struct vfio_pci_hot_reset_info *info = reset_info(devices[n]);

		CHECK_EQ(info->count, SLOT_SIZE);
		for (int other = 0; other < SLOT_SIZE; other++)
			check_listed(info, vm_bdf(slot_ids[other]));
	}
}

TEST(info_lists_functions_that_are_not_bound)
{
	struct vfio_pci_hot_reset_info *info;

	driver_load(NULL);
	info = reset_info(vfio_bind_and_open(vm_bdf("testdev1")));
	CHECK_EQ(info->count, SLOT_SIZE);
	check_listed(info, vm_bdf("nic1"));
}

TEST(info_tells_how_much_room_it_needs)
{
	struct vfio_device *devices[SLOT_SIZE];
	struct vfio_pci_hot_reset_info *info;
	size_t full = sizeof(*info) + SLOT_SIZE * sizeof(info->devices[0]);

	slot_open(devices);
	info = calloc(1, full);
	info->argsz = sizeof(*info);
	CHECK_ERRNO(ENOSPC, ioctl(devices[0]->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info));
	CHECK_EQ(info->count, SLOT_SIZE);
	info->argsz = full - 1;
	info->count = 0;
	CHECK_ERRNO(ENOSPC, ioctl(devices[0]->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info));
	CHECK_EQ(info->count, SLOT_SIZE);
	info->argsz = sizeof(*info) - 1;
	CHECK_ERRNO(EINVAL, ioctl(devices[0]->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info));
	CHECK_ERRNO(EFAULT, ioctl(devices[0]->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, NULL));
	info->argsz = full;
	CHECK_OK(ioctl(devices[0]->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info));
	CHECK_EQ(info->count, SLOT_SIZE);
}

/* Reset */

TEST(hot_reset_resets_every_function)
{
	struct vfio_device *devices[SLOT_SIZE];
	uint32_t bars[SLOT_SIZE];

	slot_open(devices);
	for (int n = 0; n < SLOT_SIZE; n++)
		bars[n] = real_cfg(devices[n]->bdf, PCI_BASE_ADDRESS_0, 4);
	for (int round = 0; round < 3; round++) {
		testdev_mark(devices[1]);
		testdev_mark(devices[2]);
		cfg_command(devices[0], PCI_COMMAND_MEMORY, 0);
		vfio_write(devices[0], 0, 0x100, 4, 4);		/* receive control */
		CHECK_EQ(vfio_hot_reset_try(devices[round], &devices[0]->group, 1), 0);
		CHECK(!testdev_is_marked(devices[1]));
		CHECK(!testdev_is_marked(devices[2]));
		cfg_command(devices[0], PCI_COMMAND_MEMORY, 0);
		CHECK_EQ(vfio_read(devices[0], 0, 0x100, 4), 0);
		for (int n = 0; n < SLOT_SIZE; n++)
			CHECK_EQ(real_cfg(devices[n]->bdf, PCI_BASE_ADDRESS_0, 4), bars[n]);
	}
}

TEST(hot_reset_of_a_function_that_is_alone_resets_it)
{
	struct vfio_device *testdev;

	driver_load(NULL);
	testdev = vfio_bind_and_open(vm_bdf("testdev0"));
	CHECK_EQ(reset_info(testdev)->count, 1);
	testdev_mark(testdev);
	CHECK_EQ(vfio_hot_reset_try(testdev, &testdev->group, 1), 0);
	CHECK(!testdev_is_marked(testdev));
}

/* Members that are not open belong to the user that has the group. */
TEST(functions_that_are_bound_and_closed_are_reset_too)
{
	struct vfio_device *testdev, *other;

	slot_bind();
	testdev = vfio_open(vm_bdf("testdev1"));
	testdev_mark(testdev);
	CHECK_EQ(vfio_hot_reset_try(testdev, &testdev->group, 1), 0);
	CHECK(!testdev_is_marked(testdev));
	other = vfio_open_with(testdev, vm_bdf("testdev2"));
	testdev_mark(other);
	close(other->fd);
	CHECK_EQ(vfio_hot_reset_try(testdev, &testdev->group, 1), 0);
	other = vfio_open_with(testdev, vm_bdf("testdev2"));
	CHECK(!testdev_is_marked(other));
}

TEST(mappings_of_all_functions_come_back)
{
	struct vfio_device *devices[SLOT_SIZE];
	volatile uint32_t *bars[SLOT_SIZE];

	slot_open(devices);
	for (int n = 0; n < SLOT_SIZE; n++) {
		cfg_command(devices[n], PCI_COMMAND_MEMORY, 0);
		bars[n] = vfio_mmap(devices[n], 0, 0, 4096, PROT_READ | PROT_WRITE);
		CHECK(bars[n] != MAP_FAILED);
	}
	for (int round = 0; round < 3; round++) {
		bars[0][0x100 / 4] = 4;
		*(volatile uint8_t *)bars[1] = 0;
		*(volatile uint8_t *)bars[2] = 0;
		CHECK_EQ(bars[0][0x100 / 4], 4);
		CHECK_NE(bars[1][1], 0);
		CHECK_NE(bars[2][1], 0);
		CHECK_EQ(vfio_hot_reset_try(devices[1], &devices[0]->group, 1), 0);
		CHECK_EQ(bars[0][0x100 / 4], 0);
		CHECK_EQ(bars[1][1], 0);
		CHECK_EQ(bars[2][1], 0);
	}
}

/* Other processes keep accessing their mappings and configuration space. */
TEST(accesses_wait_while_the_slot_is_reset)
{
	struct vfio_device *devices[SLOT_SIZE];
	volatile uint32_t *bar;
	uint32_t status;
	pid_t children[2];
	int exited;

	slot_open(devices);
	cfg_command(devices[0], PCI_COMMAND_MEMORY, 0);
	bar = vfio_mmap(devices[0], 0, 0, 4096, PROT_READ);
	status = bar[2];
	CHECK_NE(status, 0xffffffff);
	for (int n = 0; n < 2; n++) {
		children[n] = CHECK_OK(fork());
		if (!children[n])
			for (;;)
				if (n ? bar[2] == 0xffffffff :
				    cfg32(devices[0], PCI_VENDOR_ID) == 0xffffffff)
					_exit(1);
	}
	for (int round = 0; round < 5; round++)
		CHECK_EQ(vfio_hot_reset_try(devices[1], &devices[0]->group, 1), 0);
	for (int n = 0; n < 2; n++) {
		CHECK_EQ(waitpid(children[n], &exited, WNOHANG), 0);
		kill(children[n], SIGKILL);
	}
}

TEST(member_in_d3hot_is_woken_and_reset)
{
	struct vfio_device *devices[SLOT_SIZE];
	unsigned int control;

	slot_open(devices);
	control = cfg_cap(devices[0], PCI_CAP_ID_PM) + PCI_PM_CTRL;
	cfg_set16(devices[0], control, 3);
	testdev_mark(devices[1]);
	CHECK_EQ(vfio_hot_reset_try(devices[1], &devices[0]->group, 1), 0);
	CHECK(!testdev_is_marked(devices[1]));
	CHECK_EQ(cfg16(devices[0], control) & PCI_PM_CTRL_STATE_MASK, 0);
	cfg_command(devices[0], PCI_COMMAND_MEMORY, 0);
	CHECK_NE(vfio_read(devices[0], 0, 8, 4), 0xffffffff);
}

TEST(member_in_low_power_is_woken_and_reset)
{
	struct vfio_device *devices[SLOT_SIZE];
	int usage;

	slot_open(devices);
	vfio_low_power(devices[0], VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY);
	pci_wait_power_state(devices[0]->bdf, "D3hot");
	usage = pm_usage(devices[0]->bdf);
	testdev_mark(devices[1]);
	CHECK_EQ(vfio_hot_reset_try(devices[1], &devices[0]->group, 1), 0);
	CHECK(!testdev_is_marked(devices[1]));
	pci_wait_power_state(devices[0]->bdf, "D3hot");
	CHECK_EQ(pm_usage(devices[0]->bdf), usage);
	vfio_low_power(devices[0], VFIO_DEVICE_FEATURE_LOW_POWER_EXIT);
	cfg_command(devices[0], PCI_COMMAND_MEMORY, 0);
	CHECK_NE(vfio_read(devices[0], 0, 8, 4), 0xffffffff);
}

/* Conditions that prevent a hot reset */

TEST(wrong_group_is_refused)
{
	struct vfio_device *devices[SLOT_SIZE], *other;
	int groups[2];

	slot_open(devices);
	other = vfio_bind_and_open(vm_bdf("testdev0"));
	testdev_mark(devices[1]);
	CHECK_ERR(EINVAL, vfio_hot_reset_try(devices[1], &other->group, 1));
	CHECK_ERR(EINVAL, vfio_hot_reset_try(other, &devices[1]->group, 1));
	CHECK(testdev_is_marked(devices[1]));
	groups[0] = other->group;
	groups[1] = devices[0]->group;
	CHECK_EQ(vfio_hot_reset_try(devices[1], groups, 2), 0);
	CHECK(!testdev_is_marked(devices[1]));
}

TEST(missing_bad_and_too_many_groups_are_refused)
{
	struct vfio_device *devices[SLOT_SIZE];
	int groups[SLOT_SIZE + 1], bad, file = CHECK_OK(open("/dev/null", O_RDWR));

	slot_open(devices);
	for (int n = 0; n <= SLOT_SIZE; n++)
		groups[n] = devices[0]->group;
	testdev_mark(devices[1]);
	CHECK_ERR(EINVAL, vfio_hot_reset_try(devices[1], NULL, 0));
	CHECK_ERR(EINVAL, vfio_hot_reset_try(devices[1], &file, 1));
	CHECK_ERR(EINVAL, vfio_hot_reset_try(devices[1], &devices[1]->fd, 1));
	CHECK_ERR(EINVAL, vfio_hot_reset_try(devices[1], groups, SLOT_SIZE + 1));
	bad = 1000;
	CHECK_ERR(EBADF, vfio_hot_reset_try(devices[1], &bad, 1));
	bad = -1;
	CHECK_ERR(EBADF, vfio_hot_reset_try(devices[1], &bad, 1));
	CHECK(testdev_is_marked(devices[1]));
}

TEST(bad_sizes_and_flags_are_refused)
{
	struct vfio_device *devices[SLOT_SIZE];
	struct {
		struct vfio_pci_hot_reset header;
		int group;
	} reset = { .header.argsz = sizeof(reset.header) - 1, .header.count = 1 };

	slot_open(devices);
	reset.group = devices[0]->group;
	CHECK_ERRNO(EINVAL, ioctl(devices[1]->fd, VFIO_DEVICE_PCI_HOT_RESET, &reset));
	reset.header.argsz = sizeof(reset);
	reset.header.flags = 1;
	CHECK_ERRNO(EINVAL, ioctl(devices[1]->fd, VFIO_DEVICE_PCI_HOT_RESET, &reset));
	reset.header.flags = 0;
	CHECK_ERRNO(EFAULT, ioctl(devices[1]->fd, VFIO_DEVICE_PCI_HOT_RESET, NULL));
	CHECK_OK(ioctl(devices[1]->fd, VFIO_DEVICE_PCI_HOT_RESET, &reset));
}

TEST(unbound_function_prevents_it)
{
	struct vfio_device *testdev;

	slot_bind();
	testdev = vfio_open(vm_bdf("testdev1"));
	testdev_mark(testdev);
	pci_unbind(vm_bdf("testdev2"));
	CHECK_ERR(EINVAL, vfio_hot_reset_try(testdev, &testdev->group, 1));
	CHECK(testdev_is_marked(testdev));
	pci_bind(vm_bdf("testdev2"), VFIO_PCI);
	CHECK_EQ(vfio_hot_reset_try(testdev, &testdev->group, 1), 0);
	CHECK(!testdev_is_marked(testdev));
}

/* Members of another group: a PF's VFs are on its bus, each in a group of its own. */

TEST(groups_of_all_functions_are_needed)
{
	const char *pf = vm_bdf("nvme0"), *vf;
	struct vfio_pci_hot_reset_info *info;
	struct vfio_device *nvme;

	driver_load(NULL);
	module_parameter_set("vfio_pci", "enable_sriov", "1");
	pci_bind(pf, VFIO_PCI);
	nvme = vfio_open(pf);
	pci_set_vfs(pf, 1);
	vf = pci_vf(pf, 0);
	info = reset_info(nvme);
	CHECK_EQ(info->count, 2);
	check_listed(info, pf);
	check_listed(info, vf);
	CHECK_NE(pci_group(pf), pci_group(vf));
	CHECK_ERR(EINVAL, vfio_hot_reset_try(nvme, &nvme->group, 1));
	cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
	CHECK_NE(vfio_read(nvme, 0, 8, 4), 0xffffffff);
}

/* A bus with VFs is not reset: the driver cannot know which user may reset them. */
TEST(bus_with_vfs_is_not_reset_even_for_who_owns_them_all)
{
	static const uint8_t token[16] = { 0xb3, 0xa1 };
	const char *pf = vm_bdf("nvme0"), *vf;
	struct vfio_device *nvme, *virtual;
	int groups[2];

	driver_load(NULL);
	module_parameter_set("vfio_pci", "enable_sriov", "1");
	pci_bind(pf, VFIO_PCI);
	nvme = vfio_open(pf);
	CHECK_EQ(vfio_set_vf_token_try(nvme, token), 0);
	pci_set_vfs(pf, 1);
	vf = pci_vf(pf, 0);
	pci_bind(vf, VFIO_PCI);
	CHECK_EQ(vfio_open_words_try(vf, " vf_token=b3a10000-0000-0000-0000-000000000000", &virtual), 0);
	groups[0] = nvme->group;
	groups[1] = virtual->group;
	CHECK_ERR(EINVAL, vfio_hot_reset_try(nvme, groups, 2));
	CHECK(vfio_hot_reset_try(virtual, groups, 2) < 0);
	CHECK_EQ(cfg32(virtual, PCI_CLASS_REVISION) >> 8, 0x010802);
	cfg_command(nvme, PCI_COMMAND_MEMORY, 0);
	CHECK_NE(vfio_read(nvme, 0, 8, 4), 0xffffffff);
}

/* Functions without a reset of their own, at the last close of the slot */

/*
 * Its last user may have it raise INTx whenever he likes, and the line is the host's. (The kernel's
 * driver gives it back as it was found.)
 */
TEST_OURS(a_function_that_was_not_reset_is_given_back_with_its_intx_off)
{
	const char *bdf = vm_bdf("testdev1");
	struct vfio_device *testdev;

	driver_load("disable_idle_d3=1");
	pci_attr_set(bdf, "enable", "1");
	real_cfg_set(bdf, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	testdev = vfio_bind_and_open(bdf);
	testdev_mark(testdev);
	vfio_close(testdev);
	pci_unbind(bdf);
	CHECK_EQ(real_cfg(bdf, PCI_COMMAND, 2), PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
	pci_attr_set(bdf, "enable", "0");
}

TEST(last_close_of_a_slot_resets_what_has_no_reset)
{
	struct vfio_device *devices[SLOT_SIZE], *testdev;

	slot_open(devices);
	testdev_mark(devices[1]);
	testdev_mark(devices[2]);
	close(devices[1]->fd);
	testdev = vfio_open_with(devices[0], vm_bdf("testdev1"));
	/* The others are still open: the reset was not possible. */
	CHECK(testdev_is_marked(testdev));
	close(testdev->fd);
	close(devices[2]->fd);
	vfio_close(devices[0]);

	devices[0] = vfio_open(vm_bdf("testdev1"));
	CHECK(!testdev_is_marked(devices[0]));
	CHECK(!testdev_is_marked(vfio_open_with(devices[0], vm_bdf("testdev2"))));
}

TEST(last_close_resets_whatever_was_closed_before)
{
	struct vfio_device *testdev;

	slot_bind();
	for (int round = 0; round < 3; round++) {
		testdev = vfio_open(vm_bdf("testdev1"));
		testdev_mark(testdev);
		vfio_close(testdev);
		testdev = vfio_open(vm_bdf("testdev1"));
		CHECK(!testdev_is_marked(testdev));
		vfio_close(testdev);
	}
}

TEST(last_close_leaves_a_slot_alone_that_is_not_all_its_own)
{
	struct vfio_device *testdev;

	driver_load(NULL);
	testdev = vfio_bind_and_open(vm_bdf("testdev1"));
	testdev_mark(testdev);
	vfio_close(testdev);
	CHECK(testdev_is_marked(vfio_open(vm_bdf("testdev1"))));
}

/* Two clients of one slot reset and use it at once. */
TEST(hot_resets_race_with_function_resets_and_opens)
{
	struct vfio_device *devices[SLOT_SIZE];
	pid_t children[2];
	int status;

	slot_open(devices);
	for (int n = 0; n < 2; n++) {
		children[n] = CHECK_OK(fork());
		if (children[n])
			continue;
		for (;;) {
			if (n) {
				vfio_reset_try(devices[0]);
			} else {
				struct vfio_device *testdev =
					vfio_open_with(devices[0], vm_bdf("testdev2"));

				cfg_command(testdev, PCI_COMMAND_MEMORY, 0);
				close(testdev->fd);
			}
		}
	}
	for (int round = 0; round < 10; round++) {
		int error = vfio_hot_reset_try(devices[1], &devices[0]->group, 1);

		/* A neighbour's reset may be under way. */
		if (error != -EAGAIN && error != -EBUSY)
			CHECK_EQ(error, 0);
	}
	for (int n = 0; n < 2; n++) {
		CHECK_EQ(waitpid(children[n], &status, WNOHANG), 0);
		kill(children[n], SIGKILL);
		CHECK_OK(waitpid(children[n], &status, 0));
	}
	testdev_mark(devices[1]);
	CHECK_EQ(vfio_hot_reset_try(devices[1], &devices[0]->group, 1), 0);
	CHECK(!testdev_is_marked(devices[1]));
}

/* An unbind waits for the lock of the slot's devices, which a hot reset holds. */

#define RESETTERS 20

static atomic_bool is_over;
static atomic_int resets;

static void *hot_reset(void *device)
{
	struct vfio_device *nic = device;

	while (!is_over)
		resets += !vfio_hot_reset_try(nic, &nic->group, 1);
	return NULL;
}

static void *function_reset(void *device)
{
	while (!is_over)
		resets += !vfio_reset_try(device);
	return NULL;
}

TEST_OURS(an_unbind_does_not_wait_for_all_threads_that_reset_its_neighbour)
{
	struct vfio_device *nic;
	pthread_t threads[2 * RESETTERS];
	int before;

	slot_bind();
	nic = vfio_open(vm_bdf("nic1"));
	for (int n = 0; n < RESETTERS; n++) {
		CHECK_EQ(pthread_create(&threads[n], NULL, hot_reset, nic), 0);
		CHECK_EQ(pthread_create(&threads[RESETTERS + n], NULL, function_reset, nic), 0);
	}
	CHECK(WAIT_UNTIL(resets > 3, 20000));
	before = resets;
	pci_unbind(vm_bdf("testdev2"));
	CHECK_LT(resets - before, RESETTERS);
	is_over = true;
	for (int n = 0; n < 2 * RESETTERS; n++)
		pthread_join(threads[n], NULL);
}
