// SPDX-License-Identifier: GPL-2.0-only
/*
 * A probe that fails at its last step, because the machine has no IOMMU, undoes everything.
 *
 * vm-machine: noiommu
 * vm-drivers: ours kernel
 * vm-modules: nvme
 */
#include <glob.h>

#include "vmtest.h"

#define ATTEMPTS 20

static const char * const ids[] = {
	"edu0", "nvme0", "nvme1", "nic0", "testdev0", "vga0", "vga1",
};

#define NR_IDS (sizeof(ids) / sizeof(ids[0]))

CLEAN_UP {
	if (pci_attr_number(vm_bdf("nvme0"), "sriov_numvfs"))
		pci_set_vfs(vm_bdf("nvme0"), 0);
	pci_attr_set(vm_bdf("nvme0"), "sriov_drivers_autoprobe", "1");
	if (module_loaded("nvme"))
		module_unload("nvme");
}

static void fail_to_bind(const char *bdf)
{
	CHECK_ERR(EINVAL, pci_bind_try(bdf, VFIO_PCI));
	CHECK_STR(pci_driver(bdf), "");
}

/* Remove a function from the bus and find it again: the arbiter tells all its clients of that. */
static void remove_and_rescan(const char *bdf)
{
	pci_attr_set(bdf, "remove", "1");
	CHECK(!pci_attr_exists(bdf, "vendor"));
	file_write("/sys/bus/pci/rescan", "1");
	CHECK(WAIT_UNTIL(pci_attr_exists(bdf, "vendor"), 10000));
}

TEST(probe_fails_without_an_iommu)
{
	driver_load(NULL);
	for (size_t i = 0; i < NR_IDS; i++)
		fail_to_bind(vm_bdf(ids[i]));
}

TEST(failed_probe_leaves_runtime_pm_as_it_was)
{
	static const char * const parameters[] = { "disable_idle_d3=0", "disable_idle_d3=1" };

	for (size_t p = 0; p < 2; p++) {
		driver_load(parameters[p]);
		for (size_t i = 0; i < NR_IDS; i++) {
			const char *bdf = vm_bdf(ids[i]);
			int usage = pm_usage(bdf);
			char *status = pm_status(bdf);

			for (int attempt = 0; attempt < ATTEMPTS; attempt++)
				fail_to_bind(bdf);
			CHECK_EQ(pm_usage(bdf), usage);
			CHECK_STR(pm_status(bdf), status);
		}
		driver_unload();
	}
}

TEST(failed_probe_leaves_the_function_in_d0)
{
	const char *bdf = vm_bdf("nvme1");

	driver_load(NULL);
	fail_to_bind(bdf);
	CHECK_EQ(real_cfg(bdf, real_cfg_cap(bdf, PCI_CAP_ID_PM) + PCI_PM_CTRL, 2) &
		 PCI_PM_CTRL_STATE_MASK, 0);
}

TEST(failed_probe_leaves_config_space_as_it_was)
{
	driver_load("disable_vga=1");
	for (size_t i = 0; i < NR_IDS; i++) {
		const char *bdf = vm_bdf(ids[i]);
		uint32_t before[64];

		for (int dword = 0; dword < 64; dword++)
			before[dword] = real_cfg(bdf, dword * 4, 4);
		fail_to_bind(bdf);
		for (int dword = 0; dword < 64; dword++)
			CHECK_EQ(real_cfg(bdf, dword * 4, 4), before[dword]);
	}
}

TEST(failed_probe_leaves_its_module_without_users)
{
	driver_load(NULL);
	for (int attempt = 0; attempt < ATTEMPTS; attempt++)
		for (size_t i = 0; i < NR_IDS; i++)
			fail_to_bind(vm_bdf(ids[i]));
	CHECK_EQ(module_uses("vfio_pci"), 0);
	driver_unload();
}

/* Whether the nvme driver has found the disk. */
static bool has_namespace(const char *bdf)
{
	char pattern[128];
	glob_t found;
	bool any;

	snprintf(pattern, sizeof(pattern), "/sys/bus/pci/devices/%s/nvme/nvme*/nvme*n*", bdf);
	any = !glob(pattern, 0, NULL, &found);
	globfree(&found);
	return any;
}

TEST(native_driver_can_take_the_function_after_a_failed_probe)
{
	const char *bdf = vm_bdf("nvme1");

	module_load("base", "nvme", NULL);
	driver_load(NULL);
	for (int attempt = 0; attempt < 3; attempt++) {
		fail_to_bind(bdf);
		pci_bind(bdf, "nvme");
		CHECK(WAIT_UNTIL(has_namespace(bdf), 20000));
		pci_unbind(bdf);
	}
}

/*
 * If the notifier were still there, the PCI core would call into freed memory, or an unloaded
 * module, when the native driver gives the function VFs.
 */
TEST_OURS(failed_probe_leaves_no_sriov_notifier)
{
	const char *bdf = vm_bdf("nvme0");

	driver_load("enable_sriov=1");
	for (int attempt = 0; attempt < ATTEMPTS; attempt++)
		fail_to_bind(bdf);
	driver_unload();
	module_load("base", "nvme", NULL);
	pci_attr_set(bdf, "sriov_drivers_autoprobe", "0");
	pci_set_vfs(bdf, 2);
	CHECK(!strcmp(pci_attr(pci_vf(bdf, 1), "driver_override"), "(null)"));
	pci_set_vfs(bdf, 0);
}

TEST_OURS(failed_probe_leaves_vga_decoding_as_it_was)
{
	static const char * const parameters[] = { "disable_vga=0", "disable_vga=1" };
	const char *first = vm_bdf("vga0"), *second = vm_bdf("vga1");
	char *before[2] = { vga_arbiter(first), vga_arbiter(second) };

	for (size_t p = 0; p < 2; p++) {
		driver_load(parameters[p]);
		for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
			fail_to_bind(first);
			fail_to_bind(second);
			CHECK_STR(vga_arbiter(first), before[0]);
			CHECK_STR(vga_arbiter(second), before[1]);
		}
		driver_unload();
	}
}

/* A client left behind would be called when another VGA device goes or comes. */
TEST_OURS(failed_probe_leaves_no_vga_arbiter_client)
{
	static const char * const parameters[] = { "disable_vga=0", "disable_vga=1" };
	const char *first = vm_bdf("vga0"), *second = vm_bdf("vga1");
	char *decodes = vga_decodes(first);

	for (size_t p = 0; p < 2; p++) {
		driver_load(parameters[p]);
		fail_to_bind(first);
		remove_and_rescan(second);
		CHECK_STR(vga_decodes(first), decodes);
		driver_unload();
		remove_and_rescan(second);
		CHECK_STR(vga_decodes(first), decodes);
	}
}

TEST_OURS(failed_probe_leaves_no_sysfs_group)
{
	driver_load(NULL);
	for (size_t i = 0; i < NR_IDS; i++) {
		fail_to_bind(vm_bdf(ids[i]));
		CHECK(!pci_attr_exists(vm_bdf(ids[i]), "vfio_pci"));
	}
}
