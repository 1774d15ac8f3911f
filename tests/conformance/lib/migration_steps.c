// SPDX-License-Identifier: GPL-2.0-only
#include "migration_steps.h"

#define SAVES_REGISTER	0x80070

int data = -1;
struct migration_image image;

static unsigned int saves_before;

/* The model is as the group has it from the first load of mlx5_core on. */
static void __attribute__((constructor)) configure(void)
{
	situation_configure(firmware.property, firmware.value);
}

void fill(uint64_t size)
{
	CHECK_EQ(window_fill(vf, size, size + 3), WINDOW_DONE);
}

void touch(void)
{
	static unsigned int times;

	CHECK_EQ(window_touch(vf, 8192 * (times % 8), 100, times), WINDOW_DONE);
	times++;
}

void touch_all(void)
{
	CHECK_EQ(window_touch(vf, 0, window_state_size(vf), 77), WINDOW_DONE);
}

static unsigned int saves(void)
{
	cfg_command(vf, PCI_COMMAND_MEMORY, 0);
	return vfio_read(vf, VFIO_PCI_BAR0_REGION_INDEX, SAVES_REGISTER, 4);
}

/* The pause is for the last one's completion, after which nobody can wait for what drivers do. */
void saved(unsigned int count)
{
	WAIT_UNTIL(saves() >= count, 10000);
	pause_ms(100);
	CHECK_EQ(saves(), count);
}

void more_saved(unsigned int least)
{
	unsigned int count;

	CHECK(WAIT_UNTIL(saves() >= saves_before + least, 10000));
	do {
		count = saves();
		pause_ms(100);
	} while (saves() != count);
}

int try_to(unsigned int state)
{
	int fd, error;

	saves_before = saves();
	error = migration_set_try(vf, state, &fd);
	if (fd >= 0) {
		close(data);
		data = fd;
	}
	return error;
}

void to(unsigned int state)
{
	int error = try_to(state);

	if (error)
		FAIL("%s is refused: %s", migration_state_name(state), strerror(-error));
}

void read_bytes(size_t count)
{
	uint8_t *bytes = malloc(count);
	size_t done = 0;

	while (done < count)
		done += CHECK_OK(read(data, bytes + done, count - done));
	free(bytes);
}

int read_all(void)
{
	int error;

	free(image.bytes);
	image = (struct migration_image){};
	error = migration_read_try(data, &image);
	pause_ms(20);
	return error;
}

void read_to_end(void)
{
	CHECK_EQ(read_all(), 0);
}

void read_dry(void)
{
	CHECK_EQ(read_all(), -ENOMSG);
}

uint64_t info(void)
{
	struct vfio_precopy_info info = {};
	int error;

	saves_before = saves();
	error = migration_precopy_info(data, &info);
	return error ? 0 : info.initial_bytes + info.dirty_bytes;
}

void read_all_increments(void)
{
	read_dry();
	for (int round = 0; info(); round++) {
		CHECK_LT(round, 100);
		read_dry();
	}
}

void migrate(void)
{
	to(STATE(STOP_COPY));
	read_to_end();
	to(STATE(STOP));
	to(STATE(RUNNING));
}
