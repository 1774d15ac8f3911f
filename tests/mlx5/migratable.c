// SPDX-License-Identifier: GPL-2.0-only
/*
 * sysfs shows why a VF cannot be migrated, by a word for each reason. And the driver has rules of
 * its own.
 *
 * vm-machine: connectx
 * vm-drivers: ours
 * vm-modules: mlx5_core
 */
#include <string.h>

#include "connectx.h"
#include "file.h"
#include "vmtest.h"

CLEAN_UP
{
	connectx_clean_up();
}

static void check_says(const char *bdf, const char *word)
{
	char *text = pci_attr(bdf, "vfio_pci/migratable");

	CHECK_STR(text, word);
	/* A VF has a state exactly if it can be migrated. */
	CHECK_EQ(pci_attr_exists(bdf, "vfio_pci/migration_state"), !strcmp(word, "yes"));
	free(text);
}

/* Binds the function to our driver. */
static const char *take(const char *bdf)
{
	module_load("ours", "mlx5_vfio_pci", NULL);
	pci_bind(bdf, "mlx5_vfio_pci");
	return bdf;
}

static void check_vf_says(const char *word)
{
	check_says(take(pci_vf(connectx_pf_with_vfs(2), 0)), word);
}

static bool vfs_are_declared_migratable(void)
{
	return !kernel_is("6.1");
}

TEST(a_vf_that_can_be_migrated_says_so)
{
	check_vf_says("yes");
}

TEST(firmware_that_migrates_nothing_is_named)
{
	kmsg_expect(MLX5_COMPLAINT);
	connectx_configure("ethernet", "true");
	connectx_configure("migration", "false");
	check_vf_says("pf-firmware");
}

TEST(a_port_that_is_not_ethernet_is_named)
{
	connectx_configure("migration", "false");
	check_vf_says("not-ethernet");
}

TEST_WHEN(vfs_are_declared_migratable, a_vf_that_nobody_has_enabled_it_for_is_named)
{
	connectx_configure("migratable", "\"2\"");
	check_vf_says("not-enabled");
	check_says(take(pci_vf(connectx_pf(), 1)), "yes");
}

TEST(firmware_that_does_not_answer_for_a_vf_is_named)
{
	const char *pf = connectx_pf_with_vfs(2);

	kmsg_expect(MLX5_COMPLAINT);
	connectx_set("fault", "QUERY_HCA_CAP status=0x1");
	check_says(take(pci_vf(pf, 0)), "error");
}

TEST(a_pf_in_other_hands_is_named)
{
	const char *pf = connectx_pf();

	connectx_reload_afterwards();
	module_load("ours", "vfio_pci", "enable_sriov=1");
	pci_bind(pf, VFIO_PCI);
	pci_set_vfs(pf, 1);
	check_says(take(pci_vf(pf, 0)), "pf-driver");
}

static bool kernel_has_no_symbol_versions(void)
{
	return !kernel_is("6.1") && !kernel_is("6.12");
}

TEST_WHEN(kernel_has_no_symbol_versions, a_pf_driver_that_is_not_the_kernels_is_named)
{
	connectx_load_foreign_pf_driver();
	check_vf_says("other-pf-driver");
}

TEST(a_function_that_is_no_vf_is_named)
{
	const char *pf = connectx_pf();

	connectx_reload_afterwards();
	check_says(take(pf), "not-a-vf");
}

TEST(single_rules_are_for_the_driver_that_gets_them)
{
	const char *vf = pci_vf(connectx_pf_with_vfs(2), 0), *rule = "15b3:101e/nointxmask=1";

	driver_load(NULL);
	module_load("ours", "mlx5_vfio_pci", NULL);
	file_write("/sys/bus/pci/drivers/mlx5_vfio_pci/new_rule", rule);
	CHECK_STR(module_parameter("mlx5_vfio_pci", "policy"), rule);
	CHECK_STR(module_parameter("vfio_pci", "policy"), "");
	take(vf);
	CHECK_STR(pci_attr(vf, "vfio_pci/nointxmask"), "1");
	file_write("/sys/bus/pci/drivers/mlx5_vfio_pci/remove_rule", rule);
	CHECK_STR(module_parameter("mlx5_vfio_pci", "policy"), "");
	take(vf);
	CHECK_STR(pci_attr(vf, "vfio_pci/nointxmask"), "0");
}
