// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets of a VF while the firmware works for it.
 *
 * vm-machine: connectx
 * vm-drivers: ours
 * vm-modules: mlx5_core
 */
#include <pthread.h>

#include "vmtest.h"
#include "operations.h"

#define COMMAND_MS	8000
/* A reset takes 100 ms. One that waits for the firmware takes far longer. */
#define PATIENCE_MS	4000

CLEAN_UP
{
	connectx_clean_up();
}

static void by_ioctl(void)
{
	vfio_reset(vf);
}

static void by_sysfs(void)
{
	pci_attr_set(vf->bdf, "reset", "1");
}

static void (* const resets[])(void) = { by_ioctl, by_sysfs };

static void *change_state(void *data)
{
	unsigned int *state = data;

	return (void *)(intptr_t)set_state(*state);
}

/* Resets the VF half a second after a request for STATE. Returns the request's result. */
static int reset_amid_change(unsigned int state, void (*reset)(void))
{
	pthread_t thread;
	void *result;

	CHECK_EQ(pthread_create(&thread, NULL, change_state, &state), 0);
	usleep(500000);
	reset();
	pthread_join(thread, &result);
	return (intptr_t)result;
}

/* The rest of the change would hit a VF after its reset, for which it was not meant. */
TEST(a_reset_amid_a_state_change_ends_it)
{
	struct migration_image image = {};

	open_vf();
	for (size_t i = 0; i < 2; i++) {
		int data;

		CHECK_EQ(window_fill(vf, 100000, 7), WINDOW_DONE);
		data = migration_set(vf, STATE(PRE_COPY));
		migration_read_dry(data, &image);
		/* Pre-copy is given up. Without the reset the VF would be suspended then. */
		connectx_set("fault", "SAVE_VHCA_STATE delay=3000");
		CHECK_ERR(ECANCELED, reset_amid_change(STATE(STOP), resets[i]));
		CHECK_EQ(migration_state(vf), STATE(RUNNING));
		CHECK_EQ(window_suspended(vf) & 3, 0);
		close(data);
		check_usable();
	}
}

/* The session's state is gone, and firmware may refuse the query. */
TEST(a_vf_that_is_reset_while_a_session_is_given_up_is_asked_nothing_more)
{
	open_vf();
	for (size_t i = 0; i < 2; i++) {
		int mark = kmsg_mark(), data;

		CHECK_EQ(window_fill(vf, 100000, 7), WINDOW_DONE);
		connectx_set("fault", "SAVE_VHCA_STATE delay=3000");
		data = migration_set(vf, STATE(PRE_COPY));
		CHECK_ERR(ECANCELED, reset_amid_change(STATE(STOP), resets[i]));
		CHECK_EQ(kmsg_count(mark, "QUERY_VHCA_MIGRATION_STATE.* failed"), 0);
		CHECK_EQ(migration_state(vf), STATE(RUNNING));
		close(data);
		check_usable();
	}
}

/* It is not known whether the reset or the command came last. */
static void check_lost(const char *command, unsigned int from, unsigned int to)
{
	open_vf();
	for (size_t i = 0; i < 2; i++) {
		vfio_reset(vf);
		migration_set(vf, from);
		connectx_set("fault", "%s delay=3000", command);
		CHECK_ERR(ECANCELED, reset_amid_change(to, resets[i]));
		CHECK_EQ(migration_state(vf), STATE(ERROR));
		check_usable();
	}
}

TEST(a_reset_amid_a_suspend_leaves_the_state_unknown)
{
	check_lost("SUSPEND_VHCA", STATE(RUNNING), STATE(RUNNING_P2P));
}

TEST(a_reset_amid_a_resume_leaves_the_state_unknown)
{
	check_lost("RESUME_VHCA", STATE(STOP), STATE(RUNNING_P2P));
}

static void *write_image(void *data)
{
	return (void *)(intptr_t)migration_write_try(*(int *)data, image.bytes, image.size);
}

TEST(a_reset_amid_a_load_leaves_the_state_unknown)
{
	pthread_t thread;
	void *result;
	int data;

	open_vf();
	check_usable();
	migration_set(vf, STATE(STOP));
	data = migration_set(vf, STATE(RESUMING));
	connectx_set("fault", "LOAD_VHCA_STATE delay=3000");
	CHECK_EQ(pthread_create(&thread, NULL, write_image, &data), 0);
	usleep(500000);
	vfio_reset(vf);
	pthread_join(thread, &result);
	CHECK_NE((intptr_t)result, 0);
	CHECK_EQ(migration_state(vf), STATE(ERROR));
	close(data);
	check_usable();
}

static void check_patient(void (*reset)(void))
{
	long long begin = now_ms();

	reset();
	CHECK_LE(now_ms() - begin, PATIENCE_MS);
}

/* Page faults wait for a reset, so a reset does not wait for the firmware. */
TEST(a_reset_does_not_wait_for_the_firmware)
{
	static const char * const commands[] = { "SAVE_VHCA_STATE", "DESTROY_MKEY", "DEALLOC_PD" };

	open_vf();
	for (size_t i = 0; i < 6; i++) {
		char byte;
		int data;

		CHECK_EQ(window_fill(vf, 1 << 20, i), WINDOW_DONE);
		connectx_set("fault", "%s delay=%d", commands[i / 2], COMMAND_MS);
		data = migration_set(vf, STATE(STOP_COPY));
		check_patient(resets[i % 2]);
		/* The session ended with the reset, and a read says so at once. */
		CHECK_ERRNO(ENODEV, read(data, &byte, 1));
		CHECK_EQ(migration_state(vf), STATE(RUNNING));
		close(data);
	}
	check_usable();
}

TEST(a_reset_while_a_state_is_loaded_does_not_wait_for_the_firmware)
{
	int data;

	open_vf();
	check_usable();
	for (size_t i = 0; i < 2; i++) {
		migration_set(vf, STATE(STOP));
		data = migration_set(vf, STATE(RESUMING));
		CHECK_EQ(migration_write_try(data, image.bytes, image.size), 0);
		connectx_set("fault", "DESTROY_MKEY delay=%d", COMMAND_MS);
		check_patient(resets[i]);
		CHECK_ERR(ENODEV, migration_write_try(data, image.bytes, image.size));
		CHECK_EQ(migration_state(vf), STATE(RUNNING));
		close(data);
	}
	check_usable();
}
