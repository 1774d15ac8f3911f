// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each allocation that probe, open and SET_IRQS make fails once: the call then fails and all
 * that came before is undone, or it does without. In the end kmemleak knows of nothing lost.
 *
 * vm-machine: faults
 * vm-drivers: ours kernel
 * vm-cmdline: kmemleak=on kasan_multi_shot
 * vm-seconds: 300
 * vm-timeout: 600
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmtest.h"

/* More allocations than any of the calls makes: a loop that gets there would not end. */
#define MOST 1000

#define KMEMLEAK "/sys/kernel/debug/kmemleak"
/* kmemleak believes an object lost when it is this old, and was found lost twice. */
#define KMEMLEAK_AGE_MS 6000

static int fail_nth;

/* Ordinary allocations are to fail, without a stack trace of each. */
static void faults_prepare(void)
{
	if (!file_exists("/proc/self/fail-nth") || !file_exists(KMEMLEAK))
		SKIP("this kernel has no fault injection or no kmemleak");
	file_write("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	file_write("/sys/kernel/debug/failslab/verbose", "0");
	file_write("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N");
	file_write("/sys/kernel/debug/fail_page_alloc/verbose", "0");
	fail_nth = CHECK_OK(open("/proc/self/fail-nth", O_RDWR));
	file_write(KMEMLEAK, "clear");
	/*
	 * What others make of it, with the kernel's own driver too: ACPI's interpreter loses an
	 * object, the interrupt core removes a directory of /proc that it could not make, vfio a
	 * group that it could not finish. And kmemleak then looks at all of an object.
	 */
	kmsg_expect("BUG: KASAN: .* in acpi_");
	kmsg_expect("WARNING: .* at remove_proc_entry");
	kmsg_expect("WARNING: .* at vfio_group_release");
	kmsg_expect("Call Trace");
	kmsg_expect("kmemleak: Cannot allocate a scan area");
}

/* Let the NTH allocation of this task from now on fail. */
static void faults_arm(int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", nth);

	CHECK_EQ(pwrite(fail_nth, text, length, 0), length);
}

/* Whether it did; no further one will. */
static bool faults_disarm(void)
{
	char text[16] = "";

	CHECK_LT(0, pread(fail_nth, text, sizeof(text) - 1, 0));
	CHECK_EQ(pwrite(fail_nth, "0", 1, 0), 1);
	return atoi(text) == 0;
}

/* Objects of the driver that nothing points to any more. */
static void check_nothing_leaked(void)
{
	char *text, *object, *rest;

	for (int scan = 0; scan < 2; scan++) {
		pause_ms(KMEMLEAK_AGE_MS);
		file_write(KMEMLEAK, "scan");
	}
	text = file_read(KMEMLEAK);
	for (rest = text; (object = strstr(rest, "unreferenced object")); rest = object + 1) {
		char *next = strstr(object + 1, "unreferenced object");

		if (next)
			next[-1] = '\0';
		if (strstr(object, "[vfio_"))
			FAIL("leaked: %s", object);
		if (next)
			next[-1] = '\n';
	}
	free(text);
}

static void fail_every_allocation_of_probe(const char *bdf)
{
	uint16_t command = real_cfg(bdf, PCI_COMMAND, 2);
	int usage = pm_usage(bdf);
	int bind = CHECK_OK(open("/sys/bus/pci/drivers/" VFIO_PCI "/bind", O_WRONLY | O_CLOEXEC));
	int nth, failures = 0;
	bool injected = true;

	pci_attr_set(bdf, "driver_override", VFIO_PCI);
	for (nth = 1; injected && nth < MOST; nth++) {
		bool bound;

		faults_arm(nth);
		bound = pwrite(bind, bdf, strlen(bdf), 0) > 0;
		injected = faults_disarm();
		if (bound) {
			CHECK_STR(pci_driver(bdf), VFIO_PCI);
			CHECK_EQ(pci_unbind_try(bdf), 0);
			pci_attr_set(bdf, "driver_override", VFIO_PCI);
		} else {
			failures++;
		}
		CHECK_STR(pci_driver(bdf), "");
		CHECK_EQ(pm_usage(bdf), usage);
		CHECK_EQ(real_cfg(bdf, PCI_COMMAND, 2), command);
	}
	close(bind);
	test_note("%s: %d allocations, %d of them fatal", bdf, nth - 2, failures);
	CHECK_LT(nth, MOST);
	CHECK_GT(failures, 3);
}

TEST(every_failed_allocation_of_probe_is_undone)
{
	static const char *const ids[] = { "edu0", "nvme0", "vga0" };

	driver_load(NULL);
	faults_prepare();
	for (size_t n = 0; n < sizeof(ids) / sizeof(ids[0]); n++) {
		fail_every_allocation_of_probe(vm_bdf(ids[n]));
		vfio_close(vfio_bind_and_open(vm_bdf(ids[n])));
		pci_unbind(vm_bdf(ids[n]));
	}
	CHECK_EQ(module_uses("vfio_pci"), 0);
	check_nothing_leaked();
}

TEST(every_failed_allocation_of_open_is_undone)
{
	static const char *const ids[] = { "edu0", "nvme1", "nic0" };

	driver_load(NULL);
	faults_prepare();
	for (size_t n = 0; n < sizeof(ids) / sizeof(ids[0]); n++) {
		struct vfio_device *device = vfio_bind_and_open(vm_bdf(ids[n]));
		int nth, usage, failures = 0;
		bool injected = true;

		close(device->fd);
		usage = pm_usage(device->bdf);
		for (nth = 1; injected && nth < MOST; nth++) {
			faults_arm(nth);
			device->fd = ioctl(device->group, VFIO_GROUP_GET_DEVICE_FD, device->bdf);
			injected = faults_disarm();
			if (device->fd >= 0) {
				CHECK_OK(ioctl(device->fd, VFIO_DEVICE_GET_INFO, &device->info));
				close(device->fd);
			} else {
				failures++;
			}
			CHECK_EQ(pm_usage(device->bdf), usage);
		}
		test_note("%s: %d allocations, %d of them fatal", ids[n], nth - 2, failures);
		CHECK_LT(nth, MOST);
		CHECK_GT(failures, 0);
		device->fd = CHECK_OK(ioctl(device->group, VFIO_GROUP_GET_DEVICE_FD, device->bdf));
		vfio_close(device);
	}
	check_nothing_leaked();
}

#define VECTORS 4

TEST(every_failed_allocation_of_msix_leaves_msix_off)
{
	struct vfio_device *nvme;
	int events[VECTORS], nth, ret = -1;
	bool injected = true;

	driver_load(NULL);
	faults_prepare();
	nvme = vfio_bind_and_open(vm_bdf("nvme1"));
	for (int n = 0; n < VECTORS; n++)
		events[n] = event_new();
	for (nth = 1; injected && nth < MOST; nth++) {
		faults_arm(nth);
		ret = vfio_irq_eventfds_try(nvme, VFIO_PCI_MSIX_IRQ_INDEX, 0, VECTORS, events);
		injected = faults_disarm();
		if (!ret) {
			vfio_irq_loopback(nvme, VFIO_PCI_MSIX_IRQ_INDEX, VECTORS - 1);
			CHECK_EQ(event_take(events[VECTORS - 1]), 1);
			vfio_irq_disable(nvme, VFIO_PCI_MSIX_IRQ_INDEX);
			continue;
		}
		CHECK_EQ(cfg16(nvme, cfg_cap(nvme, PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS) &
			 PCI_MSIX_FLAGS_ENABLE, 0);
	}
	CHECK_LT(nth, MOST);
	CHECK_EQ(ret, 0);
	vfio_close(nvme);
	check_nothing_leaked();
}

TEST_OURS(a_policy_that_meets_no_memory_leaves_the_one_in_force)
{
	const char *path = "/sys/module/vfio_pci/parameters/policy";
	bool injected = true;
	int nth;

	driver_load("policy=1234:11e8/nointxmask=1");
	faults_prepare();
	for (nth = 1; injected && nth < MOST; nth++) {
		char *now;
		int ret;

		file_write(path, "1234:11e8/nointxmask=1");
		faults_arm(nth);
		ret = file_write_try(path, "1234:11e8/disable_vga=1");
		injected = faults_disarm();
		now = file_read(path);
		CHECK_STR(now, ret ? "1234:11e8/nointxmask=1" : "1234:11e8/disable_vga=1");
		free(now);
	}
	CHECK_LT(nth, MOST);
	CHECK_GT(nth, 4);
	check_nothing_leaked();
}

TEST_OURS(a_single_rule_that_meets_no_memory_changes_nothing)
{
	const char *path = "/sys/module/vfio_pci/parameters/policy";
	const char *good = "1234:11e8/nointxmask=1";
	const char *both = "1234:11e8/nointxmask=1;1234:11e8/disable_vga=1";
	static const char * const attributes[] = {
		"/sys/bus/pci/drivers/vfio-pci/new_rule",
		"/sys/bus/pci/drivers/vfio-pci/remove_rule",
	};
	const char *rule = "1234:11e8/disable_vga=1";
	int nth;

	driver_load("policy=1234:11e8/nointxmask=1");
	faults_prepare();
	for (int removes = 0; removes < 2; removes++) {
		const char *before = removes ? both : good, *after = removes ? good : both;
		bool injected = true;

		for (nth = 1; injected && nth < MOST; nth++) {
			char *now;
			int ret;

			file_write(path, before);
			faults_arm(nth);
			ret = file_write_try(attributes[removes], rule);
			injected = faults_disarm();
			now = file_read(path);
			CHECK_STR(now, ret ? before : after);
			free(now);
		}
		CHECK_LT(nth, MOST);
		CHECK_GT(nth, 4);
	}
	check_nothing_leaked();
}
