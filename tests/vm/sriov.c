// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PF that user space has, and its VFs behind a token.
 *
 * vm-machine: native-hotplug
 * vm-drivers: ours kernel
 * vm-modules: nvme
 */
#include <sys/ioctl.h>

#include "vmtest.h"

#define TOKEN	"b3a1d2c4-5e6f-4789-9abc-def012345678"
#define OTHER	"00000000-5e6f-4789-9abc-def012345678"

static const uint8_t token[16] = {
	0xb3, 0xa1, 0xd2, 0xc4, 0x5e, 0x6f, 0x47, 0x89, 0x9a, 0xbc, 0xde, 0xf0, 0x12, 0x34, 0x56, 0x78,
};

static struct vfio_device *open_pf(void)
{
	const char *bdf = vm_bdf("nvme0");
	struct vfio_device *pf;

	/* QEMU's PF loses its VFs for good when it is reset, as it would be at close. */
	pci_attr_set(bdf, "reset_method", "\n");
	driver_load("enable_sriov=1");
	pci_bind(bdf, VFIO_PCI);
	CHECK_EQ(vfio_open_words_try(bdf, "", &pf), 0);
	return pf;
}

/* Makes a VF of PF, which gets TOKEN. VFs of a PF that vfio-pci has are given to vfio-pci, too. */
static const char *make_vf(struct vfio_device *pf)
{
	const char *vf;

	CHECK_EQ(vfio_set_vf_token_try(pf, token), 0);
	pci_set_vfs(pf->bdf, 1);
	vf = pci_vf(pf->bdf, 0);
	pci_bind(vf, VFIO_PCI);
	return vf;
}

TEST(vfs_need_enable_sriov)
{
	const char *pf = vm_bdf("nvme0");

	driver_load(NULL);
	pci_bind(pf, VFIO_PCI);
	CHECK_ERR(ENOENT, pci_set_vfs_try(pf, 1));
	CHECK_EQ(pci_attr_number(pf, "sriov_numvfs"), 0);
}

TEST(enable_sriov_is_off_by_default_and_writable)
{
	driver_load(NULL);
	CHECK_STR(module_parameter("vfio_pci", "enable_sriov"), "N");
	CHECK_EQ(module_parameter_mode("vfio_pci", "enable_sriov"), 0644);
}

TEST(vfs_come_and_go_with_sriov_numvfs)
{
	const char *pf = vm_bdf("nvme0");
	int usage;

	driver_load("enable_sriov=1");
	pci_bind(pf, VFIO_PCI);
	usage = pm_usage(pf);
	for (int round = 0; round < 2; round++) {
		pci_set_vfs(pf, 4);
		CHECK_EQ(pci_attr_number(pf, "sriov_numvfs"), 4);
		CHECK_NE(pci_group(pci_vf(pf, 3)), pci_group(pf));
		CHECK_ERR(EBUSY, pci_set_vfs_try(pf, 2));
		pci_set_vfs(pf, 0);
		CHECK(!pci_attr_exists(pf, "virtfn0"));
		CHECK_EQ(pm_usage(pf), usage);
	}
	CHECK_ERR(ERANGE, pci_set_vfs_try(pf, 5));
}

TEST(function_without_sriov_has_no_vfs)
{
	driver_load("enable_sriov=1");
	pci_bind(vm_bdf("nvme1"), VFIO_PCI);
	CHECK(pci_set_vfs_try(vm_bdf("nvme1"), 1) < 0);
}

/* The driver keeps native drivers from taking VFs of a PF that user space has. */
TEST(vfs_of_a_bound_pf_are_reserved_for_vfio_pci)
{
	const char *pf = vm_bdf("nvme0"), *vf;

	module_load("base", "nvme", NULL);
	driver_load("enable_sriov=1");
	pci_bind(pf, VFIO_PCI);
	pci_set_vfs(pf, 2);
	vf = pci_vf(pf, 1);
	CHECK_STR(pci_attr(vf, "driver_override"), VFIO_PCI);
	CHECK_STR(pci_driver(vf), VFIO_PCI);
	pci_set_vfs(pf, 0);
	pci_unbind(pf);
	module_unload("nvme");
}

TEST(vfs_vanish_when_the_pf_is_unbound)
{
	const char *pf = vm_bdf("nvme0"), *vf;
	int usage = pm_usage(pf);

	driver_load("enable_sriov=1");
	pci_bind(pf, VFIO_PCI);
	pci_set_vfs(pf, 2);
	vf = pci_vf(pf, 0);
	pci_unbind(pf);
	CHECK(!pci_attr_exists(vf, "vendor"));
	CHECK_EQ(pm_usage(pf), usage);
}

TEST(pf_with_vfs_stays_awake)
{
	const char *pf = vm_bdf("nvme0");

	driver_load("enable_sriov=1");
	pci_bind(pf, VFIO_PCI);
	pci_wait_power_state(pf, "D3hot");
	pci_set_vfs(pf, 1);
	CHECK_STR(pci_power_state(pf), "D0");
	pci_set_vfs(pf, 0);
	pci_wait_power_state(pf, "D3hot");
}

TEST(client_cannot_put_a_pf_with_vfs_to_sleep)
{
	struct vfio_device *pf = open_pf();
	unsigned int control = cfg_cap(pf, PCI_CAP_ID_PM) + PCI_PM_CTRL;

	make_vf(pf);
	cfg_set16(pf, control, 3);
	CHECK_EQ(real_cfg(pf->bdf, real_cfg_cap(pf->bdf, PCI_CAP_ID_PM) + PCI_PM_CTRL, 2) &
		 PCI_PM_CTRL_STATE_MASK, 0);
}

/* To make VFs takes a tenth of a second and more, in which the client keeps asking for D3hot. */
TEST(pf_stays_awake_while_its_vfs_are_made)
{
	struct vfio_device *pf = open_pf();
	unsigned int control = cfg_cap(pf, PCI_CAP_ID_PM) + PCI_PM_CTRL;
	pid_t child = CHECK_OK(fork());
	int status;

	if (!child)
		for (;;)
			cfg_set16(pf, control, 3);
	for (int round = 0; round < 5; round++) {
		CHECK_EQ(pci_set_vfs_try(pf->bdf, 2), 0);
		CHECK_EQ(real_cfg(pf->bdf, real_cfg_cap(pf->bdf, PCI_CAP_ID_PM) + PCI_PM_CTRL, 2) &
			 PCI_PM_CTRL_STATE_MASK, 0);
		CHECK_NE(real_cfg(pci_vf(pf->bdf, 1), PCI_CLASS_REVISION, 4), 0xffffffff);
		pci_set_vfs(pf->bdf, 0);
	}
	CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
	kill(child, SIGKILL);
	CHECK_OK(waitpid(child, &status, 0));
}

/* The token */

TEST(token_can_be_set_on_a_pf_and_not_read)
{
	struct vfio_device *pf = open_pf();
	uint8_t read[16];

	CHECK_EQ(vfio_feature_try(pf, VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET |
				  VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, NULL, 0), 0);
	CHECK_EQ(vfio_set_vf_token_try(pf, token), 0);
	CHECK_ERR(EINVAL, vfio_feature_try(pf, VFIO_DEVICE_FEATURE_GET |
					   VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, read, sizeof(read)));
}

TEST(token_of_the_wrong_size_is_refused)
{
	struct vfio_device *pf = open_pf();
	uint8_t bytes[16] = { 0 };

	CHECK_ERR(EINVAL, vfio_feature_try(pf, VFIO_DEVICE_FEATURE_SET |
					   VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, bytes, 8));
	CHECK_ERR(EINVAL, vfio_feature_try(pf, VFIO_DEVICE_FEATURE_SET |
					   VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, NULL, 0));
}

TEST(function_that_is_no_pf_has_no_token)
{
	struct vfio_device *nvme;

	driver_load("enable_sriov=1");
	nvme = vfio_bind_and_open(vm_bdf("nvme1"));
	CHECK_ERR(ENOTTY, vfio_set_vf_token_try(nvme, token));
}

TEST(vf_opens_with_the_token_of_its_pf_only)
{
	struct vfio_device *pf = open_pf(), *device;
	const char *vf = make_vf(pf);

	CHECK_ERR(EACCES, vfio_open_words_try(vf, "", &device));
	CHECK_ERR(EACCES, vfio_open_words_try(vf, " vf_token=" OTHER, &device));
	CHECK_EQ(vfio_open_words_try(vf, " vf_token=" TOKEN, &device), 0);
	CHECK_EQ(cfg16(device, PCI_VENDOR_ID), 0x1b36);
	vfio_close(device);
}

static int open_again(struct vfio_device *device, const char *words)
{
	char name[256];
	int fd;

	snprintf(name, sizeof(name), "%s%s", device->bdf, words);
	fd = ioctl(device->group, VFIO_GROUP_GET_DEVICE_FD, name);
	return fd < 0 ? -errno : fd;
}

TEST(vf_that_is_open_is_given_again_with_the_token_only)
{
	struct vfio_device *pf = open_pf(), *device;
	const char *vf = make_vf(pf);
	int fd;

	CHECK_EQ(vfio_open_words_try(vf, " vf_token=" TOKEN, &device), 0);
	CHECK_EQ(open_again(device, ""), -EACCES);
	CHECK_EQ(open_again(device, " vf_token=" OTHER), -EACCES);
	fd = open_again(device, " vf_token=" TOKEN);
	CHECK_GE(fd, 0);
	close(fd);
}

/* Hundreds of lines would push other messages out of the log. */
TEST_OURS(wrong_tokens_are_a_few_lines_in_the_log)
{
	struct vfio_device *pf = open_pf(), *device;
	const char *vf = make_vf(pf);
	int start = kmsg_mark();

	for (int n = 0; n < 200; n++)
		CHECK_ERR(EACCES, vfio_open_words_try(vf, " vf_token=" OTHER, &device));
	CHECK_GE(kmsg_count(start, "wrong VF token"), 1);
	CHECK_LE(kmsg_count(start, "wrong VF token"), 50);
}

TEST(malformed_token_or_option_is_refused)
{
	static const char * const words[] = {
		" vf_token=", " vf_token=nonsense", " vf_token=b3a1d2c4", " nosuchoption=1",
		" nosuchoption", " vf_token",
	};
	struct vfio_device *pf = open_pf(), *device;
	const char *vf = make_vf(pf);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		int error = vfio_open_words_try(vf, words[i], &device);

		if (error != -EINVAL)
			FAIL("\"%s\" gives %d", words[i], error);
	}
}

TEST(token_for_a_function_that_takes_none_is_refused)
{
	struct vfio_device *device;
	const char *bdf = vm_bdf("nvme1");

	driver_load(NULL);
	pci_bind(bdf, VFIO_PCI);
	CHECK_ERR(EINVAL, vfio_open_words_try(bdf, " vf_token=" TOKEN, &device));
	CHECK_EQ(vfio_open_words_try(bdf, "", &device), 0);
}

TEST(name_of_another_function_is_unknown)
{
	struct vfio_device *device;
	const char *bdf = vm_bdf("nvme1");

	driver_load(NULL);
	pci_bind(bdf, VFIO_PCI);
	CHECK_ERR(ENODEV, vfio_open_try(bdf, vm_bdf("nvme0"), &device));
	CHECK_ERR(ENODEV, vfio_open_words_try(bdf, "0", &device));
	CHECK_ERR(ENODEV, vfio_open_try(bdf, "", &device));
}

TEST(pf_with_vfs_in_use_opens_with_the_token_only)
{
	struct vfio_device *pf = open_pf(), *device, *again;
	const char *pf_bdf = strdup(pf->bdf), *vf = make_vf(pf);

	CHECK_EQ(vfio_open_words_try(vf, " vf_token=" TOKEN, &device), 0);
	vfio_close(pf);
	CHECK_ERR(EACCES, vfio_open_words_try(pf_bdf, "", &again));
	CHECK_ERR(EACCES, vfio_open_words_try(pf_bdf, " vf_token=" OTHER, &again));
	CHECK_EQ(vfio_open_words_try(pf_bdf, " vf_token=" TOKEN, &again), 0);
}

TEST(pf_opens_without_the_token_when_the_last_of_its_vfs_is_closed)
{
	struct vfio_device *pf = open_pf(), *device, *again;
	const char *pf_bdf = strdup(pf->bdf), *vf = make_vf(pf);

	vfio_close(pf);
	for (int round = 0; round < 2; round++) {
		CHECK_EQ(vfio_open_words_try(vf, " vf_token=" TOKEN, &device), 0);
		CHECK_ERR(EACCES, vfio_open_words_try(pf_bdf, "", &again));
		vfio_close(device);
	}
	CHECK_EQ(vfio_open_words_try(pf_bdf, "", &again), 0);
}

/* A VF has no vendor id of its own, but a class. */
static bool is_alive(const char *vf)
{
	return real_cfg(vf, PCI_CLASS_REVISION, 4) != 0xffffffff;
}

TEST(close_of_a_pf_that_has_no_reset_leaves_its_idle_vfs_alive)
{
	struct vfio_device *pf = open_pf();
	const char *vf = make_vf(pf);

	pci_wait_power_state(vf, "D3hot");
	CHECK(is_alive(vf));
	vfio_close(pf);
	CHECK(is_alive(vf));
}

TEST(pf_whose_vfs_are_not_in_use_opens_without_token_and_takes_a_new_one)
{
	struct vfio_device *pf = open_pf(), *device;
	const char *bdf = strdup(pf->bdf), *vf = make_vf(pf);

	vfio_close(pf);
	CHECK_EQ(vfio_open_words_try(bdf, "", &pf), 0);
	CHECK_EQ(vfio_open_words_try(bdf, " vf_token=" OTHER, &device), -EBUSY);
	vfio_close(pf);
	CHECK_EQ(vfio_open_words_try(bdf, " vf_token=" OTHER, &pf), 0);
	CHECK(is_alive(vf));
	CHECK_ERR(EACCES, vfio_open_words_try(vf, " vf_token=" TOKEN, &device));
	CHECK_EQ(vfio_open_words_try(vf, " vf_token=" OTHER, &device), 0);
}

/* The kernel's driver lets it in: the new user, who named no token, does not know the old one. */
TEST_OURS(token_of_an_earlier_user_of_a_pf_opens_no_vf)
{
	struct vfio_device *pf = open_pf(), *device;
	const char *bdf = strdup(pf->bdf), *vf;

	CHECK_EQ(vfio_set_vf_token_try(pf, token), 0);
	vfio_close(pf);
	CHECK_EQ(vfio_open_words_try(bdf, "", &pf), 0);
	pci_set_vfs(bdf, 1);
	vf = pci_vf(bdf, 0);
	pci_bind(vf, VFIO_PCI);
	CHECK_ERR(EACCES, vfio_open_words_try(vf, " vf_token=" TOKEN, &device));
	CHECK_EQ(vfio_set_vf_token_try(pf, token), 0);
	CHECK_EQ(vfio_open_words_try(vf, " vf_token=" TOKEN, &device), 0);
	vfio_close(device);
	vfio_close(pf);
	CHECK_EQ(vfio_open_words_try(vf, " vf_token=" TOKEN, &device), 0);
}

/* A VF that user space has */

TEST(vf_shows_ids_that_its_config_space_lacks)
{
	struct vfio_device *pf = open_pf(), *device;
	const char *vf = make_vf(pf);

	CHECK_EQ(vfio_open_words_try(vf, " vf_token=" TOKEN, &device), 0);
	CHECK_EQ(real_cfg(vf, PCI_VENDOR_ID, 4), 0xffffffff);
	CHECK_EQ(cfg16(device, PCI_VENDOR_ID), pci_attr_number(vf, "vendor"));
	CHECK_EQ(cfg16(device, PCI_DEVICE_ID), pci_attr_number(vf, "device"));
}

TEST(vf_shows_memory_enable_as_written_and_its_bars_work)
{
	struct vfio_device *pf = open_pf(), *device;
	const char *vf = make_vf(pf);

	CHECK_EQ(vfio_open_words_try(vf, " vf_token=" TOKEN, &device), 0);
	cfg_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	CHECK_EQ(cfg16(device, PCI_COMMAND) & PCI_COMMAND_MEMORY, PCI_COMMAND_MEMORY);
	CHECK_NE(vfio_read(device, 0, 0, 4), 0xffffffff);
	cfg_command(device, 0, PCI_COMMAND_MEMORY);
	CHECK_EQ(cfg16(device, PCI_COMMAND) & PCI_COMMAND_MEMORY, 0);
}

TEST(vf_bar_registers_can_be_sized)
{
	struct vfio_device *pf = open_pf(), *device;
	const char *vf = make_vf(pf);
	struct vfio_region_info *bar;

	CHECK_EQ(vfio_open_words_try(vf, " vf_token=" TOKEN, &device), 0);
	bar = vfio_region(device, 0);
	CHECK_GT(bar->size, 0);
	cfg_set32(device, PCI_BASE_ADDRESS_0, 0xffffffff);
	CHECK_EQ(cfg32(device, PCI_BASE_ADDRESS_0) & PCI_BASE_ADDRESS_MEM_MASK,
		 (uint32_t)~(bar->size - 1));
}

TEST(unbind_of_a_pf_asks_for_its_open_vf_first)
{
	struct vfio_device *pf = open_pf(), *device;
	const char *bdf = strdup(pf->bdf), *vf = make_vf(pf);
	int event = event_new();
	pid_t child;

	CHECK_EQ(vfio_open_words_try(vf, " vf_token=" TOKEN, &device), 0);
	vfio_irq_eventfd(device, VFIO_PCI_REQ_IRQ_INDEX, 0, event);
	vfio_close(pf);
	child = CHECK_OK(fork());
	if (!child) {
		vfio_close(device);
		_exit(pci_unbind_try(bdf) ? 1 : 0);
	}
	CHECK_GE(event_wait(event, 20000), 1);
	CHECK_EQ(waitpid(child, NULL, WNOHANG), 0);
	vfio_close(device);
	CHECK(WAIT_UNTIL(waitpid(child, NULL, WNOHANG) == child, 30000));
	CHECK_STR(pci_driver(bdf), "");
	CHECK(!pci_attr_exists(vf, "vendor"));
}
