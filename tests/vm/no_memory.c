// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a client that has no memory left leaves to the next one. The BAR is smaller than a page.
 *
 * vm-machine: large-bar
 * vm-drivers: ours kernel
 */
#include <sys/ipc.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>

#include "vmtest.h"

#define USER	"/tmp/cgroup/user"

CLEAN_UP
{
	file_write_try(USER "/memory.max", "max");
}

/*
 * Leaves this process no byte of kernel memory. What another processor keeps in reserve comes back a
 * moment later. The OOM killer is not to take it, so allocations fail.
 */
static void use_all_memory(void)
{
	struct {
		long type;
		char text[1];
	} message = { .type = 1 };
	int queue = CHECK_OK(msgget(IPC_PRIVATE, 0600 | IPC_CREAT));
	char limit[32];

	file_write("/proc/self/oom_score_adj", "-1000");
	file_write_try(USER "/memory.reclaim", "1M");
	snprintf(limit, sizeof(limit), "%lld", file_read_number(USER "/memory.current"));
	file_write(USER "/memory.max", limit);
	for (int round = 0; round < 10; round++) {
		while (!msgsnd(queue, &message, 1, IPC_NOWAIT))
			;
		pause_ms(30);
	}
}

static bool asks_for_info;

/* No page of it may be new at the end. */
static void be_without_memory(void *bdf)
{
	static struct vfio_region_info info;
	struct vfio_device *device;

	cgroup_enter();
	device = vfio_open(bdf);
	memset(&info, 0, sizeof(info));
	info.argsz = sizeof(info);
	use_all_memory();
	if (asks_for_info)
		ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, &info);
	close(device->fd);
	_exit(0);
}

static uint32_t flags_of_bar(struct vfio_device *device)
{
	return vfio_region(device, 0)->flags;
}

static void check_next_client(void)
{
	char *bdf = strdup(vm_bdf("large0"));
	struct vfio_device *device;

	kmsg_expect("invoked oom-killer|Out of memory|memory cgroup out|Tasks state|Call Trace|oom");
	driver_load("disable_idle_d3=1");
	device = vfio_bind_and_open(bdf);
	CHECK_LT(vfio_region_size(device, 0), 4096);
	CHECK(flags_of_bar(device) & VFIO_REGION_INFO_FLAG_MMAP);
	vfio_close(device);
	/* A clean function keeps its BARs; this one does not. */
	pci_attr_set(bdf, "reset", "1");
	child_check_ends("the client without memory", child_start(be_without_memory, bdf));
	file_write(USER "/memory.max", "max");
	device = vfio_open(bdf);
	CHECK(flags_of_bar(device) & VFIO_REGION_INFO_FLAG_MMAP);
}

TEST(who_has_no_memory_at_close_leaves_the_next_client_its_mappings)
{
	check_next_client();
}

TEST(who_asks_for_info_without_memory_leaves_the_next_client_its_mappings)
{
	asks_for_info = true;
	check_next_client();
}
