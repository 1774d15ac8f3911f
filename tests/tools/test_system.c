// SPDX-License-Identifier: GPL-2.0-only
/* The files that the model stands in for, as far as they can be tried without a device. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmocka_test.h"
#include "system/host.h"
#include "system/sysfs.h"

static char root[] = "/tmp/test_system.XXXXXX";

static int make_system(void **state)
{
	char command[256];

	(void)state;
	assert_non_null(mkdtemp(root));
	setenv("VFIO_LATCH_ROOT", root, 1);
	snprintf(command, sizeof(command), "mkdir %s/dev && echo before > %s/dev/file", root, root);
	return system(command);
}

static int remove_system(void **state)
{
	char command[256];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static void a_text_is_written_whole_or_the_error_told(void **state)
{
	char text[64];

	(void)state;
	assert_int_equal(attr_write("after!\n", "/dev/file"), 0);
	assert_int_equal(attr_read(text, sizeof(text), "/dev/file"), 6);
	assert_string_equal(text, "after!");
	assert_int_equal(attr_write("x", "/dev/nowhere"), -ENOENT);
	assert_int_equal(sysfs_store("/dev/full", "x"), -ENOSPC);
}

static void nothing_is_written_as_an_empty_line(void **state)
{
	char path[PATH_SIZE], text[64];
	FILE *file;

	(void)state;
	system_path(path, "/dev/empty");
	fclose(fopen(path, "w"));
	assert_int_equal(attr_write("", "/dev/empty"), 0);
	file = fopen(path, "r");
	assert_non_null(fgets(text, sizeof(text), file));
	assert_string_equal(text, "\n");
	fclose(file);
}

/*
 * Claims themselves need a block device: nobody but the kernel keeps them. A FIFO is like a drive: an
 * open without O_NONBLOCK has somebody do something first.
 */
static void an_open_of_a_block_device_waits_for_no_medium_and_tells_its_error(void **state)
{
	char path[PATH_SIZE];

	(void)state;
	assert_int_equal(block_device_open_alone("nvme0c0n1"), -ENOENT);
	assert_int_equal(block_device_open_alone("file"), 0);
	system_path(path, "/dev/fifo");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(block_device_open_alone("fifo"), 0);
}

static void udev_is_active_where_it_has_its_control_socket(void **state)
{
	(void)state;
	assert_int_equal(udev_is_active(), access("/run/udev/control", F_OK) == 0);
}

static void a_kernel_without_initramfs_has_no_list(void **state)
{
	(void)state;
	assert_null(initramfs_open("0.0.0-none"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_written_whole_or_the_error_told),
		cmocka_unit_test(nothing_is_written_as_an_empty_line),
		cmocka_unit_test(an_open_of_a_block_device_waits_for_no_medium_and_tells_its_error),
		cmocka_unit_test(udev_is_active_where_it_has_its_control_socket),
		cmocka_unit_test(a_kernel_without_initramfs_has_no_list),
	};

	return cmocka_run_group_tests(tests, make_system, remove_system);
}
