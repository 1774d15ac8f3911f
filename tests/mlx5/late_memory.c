// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that comes late: a client whose memory cgroup is at its limit gets a page at a time. Freed
 * memory is poisoned, so that each use of it is found.
 *
 * vm-machine: connectx
 * vm-drivers: ours
 * vm-modules: mlx5_core
 * vm-cmdline: slub_debug=FZPU page_poison=1 pci=realloc
 */
#include <signal.h>
#include <sys/wait.h>

#include "connectx.h"
#include "migration.h"
#include "vmtest.h"

#define STATE(name)	VFIO_DEVICE_STATE_##name
#define LIMIT_MS	60000
#define IOVA		0x40000000ULL

/* The cgroup of cgroup_enter(). */
#define USER_HIGH	"/tmp/cgroup/user/memory.high"

static struct vfio_device *source, *target;

CLEAN_UP
{
	if (file_exists(USER_HIGH))
		file_write(USER_HIGH, "max");
	connectx_clean_up();
}

/* A client that waits for each page that is charged to it, and exits with REQUEST()'s -errno. */
static pid_t wait_for_memory(int (*request)(void), long long bytes)
{
	pid_t child;

	/* The cgroup must exist before the child enters it. */
	cgroup_enter();
	cgroup_leave();
	file_write(USER_HIGH, "0");
	child = CHECK_OK(fork());
	if (!child) {
		cgroup_enter();
		_exit(-request());
	}
	CHECK(WAIT_UNTIL(bytes <= cgroup_kernel_memory(), LIMIT_MS));
	return child;
}

static int let_finish(pid_t child)
{
	int status;

	file_write(USER_HIGH, "max");
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void open_large_vf(void)
{
	connectx_configure("chunks", "false");
	connectx_open_two(&source, &target);
	CHECK_EQ(window_fill(source, 96 << 20, 5), WINDOW_DONE);
}

static int begin_saving(void)
{
	int data;

	return migration_set_try(source, STATE(STOP_COPY), &data);
}

/* It does not hold up the PF's driver either, which needs the same lock. */
TEST(a_saver_that_waits_for_memory_holds_up_nobody)
{
	pid_t child;

	open_large_vf();
	child = wait_for_memory(begin_saving, 4 << 20);
	CHECK_LT(96 << 20, migration_data_size(source));
	/* The saver is not done: the answer did not wait for it. */
	CHECK_NE(migration_state(source), STATE(STOP_COPY));
	CHECK_EQ(let_finish(child), 0);
	CHECK_EQ(migration_state(source), STATE(STOP_COPY));
}

TEST(a_saver_that_waits_for_memory_can_be_killed)
{
	pid_t child;
	int status;

	open_large_vf();
	child = wait_for_memory(begin_saving, 4 << 20);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(migration_state(source), STATE(STOP));
	file_write(USER_HIGH, "max");
	migration_set(source, STATE(STOP_COPY));
}

TEST(a_reset_while_a_saver_waits_for_memory_ends_his_request)
{
	pid_t child;

	open_large_vf();
	child = wait_for_memory(begin_saving, 4 << 20);
	vfio_reset(source);
	CHECK_EQ(migration_state(source), STATE(RUNNING));
	CHECK_EQ(let_finish(child), -ECANCELED);
	CHECK_EQ(migration_state(source), STATE(RUNNING));
	migration_save(source);
}

static int begin_precopy(void)
{
	int data;

	return migration_set_try(source, STATE(PRE_COPY), &data);
}

static void check_pf_recovers(int (*request)(void), unsigned int state)
{
	int mark = kmsg_mark(), error;
	pid_t child;

	connectx_reload_afterwards();
	open_large_vf();
	child = wait_for_memory(request, 4 << 20);
	connectx_set("event", "fatal");
	CHECK(WAIT_UNTIL(kmsg_count(mark, CONNECTX_RECOVERED), LIMIT_MS));
	CHECK_EQ(migration_state(source), state);
	error = let_finish(child);
	CHECK(error == -ECANCELED || error == -ENOTCONN);
	vfio_reset(source);
	migration_save(source);
}

TEST(the_pf_recovers_while_a_saver_waits_for_memory)
{
	check_pf_recovers(begin_saving, STATE(ERROR));
}

TEST(the_pf_recovers_while_a_saver_of_a_running_vf_waits_for_memory)
{
	check_pf_recovers(begin_precopy, STATE(RUNNING));
}

static int begin_logging(void)
{
	static const struct dma_range range = { IOVA, 64 * 4096 };

	return dma_logging_start_try(source, &range, 1, 4096);
}

TEST(who_waits_for_a_trackers_memory_holds_up_nobody)
{
	char *text;
	pid_t child;

	if (dma_logging_cannot_report())
		SKIP("vfio cannot report logged DMA");
	connectx_open_two(&source, &target);
	child = wait_for_memory(begin_logging, 1 << 20);
	migration_data_size(source);
	text = pci_attr(source->bdf, "vfio_pci/tracker_state");
	CHECK_STR(text, "off");
	CHECK_EQ(let_finish(child), 0);
	text = pci_attr(source->bdf, "vfio_pci/tracker_state");
	CHECK_STR(text, "on");
}

static int save_while_it_runs(void)
{
	struct migration_image image = {};
	int data, error = migration_set_try(source, STATE(PRE_COPY), &data);

	cgroup_leave();
	return error ?: migration_read_try(data, &image);
}

/* Without chunks an image holds all of it, and a tenth more. */
TEST(a_state_may_grow_while_its_saver_waits_for_memory)
{
	pid_t child;

	connectx_configure("chunks", "false");
	connectx_open_two(&source, &target);
	CHECK_EQ(window_fill(source, 48 << 20, 1), WINDOW_DONE);
	child = wait_for_memory(save_while_it_runs, 4 << 20);
	CHECK_EQ(window_fill(source, 64 << 20, 1), WINDOW_DONE);
	CHECK_EQ(let_finish(child), -ENOMSG);
}

static int stream;

static int ask_for_changes(void)
{
	struct vfio_precopy_info info;

	return migration_precopy_info(stream, &info);
}

/* The same request gets memory for a buffer that another one makes large enough meanwhile. */
TEST(a_buffer_is_no_larger_than_it_needs_to_be)
{
	struct migration_image image = {};
	pid_t child;

	connectx_configure("chunks", "false");
	connectx_open_two(&source, &target);
	CHECK_EQ(window_fill(source, 100000, 1), WINDOW_DONE);
	stream = migration_set(source, STATE(PRE_COPY));
	migration_read_dry(stream, &image);
	CHECK_EQ(window_fill(source, 48 << 20, 2), WINDOW_DONE);
	child = wait_for_memory(ask_for_changes, 2 << 20);
	for (int buffer = 0; buffer < 2; buffer++) {
		CHECK_EQ(ask_for_changes(), 0);
		migration_read_dry(stream, &image);
		CHECK_EQ(window_fill(source, 48 << 20, buffer), WINDOW_DONE);
	}
	/* Both have 52.8 MiB: 2.2 MiB are missing. */
	CHECK_EQ(window_fill(source, 50 << 20, 9), WINDOW_DONE);
	CHECK_EQ(let_finish(child), 0);
	migration_read_dry(stream, &image);
	CHECK(WAIT_UNTIL(cgroup_kernel_memory() < 16 << 20, LIMIT_MS));
}
