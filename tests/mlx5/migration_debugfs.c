// SPDX-License-Identifier: GPL-2.0-only
/*
 * What vfio shows of a VF's migration in debugfs, where the kernel has CONFIG_VFIO_DEBUGFS: Debian's
 * have not.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 * vm-cmdline: pci=realloc
 */
#include "vmtest.h"
#include "connectx.h"
#include "migration.h"

CLEAN_UP
{
	connectx_clean_up();
}

static bool kernel_shows_migration(void)
{
	return !kernel_is_debians() && !kernel_is("6.1");
}

static char *shown(const char *bdf, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/vfio/%s/migration/%s", bdf, name);
	return file_read(path);
}

static void check_shows(const char *bdf, const char *name, const char *expected)
{
	char *text = shown(bdf, name);

	CHECK_STR(text, expected);
	free(text);
}

TEST_WHEN(kernel_shows_migration, every_state_is_shown)
{
	struct vfio_device *vf = connectx_open_one();

	for (unsigned int state = VFIO_DEVICE_STATE_STOP; state <= VFIO_DEVICE_STATE_PRE_COPY_P2P;
	     state++) {
		int data = migration_bring_to(vf, state);

		check_shows(vf->bdf, "state", migration_state_name(state));
		close(data);
	}
	vfio_reset(vf);
	check_shows(vf->bdf, "state", "RUNNING");
}

TEST_WHEN(kernel_shows_migration, a_closed_device_runs)
{
	struct vfio_device *vf = connectx_open_one();
	char bdf[sizeof(vf->bdf)];

	memcpy(bdf, vf->bdf, sizeof(bdf));
	migration_set(vf, VFIO_DEVICE_STATE_STOP);
	check_shows(bdf, "state", "STOP");
	vfio_close(vf);
	vf = vfio_open(bdf);
	check_shows(bdf, "state", "RUNNING");
}

static bool line_is_there(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	return at && (at == text || at[-1] == '\n') && strchr("\n", at[strlen(line)]);
}

TEST_WHEN(kernel_shows_migration, features_are_those_that_a_client_is_told)
{
	struct vfio_device *vf = connectx_open_one();
	uint64_t flags = migration_flags(vf);
	char *text = shown(vf->bdf, "features");

	CHECK_NE(flags, 0);
	CHECK_EQ(line_is_there(text, "stop-copy"), !!(flags & VFIO_MIGRATION_STOP_COPY));
	CHECK_EQ(line_is_there(text, "p2p"), !!(flags & VFIO_MIGRATION_P2P));
	CHECK_EQ(line_is_there(text, "pre-copy"), !!(flags & VFIO_MIGRATION_PRE_COPY));
	CHECK_EQ(line_is_there(text, "dirty-tracking"),
		 !vfio_feature_try(vf, VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET |
				   VFIO_DEVICE_FEATURE_DMA_LOGGING_START, NULL, 0));
	free(text);
}

static void read_for_ever(void *data)
{
	for (;;)
		free(shown(data, "state"));
}

/* Whoever looks holds nobody up. */
TEST_WHEN(kernel_shows_migration, a_reader_may_look_at_any_time)
{
	struct vfio_device *vf = connectx_open_one();
	pid_t reader = child_start(read_for_ever, vf->bdf);
	int status;

	for (int round = 0; round < 3; round++) {
		struct migration_image image = migration_save(vf);

		vfio_reset(vf);
		migration_load(vf, &image);
		vfio_reset(vf);
		free(image.bytes);
	}
	CHECK_EQ(waitpid(reader, &status, WNOHANG), 0);
	CHECK_OK(kill(reader, SIGKILL));
}
