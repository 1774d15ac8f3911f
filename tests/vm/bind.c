// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which functions the driver takes, and how it gives them back.
 *
 * vm-machine: default
 * vm-drivers: ours kernel
 * vm-modules: nvme
 */
#include "vmtest.h"

#define DRIVER "/sys/bus/pci/drivers/vfio-pci"
#define EDU_ID "1234:11e8"
#define EDU_NEW_ID "1234 11e8"
#define BOTH (PCI_COMMAND_IO | PCI_COMMAND_MEMORY)

static void probe(const char *bdf)
{
	file_write("/sys/bus/pci/drivers_probe", bdf);
}

/* ids= */

TEST(ids_parameter_takes_matching_functions_at_load)
{
	driver_load("ids=" EDU_ID);
	CHECK_STR(pci_driver(vm_bdf("edu0")), VFIO_PCI);
	CHECK_STR(pci_driver(vm_bdf("edu1")), VFIO_PCI);
	CHECK_STR(pci_driver(vm_bdf("testdev0")), "");
}

TEST(ids_parameter_takes_several_ids)
{
	driver_load("ids=" EDU_ID ",1b36:0005");
	CHECK_STR(pci_driver(vm_bdf("edu0")), VFIO_PCI);
	CHECK_STR(pci_driver(vm_bdf("testdev0")), VFIO_PCI);
	CHECK_STR(pci_driver(vm_bdf("nvme1")), "");
}

TEST(ids_parameter_matches_subsystem)
{
	driver_load("ids=" EDU_ID ":1af4:1101");
	CHECK_STR(pci_driver(vm_bdf("edu0")), "");
	driver_unload();
	driver_load("ids=" EDU_ID ":1af4:1100");
	CHECK_STR(pci_driver(vm_bdf("edu0")), VFIO_PCI);
}

TEST(ids_parameter_matches_class_under_its_mask)
{
	/* Class 0x0300, VGA compatible. */
	driver_load("ids=ffffffff:ffffffff:ffffffff:ffffffff:030000:ffff00");
	CHECK_STR(pci_driver(vm_bdf("vga0")), VFIO_PCI);
	CHECK_STR(pci_driver(vm_bdf("vga1")), VFIO_PCI);
	CHECK_STR(pci_driver(vm_bdf("edu0")), "");
}

TEST(malformed_id_is_passed_over_and_the_others_count)
{
	driver_load("ids=nonsense,," EDU_ID);
	CHECK_STR(pci_driver(vm_bdf("edu0")), VFIO_PCI);
}

TEST(ids_parameter_cannot_be_read_or_written_later)
{
	driver_load("ids=" EDU_ID);
	CHECK(!file_exists("/sys/module/vfio_pci/parameters/ids"));
}

TEST(no_function_is_taken_without_being_asked_for)
{
	static const char * const ids[] = {
		"edu0", "edu1", "nvme0", "nvme1", "nic0", "testdev0", "vga0", "vga1",
	};

	driver_load(NULL);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		probe(vm_bdf(ids[i]));
		CHECK_STR(pci_driver(vm_bdf(ids[i])), "");
	}
}

/* new_id and driver_override */

TEST(new_id_takes_matching_functions_and_remove_id_lets_go_of_none)
{
	const char *bdf = vm_bdf("edu0");

	driver_load(NULL);
	CHECK_EQ(pci_new_id_try(VFIO_PCI, EDU_NEW_ID), 0);
	CHECK_STR(pci_driver(bdf), VFIO_PCI);
	CHECK_EQ(pci_remove_id_try(VFIO_PCI, EDU_NEW_ID), 0);
	CHECK_STR(pci_driver(bdf), VFIO_PCI);
	pci_unbind(bdf);
	probe(bdf);
	CHECK_STR(pci_driver(bdf), "");
}

TEST(new_id_twice_is_refused)
{
	driver_load(NULL);
	CHECK_EQ(pci_new_id_try(VFIO_PCI, EDU_NEW_ID), 0);
	CHECK_ERR(EEXIST, pci_new_id_try(VFIO_PCI, EDU_NEW_ID));
}

TEST(driver_override_takes_one_function_of_two_alike)
{
	const char *mine = vm_bdf("edu0"), *other = vm_bdf("edu1");

	driver_load(NULL);
	pci_attr_set(mine, "driver_override", VFIO_PCI);
	probe(mine);
	probe(other);
	CHECK_STR(pci_driver(mine), VFIO_PCI);
	CHECK_STR(pci_driver(other), "");
}

TEST(bind_without_override_or_id_is_refused)
{
	driver_load(NULL);
	CHECK_ERR(ENODEV, file_write_try(DRIVER "/bind", vm_bdf("edu0")));
}

TEST(second_bind_is_refused_and_the_first_stays)
{
	const char *bdf = vm_bdf("edu0");
	struct vfio_device *edu;

	driver_load(NULL);
	edu = vfio_bind_and_open(bdf);
	CHECK(file_write_try(DRIVER "/bind", bdf) < 0);
	CHECK_STR(pci_driver(bdf), VFIO_PCI);
	CHECK_EQ(cfg32(edu, PCI_VENDOR_ID), 0x11e81234);
}

TEST(function_can_be_bound_and_unbound_again_and_again)
{
	static const char * const ids[] = { "edu0", "nvme0", "nic0", "vga0" };

	driver_load(NULL);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		const char *bdf = vm_bdf(ids[i]);
		int usage = pm_usage(bdf);

		for (int round = 0; round < 10; round++) {
			pci_bind(bdf, VFIO_PCI);
			pci_unbind(bdf);
		}
		CHECK_EQ(pm_usage(bdf), usage);
	}
}

static long long inodes(void)
{
	return file_read_number("/proc/sys/fs/inode-nr");
}

static void bind_and_unbind(const char *bdf, int times)
{
	for (int round = 0; round < times; round++) {
		pci_bind(bdf, VFIO_PCI);
		pci_unbind(bdf);
	}
}

TEST(unbinding_leaves_no_inodes)
{
	const char *bdf = vm_bdf("edu0");
	long long before;

	driver_load("disable_idle_d3=1");
	/* sysfs keeps inodes of the paths that are used here; they exist after this. */
	bind_and_unbind(bdf, 20);
	before = inodes();
	bind_and_unbind(bdf, 100);
	CHECK_LT(inodes() - before, 50);
}

TEST(native_driver_works_after_unbind)
{
	const char *bdf = vm_bdf("nvme1");
	struct vfio_device *nvme;
	char path[128];

	module_load("base", "nvme", NULL);
	driver_load(NULL);
	for (int round = 0; round < 2; round++) {
		nvme = vfio_bind_and_open(bdf);
		cfg_command(nvme, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
		vfio_close(nvme);
		pci_bind(bdf, "nvme");
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/nvme", bdf);
		CHECK(WAIT_UNTIL(file_exists(path), 20000));
	}
	pci_unbind(bdf);
	module_unload("nvme");
}

/* The name and the aliases that user space knows the driver by */

TEST(driver_belongs_to_the_module_vfio_pci)
{
	char target[256] = "";

	driver_load(NULL);
	CHECK_OK(readlink(DRIVER "/module", target, sizeof(target) - 1));
	CHECK_STR(strrchr(target, '/') + 1, "vfio_pci");
}

/* By this alias the kernel announces functions that a VFIO driver may take only on request. */
TEST(module_has_the_vfio_pci_alias_for_any_function)
{
	const char *path = driver_is_ours() ? "/modules/ours/vfio_pci.ko" :
					      "/modules/kernel/vfio_pci.ko";
	static const char alias[] = "alias=vfio_pci:v*d*sv*sd*bc*sc*i*";
	size_t room = 16 << 20;
	char *module = malloc(room);
	int fd = CHECK_OK(open(path, O_RDONLY));
	size_t size = 0;
	ssize_t got;

	while ((got = read(fd, module + size, room - size)) > 0)
		size += got;
	CHECK(memmem(module, size, alias, sizeof(alias)));
	/* No alias of its own bus: it must never load by itself. */
	CHECK(!memmem(module, size, "alias=pci:", strlen("alias=pci:")));
}

/* The denylist: QEMU has no device that is on it, so that only the switch can be seen here. */

TEST(denylist_is_on_by_default_and_stays_as_it_was_loaded)
{
	driver_load(NULL);
	CHECK_STR(module_parameter("vfio_pci", "disable_denylist"), "N");
	CHECK_EQ(module_parameter_mode("vfio_pci", "disable_denylist"), 0444);
}

/* Bridges */

TEST(bridge_is_refused)
{
	const char *bdf = vm_bdf("rp9");

	driver_load(NULL);
	pci_unbind(bdf);
	CHECK_ERR(EINVAL, pci_bind_try(bdf, VFIO_PCI));
	pci_bind(bdf, "pcieport");
	pci_attr_set(bdf, "driver_override", "\n");
}

/* Uses */

TEST(open_device_keeps_its_module_loaded)
{
	struct vfio_device *edu;
	int uses;

	driver_load(NULL);
	pci_bind(vm_bdf("edu0"), VFIO_PCI);
	uses = module_uses("vfio_pci");
	edu = vfio_open(vm_bdf("edu0"));
	CHECK_GT(module_uses("vfio_pci"), uses);
	CHECK_ERR(EWOULDBLOCK, module_unload_try("vfio_pci"));
	vfio_close(edu);
	CHECK_EQ(module_uses("vfio_pci"), uses);
	module_unload("vfio_pci");
	CHECK_STR(pci_driver(vm_bdf("edu0")), "");
}

TEST(core_is_kept_by_the_driver_on_top_of_it)
{
	driver_load(NULL);
	CHECK_ERR(EWOULDBLOCK, module_unload_try(driver_core()));
	module_unload("vfio_pci");
	module_unload(driver_core());
}

/* Unbind of an open device */

static bool is_done(pid_t child)
{
	return waitpid(child, NULL, WNOHANG) == child;
}

/*
 * Unbind from another process, which first lets go of the descriptors that it inherits. DEVICE is
 * NULL when the function is not open.
 */
static pid_t unbind_in_background(const char *bdf, struct vfio_device *device)
{
	pid_t child = CHECK_OK(fork());

	if (!child) {
		if (device)
			vfio_close(device);
		_exit(file_write_try(DRIVER "/unbind", bdf) ? 1 : 0);
	}
	return child;
}

TEST(unbind_of_a_closed_device_asks_nobody)
{
	const char *bdf = vm_bdf("edu0");
	pid_t unbinding;

	driver_load(NULL);
	vfio_close(vfio_bind_and_open(bdf));
	unbinding = unbind_in_background(bdf, NULL);
	CHECK(WAIT_UNTIL(is_done(unbinding), 20000));
	CHECK_STR(pci_driver(bdf), "");
}

TEST(unbind_of_an_open_device_asks_through_the_request_eventfd_and_completes_after_close)
{
	const char *bdf = vm_bdf("edu0");
	pid_t unbinding;
	struct vfio_device *edu;
	int event = event_new();

	driver_load(NULL);
	edu = vfio_bind_and_open(bdf);
	vfio_irq_eventfd(edu, VFIO_PCI_REQ_IRQ_INDEX, 0, event);
	unbinding = unbind_in_background(bdf, edu);
	CHECK_GE(event_wait(event, 20000), 1);
	CHECK(!is_done(unbinding));
	CHECK_EQ(cfg32(edu, PCI_VENDOR_ID), 0x11e81234);
	vfio_close(edu);
	CHECK(WAIT_UNTIL(is_done(unbinding), 30000));
	CHECK_STR(pci_driver(bdf), "");
}

TEST(unbind_goes_on_asking)
{
	const char *bdf = vm_bdf("edu0");
	pid_t unbinding;
	struct vfio_device *edu;
	int event = event_new();

	driver_load(NULL);
	edu = vfio_bind_and_open(bdf);
	vfio_irq_eventfd(edu, VFIO_PCI_REQ_IRQ_INDEX, 0, event);
	unbinding = unbind_in_background(bdf, edu);
	CHECK_GE(event_wait(event, 20000), 1);
	/* The kernel asks again about every ten seconds. */
	CHECK_GE(event_wait(event, 60000), 1);
	vfio_close(edu);
	CHECK(WAIT_UNTIL(is_done(unbinding), 30000));
}

TEST(unbind_of_an_open_device_without_request_eventfd_waits_for_close)
{
	const char *bdf = vm_bdf("edu0");
	pid_t unbinding;
	struct vfio_device *edu;
	int mark;

	driver_load(NULL);
	edu = vfio_bind_and_open(bdf);
	mark = kmsg_mark();
	unbinding = unbind_in_background(bdf, edu);
	CHECK(WAIT_UNTIL(kmsg_count(mark, bdf) > 0, 20000));
	CHECK(!is_done(unbinding));
	vfio_close(edu);
	CHECK(WAIT_UNTIL(is_done(unbinding), 30000));
	CHECK_STR(pci_driver(bdf), "");
}

TEST(unplugged_open_device_is_asked_for_and_leaves_after_close)
{
	const char *bdf;
	struct vfio_device *edu;
	int event = event_new();

	driver_load("ids=" EDU_ID);
	vm_device_add("edu,id=plugged,bus=rp9");
	bdf = vm_bdf("plugged");
	CHECK(WAIT_UNTIL(!strcmp(pci_driver(bdf), VFIO_PCI), 20000));
	/* sysfs shows the driver before its probe is through. */
	CHECK(WAIT_UNTIL(!vfio_open_try(bdf, bdf, &edu), 20000));
	vfio_irq_eventfd(edu, VFIO_PCI_REQ_IRQ_INDEX, 0, event);
	vm_device_del("plugged");
	CHECK_GE(event_wait(event, 30000), 1);
	vfio_close(edu);
	vm_wait_deleted("plugged");
	CHECK(!pci_attr_exists(bdf, "vendor"));
}

/* How it is left */

static void check_command_is_given_back(const char *bdf, uint16_t command)
{
	real_cfg_set(bdf, PCI_COMMAND, command, 2);
	vfio_close(vfio_bind_and_open(bdf));
	pci_unbind(bdf);
	CHECK_EQ(real_cfg(bdf, PCI_COMMAND, 2), command);
}

TEST(a_function_that_was_enabled_before_has_its_command_when_it_is_given_back)
{
	const char *bdf = vm_bdf("nic0");

	driver_load(NULL);
	pci_attr_set(bdf, "enable", "1");
	check_command_is_given_back(bdf, PCI_COMMAND_MEMORY);
	check_command_is_given_back(bdf, BOTH);
	check_command_is_given_back(bdf, PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
	pci_attr_set(bdf, "enable", "0");
}

/* While another has VGA's ranges, the arbiter has switched its decoding off. */
TEST(a_vga_device_that_was_enabled_before_has_its_command_when_it_is_given_back)
{
	const char *bdf = vm_bdf("vga0");

	driver_load(NULL);
	pci_attr_set(bdf, "enable", "1");
	check_command_is_given_back(bdf, 0);
	check_command_is_given_back(bdf, BOTH);
	check_command_is_given_back(bdf, PCI_COMMAND_INTX_DISABLE);
	pci_attr_set(bdf, "enable", "0");
}

static uint16_t command_of_a_new_user(const char *bdf)
{
	struct vfio_device *device = vfio_open(bdf);
	uint16_t command = real_cfg(bdf, PCI_COMMAND, 2);

	CHECK_EQ(cfg16(device, PCI_COMMAND) & BOTH, command & BOTH);
	vfio_close(device);
	return command & BOTH;
}

TEST(a_vga_device_that_was_enabled_before_decodes_for_its_user_as_the_arbiter_lets_it)
{
	const char *bdf = vm_bdf("vga0");

	driver_load("disable_idle_d3=1");
	pci_attr_set(bdf, "enable", "1");
	real_cfg_set(bdf, PCI_COMMAND, 0, 2);
	pci_bind(bdf, VFIO_PCI);
	CHECK_EQ(command_of_a_new_user(bdf), 0);
	real_cfg_set(bdf, PCI_COMMAND, BOTH, 2);
	CHECK_EQ(command_of_a_new_user(bdf), BOTH);
	pci_unbind(bdf);
	pci_attr_set(bdf, "enable", "0");
	/* The PCI core enables it, for its BARs. */
	real_cfg_set(bdf, PCI_COMMAND, 0, 2);
	pci_bind(bdf, VFIO_PCI);
	CHECK_EQ(command_of_a_new_user(bdf), PCI_COMMAND_MEMORY);
}

static void flr_without_notice(const char *bdf)
{
	unsigned int devctl = real_cfg_cap(bdf, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
	uint32_t bar = real_cfg(bdf, PCI_BASE_ADDRESS_0, 4);

	real_cfg_set(bdf, devctl, real_cfg(bdf, devctl, 2) | PCI_EXP_DEVCTL_BCR_FLR, 2);
	CHECK_NE(real_cfg(bdf, PCI_BASE_ADDRESS_0, 4), bar);
}

/* The kernel's driver gives it back without the addresses of its BARs. */
TEST_OURS(a_function_that_was_reset_before_it_was_bound_is_given_back_whole)
{
	const char *bdf = vm_bdf("nvme1");
	uint32_t bar = real_cfg(bdf, PCI_BASE_ADDRESS_0, 4);

	driver_load(NULL);
	pci_attr_set(bdf, "enable", "1");
	flr_without_notice(bdf);
	vfio_close(vfio_bind_and_open(bdf));
	pci_unbind(bdf);
	CHECK_EQ(real_cfg(bdf, PCI_BASE_ADDRESS_0, 4), bar);
	CHECK_EQ(real_cfg(bdf, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	pci_attr_set(bdf, "enable", "0");
}

/* Root resets it without telling anybody. */
TEST(a_function_that_has_lost_its_bars_does_not_decode_when_it_is_given_back)
{
	const char *bdf = vm_bdf("nvme1");
	uint32_t bar = real_cfg(bdf, PCI_BASE_ADDRESS_0, 4);

	driver_load("disable_idle_d3=1");
	pci_attr_set(bdf, "enable", "1");
	vfio_close(vfio_bind_and_open(bdf));
	flr_without_notice(bdf);
	pci_unbind(bdf);
	CHECK_EQ(real_cfg(bdf, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY, 0);
	real_cfg_set(bdf, PCI_BASE_ADDRESS_0, bar, 4);
	pci_attr_set(bdf, "enable", "0");
}

/* By root here; some drivers never disable their function. */
TEST(a_function_that_was_enabled_before_decodes_when_it_is_given_back)
{
	const char *bdf = vm_bdf("edu0");

	driver_load(NULL);
	pci_attr_set(bdf, "enable", "1");
	vfio_close(vfio_bind_and_open(bdf));
	pci_unbind(bdf);
	CHECK(real_cfg(bdf, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
	pci_attr_set(bdf, "enable", "0");
	CHECK(!(real_cfg(bdf, PCI_COMMAND, 2) & PCI_COMMAND_MASTER));
}
