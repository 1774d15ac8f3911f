// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PF and its VFs below a port with hot-plug: a reset of the slot is one of them all.
 *
 * vm-machine: witness-native-hotplug
 * vm-drivers: ours kernel
 * vm-seconds: 400
 * vm-timeout: 420
 */
#include "vmtest.h"

#define TOKEN	"b3a10000-0000-0000-0000-000000000000"

static struct vfio_device *open_pf(const char *bdf)
{
	static const uint8_t token[16] = { 0xb3, 0xa1 };
	struct vfio_device *pf;

	driver_load("enable_sriov=1");
	pf = vfio_bind_and_open(bdf);
	CHECK_EQ(vfio_set_vf_token_try(pf, token), 0);
	cfg_command(pf, PCI_COMMAND_MEMORY, 0);
	vfio_write(pf, 0, WITNESS_SCRATCH, 0x1234567, 4);
	return pf;
}

/* A VF whose resets take longer than the PCI core waits, which is a minute. */
static char *make_stuck_vf(const char *pf)
{
	char *vf;

	kmsg_expect("not ready");
	witness_set("witness1", "flr-ms", "400000");
	pci_set_vfs(pf, 1);
	witness_set("witness1", "flr-ms", "95");
	vf = strdup(pci_vf(pf, 0));
	pci_bind(vf, VFIO_PCI);
	return vf;
}

/* The kernel's driver resets the whole slot, and the PF's user is left with ones. */
TEST_OURS(a_vf_that_does_not_come_back_from_its_reset_leaves_its_pf_alone)
{
	char *pf_bdf = strdup(vm_bdf("witness1")), *vf_bdf;
	struct vfio_device *pf = open_pf(pf_bdf), *vf;
	uint32_t bar = real_cfg(pf_bdf, PCI_BASE_ADDRESS_0, 4);
	char name[64];

	vf_bdf = make_stuck_vf(pf_bdf);
	snprintf(name, sizeof(name), "%s vf_token=" TOKEN, vf_bdf);
	CHECK_ERR(EIO, vfio_open_try(vf_bdf, name, &vf));
	CHECK_EQ(real_cfg(pf_bdf, PCI_BASE_ADDRESS_0, 4), bar);
	CHECK_EQ(vfio_read(pf, 0, WITNESS_SCRATCH, 4), 0x1234567);
}

TEST(a_vf_in_a_slot_is_reset_at_open_and_for_its_user)
{
	char *pf_bdf = strdup(vm_bdf("witness1")), *vf_bdf;
	struct vfio_device *pf = open_pf(pf_bdf), *vf;
	char name[64];

	pci_set_vfs(pf_bdf, 1);
	vf_bdf = strdup(pci_vf(pf_bdf, 0));
	pci_bind(vf_bdf, VFIO_PCI);
	snprintf(name, sizeof(name), "%s vf_token=" TOKEN, vf_bdf);
	for (int n = 0; n < 2; n++) {
		CHECK_EQ(vfio_open_try(vf_bdf, name, &vf), 0);
		CHECK_EQ(vfio_read(vf, 0, WITNESS_SCRATCH, 4), 0);
		vfio_write(vf, 0, WITNESS_SCRATCH, 1, 4);
		CHECK_EQ(vfio_reset_try(vf), 0);
		CHECK_EQ(vfio_read(vf, 0, WITNESS_SCRATCH, 4), 0);
		vfio_write(vf, 0, WITNESS_SCRATCH, 1, 4);
		vfio_close(vf);
	}
	CHECK_EQ(vfio_read(pf, 0, WITNESS_SCRATCH, 4), 0x1234567);
}

/* 6.1 has functions 0 to 7 in the slot of a port, and the kernel's driver believes that. */
TEST_OURS(a_hot_reset_affects_all_functions_behind_the_port)
{
	char *pf_bdf = strdup(vm_bdf("witness1"));
	struct vfio_device *pf = open_pf(pf_bdf);
	struct vfio_pci_hot_reset_info *info;

	pci_set_vfs(pf_bdf, 12);
	CHECK_EQ(vfio_hot_reset_info_try(pf, &info), 0);
	CHECK_EQ(info->count, 13);
	CHECK_ERR(EINVAL, vfio_hot_reset_try(pf, &pf->group, 1));
	CHECK_EQ(vfio_read(pf, 0, WITNESS_SCRATCH, 4), 0x1234567);
}
