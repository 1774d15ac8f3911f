// SPDX-License-Identifier: GPL-2.0
/*
 * Commands that the firmware never completes: mlx5_core gives up after its time, and the driver
 * reports it.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 */
#include "vmtest.h"
#include "operations.h"

CLEAN_UP
{
	connectx_clean_up();
}

static void check_timeout(const char *command, int (*operation)(void))
{
	connectx_configure("command-timeout-ms", "3000");
	open_vf();
	check_usable();
	CHECK_EQ(window_fill(vf, 20000, 1), WINDOW_DONE);
	connectx_set("fault", "%s timeout", command);
	CHECK_NE(operation(), 0);
	check_usable();
}

TEST(a_suspend_that_never_completes_is_an_error)
{
	check_timeout("SUSPEND_VHCA", suspend);
}

TEST(a_load_that_never_completes_is_an_error)
{
	check_timeout("LOAD_VHCA_STATE", load);
}

TEST_WHEN(a_save_may_fail, a_save_that_never_completes_is_an_error)
{
	check_timeout("SAVE_VHCA_STATE", save);
}

TEST_WHEN(dma_logging_can_report, a_tracker_that_never_comes_is_an_error)
{
	check_timeout("CREATE_GENERAL_OBJECT", track);
}

TEST_WHEN(dma_logging_can_report, a_report_that_never_begins_is_an_error)
{
	check_timeout("MODIFY_GENERAL_OBJECT", track);
}
