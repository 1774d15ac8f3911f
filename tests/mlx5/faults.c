// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults that the ConnectX model injects: the driver reports them, and goes on.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 */
#include "vmtest.h"
#include "operations.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

CLEAN_UP
{
	connectx_clean_up();
}

/* Internal error, bad parameter, system state, resource, busy, limits, state, no resources. */
static const unsigned int statuses[] = { 0x1, 0x3, 0x4, 0x5, 0x6, 0x8, 0x9, 0xf };

/*
 * The command fails with every status but MEANINGFUL, which is no error: the first time and, if it
 * comes more than once, the second time.
 */
static void check_fails_unless(unsigned int meaningful, const char *command, unsigned int times,
			       int (*operation)(void))
{
	open_vf();
	check_usable();
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		if (statuses[i] == meaningful)
			continue;
		CHECK_EQ(window_fill(vf, 100000, i), WINDOW_DONE);
		connectx_set("fault", "%s skip=%zu status=%#x", command, i % times, statuses[i]);
		if (!operation())
			FAIL("%s with status %#x at time %zu goes unnoticed", command, statuses[i],
			     i % times);
		connectx_set("fault", "%s", "");
		check_usable();
	}
}

static void check_fails(const char *command, unsigned int times, int (*operation)(void))
{
	check_fails_unless(0, command, times, operation);
}

TEST(a_suspend_that_fails_is_an_error)
{
	check_fails("SUSPEND_VHCA", 2, suspend);
}

TEST(a_resume_that_fails_is_an_error)
{
	check_fails("RESUME_VHCA", 2, suspend_and_resume);
}

TEST(a_query_that_fails_is_an_error)
{
	check_fails("QUERY_VHCA_MIGRATION_STATE", 1, save);
}

TEST(a_load_that_fails_is_an_error)
{
	check_fails("LOAD_VHCA_STATE", 1, load);
}

TEST(a_protection_domain_that_cannot_be_had_is_an_error)
{
	check_fails("ALLOC_PD", 1, save);
}

TEST(a_memory_key_that_cannot_be_had_for_saving_is_an_error)
{
	check_fails("CREATE_MKEY", 1, save);
}

TEST(a_memory_key_that_cannot_be_had_for_loading_is_an_error)
{
	check_fails("CREATE_MKEY", 1, load);
}

TEST_WHEN(a_save_may_fail, a_save_that_fails_is_an_error)
{
	check_fails("SAVE_VHCA_STATE", 1, save);
}

TEST_WHEN(migration_has_precopy, a_save_that_fails_in_precopy_is_an_error)
{
	/* With 0x9 the firmware only refuses to track the VF. */
	check_fails_unless(0x9, "SAVE_VHCA_STATE", 1, precopy);
}

TEST_WHEN(migration_has_precopy, a_query_that_fails_in_precopy_is_an_error)
{
	check_fails("QUERY_VHCA_MIGRATION_STATE", 1, precopy);
}

/* Statuses of delivery: bad signature, block number, pointer, internal error, lengths, descriptor. */
static const unsigned int deliveries[] = { 0x1, 0x3, 0x4, 0x6, 0x7, 0x8, 0x10 };

/* What a reader or writer would take for a request to try again, or for another place of the stream. */
static bool means_something_else(int error)
{
	return !error || error == -ENOMSG || error == -EAGAIN || error == -EINTR ||
	       error == -EFAULT;
}

/* ENOMSG would be the end of what PRE_COPY has: the client would go on without the last image. */
TEST_WHEN(migration_has_precopy, a_save_that_is_not_delivered_is_an_error_of_the_stream)
{
	open_vf();
	check_usable();
	for (size_t i = 0; i < ARRAY_SIZE(deliveries); i++) {
		struct pollfd wait = { .events = POLLIN };

		wait.fd = migration_set(vf, STATE(PRE_COPY));
		migration_read_dry(wait.fd, &image);
		CHECK_EQ(window_fill(vf, 100000, i), WINDOW_DONE);
		connectx_set("fault", "SAVE_VHCA_STATE delivery=%#x", deliveries[i]);
		CHECK_EQ(set_state(STATE(STOP_COPY)), 0);
		CHECK_EQ(poll(&wait, 1, 20000), 1);
		CHECK(!means_something_else(migration_read_try(wait.fd, &image)));
		close(wait.fd);
		connectx_set("fault", "%s", "");
		check_usable();
	}
}

/* The kernel's driver says EFAULT, as if the memory were bad. */
TEST_OURS(a_load_that_is_not_delivered_is_an_error_of_the_stream)
{
	open_vf();
	check_usable();
	for (size_t i = 0; i < ARRAY_SIZE(deliveries); i++) {
		vfio_reset(vf);
		connectx_set("fault", "LOAD_VHCA_STATE delivery=%#x", deliveries[i]);
		CHECK(!means_something_else(load()));
		connectx_set("fault", "%s", "");
		check_usable();
	}
}

/* The commands that make a tracker and a report. */
static const char * const tracker_commands[] = {
	"ALLOC_PD", "CREATE_CQ", "CREATE_QP", "RST2INIT_QP", "INIT2RTR_QP",
	"RTR2RTS_QP", "CREATE_MKEY", "CREATE_GENERAL_OBJECT", "MODIFY_GENERAL_OBJECT",
};

static int ask_for_size(void)
{
	long long bytes = migration_data_size(vf);

	return bytes < 0 ? bytes : 0;
}

/*
 * mlx5_core says EFAULT, ENOMSG or EAGAIN: bad memory of the client's, nothing to read, try again.
 * From the driver they mean that; and ECANCELED, a reset of the VF.
 */
static void check_error_is_the_firmwares(const char *command, int (*operation)(void))
{
	for (size_t i = 0; i < ARRAY_SIZE(deliveries); i++) {
		connectx_set("fault", "%s delivery=%#x", command, deliveries[i]);
		CHECK_EQ(operation(), -EIO);
		connectx_set("fault", "%s", "");
		vfio_reset(vf);
	}
	connectx_set("fault", "%s status=0xf", command);
	CHECK_EQ(operation(), -ENOMEM);
	connectx_set("fault", "%s", "");
	check_usable();
}

TEST_OURS(a_command_that_is_not_delivered_is_no_fault_of_a_request_for_another_state)
{
	open_vf();
	check_error_is_the_firmwares("SUSPEND_VHCA skip=1", suspend);
	check_error_is_the_firmwares("RESUME_VHCA", suspend_and_resume);
	check_error_is_the_firmwares("QUERY_VHCA_MIGRATION_STATE", save);
	check_error_is_the_firmwares("ALLOC_PD", save);
	check_error_is_the_firmwares("CREATE_MKEY", save);
}

TEST_OURS(a_command_that_is_not_delivered_is_no_fault_of_a_question_for_the_size)
{
	open_vf();
	check_error_is_the_firmwares("QUERY_VHCA_MIGRATION_STATE", ask_for_size);
}

static bool ours_can_report(void)
{
	return driver_is_ours() && dma_logging_can_report();
}

static int track_anew(void)
{
	int error = track();

	dma_logging_stop_try(vf);
	return error;
}

TEST_WHEN(ours_can_report, a_command_that_is_not_delivered_is_no_fault_of_who_logs_dma)
{
	open_vf();
	for (size_t i = 0; i < ARRAY_SIZE(tracker_commands); i++)
		check_error_is_the_firmwares(tracker_commands[i], track_anew);
}

TEST_WHEN(dma_logging_can_report, whatever_fails_of_a_tracker_is_an_error)
{
	open_vf();
	CHECK_EQ(track(), 0);
	for (size_t i = 0; i < ARRAY_SIZE(tracker_commands); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(statuses); j += 3) {
			int error;

			connectx_set("fault", "%s status=%#x", tracker_commands[i], statuses[j]);
			error = track();
			if (!error)
				FAIL("%s with status %#x goes unnoticed", tracker_commands[i],
				     statuses[j]);
			connectx_set("fault", "%s", "");
			dma_logging_stop_try(vf);
			CHECK_EQ(connectx_objects("trackers"), 0);
			CHECK_EQ(connectx_objects("qps"), 0);
			CHECK_EQ(connectx_objects("cqs"), 0);
		}
	}
	CHECK_EQ(track(), 0);
}

/* Objects that cannot be given back stay with the firmware; the driver goes on. */
TEST(objects_that_cannot_be_destroyed_do_no_further_harm)
{
	static const char * const commands[] = {
		"DESTROY_MKEY", "DEALLOC_PD", "DESTROY_QP", "DESTROY_CQ", "DESTROY_GENERAL_OBJECT",
		"DEALLOC_UAR",
	};

	connectx_reload_afterwards();
	open_vf();
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		connectx_set("fault", "%s status=0x5", commands[i]);
		check_usable();
		if (dma_logging_can_report())
			track();
		connectx_set("fault", "%s", "");
		check_usable();
	}
}

/* Returns how much more memory is charged after OPERATION with FAULT than after one without. */
static long long memory_lost(int (*operation)(void), const char *fault)
{
	long long before;

	CHECK_EQ(operation(), 0);
	before = cgroup_kernel_memory();
	connectx_set("fault", "%s", fault);
	CHECK_EQ(operation(), 0);
	connectx_set("fault", "%s", "");
	return cgroup_kernel_memory() - before;
}

static int save_large(void)
{
	vfio_reset(vf);
	CHECK_EQ(window_fill(vf, 64 << 20, 9), WINDOW_DONE);
	return save() ?: set_state(STATE(RUNNING));
}

#define TRACKERS 8

static int track_again_and_again(void)
{
	int error = 0;

	for (int i = 0; !error && i < TRACKERS; i++)
		error = track();
	return error;
}

/* The firmware may still write to memory that it does not give back: it must not be reused. */
TEST_OURS(memory_that_the_firmware_has_not_let_go_of_is_not_freed)
{
	static const char * const tracker[] = {
		"DESTROY_QP times=16 status=0x5", "DESTROY_CQ times=8 status=0x5",
	};
	int mark;

	connectx_reload_afterwards();
	cgroup_enter();
	open_vf();
	mark = kmsg_mark();
	CHECK_LE(12 << 20, memory_lost(save_large, "DESTROY_MKEY times=2 status=0x5"));
	CHECK_EQ(kmsg_count(mark, "bytes are not freed"), 2);
	check_usable();
	for (size_t i = 0; dma_logging_can_report() && i < ARRAY_SIZE(tracker); i++)
		CHECK_LE(TRACKERS << 20, memory_lost(track_again_and_again, tracker[i]));
	cgroup_leave();
}

#define SESSIONS 60

/* Two buffers per session; the log takes 10 lines in 5 seconds. */
TEST_OURS(memory_that_is_lost_again_and_again_does_not_fill_the_log)
{
	int mark = kmsg_mark(), lines;

	connectx_reload_afterwards();
	open_vf();
	CHECK_EQ(window_fill(vf, 1000, 9), WINDOW_DONE);
	connectx_set("fault", "DESTROY_MKEY times=%u status=0x5", 2 * SESSIONS);
	for (int i = 0; i < SESSIONS; i++) {
		close(migration_set(vf, STATE(STOP_COPY)));
		migration_set(vf, STATE(STOP));
	}
	lines = kmsg_count(mark, "bytes are not freed");
	CHECK_LE(1, lines);
	CHECK_LT(lines, 2 * SESSIONS);
}

TEST(a_fault_for_another_vf_does_not_hit)
{
	open_vf();
	connectx_set("fault", "SUSPEND_VHCA vf=2 status=0x1");
	migration_set(vf, STATE(RUNNING_P2P));
}

TEST(a_fault_hits_after_as_many_commands_as_it_is_told_to_skip)
{
	int data;

	open_vf();
	connectx_set("fault", "SUSPEND_VHCA skip=1 status=0x1");
	migration_set(vf, STATE(RUNNING_P2P));
	CHECK_NE(migration_set_try(vf, STATE(STOP), &data), 0);
}

static int give_up_precopy(const char *fault)
{
	struct migration_image whole = {};
	int data, mark = kmsg_mark();

	CHECK_EQ(window_fill(vf, 100000, 3), WINDOW_DONE);
	data = migration_set(vf, STATE(PRE_COPY));
	migration_read_dry(data, &whole);
	connectx_set("fault", "%s", fault);
	migration_set(vf, STATE(RUNNING));
	connectx_set("fault", "%s", "");
	close(data);
	return kmsg_count(mark, "saving was given up");
}

/* The save at the end only ends the noting of changes; if it fails, the driver says so. */
TEST_OURS(precopy_can_be_given_up_although_the_firmware_does_not_go_along)
{
	open_vf();
	CHECK_EQ(give_up_precopy("SAVE_VHCA_STATE status=0x9"), 1);
	CHECK(window_tracks(vf));
	check_usable();
}

/* The answer says how large the buffer should be, but any size will do. */
TEST_OURS(changes_are_noted_no_longer_although_nobody_says_how_many_there_are)
{
	static const char * const faults[] = {
		"QUERY_VHCA_MIGRATION_STATE status=0x9", "QUERY_VHCA_MIGRATION_STATE empty",
	};

	open_vf();
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		CHECK_EQ(give_up_precopy(faults[i]), 0);
		CHECK(!window_tracks(vf));
		check_usable();
	}
}

/* A stream that lacks its last image looks like a whole one. */
TEST_OURS(a_last_image_of_nothing_is_an_error)
{
	struct migration_image first = {};
	int data;

	open_vf();
	CHECK_EQ(window_fill(vf, 100000, 4), WINDOW_DONE);
	connectx_set("fault", "SAVE_VHCA_STATE empty");
	CHECK_EQ(save(), -EIO);
	vfio_reset(vf);
	CHECK_EQ(window_fill(vf, 100000, 4), WINDOW_DONE);
	data = migration_set(vf, STATE(PRE_COPY));
	migration_read_dry(data, &first);
	connectx_set("fault", "SAVE_VHCA_STATE empty");
	migration_set(vf, STATE(STOP_COPY));
	CHECK_ERR(EIO, migration_read_try(data, &first));
	close(data);
	check_usable();
}

/* The state is small: without a size, its buffer is a page. */
static void check_saved_all_the_same(unsigned int from)
{
	uint64_t digest;
	int data, last;

	vfio_reset(vf);
	CHECK_EQ(window_fill(vf, 1000, 4), WINDOW_DONE);
	free(image.bytes);
	image = (struct migration_image){};
	data = migration_set(vf, from);
	if (from == STATE(PRE_COPY)) {
		migration_read_dry(data, &image);
		CHECK_EQ(window_touch(vf, 500, 300, 5), WINDOW_DONE);
	}
	digest = window_digest(vf);
	connectx_set("fault", "QUERY_VHCA_MIGRATION_STATE empty");
	last = migration_set(vf, STATE(STOP_COPY));
	if (from != STATE(PRE_COPY))
		data = last;
	migration_read(data, &image);
	close(data);
	vfio_reset(vf);
	CHECK_EQ(load(), 0);
	CHECK_EQ(window_digest(vf), digest);
}

TEST_OURS(a_last_image_is_saved_although_the_firmware_says_that_there_is_none)
{
	open_vf();
	check_saved_all_the_same(STATE(PRE_COPY));
	check_saved_all_the_same(STATE(STOP));
}

/* The device is in the state at which the request stopped, and can go on from there. */
TEST(a_request_that_fails_half_way_can_be_repeated)
{
	int data;

	open_vf();
	CHECK_EQ(window_fill(vf, 5000, 1), WINDOW_DONE);
	connectx_set("fault", "SUSPEND_VHCA skip=1 status=0x6");
	CHECK_NE(migration_set_try(vf, STATE(STOP), &data), 0);
	CHECK_EQ(migration_state(vf), STATE(RUNNING_P2P));
	migration_set(vf, STATE(STOP));
	CHECK_EQ(window_suspended(vf) & 3, 3);
	connectx_set("fault", "RESUME_VHCA skip=1 status=0x6");
	CHECK_NE(migration_set_try(vf, STATE(RUNNING), &data), 0);
	CHECK_EQ(migration_state(vf), STATE(RUNNING_P2P));
	migration_set(vf, STATE(RUNNING));
	CHECK_EQ(window_suspended(vf) & 3, 0);
}

TEST(a_save_that_completes_late_is_waited_for)
{
	struct migration_image late = {};
	long long begin;
	int data;

	open_vf();
	window_fill(vf, 1 << 20, 6);
	connectx_set("fault", "SAVE_VHCA_STATE delay=1500");
	begin = now_ms();
	data = migration_set(vf, STATE(STOP_COPY));
	migration_read(data, &late);
	CHECK_LE(1500, now_ms() - begin);
	CHECK_LE(1 << 20, late.size);
	close(data);
}

/* Leaving while the firmware still works waits for it, and nothing is left over. */
static void check_left_while_saving(void (*leave)(int data))
{
	int data;

	open_vf();
	for (int round = 0; round < 3; round++) {
		CHECK_EQ(window_fill(vf, 1 << 20, 6), WINDOW_DONE);
		connectx_set("fault", "SAVE_VHCA_STATE delay=300");
		data = migration_set(vf, STATE(STOP_COPY));
		leave(data);
	}
	check_usable();
}

static void by_reset(int data)
{
	vfio_reset(vf);
	close(data);
}

static void by_state(int data)
{
	migration_set(vf, STATE(RUNNING));
	close(data);
}

static void by_data_fd(int data)
{
	close(data);
	migration_set(vf, STATE(RUNNING));
}

static void by_device(int data)
{
	char bdf[sizeof(vf->bdf)];

	memcpy(bdf, vf->bdf, sizeof(bdf));
	vfio_close(vf);
	close(data);
	vf = vfio_open(bdf);
}

TEST_WHEN(a_save_may_fail, a_reset_while_the_firmware_saves)
{
	check_left_while_saving(by_reset);
}

TEST(a_state_change_while_the_firmware_saves)
{
	check_left_while_saving(by_state);
}

TEST(a_data_fd_closed_while_the_firmware_saves)
{
	check_left_while_saving(by_data_fd);
}

TEST(a_device_closed_while_the_firmware_saves)
{
	check_left_while_saving(by_device);
}

/* EAGAIN would tell the writer to write again, but the session has failed. */
static void check_writer_is_told_to_give_up(const char *command)
{
	struct vfio_device *source, *target;
	struct migration_image image;
	int data;

	kmsg_expect(MLX5_COMPLAINT);
	connectx_open_two(&source, &target);
	CHECK_EQ(window_fill(source, 100000, 3), WINDOW_DONE);
	image = migration_save(source);
	data = migration_set(target, VFIO_DEVICE_STATE_RESUMING);
	connectx_set("fault", "%s status=0xf", command);
	CHECK_ERR(ENOMEM, migration_write_try(data, image.bytes, image.size));
	CHECK_ERR(ENOMEM, migration_write_try(data, image.bytes, 16));
}

TEST_OURS(a_writer_is_told_to_give_up_when_the_firmware_has_no_resources_to_load)
{
	check_writer_is_told_to_give_up("LOAD_VHCA_STATE");
}

TEST_OURS(a_writer_is_told_to_give_up_when_the_firmware_has_no_resources_for_a_key)
{
	check_writer_is_told_to_give_up("CREATE_MKEY");
}
