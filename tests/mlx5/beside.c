// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several VFs of one PF: none waits for what another one does.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 */
#include "vmtest.h"
#include "connectx.h"
#include "migration.h"

#define VFS	8
#define SIZE	(1 << 20)

CLEAN_UP
{
	connectx_clean_up();
}

static struct vfio_device *vfs[VFS];

static void open_vfs(void)
{
	const char *pf = connectx_pf_with_vfs(VFS);

	/* The next test needs a PF with two VFs. */
	connectx_reload_afterwards();
	for (int index = 0; index < VFS; index++) {
		vfs[index] = connectx_open_vf(pf, index);
		CHECK_EQ(window_fill(vfs[index], SIZE, index), WINDOW_DONE);
	}
}

/* A VF that waited for the first one would wait for a command that never completes. */
static void check_others_go_on(unsigned int state)
{
	struct pollfd wait = { .events = POLLIN };
	char bytes[24];

	open_vfs();
	connectx_set("fault", "SAVE_VHCA_STATE vf=1 timeout");
	wait.fd = migration_set(vfs[0], state);
	/* What comes before the image. */
	CHECK_EQ(read(wait.fd, bytes, sizeof(bytes)), sizeof(bytes));
	for (int index = 1; index < VFS; index++) {
		struct migration_image image = migration_save(vfs[index]);

		CHECK_LE(SIZE, image.size);
		free(image.bytes);
		migration_set(vfs[index], VFIO_DEVICE_STATE_RUNNING);
	}
	CHECK_EQ(poll(&wait, 1, 0), 0);
	connectx_set("fault", "%s", "");
	close(wait.fd);
	vfio_reset(vfs[0]);
}

TEST_WHEN(migration_has_precopy, seven_vfs_are_saved_while_the_firmware_is_at_the_eighth)
{
	check_others_go_on(VFIO_DEVICE_STATE_STOP_COPY);
}

TEST_WHEN(migration_has_precopy, seven_vfs_are_saved_while_the_firmware_is_at_the_eighths_precopy)
{
	check_others_go_on(VFIO_DEVICE_STATE_PRE_COPY);
}

/* A reader stops in the middle of its stream for ever. */
TEST_WHEN(migration_has_precopy, seven_vfs_are_saved_while_the_eighth_is_not_read_on)
{
	char bytes[4096];
	int data;

	open_vfs();
	CHECK_EQ(window_fill(vfs[0], 20 << 20, 1), WINDOW_DONE);
	data = migration_set(vfs[0], VFIO_DEVICE_STATE_STOP_COPY);
	CHECK_LT(0, read(data, bytes, sizeof(bytes)));
	for (int index = 1; index < VFS; index++) {
		struct migration_image image = migration_save(vfs[index]);

		free(image.bytes);
	}
	close(data);
}

/* All at once, as a machine with many VFs does: each state arrives where it belongs. */
TEST_WHEN(migration_has_precopy, the_states_of_eight_vfs_move_at_once)
{
	struct migration_image images[VFS] = {};
	uint64_t digests[VFS];
	int data[VFS];

	open_vfs();
	for (int index = 0; index < VFS; index++)
		data[index] = migration_set(vfs[index], VFIO_DEVICE_STATE_PRE_COPY);
	for (int index = 0; index < VFS; index++) {
		CHECK_EQ(window_touch(vfs[index], 4096 * index, 50000, 99 - index), WINDOW_DONE);
		digests[index] = window_digest(vfs[index]);
	}
	for (int index = 0; index < VFS; index++)
		migration_set(vfs[index], VFIO_DEVICE_STATE_PRE_COPY_P2P);
	for (int index = 0; index < VFS; index++)
		migration_set(vfs[index], VFIO_DEVICE_STATE_STOP_COPY);
	for (int index = 0; index < VFS; index++) {
		migration_read(data[index], &images[index]);
		close(data[index]);
		migration_set(vfs[index], VFIO_DEVICE_STATE_RUNNING);
	}
	for (int index = 0; index < VFS; index++) {
		struct vfio_device *target = vfs[(index + 1) % VFS];

		vfio_reset(target);
		migration_load(target, &images[index]);
		CHECK_EQ(window_digest(target), digests[index]);
	}
}
