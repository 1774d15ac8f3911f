// SPDX-License-Identifier: GPL-2.0-only
/* usage: probe BDF DRIVER: what the kernel does by itself when it is done adding a function. */
#include "system/sysfs.h"

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	return attr_write(argv[1], "/sys/bus/pci/drivers/%s/bind", argv[2]) != 0;
}
