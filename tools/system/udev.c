// SPDX-License-Identifier: GPL-2.0-only
#include <libudev.h>
#include <stddef.h>

#include "system/udev.h"

/* Whether udev runs, which acts on our rules. */
bool udev_is_active(void)
{
	struct udev *udev = udev_new();
	struct udev_queue *queue = udev ? udev_queue_new(udev) : NULL;
	bool is_active = queue && udev_queue_get_udev_is_active(queue) > 0;

	udev_queue_unref(queue);
	udev_unref(udev);
	return is_active;
}
