// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets of a VF amid what the firmware does for it.
 *
 * vm-machine: connectx
 * vm-drivers: ours
 * vm-modules: mlx5_core
 */
#include <pthread.h>

#include "vmtest.h"
#include "operations.h"

#define COMMAND_MS	8000
/* A reset takes 100 ms; far more than that it had waited for the firmware. */
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

/* The VF is reset half a second after STATE was asked for. Returns what came of that. */
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

/* What comes after it would befall a VF that is not the one it was asked for. */
TEST(a_reset_amid_a_state_change_ends_it)
{
	struct migration_image image = {};

	open_vf();
	for (size_t i = 0; i < 2; i++) {
		int data;

		CHECK_EQ(window_fill(vf, 100000, 7), WINDOW_DONE);
		data = migration_set(vf, STATE(PRE_COPY));
		migration_read_dry(data, &image);
		/* Pre-copy is given up; the VF would be suspended then. */
		connectx_set("fault", "SAVE_VHCA_STATE delay=3000");
		CHECK_ERR(ECANCELED, reset_amid_change(STATE(STOP), resets[i]));
		CHECK_EQ(migration_state(vf), STATE(RUNNING));
		CHECK_EQ(window_suspended(vf) & 3, 0);
		close(data);
		check_usable();
	}
}

/* What there was to ask about is gone, and firmware may refuse to be asked. */
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

/* Which of both came last, nobody knows. */
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

/* Others wait for a reset with a page fault, so it waits for nobody. */
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
		/* His session ended with it, and he need not wait to hear of that. */
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
