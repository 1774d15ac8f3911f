// SPDX-License-Identifier: GPL-2.0-only
/*
 * Live migration that comes to nothing: the machine goes on where it was, as if there had been
 * none.
 *
 * vm-machine: migration
 * vm-drivers: ours kernel
 * vm-cmdline: iomem=relaxed
 * vm-modules: mlx5_core virtio_pci 9pnet_virtio 9p
 * vm-files: build/live-migration/guest build/live-migration/run-options
 * vm-sources: lib/machine.c
 * vm-seconds: 2000
 * vm-timeout: 420
 */
#include "lib/machine.h"

static struct machine source, destination;
static struct setup setup;

/* CHANNELS: see struct setup */
static void start_two(unsigned int channels)
{
	setup = setup_one();
	setup.channels = channels;
	machine_start_two(&source, &destination, &setup);
}

static void check_source_goes_on(void)
{
	CHECK(WAIT_UNTIL(!connectx_objects("trackers"), NESTED_MS));
	machine_check_goes_on(&source);
}

/*
 * QEMU 10 shuts the connection before it notes that it cancels: if something is written to it
 * between, migration has failed. Not for the VF's driver.
 */
static void check_the_driver_has_not_failed(void)
{
	if (driver_is_ours())
		CHECK(!strstr(pci_attr(source.vfs[0], "vfio_pci/last_migration"), "failed"));
}

TEST(the_source_goes_on_when_migration_is_cancelled)
{
	start_two(0);
	migration_begin_and_wait(&source);
	machine_tell(&source, "migrate_cancel", "");
	CHECK(strcmp(migration_wait(&source), "completed"));
	check_the_driver_has_not_failed();
	check_source_goes_on();
	CHECK_NE(client_wait(destination.qemu, NESTED_MS), 0);
}

/* The next image that comes: of the VF while it runs, or the last one. */
TEST_WHEN(driver_has_precopy, the_source_goes_on_when_the_state_does_not_load)
{
	start_two(0);
	migration_begin_and_wait(&source);
	connectx_set("fault", "LOAD_VHCA_STATE status=0x3");
	migration_let_end(&source);
	migration_check(&source, "failed");
	check_source_goes_on();
	CHECK_NE(client_wait(destination.qemu, NESTED_MS), 0);
}

TEST_WHEN(driver_has_precopy, the_source_goes_on_when_the_state_that_is_sent_ahead_does_not_load)
{
	start_two(0);
	connectx_set("fault", "LOAD_VHCA_STATE status=0x3");
	migration_begin(&source);
	migration_check(&source, "failed");
	check_source_goes_on();
	CHECK_NE(client_wait(destination.qemu, NESTED_MS), 0);
}

/* --- cancelled at random --- */

/*
 * What there is to wait for in QEMU's output before. When a migration through channels is cancelled
 * in its setup, QEMU 10 now and then waits for its own threads for good, with the kernel's driver,
 * too: its main thread answers, and none is in a call of a driver.
 */
static const struct {
	const char *event;
	/* Whether that comes only when the migration may end. */
	bool may_end;
} moments[] = {
#define SETUP 0
	{ "\"status\": \"setup\"", false },
	{ "\"status\": \"active\"", false },
	{ "\"pass\": ([2-9]|[0-9][0-9])", false },
	{ "\"status\": \"active\"", true },
	{ "\"device-state\": \"stop-copy\"", true },
};

static void cancel_at_random(void)
{
	size_t first = setup.channels ? SETUP + 1 : SETUP;
	size_t moment = first + random() % (sizeof(moments) / sizeof(moments[0]) - first);
	int ms = random() % 400;

	test_note("cancelled %d ms after %s%s", ms, moments[moment].event,
		  moments[moment].may_end ? ", and it may end" : "");
	migration_begin(&source);
	if (moments[moment].may_end)
		migration_let_end(&source);
	free(client_expect(source.qemu, moments[moment].event, NESTED_MS));
	pause_ms(ms);
	machine_tell(&source, "migrate_cancel", "");
}

/* Too late, the machine stands still at both ends; it may go on at either. */
static bool was_cancelled(void)
{
	char *outcome = migration_wait(&source);
	bool completed = !strcmp(outcome, "completed");

	check_the_driver_has_not_failed();
	if (completed) {
		migration_check(&destination, "completed");
		machine_quit(&destination);
		machine_ask(&source, "cont", "");
	} else {
		/* Without a connection this one still waits; when it had all, it takes no notice. */
		client_signal(destination.qemu, SIGTERM);
		client_wait(destination.qemu, NESTED_MS);
	}
	free(outcome);
	return !completed;
}

static void check_random_cancels(unsigned int channels)
{
	struct run_options run = run_options();
	unsigned int count = run.cancels / 2, cancelled = 0;

	test_note("SEED=%u CANCELS=%u", run.seed, run.cancels);
	srandom(run.seed);
	start_two(channels);
	for (unsigned int i = 0; i < count; i++) {
		cancel_at_random();
		cancelled += was_cancelled();
		check_source_goes_on();
		destination = machine_start_destination("destination", &setup, setup.vfs);
	}
	test_note("%u of %u were cancelled in time", cancelled, count);
	CHECK_LT(0, cancelled);
	migration_do(&source, &destination);
}

TEST(the_source_goes_on_whenever_migration_is_cancelled_and_can_be_migrated)
{
	check_random_cancels(0);
}

TEST(the_source_goes_on_whenever_migration_through_channels_is_cancelled_and_can_be_migrated)
{
	check_random_cancels(3);
}

CLEAN_UP
{
	connectx_clean_up();
}
