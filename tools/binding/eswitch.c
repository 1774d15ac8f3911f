// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mode of a PF's eswitch. It decides how the host's network reaches the VFs, so it changes only
 * if a section says so, and only while the PF has no VFs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binding/bind.h"
#include "configuration/values.h"
#include "system/bounded.h"
#include "system/devlink.h"

#define PLACE "%s:%u"
#define PLACE_OF(section, key) (section)->value_file[key], (section)->value_line[key]

struct change {
	const char *pf;
	enum eswitch_mode mode;
};

static int do_get(const void *arg, char *answer)
{
	int mode = devlink_eswitch_get(arg, answer);

	if (mode < 0)
		return mode;
	snprintf(answer, ANSWER_SIZE, "%d", mode);
	return 0;
}

static int do_set(const void *arg, char *answer)
{
	const struct change *change = arg;

	return devlink_eswitch_set(change->pf, change->mode, answer);
}

/* Returns an enum eswitch_mode, or a negative errno with the reason in @why. */
static int mode_of(const struct device *pf, char *why)
{
	int ret = pf_driver_ask(do_get, pf->bdf, pf->bdf, pf->lock, why);

	return ret ? ret : atoi(why);
}

static enum exit_code exit_code_of(int ret)
{
	return ret == -ETIMEDOUT ? EXIT_TIMEOUT : EXIT_FAILED;
}

static enum exit_code refuse(const struct device *pf, const struct section *section, int ret,
			     const char *why)
{
	error("%s: no VFs are made, " PLACE " says eswitch_mode = %s: %s", pf->bdf,
	      PLACE_OF(section, KEY_ESWITCH_MODE), section->value[KEY_ESWITCH_MODE], why);
	return exit_code_of(ret);
}

static enum exit_code set(const struct device *pf, const struct section *section,
			  enum eswitch_mode mode)
{
	const struct change change = { pf->bdf, mode };
	char why[ANSWER_SIZE];
	int ret;

	/* A mode that was set is not left without the VFs for lack of time. */
	if (!bounded_is_over())
		bounded_begin();
	ret = pf_driver_ask(do_set, &change, pf->bdf, pf->lock, why);
	return ret ? refuse(pf, section, ret, why) : EXIT_DONE;
}

static enum exit_code set_as_said(const struct device *pf, const struct section *section,
				  bool dry_run)
{
	int wanted = eswitch_mode_parse(section->value[KEY_ESWITCH_MODE]), mode;
	char why[ANSWER_SIZE];

	mode = mode_of(pf, why);
	if (mode < 0)
		return refuse(pf, section, mode, why);
	if (mode == wanted)
		return EXIT_DONE;
	if (!dry_run)
		return set(pf, section, wanted);
	note("%s: would set its eswitch to mode %s", pf->bdf, eswitch_mode_names[wanted]);
	return EXIT_DONE;
}

/* In mode legacy VFs cannot be declared migratable, and the mode stays while they are there. */
static enum exit_code check_migratable(const struct device *pf, const struct section *section)
{
	char why[ANSWER_SIZE];
	int mode = mode_of(pf, why);

	if (mode == ESWITCH_SWITCHDEV || mode == ESWITCH_SWITCHDEV_INACTIVE)
		return EXIT_DONE;
	if (mode < 0)
		error("%s: no VFs are made, " PLACE " says migratable: %s", pf->bdf,
		      PLACE_OF(section, KEY_MIGRATABLE), why);
	else
		error("%s: no VFs are made, " PLACE " says migratable: its eswitch is in mode legacy: add eswitch_mode = switchdev, which changes the host's network, or remove migratable, which kernels before 6.2 do not need",
		      pf->bdf, PLACE_OF(section, KEY_MIGRATABLE));
	return mode < 0 ? exit_code_of(mode) : EXIT_FAILED;
}

/*
 * Sets the mode that @section says before the VFs of @pf are made, or says why they cannot be. The
 * caller ends what may have begun, when they are made.
 */
enum exit_code eswitch_prepare(const struct device *pf, const struct section *section,
			       bool dry_run)
{
	enum exit_code code = EXIT_DONE;
	const char *said = section->value[KEY_ESWITCH_MODE];

	if (said)
		code = set_as_said(pf, section, dry_run);
	if (code || !section->migratable || (said && dry_run))
		return code;
	return check_migratable(pf, section);
}

/* Says if @pf, which has VFs, is in another mode. */
enum exit_code eswitch_compare(const struct device *pf, const struct section *section)
{
	const char *said = section->value[KEY_ESWITCH_MODE];
	char why[ANSWER_SIZE];
	int mode;

	if (!said)
		return EXIT_DONE;
	mode = mode_of(pf, why);
	if (mode == eswitch_mode_parse(said))
		return EXIT_DONE;
	if (mode < 0) {
		error("%s: mode of its eswitch is not known, " PLACE " says %s: %s", pf->bdf,
		      PLACE_OF(section, KEY_ESWITCH_MODE), said, why);
		return exit_code_of(mode);
	}
	error("%s: eswitch stays in mode %s while it has VFs, " PLACE " says %s", pf->bdf,
	      eswitch_mode_names[mode], PLACE_OF(section, KEY_ESWITCH_MODE), said);
	return EXIT_IN_USE;
}
