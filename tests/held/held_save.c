// SPDX-License-Identifier: GPL-2.0-only
/*
 * The firmware is asked for one thing at a time: it is stopped before a save, by hold/.
 *
 * vm-machine: held-connectx
 * vm-drivers: ours
 * vm-modules: mlx5_core
 * vm-cmdline: idle=poll
 * vm-sources: lib/hold.c
 */
#include "connectx.h"
#include "lib/hold.h"
#include "migration.h"
#include "vmtest.h"

CLEAN_UP
{
	hold_end();
	connectx_clean_up();
}

static int start_to_save(struct vfio_device *device)
{
	int data;

	return migration_set_try(device, VFIO_DEVICE_STATE_PRE_COPY, &data);
}

static int ask_for_the_size(struct vfio_device *device)
{
	return migration_data_size(device) > 0 ? 0 : -EIO;
}

TEST(nothing_is_asked_of_the_firmware_while_it_saves)
{
	struct side save = { .work = start_to_save }, ask = { .work = ask_for_the_size };

	save.device = connectx_open_one();
	ask.device = save.device;
	ask.processor = 1;
	hold_begin();
	hold_next("latch_fw_save", NULL);
	side_start(&save);
	hold_wait();
	side_check_waits(&ask);
	side_end(&save);
}
