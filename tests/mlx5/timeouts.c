// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands that the firmware never completes: mlx5_core gives up after its time, and the driver
 * reports it.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "vmtest.h"
#include "operations.h"

#define LIMIT_MS	20000
#define ASKERS		8

CLEAN_UP
{
	connectx_clean_up();
}

/* The error is a timeout, and the VF is in STATE after it: ERROR if its state is not known. */
static void check_timeout(const char *command, int (*operation)(void), unsigned int state)
{
	int error;

	connectx_configure("command-timeout-ms", "3000");
	open_vf();
	check_usable();
	CHECK_EQ(window_fill(vf, 20000, 1), WINDOW_DONE);
	connectx_set("fault", "%s timeout", command);
	error = operation();
	CHECK_NE(error, 0);
	if (driver_is_ours()) {
		CHECK_EQ(error, -ETIMEDOUT);
		CHECK_EQ(migration_state(vf), state);
	}
	check_usable();
}

static int resume(void)
{
	int error = suspend();

	connectx_set("fault", "RESUME_VHCA timeout");
	return error ?: set_state(STATE(RUNNING));
}

TEST(a_suspend_that_never_completes_is_an_error)
{
	check_timeout("SUSPEND_VHCA", suspend, STATE(ERROR));
}

TEST(a_second_suspend_that_never_completes_is_an_error)
{
	check_timeout("SUSPEND_VHCA skip=1", suspend, STATE(ERROR));
}

TEST(a_resume_that_never_completes_is_an_error)
{
	/* The fault is set when the VF is suspended, so that no RESUME before that meets it. */
	check_timeout("RESUME_VHCA skip=100", resume, STATE(ERROR));
}

/* The VF may still run, so the session must not go on to save it. */
TEST_OURS(a_suspend_that_never_completes_ends_the_session)
{
	char byte;
	int data;

	connectx_configure("command-timeout-ms", "3000");
	open_vf();
	CHECK_EQ(window_fill(vf, 20000, 1), WINDOW_DONE);
	data = migration_set(vf, STATE(PRE_COPY));
	connectx_set("fault", "SUSPEND_VHCA timeout");
	CHECK_ERR(ETIMEDOUT, set_state(STATE(STOP_COPY)));
	CHECK_EQ(migration_state(vf), STATE(ERROR));
	CHECK_ERRNO(ENODEV, read(data, &byte, 1));
	close(data);
	connectx_set("fault", "%s", "");
	check_usable();
}

TEST(a_load_that_never_completes_is_an_error)
{
	check_timeout("LOAD_VHCA_STATE", load, STATE(RESUMING));
}

TEST_WHEN(a_save_may_fail, a_save_that_never_completes_is_an_error)
{
	check_timeout("SAVE_VHCA_STATE", save, STATE(STOP_COPY));
}

TEST_WHEN(dma_logging_can_report, a_tracker_that_never_comes_is_an_error)
{
	check_timeout("CREATE_GENERAL_OBJECT", track, STATE(RUNNING));
}

TEST_WHEN(dma_logging_can_report, a_report_that_never_begins_is_an_error)
{
	check_timeout("MODIFY_GENERAL_OBJECT", track, STATE(RUNNING));
}

static void ask_to_stop(void *device)
{
	int none;

	migration_set_try(device, STATE(STOP), &none);
}

/* On the way to STOP, as seen by the test window: the state is not that of a VF on its way. */
static void ask_for_state(void *device)
{
	CHECK_EQ(migration_state(device), STATE(RUNNING));
}

static bool is_half_way(void)
{
	return window_suspended(vf) & 1;
}

/* Else all threads of a client that ask for it would queue before the PF's driver. */
TEST_OURS(who_asks_for_the_state_does_not_wait_for_a_command)
{
	char *shown;
	pid_t stopper;

	open_vf();
	connectx_set("fault", "SUSPEND_VHCA skip=1 timeout");
	stopper = child_start(ask_to_stop, vf);
	/* From here on the second SUSPEND is next, or under way. */
	CHECK(WAIT_UNTIL(is_half_way(), LIMIT_MS));
	child_check_ends("who asks for the state", child_start(ask_for_state, vf));
	shown = pci_attr(vf->bdf, "vfio_pci/migration_state");
	CHECK(!strcmp(shown, "running"));
	free(shown);
	CHECK_EQ(waitpid(stopper, NULL, WNOHANG), 0);
	connectx_set("fault", "%s", "");
	CHECK_EQ(waitpid(stopper, NULL, 0), stopper);
	/* The second SUSPEND has failed: the request ends with the VF half way. */
	CHECK_EQ(migration_state(vf), STATE(RUNNING_P2P));
	check_usable();
}

static void ask_for_size(void *device)
{
	migration_data_size(device);
}

static bool all_wait(const pid_t *children)
{
	for (int n = 0; n < ASKERS; n++)
		if (!child_waits(children[n]))
			return false;
	return true;
}

static int number_ended(void)
{
	static int ended;

	while (waitpid(-1, NULL, WNOHANG) > 0)
		ended++;
	return ended;
}

/* One of them waits for the firmware, and only that one is before the PF's driver. */
TEST_OURS(all_but_one_of_those_who_ask_for_the_size_can_be_killed)
{
	pid_t children[ASKERS];

	open_vf();
	connectx_set("fault", "QUERY_VHCA_MIGRATION_STATE timeout");
	for (int n = 0; n < ASKERS; n++)
		children[n] = child_start(ask_for_size, vf);
	CHECK(WAIT_UNTIL(all_wait(children), LIMIT_MS));
	for (int n = 0; n < ASKERS; n++)
		CHECK_OK(kill(children[n], SIGKILL));
	CHECK(WAIT_UNTIL(number_ended() == ASKERS - 1, LIMIT_MS));
	connectx_set("fault", "%s", "");
	CHECK(WAIT_UNTIL(number_ended() == ASKERS, LIMIT_MS));
	check_usable();
}
