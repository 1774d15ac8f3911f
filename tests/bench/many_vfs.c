// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long it takes 64 processes to open a VF each, all at once: the opens' instructions, one
 * after the other, and the time for which they wait, side by side.
 *
 * vm-machine: many-vfs-icount
 * vm-drivers: ours kernel
 * vm-seconds: 600
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "vmtest.h"

#define VFS	64

static struct vfio_device *open_with_token(const char *bdf)
{
	struct vfio_device *device;

	CHECK_EQ(vfio_open_words_try(bdf, " vf_token=b3a1d2c4-0000-4000-8000-000000000001", &device), 0);
	return device;
}

/* A process that opens the VF when @go is closed, and closes it when @stop is. Twice it says so. */
static pid_t start_process(const char *vf, const int go[2], const int said[2], const int stop[2])
{
	struct vfio_device *device;
	pid_t child = fork();
	char byte = 0;

	CHECK_GE(child, 0);
	if (child)
		return child;
	close(go[1]);
	close(stop[1]);
	CHECK_EQ(write(said[1], &byte, 1), 1);
	CHECK_EQ(read(go[0], &byte, 1), 0);
	device = open_with_token(vf);
	CHECK_EQ(write(said[1], &byte, 1), 1);
	CHECK_EQ(read(stop[0], &byte, 1), 0);
	vfio_close(device);
	_exit(0);
}

static void wait_for_all(int said)
{
	char byte;

	for (int n = 0; n < VFS; n++)
		CHECK_EQ(read(said, &byte, 1), 1);
}

static void open_all(const char *name, const char *const vfs[VFS])
{
	int go[2], said[2], stop[2], status;
	pid_t children[VFS];
	long long start;

	CHECK(!pipe(go) && !pipe(said) && !pipe(stop));
	for (int n = 0; n < VFS; n++)
		children[n] = start_process(vfs[n], go, said, stop);
	wait_for_all(said[0]);
	start = clock_ns();
	close(go[1]);
	wait_for_all(said[0]);
	printf("bench open_64_vfs_%s ms %.1f\n", name, (clock_ns() - start) / 1e6);
	start = clock_ns();
	close(stop[1]);
	for (int n = 0; n < VFS; n++) {
		CHECK_EQ(waitpid(children[n], &status, 0), children[n]);
		CHECK_EQ(status, 0);
	}
	printf("bench close_64_vfs_%s ms %.1f\n", name, (clock_ns() - start) / 1e6);
}

TEST(vfs_are_opened_at_once)
{
	const char *pf = vm_bdf("nvme0"), *vfs[VFS];

	driver_load("enable_sriov=1");
	pci_bind(pf, VFIO_PCI);
	/* The token becomes the PF's. */
	vfio_close(open_with_token(pf));
	pci_set_vfs(pf, VFS);
	for (int n = 0; n < VFS; n++)
		vfs[n] = pci_vf(pf, n);
	open_all("first", vfs);
	open_all("again", vfs);
}
