// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes the VFs that a section says its PFs have. VFs that are there are never removed: somebody
 * may have them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "binding/bind.h"
#include "system/bounded.h"
#include "system/driver.h"

#define NUMVFS "/sys/bus/pci/devices/%s/sriov_numvfs"

/* Where the section says so. */
#define PLACE "%s:%u"
#define PLACE_OF(section) (section)->value_file[KEY_NUM_VFS], (section)->value_line[KEY_NUM_VFS]

static bool has_its_driver(const struct device *pf, const struct section *section)
{
	const char *driver = section->value[KEY_DRIVER];

	if (!strcmp(driver, DRIVER_USUAL))
		return pf->driver[0] && !driver_is_for_user_space(pf->driver);
	return driver_is(pf->driver, driver);
}

static enum exit_code refuse_total(const struct device *pf, const struct section *section)
{
	error("%s: no VFs are made: it can have %u, not %u as " PLACE " says", pf->bdf,
	      pf->total_vfs, section->num_vfs, PLACE_OF(section));
	return EXIT_FAILED;
}

/* The commonest reason: it was not switched on. */
static enum exit_code refuse_no_sriov(const struct device *pf, const struct section *section)
{
	error("%s: no VFs are made, " PLACE " says %u: it has no SR-IOV; is that on in the BIOS, and in the card's firmware (mlxconfig: SRIOV_EN, NUM_OF_VFS)?",
	      pf->bdf, PLACE_OF(section), section->num_vfs);
	return EXIT_FAILED;
}

static enum exit_code refuse_driver(const struct device *pf, const struct section *section)
{
	error("%s: no VFs are made, " PLACE " says %u: it has %s", pf->bdf, PLACE_OF(section),
	      section->num_vfs, pf->driver[0] ? pf->driver : "no driver");
	return EXIT_FAILED;
}

static enum exit_code keep_others(const struct device *pf, const struct section *section, int count)
{
	error("%s: keeps its %d VFs, " PLACE " says %u: when nobody needs them, echo 0 >" NUMVFS "; vfio-latch apply %s",
	      pf->bdf, count, PLACE_OF(section), section->num_vfs, pf->bdf, pf->bdf);
	return EXIT_IN_USE;
}

/* A PF's driver may be at work on its VFs, or on itself, without an end. */
static enum exit_code tell_timeout(const struct device *pf, const struct section *section)
{
	error("%s: not known to have its %u VFs (" PLACE ") within %s; see the kernel log; then: vfio-latch apply %s",
	      pf->bdf, section->num_vfs, PLACE_OF(section), bounded_text(), pf->bdf);
	return EXIT_TIMEOUT;
}

static enum exit_code tell_failure(const struct device *pf, const struct section *section, int ret)
{
	if (ret == -ETIMEDOUT)
		return tell_timeout(pf, section);
	/* The kernel's answer if the driver cannot, or (vfio-pci without enable_sriov) will not. */
	if (ret == -ENOENT)
		error("%s: no VFs are made, " PLACE " says %u: its driver %s makes none", pf->bdf,
		      PLACE_OF(section), section->num_vfs, pf->driver);
	else
		error("%s: no VFs are made, " PLACE " says %u: %s (see the kernel log)", pf->bdf,
		      PLACE_OF(section), section->num_vfs, strerror(-ret));
	return EXIT_FAILED;
}

/* The driver may have made fewer. */
static enum exit_code check_made(const struct device *pf, const struct section *section)
{
	int count = vf_count(pf);

	if (count < 0)
		return tell_failure(pf, section, count);
	if (count == section->num_vfs)
		return EXIT_DONE;
	error("%s: its driver %s has made %d VFs, " PLACE " says %u (see the kernel log)", pf->bdf,
	      pf->driver, count, PLACE_OF(section), section->num_vfs);
	return EXIT_FAILED;
}

static enum exit_code store(const struct device *pf, const struct section *section)
{
	char path[128], number[16];
	int ret;

	snprintf(path, sizeof(path), NUMVFS, pf->bdf);
	snprintf(number, sizeof(number), "%u", section->num_vfs);
	ret = store_bounded(pf, path, number);
	return ret ? tell_failure(pf, section, ret) : check_made(pf, section);
}

static enum exit_code make(const struct device *pf, const struct section *section, bool dry_run)
{
	int count = vf_count(pf);
	enum exit_code code;

	if (count < 0)
		return tell_failure(pf, section, count);
	if (count && count != section->num_vfs)
		return keep_others(pf, section, count);
	if (count)
		return eswitch_compare(pf, section);
	code = eswitch_prepare(pf, section, dry_run);
	if (code)
		return code;
	if (!dry_run)
		return store(pf, section);
	note("%s: would make %u VFs", pf->bdf, section->num_vfs);
	return EXIT_DONE;
}

static enum exit_code make_if_it_can(const struct device *pf, const struct section *section,
				     bool is_new)
{
	if (!has_its_driver(pf, section))
		return is_new ? EXIT_DONE : refuse_driver(pf, section);
	if (section->num_vfs > pf->total_vfs)
		return refuse_total(pf, section);
	return make(pf, section, false);
}

static enum exit_code make_locked(struct device *pf, const struct section *section, bool is_new)
{
	enum exit_code code;
	int ret = device_lock(pf);

	if (ret)
		return tell_failure(pf, section, ret);
	/* A driver lowers the total. */
	device_read_total_vfs(pf);
	code = make_if_it_can(pf, section, is_new);
	bounded_end();
	device_unlock(pf);
	return code;
}

/*
 * Makes the VFs of @pf if it has none. The caller has switched their probing off if they are not
 * for the host. A new PF whose driver has not come yet gets them later: udev calls again then.
 */
enum exit_code vfs_make(struct device *pf, const struct section *section, bool is_new, bool dry_run)
{
	if (!pf->total_vfs)
		return refuse_no_sriov(pf, section);
	if (!has_its_driver(pf, section) && is_new)
		return EXIT_DONE;
	if (!dry_run)
		return make_locked(pf, section, is_new);
	if (section->num_vfs > pf->total_vfs)
		return refuse_total(pf, section);
	return make(pf, section, true);
}

/* For the caller, if it could not switch the probing of VFs off. */
void vfs_refuse_probing(const struct device *pf, const struct section *section)
{
	error("%s: no VFs are made, " PLACE " says %u: the kernel would give them to the host's driver",
	      pf->bdf, PLACE_OF(section), section->num_vfs);
}
