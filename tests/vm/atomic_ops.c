// SPDX-License-Identifier: GPL-2.0-only
/*
 * The AtomicOps that the root port completes (VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP): a client that
 * asks for them, in GET_INFO, changes nothing.
 *
 * vm-machine: witness
 * vm-drivers: ours kernel
 */
#include "vmtest.h"

/* Not in all headers. */
#define INFO_FLAGS_CAPS		(1 << 7)
#define INFO_CAP_OFFSET		16
#define INFO_CAP_ATOMIC_COMP	5
#define ATOMIC_COMP32		(1 << 0)
#define ATOMIC_COMP64		(1 << 1)

#define TOKEN	"b3000000-0000-0000-0000-000000000078"

static bool has_capability(void)
{
	return !kernel_is("6.1");
}

static bool has_capability_and_is_ours(void)
{
	return has_capability() && driver_is_ours();
}

static uint32_t atomic_flags(struct vfio_device *device)
{
	uint32_t info[64] = { sizeof(info) };
	struct vfio_info_cap_header *cap;

	CHECK_OK(ioctl(device->fd, VFIO_DEVICE_GET_INFO, info));
	if (!(info[1] & INFO_FLAGS_CAPS))
		return 0;
	cap = vfio_info_cap(info, info[INFO_CAP_OFFSET / 4], INFO_CAP_ATOMIC_COMP);
	return cap ? *(uint32_t *)(cap + 1) : 0;
}

static bool are_requests_on(const char *bdf)
{
	return real_cfg(bdf, real_cfg_cap(bdf, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL2, 2) &
	       PCI_EXP_DEVCTL2_ATOMIC_REQ;
}

TEST_WHEN(has_capability, atomic_ops_that_the_root_port_completes_are_told)
{
	struct vfio_device *device, *other;

	driver_load(NULL);
	device = vfio_bind_and_open(vm_bdf("witness1"));
	other = vfio_bind_and_open(vm_bdf("witness0"));
	/* The kernel's driver tells only of those that the function completes as well. */
	CHECK_EQ(atomic_flags(device), ATOMIC_COMP32 | (driver_is_ours() ? ATOMIC_COMP64 : 0));
	CHECK_EQ(atomic_flags(other), 0);
}

/* After the kernel's driver was asked, they are on. */
TEST_OURS(asking_for_atomic_ops_leaves_requests_as_the_client_has_them)
{
	struct vfio_device *device;
	unsigned int devctl2;

	driver_load(NULL);
	device = vfio_bind_and_open(vm_bdf("witness1"));
	CHECK(!are_requests_on(device->bdf));
	atomic_flags(device);
	CHECK(!are_requests_on(device->bdf));
	devctl2 = cfg_cap(device, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL2;
	cfg_set16(device, devctl2, PCI_EXP_DEVCTL2_ATOMIC_REQ);
	CHECK(are_requests_on(device->bdf));
	atomic_flags(device);
	CHECK(are_requests_on(device->bdf));
	CHECK_EQ(cfg16(device, devctl2), PCI_EXP_DEVCTL2_ATOMIC_REQ);
}

static struct vfio_device *open_vf(const char *bdf)
{
	struct vfio_device *vf;

	CHECK_EQ(vfio_open_words_try(bdf, " vf_token=" TOKEN, &vf), 0);
	return vf;
}

/*
 * Its own bit that switches requests on does nothing (PCIe 6.0, 7.5.3.16). With the kernel's driver
 * the user of a VF that asks switches its PF's on.
 */
TEST_WHEN(has_capability_and_is_ours, a_vf_has_atomic_ops_while_its_pf_makes_requests)
{
	const uint8_t token[16] = { 0xb3, [15] = 0x78 };
	char *pf_bdf = strdup(vm_bdf("witness1"));
	struct vfio_device *pf, *vf;

	driver_load("enable_sriov=1");
	pf = vfio_bind_and_open(pf_bdf);
	CHECK_EQ(vfio_set_vf_token_try(pf, token), 0);
	pci_set_vfs(pf_bdf, 1);
	pci_bind(pci_vf(pf_bdf, 0), VFIO_PCI);
	vf = open_vf(pci_vf(pf_bdf, 0));
	CHECK_EQ(atomic_flags(vf), 0);
	CHECK(!are_requests_on(pf_bdf));
	vfio_close(vf);
	cfg_set16(pf, cfg_cap(pf, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL2, PCI_EXP_DEVCTL2_ATOMIC_REQ);
	CHECK_EQ(atomic_flags(open_vf(pci_vf(pf_bdf, 0))), ATOMIC_COMP32 | ATOMIC_COMP64);
}
