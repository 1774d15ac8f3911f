// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own selftests of VFIO (tools/testing/selftests/vfio of its source), unchanged: each
 * of its programs on each device that it is for. What they say of each of their tests is repeated
 * in the kernel log, so that run can compare what they say of two drivers.
 *
 * vm-machine: selftests
 * vm-drivers: ours kernel
 * vm-cmdline: hugepages=32
 * vm-modules: iommufd
 * vm-files: build/vfio-selftests/vfio_dma_mapping_mmio_test build/vfio-selftests/vfio_dma_mapping_test build/vfio-selftests/vfio_iommufd_setup_test build/vfio-selftests/vfio_pci_device_init_perf_test build/vfio-selftests/vfio_pci_device_test build/vfio-selftests/vfio_pci_driver_test build/vfio-selftests/vfio_pci_sriov_uapi_test
 * vm-seconds: 400
 * vm-timeout: 600
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmtest.h"

/* What a program of theirs ends with when it has nothing to test on this device. */
#define NOTHING_TO_TEST 4

static bool starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

/* Run PROGRAM on the devices; each of its tests must pass, or be one that it skips. */
static void run_selftest(const char *program, const char *const ids[], int nr_ids)
{
	char *arguments[8] = { NULL }, path[128], line[512], said[1024];
	int log, output[2], status, passed = 0, failed = 0;
	pid_t child;
	FILE *lines;

	snprintf(path, sizeof(path), "/files/%s", program);
	CHECK_OK(chmod(path, 0755));
	driver_load("enable_sriov=1");
	module_load("base", "iommufd", NULL);
	arguments[0] = path;
	for (int n = 0; n < nr_ids; n++) {
		arguments[n + 1] = (char *)vm_bdf(ids[n]);
		pci_bind(arguments[n + 1], VFIO_PCI);
	}

	log = CHECK_OK(open("/dev/kmsg", O_WRONLY | O_CLOEXEC));
	CHECK_OK(pipe2(output, O_CLOEXEC));
	child = CHECK_OK(fork());
	if (!child) {
		dup2(output[1], 1);
		dup2(output[1], 2);
		execv(path, arguments);
		_exit(127);
	}
	close(output[1]);
	lines = fdopen(output[0], "r");
	while (fgets(line, sizeof(line), lines)) {
		line[strcspn(line, "\n")] = '\0';
		test_note("%s", line);
		if (!starts_with(line, "ok ") && !starts_with(line, "not ok "))
			continue;
		if (starts_with(line, "ok "))
			passed++;
		else
			failed++;
		snprintf(said, sizeof(said), "selftest: %s %s %s\n", program, ids[0], line);
		CHECK_OK(write(log, said, strlen(said)));
	}
	fclose(lines);
	CHECK_OK(waitpid(child, &status, 0));
	snprintf(said, sizeof(said), "selftest: %s %s ended with %#x\n", program, ids[0], status);
	CHECK_OK(write(log, said, strlen(said)));
	CHECK(WIFEXITED(status));
	CHECK_EQ(failed, 0);
	if (WEXITSTATUS(status) == NOTHING_TO_TEST)
		return;
	CHECK_EQ(WEXITSTATUS(status), 0);
	CHECK_LT(0, passed);
}

#define SELFTEST(program, id)							\
	TEST(program##_passes_on_##id)						\
	{									\
		run_selftest(#program, (const char *const []){ #id }, 1);	\
	}

#define SELFTESTS(id)								\
	SELFTEST(vfio_dma_mapping_mmio_test, id)				\
	SELFTEST(vfio_dma_mapping_test, id)					\
	SELFTEST(vfio_iommufd_setup_test, id)					\
	SELFTEST(vfio_pci_device_test, id)					\
	SELFTEST(vfio_pci_driver_test, id)

SELFTESTS(edu0)
SELFTESTS(nvme1)
SELFTESTS(nic0)

TEST(vfio_pci_sriov_uapi_test_passes_on_nvme0)
{
	/*
	 * QEMU's PF loses its VFs for good when it is reset, as it would be at each open and close:
	 * the VF would answer with ones, and ours opens no such function.
	 */
	pci_attr_set(vm_bdf("nvme0"), "reset_method", "\n");
	run_selftest("vfio_pci_sriov_uapi_test", (const char *const []){ "nvme0" }, 1);
}

TEST(vfio_pci_device_init_perf_test_passes_on_several_devices)
{
	static const char *const ids[] = { "edu0", "nvme1", "nic0", "testdev0" };

	run_selftest("vfio_pci_device_init_perf_test", ids, 4);
}
