// SPDX-License-Identifier: GPL-2.0-only
/*
 * The data fd: how a client may read and write it, and when it ends.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 */
#include "vmtest.h"
#include "connectx.h"
#include "migration.h"

#define STATE(name) VFIO_DEVICE_STATE_##name
#define SIZE 30000

CLEAN_UP
{
	connectx_clean_up();
}

static struct vfio_device *source, *target;
static uint64_t digest;

static void open_two(uint64_t size)
{
	connectx_open_two(&source, &target);
	CHECK_EQ(window_fill(source, size, 31), WINDOW_DONE);
	digest = window_digest(source);
}

static void check_arrives(const struct migration_image *image)
{
	migration_load(target, image);
	CHECK_EQ(window_digest(target), digest);
}

static struct migration_image read_in_steps(int data, size_t step)
{
	struct migration_image image = { .bytes = malloc(SIZE * 2) };
	ssize_t got;

	while ((got = CHECK_OK(read(data, image.bytes + image.size, step))))
		image.size += got;
	return image;
}

TEST(a_stream_can_be_read_a_byte_at_a_time)
{
	struct migration_image image;

	open_two(SIZE);
	image = read_in_steps(migration_set(source, STATE(STOP_COPY)), 1);
	check_arrives(&image);
}

TEST(a_stream_can_be_read_in_odd_steps)
{
	static const size_t steps[] = { 3, 15, 17, 4095, 4097 };

	open_two(SIZE);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct migration_image image;
		int data = migration_set(source, STATE(STOP_COPY));

		image = read_in_steps(data, steps[i]);
		close(data);
		migration_set(source, STATE(STOP));
		check_arrives(&image);
		migration_set(target, STATE(RUNNING));
	}
}

TEST(a_stream_that_is_at_its_end_stays_there)
{
	struct migration_image image = {};
	char byte;
	int data;

	open_two(SIZE);
	data = migration_set(source, STATE(STOP_COPY));
	migration_read(data, &image);
	CHECK_EQ(read(data, &byte, 1), 0);
	CHECK_EQ(read(data, &byte, 1), 0);
}

TEST(a_reader_is_woken_by_poll)
{
	struct migration_image image = {};
	struct pollfd wait = { .events = POLLIN };

	open_two(8 << 20);
	connectx_set("fault", "SAVE_VHCA_STATE delay=300");
	wait.fd = migration_set(source, STATE(STOP_COPY));
	CHECK_EQ(poll(&wait, 1, 20000), 1);
	CHECK(wait.revents & POLLIN);
	migration_read(wait.fd, &image);
	/* At its end a stream is readable. */
	CHECK_EQ(poll(&wait, 1, 0), 1);
	check_arrives(&image);
}

TEST(a_nonblocking_read_does_not_wait_for_the_firmware)
{
	struct migration_image image = {};
	struct pollfd wait = { .events = POLLIN };
	int error;

	open_two(1 << 20);
	connectx_set("fault", "SAVE_VHCA_STATE delay=1000");
	wait.fd = migration_set(source, STATE(STOP_COPY));
	CHECK_OK(fcntl(wait.fd, F_SETFL, O_NONBLOCK));
	/* A header may be there at once, but not the image. */
	CHECK_EQ(migration_read_try(wait.fd, &image), -EAGAIN);
	CHECK_LT(image.size, 1 << 20);
	do
		CHECK_EQ(poll(&wait, 1, 20000), 1);
	while ((error = migration_read_try(wait.fd, &image)) == -EAGAIN);
	CHECK_EQ(error, 0);
	check_arrives(&image);
}

/* The file's flag is that of both readers; the other one has looked at it already. */
TEST(a_nonblocking_read_does_not_wait_for_another_reader)
{
	struct migration_image image = {};
	pid_t reader;
	int data;

	connectx_open_two(&source, &target);
	CHECK_EQ(window_fill(source, 100000, 3), WINDOW_DONE);
	connectx_set("fault", "SAVE_VHCA_STATE delay=5000");
	data = migration_set(source, STATE(STOP_COPY));
	reader = CHECK_OK(fork());
	if (!reader) {
		migration_read(data, &image);
		_exit(0);
	}
	CHECK(WAIT_UNTIL(child_sleeps(reader), 5000));
	CHECK_OK(fcntl(data, F_SETFL, O_NONBLOCK));
	CHECK_EQ(migration_read_try(data, &image), -EAGAIN);
	CHECK_OK(kill(reader, SIGKILL));
	CHECK_EQ(waitpid(reader, NULL, 0), reader);
}

TEST_WHEN(migration_has_precopy, a_stream_that_has_run_dry_is_not_readable_until_it_goes_on)
{
	struct migration_image image = {};
	struct pollfd wait = { .events = POLLIN };

	open_two(SIZE);
	wait.fd = migration_set(source, STATE(PRE_COPY));
	migration_read_dry(wait.fd, &image);
	CHECK_EQ(poll(&wait, 1, 0), 0);
	migration_set(source, STATE(STOP_COPY));
	CHECK_EQ(poll(&wait, 1, 20000), 1);
	migration_read(wait.fd, &image);
	check_arrives(&image);
}

TEST(a_data_fd_goes_one_way)
{
	char byte = 0;
	int data;

	open_two(SIZE);
	data = migration_set(source, STATE(STOP_COPY));
	CHECK_ERRNO(EBADF, write(data, &byte, 1));
	close(data);
	data = migration_set(target, STATE(RESUMING));
	CHECK_ERRNO(EBADF, read(data, &byte, 1));
}

TEST(a_data_fd_has_no_positions)
{
	char byte = 0;
	int data;

	open_two(SIZE);
	data = migration_set(source, STATE(STOP_COPY));
	CHECK_ERRNO(ESPIPE, lseek(data, 0, SEEK_SET));
	CHECK_ERRNO(ESPIPE, pread(data, &byte, 1, 0));
	close(data);
	data = migration_set(target, STATE(RESUMING));
	CHECK_ERRNO(ESPIPE, pwrite(data, &byte, 1, 0));
}

TEST(memory_that_is_not_there_is_an_error)
{
	char *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int data;

	open_two(SIZE);
	data = migration_set(source, STATE(STOP_COPY));
	CHECK_ERRNO(EFAULT, read(data, nowhere, 100));
	close(data);
	data = migration_set(target, STATE(RESUMING));
	CHECK_ERRNO(EFAULT, write(data, nowhere, 100));
}

/* Ways to end a session. */
static void end_by_state(void)
{
	migration_set(source, STATE(STOP));
}

static void end_by_run(void)
{
	migration_set(source, STATE(RUNNING));
}

static void end_by_reset(void)
{
	vfio_reset(source);
}

static void end_by_close(void)
{
	vfio_close(source);
}

TEST_WHEN(a_save_may_fail, a_session_that_has_ended_can_be_neither_read_nor_written)
{
	static void (* const ends[])(void) = {
		end_by_state, end_by_run, end_by_reset, end_by_close,
	};
	static const unsigned int states[] = { STATE(STOP_COPY), STATE(RESUMING) };
	char bdf[sizeof(source->bdf)], byte = 0;

	open_two(SIZE);
	memcpy(bdf, source->bdf, sizeof(bdf));
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		for (size_t j = 0; j < sizeof(states) / sizeof(states[0]); j++) {
			int data = migration_bring_to(source, states[j]);

			/* Leaving RESUMING needs a whole image. */
			if (states[j] == STATE(RESUMING) && ends[i] != end_by_reset &&
			    ends[i] != end_by_close)
				continue;
			ends[i]();
			/* A save that a reset cut off may have its own error. */
			if (states[j] == STATE(RESUMING))
				CHECK_ERRNO(ENODEV, write(data, &byte, 1));
			else if (ends[i] == end_by_reset)
				CHECK_EQ(read(data, &byte, 1), -1);
			else
				CHECK_ERRNO(ENODEV, read(data, &byte, 1));
			close(data);
			if (ends[i] == end_by_close)
				source = vfio_open(bdf);
		}
	}
}

TEST(a_data_fd_may_be_closed_early)
{
	char bytes[100];
	int data;

	open_two(SIZE);
	for (int round = 0; round < 3; round++) {
		struct migration_image image;

		data = migration_set(source, STATE(STOP_COPY));
		if (round)
			CHECK_LT(0, read(data, bytes, sizeof(bytes)));
		close(data);
		CHECK_EQ(migration_state(source), STATE(STOP_COPY));
		image = migration_save((migration_set(source, STATE(RUNNING)), source));
		check_arrives(&image);
		/* A reset discards the data that has come. */
		vfio_reset(target);
		data = migration_set(target, STATE(RESUMING));
		CHECK_EQ(migration_write_try(data, image.bytes, image.size / 2), 0);
		close(data);
		vfio_reset(target);
	}
}

TEST_WHEN(a_save_may_fail, a_data_fd_outlives_its_device)
{
	struct migration_image image = {};
	int data;

	open_two(SIZE);
	data = migration_set(source, STATE(STOP_COPY));
	vfio_close(source);
	CHECK_ERR(ENODEV, migration_read_try(data, &image));
	close(data);
}

/* A read and a change of the state at the same time: each gets an answer. */
TEST_WHEN(a_save_may_fail, a_state_change_ends_a_read_that_is_under_way)
{
	struct migration_image image = {};
	int data, status;
	pid_t child;

	open_two(1 << 20);
	for (int round = 0; round < 5; round++) {
		connectx_set("fault", "SAVE_VHCA_STATE delay=%d", round * 40);
		data = migration_set(source, STATE(STOP_COPY));
		child = fork();
		if (!child) {
			int error = migration_read_try(data, &image);

			_exit(error && error != -ENODEV);
		}
		migration_set(source, STATE(RUNNING));
		close(data);
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, 0);
	}
	image = migration_save(source);
	check_arrives(&image);
}

TEST_WHEN(migration_has_data_size, the_data_size_is_that_of_what_is_saved)
{
	struct migration_image image;
	long long size;

	open_two(5 << 20);
	size = migration_data_size(source);
	image = migration_save(source);
	test_note("told %lld, saved %zu", size, image.size);
	CHECK_LE(5 << 20, size);
	/* An estimate: headers, and the firmware's rounding. */
	CHECK_LE(llabs(size - (long long)image.size), 65536);
}

TEST_WHEN(migration_has_data_size, the_data_size_is_told_in_every_state_of_saving)
{
	static const unsigned int states[] = {
		STATE(RUNNING), STATE(RUNNING_P2P), STATE(PRE_COPY), STATE(PRE_COPY_P2P),
		STATE(STOP), STATE(STOP_COPY),
	};
	int data;

	open_two(0);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		migration_bring_to(source, STATE(RUNNING));
		CHECK_EQ(window_fill(source, 1 << 20, i), WINDOW_DONE);
		data = migration_bring_to(source, states[i]);
		CHECK_LE(1 << 20, migration_data_size(source));
		if (data >= 0)
			close(data);
	}
}

TEST_WHEN(migration_has_precopy, precopy_info_counts_what_is_left)
{
	struct migration_image image = {};
	struct vfio_precopy_info info;
	uint64_t before;
	char bytes[4096];
	ssize_t got;
	int data;

	open_two(1 << 20);
	data = migration_set(source, STATE(PRE_COPY));
	CHECK_EQ(migration_precopy_info(data, &info), 0);
	test_note("initial %llu dirty %llu", info.initial_bytes, info.dirty_bytes);
	CHECK_LE(1 << 20, info.initial_bytes);
	before = info.initial_bytes;
	got = CHECK_OK(read(data, bytes, sizeof(bytes)));
	CHECK_LT(0, got);
	CHECK_EQ(migration_precopy_info(data, &info), 0);
	CHECK_EQ(info.initial_bytes, before - got);
	migration_read_dry(data, &image);
	CHECK_EQ(migration_precopy_info(data, &info), 0);
	CHECK_EQ(info.initial_bytes, 0);
}

TEST_WHEN(migration_has_precopy, precopy_info_tells_of_changes_which_can_be_read)
{
	struct migration_image image = {};
	struct pollfd wait = { .events = POLLIN };
	struct vfio_precopy_info info;
	size_t before;
	int data;

	open_two(1 << 20);
	data = migration_set(source, STATE(PRE_COPY));
	migration_read_dry(data, &image);
	before = image.size;
	CHECK_EQ(window_touch(source, 4096, 40000, 99), WINDOW_DONE);
	CHECK_EQ(migration_precopy_info(data, &info), 0);
	test_note("initial %llu dirty %llu", info.initial_bytes, info.dirty_bytes);
	CHECK_LE(40000, info.initial_bytes + info.dirty_bytes);
	wait.fd = data;
	CHECK_EQ(poll(&wait, 1, 20000), 1);
	migration_read_dry(data, &image);
	CHECK_LE(40000, image.size - before);
	CHECK_LE(image.size - before, 80000);
	digest = window_digest(source);
	migration_set(source, STATE(STOP_COPY));
	migration_read(data, &image);
	close(data);
	check_arrives(&image);
}

TEST_WHEN(migration_has_precopy, precopy_info_is_refused_where_it_means_nothing)
{
	struct vfio_precopy_info info = { .argsz = sizeof(info) };
	int data;

	open_two(SIZE);
	data = migration_set(source, STATE(PRE_COPY));
	info.argsz = sizeof(info) - 1;
	CHECK_ERRNO(EINVAL, ioctl(data, VFIO_MIG_GET_PRECOPY_INFO, &info));
	CHECK_ERRNO(EFAULT, ioctl(data, VFIO_MIG_GET_PRECOPY_INFO, (void *)8));
	CHECK_ERRNO(ENOTTY, ioctl(data, VFIO_DEVICE_GET_INFO, &info));
	migration_set(source, STATE(STOP_COPY));
	CHECK_ERR(EINVAL, migration_precopy_info(data, &info));
	migration_set(source, STATE(STOP));
	CHECK_NE(migration_precopy_info(data, &info), 0);
	close(data);
	data = migration_set(target, STATE(RESUMING));
	CHECK_NE(migration_precopy_info(data, &info), 0);
}
