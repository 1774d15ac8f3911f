// SPDX-License-Identifier: GPL-2.0-only
/* Questions to a PF's driver, by devlink. It may be busy, or stuck. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "binding/bind.h"
#include "system/bounded.h"
#include "system/sysfs.h"

/* Writes into @why that the driver of @pf has not answered. */
void pf_driver_is_silent(const char *pf, char *why)
{
	char driver[NAME_SIZE];

	if (link_name(driver, sizeof(driver), "/sys/bus/pci/devices/%s/driver", pf))
		snprintf(driver, sizeof(driver), "its PF's driver");
	snprintf(why, ANSWER_SIZE, "%s has not answered within %s; see the kernel log", driver,
		 bounded_text());
}

/* Likewise for bounded_answer(): after a failure there is always a reason in @why. */
int pf_driver_ask(int (*action)(const void *arg, char *answer), const void *arg, const char *pf,
		  int kept, char *why)
{
	int ret = bounded_answer(action, arg, kept, why);

	if (ret == -ETIMEDOUT)
		pf_driver_is_silent(pf, why);
	else if (ret && !*why)
		snprintf(why, ANSWER_SIZE, "%s", strerror(-ret));
	return ret;
}
