// SPDX-License-Identifier: GPL-2.0-only
/*
 * What vfio shows of a device in debugfs, where the kernel has CONFIG_VFIO_DEBUGFS: Debian's have not.
 *
 * vm-machine: default
 * vm-drivers: ours kernel
 */
#include "vmtest.h"

static bool kernel_shows_devices(void)
{
	return !kernel_is_debians() && !kernel_is("6.1");
}

static bool has_file(const char *bdf, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/vfio/%s%s", bdf, name);
	return file_exists(path);
}

TEST_WHEN(kernel_shows_devices, a_device_is_shown_while_it_is_bound)
{
	const char *bdf = vm_bdf("edu0");

	driver_load(NULL);
	for (int round = 0; round < 2; round++) {
		CHECK(!has_file(bdf, ""));
		pci_bind(bdf, VFIO_PCI);
		CHECK(has_file(bdf, ""));
		vfio_close(vfio_open(bdf));
		CHECK(has_file(bdf, ""));
		pci_unbind(bdf);
	}
	CHECK(!has_file(bdf, ""));
}

TEST_WHEN(kernel_shows_devices, a_device_without_migration_has_no_state)
{
	const char *bdf = vm_bdf("nvme1");
	uint64_t flags;

	driver_load(NULL);
	CHECK_LT(vfio_feature_try(vfio_bind_and_open(bdf), VFIO_DEVICE_FEATURE_GET |
				  VFIO_DEVICE_FEATURE_MIGRATION, &flags, sizeof(flags)), 0);
	CHECK(has_file(bdf, ""));
	CHECK(!has_file(bdf, "/migration"));
}

static void check_shows(const char *bdf, const char *name, const char *expected)
{
	char path[128], *text;

	snprintf(path, sizeof(path), "/sys/kernel/debug/vfio/%s/pci/%s", bdf, name);
	text = file_read(path);
	CHECK_STR(text, expected);
	free(text);
}

/* As Linux 7.2 documents it. */
TEST_WHEN(kernel_shows_devices, the_tunables_of_a_device_are_shown)
{
	const char *edu = vm_bdf("edu0"), *nvme = vm_bdf("nvme1");

	driver_load("nointxmask=1 disable_idle_d3=0");
	pci_bind(edu, VFIO_PCI);
	module_parameter_set("vfio_pci", "nointxmask", "0");
	module_parameter_set("vfio_pci", "disable_idle_d3", "1");
	pci_bind(nvme, VFIO_PCI);
	check_shows(edu, "nointxmask", "Y");
	check_shows(edu, "disable_idle_d3", "N");
	check_shows(nvme, "nointxmask", "N");
	check_shows(nvme, "disable_idle_d3", "Y");
}
