// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers of a BAR come and go, are mapped and accessed, while the function is reset, sleeps, stops
 * decoding and is closed. witness0 counts what arrives when it must not.
 *
 * vm-machine: peers
 * vm-drivers: ours kernel
 * vm-threads: multi
 * vm-sources: lib/peer.c
 */
#include <fcntl.h>
#include <pthread.h>

#include "lib/peer.h"

#define ROUNDS	60

static struct vfio_device *exporter;
static volatile bool is_over;

CLEAN_UP
{
	if (module_loaded("importer"))
		module_unload("importer");
}

static void open_exporter(void)
{
	stop_dma();
	exporter = vfio_open_with_memory("witness0", NULL);
	module_load("kernel", "importer", NULL);
}

/* One buffer after another, each in the hands of the other function for a while. */
static void *make_and_map(void *mapped)
{
	struct dma_buf_request request = { .nr_ranges = 1, .ranges = { { WITNESS_MEMORY, PAGE } } };
	int buffer, importer;

	while (!is_over) {
		buffer = buffer_try(exporter, &request);
		if (buffer < 0)
			break;
		importer = attach_try(buffer, PEER);
		close(buffer);
		if (importer < 0)
			continue;
		if (!map_try(importer))
			++*(unsigned long *)mapped;
		/* By turns with what takes it away, and without. */
		if (*(unsigned long *)mapped % 2)
			sched_yield();
		close(importer);
	}
	return NULL;
}

static void reset(void)
{
	vfio_reset_try(exporter);
}

static void switch_decoding(void)
{
	cfg_command(exporter, 0, PCI_COMMAND_MEMORY);
	cfg_command(exporter, PCI_COMMAND_MEMORY, 0);
}

static void sleep_and_wake(void)
{
	unsigned int control = cfg_cap(exporter, PCI_CAP_ID_PM) + PCI_PM_CTRL;

	cfg_set16(exporter, control, 3);
	cfg_set16(exporter, control, 0);
}

/* DMA goes on for all of the time into a buffer that stays. */
static void check_races(void (*work)(void), bool dma)
{
	unsigned long mapped = 0;
	pthread_t maker;
	int importer;

	open_exporter();
	importer = attach(memory_buffer(exporter), PEER);
	is_over = false;
	if (!dma)
		CHECK_EQ(pthread_create(&maker, NULL, make_and_map, &mapped), 0);
	for (int round = 0; round < ROUNDS; round++) {
		if (dma)
			start_dma(importer);
		work();
		CHECK_EQ(importer_state(importer).mapped, 0);
	}
	is_over = true;
	if (!dma)
		CHECK_EQ(pthread_join(maker, NULL), 0);
	test_note("%lu mappings", mapped);
	start_dma(importer);
	CHECK(writing_goes_on(exporter));
	CHECK(dma || mapped);
}

TEST(no_dma_arrives_amid_a_reset)
{
	check_races(reset, true);
}

TEST(no_dma_arrives_while_decoding_is_switched)
{
	check_races(switch_decoding, true);
}

TEST(no_dma_arrives_while_the_function_goes_to_sleep)
{
	check_races(sleep_and_wake, true);
}

TEST(buffers_come_and_go_amid_resets)
{
	check_races(reset, false);
}

TEST(buffers_come_and_go_while_decoding_is_switched)
{
	check_races(switch_decoding, false);
}

static void *close_exporter(void *data)
{
	(void)data;
	vfio_close(exporter);
	return NULL;
}

/* The last reference goes while the device looks for its buffers, to take them away for good. */
TEST(buffers_are_released_amid_the_close_of_their_device)
{
	enum { BUFFERS = 16 };
	int buffers[BUFFERS];
	pthread_t closer;

	open_exporter();
	for (int round = 0; round < ROUNDS / 4; round++) {
		for (unsigned int n = 0; n < BUFFERS; n++)
			buffers[n] = memory_buffer(exporter);
		CHECK_EQ(pthread_create(&closer, NULL, close_exporter, NULL), 0);
		for (unsigned int n = 0; n < BUFFERS; n++)
			close(buffers[n]);
		CHECK_EQ(pthread_join(closer, NULL), 0);
		exporter = vfio_open(vm_bdf("witness0"));
	}
}

static void *outlive_files(void *made)
{
	char path[32];
	int buffer, entry;

	while (!is_over) {
		buffer = memory_buffer(exporter);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", buffer);
		entry = CHECK_OK(open(path, O_PATH));
		close(buffer);
		++*(unsigned long *)made;
		close(entry);
	}
	return NULL;
}

/* Whoever has its directory entry keeps a buffer whose file is gone. */
TEST_OURS(buffers_may_outlive_their_files)
{
	unsigned long made = 0;
	pthread_t maker;

	open_exporter();
	is_over = false;
	CHECK_EQ(pthread_create(&maker, NULL, outlive_files, &made), 0);
	for (int round = 0; round < 20 * ROUNDS; round++)
		switch_decoding();
	is_over = true;
	CHECK_EQ(pthread_join(maker, NULL), 0);
	test_note("%lu buffers", made);
	CHECK_LT(0, made);
}
