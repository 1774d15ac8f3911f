// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that is slow for each access must not hold up others. Half a minute of accesses
 * is under way in one process while another wants something else of the device.
 *
 * vm-machine: slow
 * vm-drivers: ours kernel
 * vm-timeout: 180
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmtest.h"

#define SIZE		0x10000
#define COUNTS_BAR	2

/* The result of the child's one read or write: 0 while it is under way. */
static volatile ssize_t *result;
static uint8_t bytes[SIZE];

static struct vfio_device *open_slow(void)
{
	struct vfio_device *slow;

	driver_load("disable_idle_d3=1");
	slow = vfio_bind_and_open(vm_bdf("slow0"));
	cfg_command(slow, PCI_COMMAND_MEMORY, 0);
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	CHECK(result != MAP_FAILED);
	return slow;
}

static pid_t start(struct vfio_device *slow, bool is_write)
{
	pid_t child;

	vfio_write(slow, COUNTS_BAR, 0, 0, 4);
	child = CHECK_OK(fork());
	if (!child) {
		*result = is_write ? vfio_write_try(slow, 0, 0, bytes, SIZE) :
				     vfio_read_try(slow, 0, 0, bytes, SIZE);
		_exit(0);
	}
	CHECK(WAIT_UNTIL(vfio_read(slow, COUNTS_BAR, 0, 4) > 0, 30000));
	return child;
}

TEST_OURS(reset_does_not_wait_for_a_long_read)
{
	struct vfio_device *slow = open_slow();

	start(slow, false);
	vfio_reset(slow);
	CHECK_EQ(*result, 0);
}

TEST_OURS(decoding_can_be_switched_off_in_the_middle_of_a_read_that_says_how_far_it_came)
{
	struct vfio_device *slow = open_slow();
	int status;

	start(slow, false);
	cfg_command(slow, 0, PCI_COMMAND_MEMORY);
	CHECK_OK(wait(&status));
	CHECK_GT(*result, 0);
	CHECK_LT(*result, SIZE);
	cfg_command(slow, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(vfio_read(slow, COUNTS_BAR, 0, 4), *result / 8);
}

TEST_OURS(decoding_can_be_switched_off_in_the_middle_of_a_write_that_says_how_far_it_came)
{
	struct vfio_device *slow = open_slow();
	int status;

	start(slow, true);
	cfg_command(slow, 0, PCI_COMMAND_MEMORY);
	CHECK_OK(wait(&status));
	CHECK_GT(*result, 0);
	CHECK_LT(*result, SIZE);
	cfg_command(slow, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(vfio_read(slow, COUNTS_BAR, 0, 4), *result / 8);
}

TEST_OURS(client_in_the_middle_of_a_long_read_can_be_killed)
{
	struct vfio_device *slow = open_slow();
	pid_t child = start(slow, false);
	int status;

	CHECK_OK(kill(child, SIGKILL));
	CHECK_OK(wait(&status));
	CHECK(WIFSIGNALED(status));
	CHECK_LT(vfio_read(slow, COUNTS_BAR, 0, 4), SIZE / 8);
}

TEST(whole_read_is_whole)
{
	struct vfio_device *slow = open_slow();
	uint64_t values[128];

	CHECK_EQ(vfio_read_try(slow, 0, 0, values, sizeof(values)), (ssize_t)sizeof(values));
	for (unsigned int n = 0; n < 128; n++)
		CHECK_EQ((uint32_t)values[n], n * 8);
}
