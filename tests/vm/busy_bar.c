// SPDX-License-Identifier: GPL-2.0-only
/*
 * A BAR that somebody else on the host holds: a serial port at the addresses of its ports.
 *
 * vm-machine: default
 * vm-drivers: ours kernel
 */
#include <fcntl.h>
#include <linux/serial.h>
#include <sys/ioctl.h>

#include "vmtest.h"

#define TRIES	100
/* The kernel limits lines of one kind to ten in five seconds. */
#define FEW	30

static void set_serial_port(unsigned long long start)
{
	struct serial_struct serial = {};
	int tty = open("/dev/ttyS3", O_RDWR | O_NONBLOCK | O_NOCTTY);

	CHECK_OK(tty);
	CHECK_OK(ioctl(tty, TIOCGSERIAL, &serial));
	serial.type = start ? PORT_16550A : PORT_UNKNOWN;
	serial.port = start;
	serial.irq = 0;
	CHECK_OK(ioctl(tty, TIOCSSERIAL, &serial));
	close(tty);
}

CLEAN_UP
{
	set_serial_port(0);
}

/* Takes eight ports of BAR 1 of a bound function. Returns its address. */
static char *busy_function(void)
{
	char *bdf = strdup(vm_bdf("testdev0")), *resource;

	driver_load("disable_idle_d3=1");
	pci_bind(bdf, VFIO_PCI);
	resource = pci_attr(bdf, "resource");
	set_serial_port(strtoull(strchr(resource, '\n') + 1, NULL, 16));
	return bdf;
}

/* The kernel's driver asks at each of them, and logs it. */
TEST_OURS(who_reads_a_bar_that_the_host_has_again_and_again_fills_no_log)
{
	char *bdf = busy_function();
	struct vfio_device *device = vfio_open(bdf);
	int mark = kmsg_mark();
	uint32_t value;

	for (int n = 0; n < TRIES; n++)
		CHECK_ERR(EBUSY, vfio_read_try(device, 1, 0, &value, 1));
	CHECK_LT(kmsg_count(mark, bdf), FEW);
}

TEST(who_opens_and_closes_a_function_whose_bar_the_host_has_fills_no_log)
{
	char *bdf = busy_function();
	int mark = kmsg_mark();

	for (int n = 0; n < 25; n++)
		vfio_close(vfio_open(bdf));
	CHECK_EQ(kmsg_count(mark, bdf), 0);
}

TEST(who_asks_for_info_of_a_bar_that_the_host_has_fills_no_log)
{
	char *bdf = busy_function();
	struct vfio_device *device = vfio_open(bdf);
	int mark = kmsg_mark();

	for (int n = 0; n < TRIES; n++)
		vfio_region_size(device, 1);
	CHECK_EQ(kmsg_count(mark, bdf), 0);
}
