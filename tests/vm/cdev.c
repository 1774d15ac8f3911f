// SPDX-License-Identifier: GPL-2.0-only
/*
 * VF tokens of devices that are opened by their own nodes, which only kernels with iommufd have.
 * Debian's do not; and no kernel before 6.17 passes the token to drivers.
 *
 * vm-machine: default
 * vm-drivers: ours kernel
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmtest.h"

#define BIND_IOMMUFD	_IO(VFIO_TYPE, VFIO_BASE + 18)
#define FLAG_TOKEN	1

/* As in newer headers than those at hand. */
struct bind_with_token {
	uint32_t argsz;
	uint32_t flags;
	int32_t iommufd;
	uint32_t devid;
	uint64_t uuid;
};

static const uint8_t token[16] = { 0xb3, 0xa1 }, other[16] = { 0x11, 0x22 };
static char *pf, *vf;

static bool there_are_nodes(void)
{
	return !kernel_is_debians() && !kernel_is("6.1");
}

static bool there_are_nodes_and_we_are_better(void)
{
	return there_are_nodes() && driver_is_ours();
}

static int open_node(const char *bdf)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int fd = -1;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", bdf);
	dir = opendir(path);
	if (!dir)
		FAIL("%s: %m", path);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%s", entry->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	closedir(dir);
	return CHECK_OK(fd);
}

/* Returns a file, which has the device until it is closed, or a negative errno. */
static int bind_node(const char *bdf, const uint8_t *uuid)
{
	struct bind_with_token bind = {
		.argsz = sizeof(bind),
		.flags = uuid ? FLAG_TOKEN : 0,
		.iommufd = CHECK_OK(open("/dev/iommu", O_RDWR | O_CLOEXEC)),
		.uuid = (uintptr_t)uuid,
	};
	int fd = open_node(bdf);
	int ret = ioctl(fd, BIND_IOMMUFD, &bind) ? -errno : fd;

	close(bind.iommufd);
	if (ret < 0)
		close(fd);
	return ret;
}

static void bind_pf(void)
{
	/* QEMU's PF loses its VFs for good when it is reset. */
	pci_attr_set(vm_bdf("nvme0"), "reset_method", "\n");
	driver_load("enable_sriov=1 disable_idle_d3=1");
	pf = strdup(vm_bdf("nvme0"));
	pci_bind(pf, VFIO_PCI);
}

static void make_vf(void)
{
	pci_set_vfs(pf, 1);
	vf = strdup(pci_vf(pf, 0));
	pci_bind(vf, VFIO_PCI);
}

/* The kernel's driver takes the token of the bind that fails. */
TEST_WHEN(there_are_nodes_and_we_are_better, a_bind_of_an_open_pf_that_fails_does_not_change_its_token)
{
	int fd;

	bind_pf();
	CHECK_GE(bind_node(pf, token), 0);
	make_vf();
	CHECK_LT(bind_node(pf, other), 0);
	CHECK_EQ(bind_node(vf, other), -EACCES);
	fd = bind_node(vf, token);
	CHECK_GE(fd, 0);
	close(fd);
}

/* With the kernel's driver the token of the last client opens it. */
TEST_WHEN(there_are_nodes_and_we_are_better, a_pf_without_token_keeps_its_vfs_closed)
{
	int fd;

	bind_pf();
	fd = bind_node(pf, token);
	CHECK_GE(fd, 0);
	make_vf();
	close(fd);
	CHECK_GE(bind_node(pf, NULL), 0);
	CHECK_EQ(bind_node(vf, token), -EACCES);
	CHECK_LT(bind_node(pf, token), 0);
	CHECK_EQ(bind_node(vf, token), -EACCES);
}

TEST_WHEN(there_are_nodes, a_vf_opens_with_its_pfs_token_only)
{
	int one, two;

	bind_pf();
	one = bind_node(pf, token);
	CHECK_GE(one, 0);
	make_vf();
	CHECK_EQ(bind_node(vf, NULL), -EACCES);
	CHECK_EQ(bind_node(vf, other), -EACCES);
	two = bind_node(vf, token);
	CHECK_GE(two, 0);
	close(one);
	CHECK_EQ(bind_node(pf, NULL), -EACCES);
	CHECK_EQ(bind_node(pf, other), -EACCES);
	one = bind_node(pf, token);
	CHECK_GE(one, 0);
}
