// SPDX-License-Identifier: GPL-2.0-only
/* Eventfds that a user names by their descriptors. */
#include <linux/eventfd.h>

#include "core.h"

/**
 * latch_eventfd_get - take a reference to the eventfd that a user named
 * @fd: file descriptor, or -1 for none
 * @trigger: set to the eventfd, or NULL for none
 *
 * Return: 0, -EINVAL for another negative number, or an error of
 * eventfd_ctx_fdget().
 */
int latch_eventfd_get(int fd, struct eventfd_ctx **trigger)
{
	struct eventfd_ctx *ctx = NULL;

	if (fd < -1)
		return -EINVAL;
	if (fd >= 0)
		ctx = eventfd_ctx_fdget(fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	*trigger = ctx;
	return 0;
}
