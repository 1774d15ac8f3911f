// SPDX-License-Identifier: GPL-2.0-only
/* vfio_file_is_valid(): a group or a device file */
#include <linux/vfio.h>

bool probe(struct file *file)
{
	return vfio_file_is_valid(file);
}
