// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PF fails and mlx5_core resets it: VFs lose their firmware for a while. What a client does
 * meanwhile ends in an error, and after that all works as before.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 * vm-sources: lib/devlink.c
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/devlink.h"
#include "vmtest.h"
#include "operations.h"

#define NOTICED "mlx5_core .*Fatal error [0-9]+ detected"

CLEAN_UP
{
	connectx_clean_up();
}

static void open_filled_vf(void)
{
	connectx_reload_afterwards();
	open_vf();
	CHECK_EQ(window_fill(vf, 500000, 44), WINDOW_DONE);
}

TEST(an_idle_vf_can_be_migrated_after_the_pf_was_reset)
{
	open_filled_vf();
	connectx_reset_pf();
	check_usable();
}

TEST_WHEN(a_save_may_fail, a_pf_reset_in_stop_copy_ends_the_session)
{
	struct migration_image image = {};
	int data;

	open_filled_vf();
	data = migration_set(vf, STATE(STOP_COPY));
	connectx_reset_pf();
	CHECK_NE(migration_read_try(data, &image), 0);
	close(data);
	check_usable();
}

/* With the kernel's driver of 6.12 and 7.3 the kernel dereferences a NULL pointer. */
TEST_OURS(a_pf_reset_in_precopy_ends_the_session)
{
	struct migration_image image = {};
	struct vfio_precopy_info info;
	int data, none;

	open_filled_vf();
	data = migration_set(vf, STATE(PRE_COPY));
	migration_read_dry(data, &image);
	connectx_reset_pf();
	CHECK_NE(migration_precopy_info(data, &info), 0);
	CHECK_NE(migration_set_try(vf, STATE(STOP_COPY), &none) ?:
		 migration_read_try(data, &image), 0);
	close(data);
	check_usable();
}

TEST(a_pf_reset_in_resuming_ends_the_session)
{
	struct migration_image image;
	int data, none;

	open_filled_vf();
	image = migration_save(vf);
	data = migration_set(vf, STATE(RESUMING));
	CHECK_EQ(migration_write_try(data, image.bytes, image.size / 2), 0);
	connectx_reset_pf();
	CHECK_NE(migration_write_try(data, image.bytes + image.size / 2,
				     image.size - image.size / 2) ?:
		 migration_set_try(vf, STATE(STOP), &none), 0);
	close(data);
	check_usable();
}

/*
 * Nor would mlx5_core say when it takes the VF's firmware away again: what the VF had there would be
 * used after that.
 */
TEST_OURS(a_vf_that_the_pf_could_not_enable_again_has_nothing_in_its_firmware)
{
	int none;

	open_filled_vf();
	connectx_set("fault", "ENABLE_HCA skip=1 status=0x5");
	connectx_reset_pf();
	CHECK_ERR(ENOTCONN, migration_set_try(vf, STATE(STOP_COPY), &none));
	CHECK_ERR(ENOTCONN, migration_data_size(vf));
	if (dma_logging_can_report())
		CHECK_ERR(ENOTCONN, dma_logging_start_try(vf, &range, 1, PAGE));
	CHECK_EQ(migration_state(vf), STATE(RUNNING));
}

TEST_OURS(a_pf_reset_leaves_a_vf_that_did_not_run_in_error)
{
	open_filled_vf();
	migration_set(vf, STATE(STOP));
	connectx_reset_pf();
	CHECK_EQ(migration_state(vf), STATE(ERROR));
	check_usable();
}

TEST_OURS(a_pf_reset_amid_a_migration_is_recorded)
{
	char *record;

	open_filled_vf();
	migration_bring_to(vf, STATE(RESUMING));
	connectx_reset_pf();
	record = pci_attr(vf->bdf, "vfio_pci/last_migration");
	CHECK(strstr(record, "direction load\nend pf-gone\n"));
	free(record);
}

TEST(requests_while_the_pf_is_away_end_in_errors_or_not_at_all)
{
	int mark = kmsg_mark(), none, failed = 0, away = 0, error;

	open_filled_vf();
	connectx_set("event", "fatal");
	while (!kmsg_count(mark, CONNECTX_RECOVERED)) {
		error = migration_set_try(vf, STATE(STOP), &none);
		failed += !!error;
		away += error == -ENOTCONN;
		failed += !!migration_set_try(vf, STATE(RUNNING), &none);
		vfio_reset_try(vf);
		pause_ms(20);
	}
	CHECK_LT(0, failed);
	if (driver_is_ours())
		CHECK_LT(0, away);
	check_usable();
}

TEST_WHEN(dma_logging_can_report, logging_does_not_start_while_the_pf_is_away)
{
	int mark = kmsg_mark(), failed = 0, away = 0, error;

	open_filled_vf();
	connectx_set("event", "fatal");
	while (!kmsg_count(mark, CONNECTX_RECOVERED)) {
		error = dma_logging_start_try(vf, &range, 1, PAGE);
		failed += !!error;
		away += error == -ENOTCONN;
		if (!error)
			dma_logging_stop_try(vf);
		pause_ms(20);
	}
	CHECK_LT(0, failed);
	if (driver_is_ours())
		CHECK_LT(0, away);
	check_usable();
}

TEST(a_device_closed_while_the_pf_is_away_can_be_opened_again)
{
	char bdf[sizeof(vf->bdf)];
	int mark = kmsg_mark(), data;

	open_filled_vf();
	memcpy(bdf, vf->bdf, sizeof(bdf));
	data = migration_set(vf, STATE(STOP_COPY));
	connectx_set("event", "fatal");
	CHECK(WAIT_UNTIL(kmsg_count(mark, NOTICED), 60000));
	vfio_close(vf);
	close(data);
	CHECK(WAIT_UNTIL(kmsg_count(mark, CONNECTX_RECOVERED), 60000));
	vf = vfio_open(bdf);
	check_usable();
}

TEST(a_vf_unbound_while_the_pf_is_away_can_be_bound_again)
{
	char bdf[sizeof(vf->bdf)];
	int mark = kmsg_mark();

	open_filled_vf();
	memcpy(bdf, vf->bdf, sizeof(bdf));
	vfio_close(vf);
	connectx_set("event", "fatal");
	CHECK(WAIT_UNTIL(kmsg_count(mark, NOTICED), 60000));
	pci_unbind(bdf);
	CHECK(WAIT_UNTIL(kmsg_count(mark, CONNECTX_RECOVERED), 60000));
	pci_bind(bdf, "mlx5_vfio_pci");
	vf = vfio_open(bdf);
	check_usable();
}

TEST_WHEN(dma_logging_can_report, a_pf_reset_while_logging_fails_the_report)
{
	uint64_t bitmap = 0;

	open_filled_vf();
	CHECK_EQ(dma_logging_start_try(vf, &range, 1, PAGE), 0);
	connectx_reset_pf();
	CHECK_NE(dma_logging_report_try(vf, IOVA, 64 * PAGE, PAGE, &bitmap), 0);
	dma_logging_stop_try(vf);
	CHECK_EQ(dma_logging_start_try(vf, &range, 1, PAGE), 0);
	CHECK_EQ(window_write(vf, IOVA + PAGE, 1, 0, 1, 1), WINDOW_DONE);
	bitmap = 0;
	CHECK_EQ(dma_logging_report_try(vf, IOVA, 64 * PAGE, PAGE, &bitmap), 0);
	CHECK_EQ(bitmap, 2);
	CHECK_EQ(dma_logging_stop_try(vf), 0);
}

/* Until one fails. */
static void *report_again_and_again(void *data)
{
	uint64_t bitmap = 0;

	for (int n = 0; !dma_logging_report_try(vf, IOVA, 64 * PAGE, PAGE, &bitmap); n++)
		window_write(vf, IOVA + n % 64 * PAGE, 1, 0, 1, n);
	return data;
}

TEST_WHEN(dma_logging_can_report, a_pf_reset_amid_reports_fails_them)
{
	pthread_t thread;

	open_filled_vf();
	CHECK_EQ(dma_logging_start_try(vf, &range, 1, PAGE), 0);
	CHECK_EQ(pthread_create(&thread, NULL, report_again_and_again, NULL), 0);
	connectx_reset_pf();
	pthread_join(thread, NULL);
	dma_logging_stop_try(vf);
	CHECK_EQ(track(), 0);
}

static bool ours_can_report(void)
{
	return driver_is_ours() && dma_logging_can_report();
}

static void report_in_vain(void *device)
{
	uint64_t bitmap = 0;

	CHECK_ERR(ENOTCONN, dma_logging_report_try(device, IOVA, 64 * PAGE, PAGE, &bitmap));
}

/* The firmware sends no message. A report that waits for a minute ends with EIO. */
TEST_WHEN(ours_can_report, a_reload_of_the_pf_does_not_wait_for_a_report_that_does_not_come)
{
	pid_t reporter;

	open_filled_vf();
	CHECK_EQ(dma_logging_start_try(vf, &range, 1, PAGE), 0);
	connectx_set("fault", "MODIFY_GENERAL_OBJECT empty");
	reporter = child_start(report_in_vain, vf);
	CHECK(WAIT_UNTIL(child_waits(reporter), 20000));
	CHECK_EQ(devlink_reload(connectx_pf()), 0);
	child_check_ends("the report", reporter);
	dma_logging_stop_try(vf);
	check_usable();
	CHECK_EQ(track(), 0);
}

/*
 * The PF fails, and its driver asks for a reset, which does not end before all faults are removed.
 * Meanwhile the firmware goes on with what it was told, and the PF's driver calls it a success to
 * destroy what that uses.
 */
static int die_slowly(void)
{
	int mark = kmsg_mark();

	connectx_set("event", "fatal-slow");
	CHECK(WAIT_UNTIL(kmsg_count(mark, NOTICED), 60000));
	return mark;
}

/* Returns how much more memory is charged than BEFORE, when the PF works again. */
static long long memory_lost(int mark, long long before)
{
	long long lost;

	connectx_set("fault", "%s", "");
	CHECK(WAIT_UNTIL(kmsg_count(mark, CONNECTX_RECOVERED), 60000));
	lost = cgroup_kernel_memory() - before;
	check_usable();
	cgroup_leave();
	return lost;
}

#define STATE_BYTES	(32 << 20)
#define CHUNK_BYTES	(6 << 20)	/* at least */

static void check_is_kept(int mark, long long before, long long least)
{
	CHECK_LE(least, memory_lost(mark, before));
	CHECK_EQ(kmsg_count(mark, "bytes are not freed"), 1);
}

static void check_is_freed(int mark, long long before)
{
	CHECK_LT(memory_lost(mark, before), CHUNK_BYTES);
	CHECK_EQ(kmsg_count(mark, "bytes are not freed"), 0);
}

/* After this everything that stays for good is allocated. */
static long long memory_after_a_migration(void)
{
	cgroup_enter();
	open_filled_vf();
	CHECK_EQ(window_fill(vf, STATE_BYTES, 45), WINDOW_DONE);
	free(image.bytes);
	image = migration_save(vf);
	vfio_reset(vf);
	CHECK_EQ(load(), 0);
	return cgroup_kernel_memory();
}

/* "work-on" fails if the IOMMU refuses what the firmware writes, or reads. */
TEST_OURS(memory_that_the_firmware_saves_into_when_it_dies_is_not_freed)
{
	long long before = memory_after_a_migration();
	struct migration_image cut = {};
	int data, mark;

	connectx_set("fault", "SAVE_VHCA_STATE timeout");
	data = migration_set(vf, STATE(STOP_COPY));
	CHECK(WAIT_UNTIL(connectx_faults_have_happened(), 20000));
	mark = die_slowly();
	CHECK_EQ(migration_read_try(data, &cut), -EIO);
	CHECK_EQ(set_state(STATE(STOP)), 0);
	connectx_set("event", "work-on");
	close(data);
	check_is_kept(mark, before, CHUNK_BYTES);
}

static void write_in_vain(void *data)
{
	CHECK_EQ(migration_write_try(*(int *)data, image.bytes, image.size), -EIO);
}

TEST_OURS(memory_that_the_firmware_loads_from_when_it_dies_is_not_freed)
{
	long long before = memory_after_a_migration();
	pid_t writer;
	int data, mark;

	data = migration_bring_to(vf, STATE(RESUMING));
	connectx_set("fault", "LOAD_VHCA_STATE timeout");
	writer = child_start(write_in_vain, &data);
	CHECK(WAIT_UNTIL(connectx_faults_have_happened(), 20000));
	mark = die_slowly();
	child_check_ends("who writes", writer);
	CHECK_EQ(set_state(STATE(STOP)), -EIO);
	connectx_set("event", "work-on");
	close(data);
	check_is_kept(mark, before, CHUNK_BYTES);
}

/* What no command uses is free: the reader has all, or the firmware was not told. */
TEST_OURS(memory_that_the_firmware_has_no_work_with_when_it_dies_is_freed)
{
	long long before = memory_after_a_migration();
	struct migration_image whole = {};
	int data, mark;

	data = migration_set(vf, STATE(STOP_COPY));
	migration_read(data, &whole);
	mark = die_slowly();
	CHECK_EQ(set_state(STATE(STOP)), 0);
	close(data);
	check_is_freed(mark, before);
}

/* The end of PRE_COPY tells the firmware to stop tracking, with a SAVE. */
TEST_OURS(memory_of_a_pre_copy_that_ends_after_the_firmware_died_is_freed)
{
	long long before = memory_after_a_migration();
	struct migration_image whole = {};
	int data, mark;

	CHECK_EQ(set_state(STATE(RUNNING)), 0);
	data = migration_set(vf, STATE(PRE_COPY));
	CHECK_EQ(migration_read_try(data, &whole), -ENOMSG);
	mark = die_slowly();
	CHECK_EQ(set_state(STATE(RUNNING)), 0);
	close(data);
	check_is_freed(mark, before);
}

TEST_OURS(memory_of_a_load_after_the_firmware_died_is_freed)
{
	long long before = memory_after_a_migration();
	int data, mark;

	data = migration_bring_to(vf, STATE(RESUMING));
	CHECK_EQ(migration_write_try(data, image.bytes, 3 * CHUNK_BYTES), 0);
	mark = die_slowly();
	CHECK_EQ(migration_write_try(data, image.bytes + 3 * CHUNK_BYTES,
				     image.size - 3 * CHUNK_BYTES), -EIO);
	CHECK_EQ(set_state(STATE(STOP)), -EIO);
	close(data);
	check_is_freed(mark, before);
}

TEST_WHEN(ours_can_report, memory_that_a_tracker_reports_to_when_the_firmware_dies_is_not_freed)
{
	long long before = memory_after_a_migration();
	int mark;

	vfio_reset(vf);
	CHECK_EQ(dma_logging_start_try(vf, &range, 1, PAGE), 0);
	mark = die_slowly();
	CHECK_EQ(dma_logging_stop_try(vf), 0);
	connectx_set("event", "tracker-unasked 1");
	check_is_kept(mark, before, 1 << 20);
}

/* The other way to lose the PF. With VFs in use it works only by force. */
TEST(the_pfs_driver_cannot_be_unloaded_under_a_vf_in_use)
{
	open_filled_vf();
	CHECK_NE(module_unload_try("mlx5_core"), 0);
	check_usable();
}

/*
 * A PCIe error of the PF concerns all functions below the port: clients are told by the ERR
 * interrupt, and mlx5_core takes the PF down and up again.
 */
static void check_pcie_error(unsigned int state)
{
	struct migration_image image = {};
	int event = event_new(), mark = kmsg_mark(), data;

	kmsg_expect("AER: .*");
	open_filled_vf();
	/* A function without a driver cannot recover, and then no function does. */
	connectx_open_vf(connectx_pf(), 1);
	vfio_irq_eventfd(vf, VFIO_PCI_ERR_IRQ_INDEX, 0, event);
	data = migration_set(vf, state);
	vm_aer("cx0", "POISON_TLP");
	CHECK_EQ(event_wait(event, 60000), 1);
	vm_wait_recovered(mark, 60000);
	if (data >= 0 && state != STATE(RESUMING))
		migration_read_try(data, &image);
	close(data);
	check_usable();
}

TEST(a_pcie_error_while_the_vf_runs)
{
	check_pcie_error(STATE(RUNNING_P2P));
}

TEST_WHEN(a_save_may_fail, a_pcie_error_in_stop_copy)
{
	check_pcie_error(STATE(STOP_COPY));
}

TEST(a_pcie_error_in_resuming)
{
	check_pcie_error(STATE(RESUMING));
}
