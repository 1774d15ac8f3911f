// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client that has closed a VF, but still has a data fd of it, does not disturb the VF's next
 * client.
 *
 * vm-machine: connectx
 * vm-drivers: ours kernel
 * vm-modules: mlx5_core
 * vm-seconds: 300
 */
#include <sys/wait.h>

#include "connectx.h"
#include "migration.h"
#include "vmtest.h"

#define USER		"/tmp/cgroup/user/"
#define LIMIT_MS	60000
#define STATE(name)	VFIO_DEVICE_STATE_##name

CLEAN_UP
{
	if (file_exists(USER "memory.high"))
		file_write(USER "memory.high", "max");
	connectx_clean_up();
}

/* The VF's state has grown: the answer takes memory, which this client gets bit by bit. */
static pid_t ask_and_wait_for_memory(struct vfio_device *vf, int data)
{
	struct vfio_precopy_info info;
	pid_t child;

	cgroup_enter();
	cgroup_leave();
	file_write(USER "memory.high", "0");
	child = CHECK_OK(fork());
	if (!child) {
		close(vf->fd);
		close(vf->group);
		close(vf->container);
		cgroup_enter();
		migration_precopy_info(data, &info);
		_exit(0);
	}
	CHECK(WAIT_UNTIL(cgroup_kernel_memory() >= 4 << 20, LIMIT_MS));
	return child;
}

/* With the kernel's driver the next one waits, too. */
static bool ours_has_precopy(void)
{
	return driver_is_ours() && migration_has_precopy();
}

TEST_WHEN(ours_has_precopy, a_client_that_waits_for_memory_does_not_hold_up_the_next_one)
{
	struct migration_image image = {};
	long long before, after;
	struct vfio_device *vf;
	char bdf[16];
	pid_t child;
	int data;

	connectx_configure("chunks", "false");
	vf = connectx_open_one();
	strcpy(bdf, vf->bdf);
	CHECK_EQ(window_fill(vf, 100000, 1), WINDOW_DONE);
	data = migration_set(vf, VFIO_DEVICE_STATE_PRE_COPY);
	migration_read_dry(data, &image);
	CHECK_EQ(window_fill(vf, 96 << 20, 2), WINDOW_DONE);
	child = ask_and_wait_for_memory(vf, data);
	close(data);

	before = cgroup_kernel_memory();
	vfio_close(vf);
	vf = vfio_open(bdf);
	migration_set(vf, VFIO_DEVICE_STATE_STOP);
	/* It waits still: it gets 2 of 96 MiB in two seconds, and frees all at its end. */
	after = cgroup_kernel_memory();
	CHECK_EQ(waitpid(child, NULL, WNOHANG), 0);
	CHECK_LE(before, after);
	CHECK_LT(after, 48 << 20);
}

/* Files of sessions of a client who has closed the VF. */
struct left_files {
	int save, load;
};

static struct left_files leave_files(struct vfio_device *vf)
{
	struct left_files files;

	files.save = migration_set(vf, STATE(PRE_COPY));
	migration_set(vf, STATE(RUNNING));
	migration_set(vf, STATE(STOP));
	files.load = migration_set(vf, STATE(RESUMING));
	vfio_close(vf);
	return files;
}

static void ask_for_changes(void *data)
{
	const struct left_files *files = data;
	struct vfio_precopy_info info;

	CHECK_ERR(EINVAL, migration_precopy_info(files->save, &info));
}

static void write_on(void *data)
{
	const struct left_files *files = data;

	CHECK_ERRNO(ENODEV, write(files->load, "header", 6));
}

static void ask_to_stop(void *device)
{
	int none;

	migration_set_try(device, STATE(STOP), &none);
}

static bool is_half_way(struct vfio_device *vf)
{
	return window_suspended(vf) & 1;
}

/*
 * Any number of the first client's tasks could hold them one after the other, as slowly as the
 * client likes. Here the next client's request has them, and does not let go of them.
 */
TEST_WHEN(ours_has_precopy, who_comes_by_an_old_file_takes_no_lock_of_the_next_client)
{
	struct vfio_device *vf = connectx_open_one();
	struct left_files files;
	char bdf[16];
	pid_t stopper;

	strcpy(bdf, vf->bdf);
	CHECK_EQ(window_fill(vf, 100000, 1), WINDOW_DONE);
	files = leave_files(vf);
	vf = vfio_open(bdf);
	connectx_set("fault", "SUSPEND_VHCA skip=1 timeout");
	stopper = child_start(ask_to_stop, vf);
	/* From here on the second SUSPEND is next, or under way. */
	CHECK(WAIT_UNTIL(is_half_way(vf), LIMIT_MS));
	child_check_ends("who asks for changes", child_start(ask_for_changes, &files));
	child_check_ends("who writes on", child_start(write_on, &files));
	CHECK_EQ(waitpid(stopper, NULL, WNOHANG), 0);
	connectx_set("fault", "%s", "");
	CHECK_EQ(waitpid(stopper, NULL, 0), stopper);
}
