// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PF's sriov_drivers_autoprobe: whether the kernel looks for a driver when a VF appears. If this
 * command has switched it off, a mark says so, and the command gives VFs that no section matches
 * their usual driver. If an administrator has switched it off, these VFs get none.
 */
#include <stdio.h>
#include <string.h>

#include "binding/bind.h"
#include "system/state.h"
#include "system/sysfs.h"

#define MARK "autoprobe-%s"
#define AUTOPROBE "/sys/bus/pci/devices/%s/sriov_drivers_autoprobe"

bool autoprobe_is_off(const char *pf)
{
	return attr_number(10, AUTOPROBE, pf) == 0;
}

bool autoprobe_is_ours(const char *pf)
{
	return exists(STATE_DIRECTORY "/" MARK, pf);
}

/* The mark comes before the attribute: a needless one does no harm, a missing one leaves VFs alone. */
static int switch_off(const char *pf)
{
	int ret = state_write("", MARK, pf);

	return ret ? ret : attr_write("0", AUTOPROBE, pf);
}

static int switch_on(const char *pf)
{
	int ret = attr_write("1", AUTOPROBE, pf);

	if (!ret)
		state_remove(MARK, pf);
	return ret;
}

/* Switches autoprobe off, or on again if this command has switched it off. */
enum exit_code autoprobe_set(const struct device *pf, bool is_off, bool dry_run)
{
	int ret;

	if (is_off ? attr_number(10, AUTOPROBE, pf->bdf) != 1 : !autoprobe_is_ours(pf->bdf))
		return EXIT_DONE;
	if (dry_run) {
		note("%s: would switch %s the probing of its VFs by the kernel", pf->bdf,
		     is_off ? "off" : "on");
		return EXIT_DONE;
	}
	ret = is_off ? switch_off(pf->bdf) : switch_on(pf->bdf);
	if (!ret)
		return EXIT_DONE;
	error("%s: sriov_drivers_autoprobe: %s", pf->bdf, strerror(-ret));
	return EXIT_FAILED;
}
