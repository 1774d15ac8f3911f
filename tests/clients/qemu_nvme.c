// SPDX-License-Identifier: GPL-2.0-only
/*
 * QEMU's own NVMe driver, which lives in user space on VFIO: qemu-img and qemu-io from Debian's
 * package on nvme://ADDRESS/NAMESPACE. What they wrote is compared with what they read back, and
 * with the file behind the emulated disk as the host sees it.
 *
 * vm-machine: clients
 * vm-drivers: ours kernel
 * vm-modules: virtio_pci 9pnet_virtio 9p nvme
 * vm-seconds: 400
 * vm-timeout: 420
 */
#include <glob.h>

#include "disk.h"
#include "vmtest.h"

#define DISKS 3
#define DISK_SIZE (16 << 20)
#define MIB (1 << 20)
/* Milliseconds for one client, several of which may run at once. */
#define CLIENT_MS 120000

static const char *disk_id(int number)
{
	static const char * const ids[DISKS] = { "disk0", "disk1", "disk2" };

	return ids[number];
}

static const char *nvme(int number)
{
	static const char * const ids[DISKS] = { "nvme0", "nvme1", "nvme2" };

	return vm_bdf(ids[number]);
}

static bool has_namespace(int number)
{
	char path[96];
	glob_t found;
	bool has;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/nvme/nvme*/nvme*n1", nvme(number));
	has = !glob(path, 0, NULL, &found);
	globfree(&found);
	return has;
}

static void give_to_kernel(int number)
{
	module_load("base", "nvme", NULL);
	if (strcmp(pci_driver(nvme(number)), "nvme"))
		pci_bind(nvme(number), "nvme");
	CHECK(WAIT_UNTIL(has_namespace(number), CLIENT_MS));
}

/* A file in /tmp that no other seed gives. */
static void make_pattern(const char *name, uint64_t seed, size_t size)
{
	uint64_t *words = malloc(size), state = seed * 0x9e3779b97f4a7c15ull + 1;
	FILE *file = fopen(name, "w");

	CHECK(words && file);
	for (size_t i = 0; i < size / sizeof(*words); i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		words[i] = state;
	}
	CHECK_EQ(fwrite(words, 1, size, file), size);
	CHECK_EQ(fclose(file), 0);
	free(words);
}

/* The host finds the file's contents on the disk image. */
static void check_on_image(int number, const char *name, long long size)
{
	CHECK_STR(vm_disk_digest(disk_id(number), 0, size), file_digest(name));
}

static void copy_in(int number, const char *name)
{
	client_run("qemu-img convert -n -f raw -O raw %s nvme://%s/1", name, nvme(number));
}

static void copy_out(int number, const char *name)
{
	client_run("qemu-img convert -f raw -O raw nvme://%s/1 %s", nvme(number), name);
}

static void check_copies(int number, uint64_t seed)
{
	make_pattern("/tmp/pattern", seed, DISK_SIZE);
	copy_in(number, "/tmp/pattern");
	check_on_image(number, "/tmp/pattern", DISK_SIZE);
	copy_out(number, "/tmp/back");
	client_run("cmp /tmp/pattern /tmp/back");
}

TEST(qemu_img_copies_a_disk_in_and_out)
{
	driver_load(NULL);
	give_disk_to_client(nvme(0));
	check_copies(0, 1);
	client_run("qemu-img compare -f raw -F raw /tmp/pattern nvme://%s/1", nvme(0));
}

TEST(qemu_io_reads_back_what_it_wrote_in_any_size_and_order)
{
	driver_load(NULL);
	give_disk_to_client(nvme(0));
	make_pattern("/tmp/pattern", 2, DISK_SIZE);
	copy_in(0, "/tmp/pattern");
	client_run("qemu-io -f raw -c 'write -P 0x11 0 512' -c 'write -P 0x22 4608 7680'"
		   " -c 'write -P 0x33 1M 2M' -c 'write -z 5M 64k'"
		   " -c 'aio_write -P 0x44 6M 64k' -c 'aio_write -P 0x55 7M 1M'"
		   " -c 'aio_write -P 0x66 9M 4k' -c aio_flush"
		   " -c 'writev -P 0x77 10M 4k 12k 64k' -c 'discard 12M 1M' -c flush"
		   " nvme://%s/1", nvme(0));
	client_run("qemu-io -f raw -r -c 'read -P 0x66 9M 4k' -c 'read -P 0x11 0 512'"
		   " -c 'read -P 0x22 4608 7680' -c 'read -P 0x33 2M 512k' -c 'read -P 0 5M 64k'"
		   " -c 'aio_read -P 0x55 7M 1M' -c 'aio_read -P 0x44 6M 64k' -c aio_flush"
		   " -c 'readv -P 0x77 10M 64k 4k 12k' nvme://%s/1", nvme(0));
	/* What lies between is as it was. */
	copy_out(0, "/tmp/back");
	client_run("cmp -n 4096 -i 512 /tmp/pattern /tmp/back &&"
		   " cmp -n 3145728 -i 13631488 /tmp/pattern /tmp/back");
	CHECK_STR(vm_disk_digest("disk0", 0, DISK_SIZE), file_digest("/tmp/back"));
}

TEST(verification_by_the_client_can_fail)
{
	struct client *client;

	driver_load(NULL);
	give_disk_to_client(nvme(0));
	client_run("qemu-io -f raw -c 'write -P 0x11 0 1M' nvme://%s/1", nvme(0));
	client = client_start("qemu-io -f raw -r -c 'read -P 0x12 0 1M' nvme://%s/1", nvme(0));
	CHECK_NE(client_wait(client, CLIENT_MS), 0);
	CHECK(strstr(client_output(client), "Pattern verification failed"));
}

TEST(data_survives_close_open_and_unbind)
{
	driver_load(NULL);
	give_disk_to_client(nvme(1));
	make_pattern("/tmp/pattern", 3, DISK_SIZE);
	copy_in(1, "/tmp/pattern");
	for (int round = 0; round < 3; round++)
		client_run("qemu-img compare -f raw -F raw /tmp/pattern nvme://%s/1", nvme(1));
	pci_unbind(nvme(1));
	give_disk_to_client(nvme(1));
	client_run("qemu-img compare -f raw -F raw /tmp/pattern nvme://%s/1", nvme(1));
	check_on_image(1, "/tmp/pattern", DISK_SIZE);
}

TEST(three_disks_at_once_do_not_mix)
{
	struct client *clients[DISKS];
	char name[32];

	driver_load(NULL);
	for (int i = 0; i < DISKS; i++) {
		give_disk_to_client(nvme(i));
		snprintf(name, sizeof(name), "/tmp/pattern%d", i);
		make_pattern(name, 10 + i, DISK_SIZE);
	}
	for (int i = 0; i < DISKS; i++)
		clients[i] = client_start("qemu-img convert -n -f raw -O raw /tmp/pattern%d "
					  "nvme://%s/1", i, nvme(i));
	for (int i = 0; i < DISKS; i++)
		CHECK_EQ(client_wait(clients[i], CLIENT_MS), 0);
	for (int i = 0; i < DISKS; i++)
		clients[i] = client_start("qemu-img compare -f raw -F raw /tmp/pattern%d "
					  "nvme://%s/1", i, nvme(i));
	for (int i = 0; i < DISKS; i++) {
		CHECK_EQ(client_wait(clients[i], CLIENT_MS), 0);
		snprintf(name, sizeof(name), "/tmp/pattern%d", i);
		check_on_image(i, name, DISK_SIZE);
	}
}

/* One client with two devices, hence two groups in one container or two containers. */
TEST(one_client_copies_from_one_disk_to_another)
{
	driver_load(NULL);
	give_disk_to_client(nvme(0));
	give_disk_to_client(nvme(1));
	make_pattern("/tmp/pattern", 20, DISK_SIZE);
	copy_in(0, "/tmp/pattern");
	client_run("qemu-img convert -n -f raw -O raw nvme://%s/1 nvme://%s/1", nvme(0), nvme(1));
	check_on_image(1, "/tmp/pattern", DISK_SIZE);
}

TEST(client_works_under_every_parameter)
{
	static const char * const parameters[] = {
		"disable_idle_d3=0", "disable_idle_d3=1", "nointxmask=1", "disable_vga=1",
		"disable_idle_d3=1 nointxmask=1 disable_vga=1",
	};

	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
		driver_load(parameters[i]);
		give_disk_to_client(nvme(2));
		check_copies(2, 30 + i);
		pci_unbind(nvme(2));
		driver_unload();
	}
}

static void check_policy(int number, int idle, int vga, int intx)
{
	CHECK_EQ(pci_attr_number(nvme(number), "vfio_pci/disable_idle_d3"), idle);
	CHECK_EQ(pci_attr_number(nvme(number), "vfio_pci/disable_vga"), vga);
	CHECK_EQ(pci_attr_number(nvme(number), "vfio_pci/nointxmask"), intx);
}

TEST_OURS(disks_under_different_policies_work_at_once)
{
	struct client *clients[DISKS];
	char parameters[256];

	snprintf(parameters, sizeof(parameters), "nointxmask=1 policy=\"%s/disable_idle_d3=1;"
		 "%s/nointxmask=0,disable_vga=1\"", nvme(0), nvme(1));
	driver_load(parameters);
	for (int i = 0; i < DISKS; i++)
		give_disk_to_client(nvme(i));
	make_pattern("/tmp/pattern", 40, DISK_SIZE);
	for (int i = 0; i < DISKS; i++)
		clients[i] = client_start("qemu-img convert -n -f raw -O raw /tmp/pattern "
					  "nvme://%s/1", nvme(i));
	/* While they work: no device notices. */
	module_parameter_set("vfio_pci", "disable_idle_d3", "1");
	module_parameter_set("vfio_pci", "nointxmask", "0");
	module_parameter_set("vfio_pci", "policy", "1b36:0010/disable_idle_d3=0,nointxmask=1");
	for (int i = 0; i < DISKS; i++) {
		CHECK_EQ(client_wait(clients[i], CLIENT_MS), 0);
		check_on_image(i, "/tmp/pattern", DISK_SIZE);
	}
	check_policy(0, 1, 0, 1);
	check_policy(1, 0, 1, 0);
	check_policy(2, 0, 0, 1);
}

static bool image_is_being_written(const char *before)
{
	char *now = vm_disk_digest("disk0", 0, MIB);
	bool changed = strcmp(now, before);

	free(now);
	return changed;
}

TEST(client_killed_at_work_leaves_a_usable_disk)
{
	struct client *client;
	char *before;

	driver_load(NULL);
	give_disk_to_client(nvme(0));
	client_run("qemu-io -f raw -c 'write -P 0x11 0 1M' nvme://%s/1", nvme(0));
	for (int round = 0; round < 2; round++) {
		before = vm_disk_digest("disk0", 0, MIB);
		client = client_start("exec qemu-img bench -w -f raw -c 1000000 -d 32"
				      " --pattern=%d nvme://%s/1", 0x22 + round, nvme(0));
		CHECK(WAIT_UNTIL(image_is_being_written(before), CLIENT_MS));
		client_signal(client, SIGKILL);
		CHECK_EQ(client_wait(client, CLIENT_MS), 128 + SIGKILL);
	}
	check_copies(0, 50);
}

TEST(kernels_nvme_driver_reads_what_the_client_wrote)
{
	driver_load(NULL);
	give_disk_to_client(nvme(0));
	make_pattern("/tmp/pattern", 60, DISK_SIZE);
	copy_in(0, "/tmp/pattern");
	give_to_kernel(0);
	client_run("cmp /tmp/pattern /dev/$(ls /sys/bus/pci/devices/%s/nvme)n1", nvme(0));
	give_disk_to_client(nvme(0));
	client_run("qemu-img compare -f raw -F raw /tmp/pattern nvme://%s/1", nvme(0));
}

CLEAN_UP {
	if (module_loaded("nvme"))
		module_unload("nvme");
}
