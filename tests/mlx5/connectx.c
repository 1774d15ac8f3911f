// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ConnectX model and the distribution's own mlx5_core: the driver finds nothing wrong.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 */
#include "vmtest.h"
#include "connectx.h"

CLEAN_UP
{
	/* Each test begins with a PF that no driver has probed. */
	connectx_reload_afterwards();
	connectx_clean_up();
}

static void check_no_complaints(int mark)
{
	char *line = kmsg_find(mark, MLX5_COMPLAINT);

	if (line)
		FAIL("mlx5_core complains: %s", line);
}

TEST(mlx5_core_probes_the_pf_without_complaint)
{
	int mark = kmsg_mark();

	connectx_pf();
	CHECK_EQ(kmsg_count(mark, "mlx5_core .*: firmware version: 28\\.39\\.1002"), 1);
	check_no_complaints(mark);
}

TEST(commands_complete_by_events_once_event_queues_are_there)
{
	connectx_pf();
	/* For commands, for pages, for other events; 6.1 makes some for processors as well. */
	CHECK_LE(3, connectx_objects("eqs"));
	CHECK_LE(1, connectx_objects("pages"));
}

TEST(the_pf_stays_healthy_through_several_health_polls)
{
	int mark = kmsg_mark();

	connectx_pf();
	/* The driver looks every 2 to 3 seconds: the 4th or 5th look notices a dead counter. */
	CHECK(!WAIT_UNTIL(kmsg_count(mark, MLX5_COMPLAINT), 16000));
}

TEST(eight_vfs_appear_and_go_away_again)
{
	int mark = kmsg_mark();
	const char *pf = connectx_pf_with_vfs(8);

	for (int index = 0; index < 8; index++) {
		const char *vf = pci_vf(pf, index);

		CHECK_EQ(pci_attr_number(vf, "vendor"), 0x15b3);
		CHECK_EQ(pci_attr_number(vf, "device"), 0x101e);
		CHECK_STR(pci_driver(vf), "");
		CHECK_NE(pci_group(vf), pci_group(pf));
	}
	CHECK(WAIT_UNTIL(connectx_objects("vf-pages"), 5000));
	pci_set_vfs(pf, 0);
	CHECK(!pci_attr_exists(pf, "virtfn0"));
	/* The firmware has given back what it had borrowed for VFs. */
	CHECK_EQ(connectx_objects("vf-pages"), 0);
	check_no_complaints(mark);
}

TEST(vfs_are_enabled_and_disabled_many_times)
{
	int mark = kmsg_mark();
	const char *pf = connectx_pf_with_vfs(2);

	for (int round = 0; round < 5; round++) {
		pci_set_vfs(pf, 0);
		pci_set_vfs(pf, 8);
	}
	pci_set_vfs(pf, 0);
	check_no_complaints(mark);
}

TEST(mlx5_core_probes_a_vf_too)
{
	int mark = kmsg_mark();
	const char *pf = connectx_pf_with_vfs(2);
	const char *vf = pci_vf(pf, 1);

	pci_bind(vf, "mlx5_core");
	CHECK_EQ(kmsg_count(mark, "mlx5_core .*: firmware version"), 2);
	pci_unbind(vf);
	check_no_complaints(mark);
}

TEST(vfs_are_probed_as_they_appear)
{
	const char *pf = connectx_pf();
	int mark = kmsg_mark();

	pci_attr_set(pf, "sriov_drivers_autoprobe", "1");
	pci_set_vfs(pf, 3);
	for (int index = 0; index < 3; index++)
		CHECK_STR(pci_driver(pci_vf(pf, index)), "mlx5_core");
	pci_set_vfs(pf, 0);
	check_no_complaints(mark);
}

TEST(mlx5_core_unloads_and_leaves_nothing_behind)
{
	int mark = kmsg_mark();

	connectx_pf();
	module_unload("mlx5_core");
	CHECK_EQ(connectx_objects("eqs"), 0);
	CHECK_EQ(connectx_objects("uars"), 0);
	CHECK_EQ(connectx_objects("pages"), 0);
	check_no_complaints(mark);
}

TEST(mlx5_core_unloads_under_its_vfs)
{
	int mark = kmsg_mark();

	connectx_pf_with_vfs(4);
	module_unload("mlx5_core");
	CHECK_EQ(connectx_objects("vf-pages"), 0);
	check_no_complaints(mark);
}

