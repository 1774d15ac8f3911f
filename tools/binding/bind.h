/* SPDX-License-Identifier: GPL-2.0-only */
/* Binding a device to a driver, and giving it back. */
#ifndef BIND_H
#define BIND_H

#include <stdbool.h>

#include "configuration/config.h"
#include "device/device.h"
#include "system/report.h"

/**
 * struct want - what a device shall have
 * @driver: a driver, DRIVER_NONE or DRIVER_USUAL
 * @tunable: its tunables
 * @migratable: the section that wants it to be declared migratable, or NULL
 */
struct want {
	const char *driver;
	enum wish tunable[NR_TUNABLES];
	const struct section *migratable;
};

/* bind.c APIs: */
int device_lock(struct device *dev);
void device_unlock(struct device *dev);
bool device_is_as_wanted(const struct device *dev, const struct want *want);
enum exit_code device_bind(struct device *dev, const struct want *want, bool force);
enum exit_code device_plan(const struct device *dev, const struct want *want, bool force);

/* attach.c APIs: */
int store_bounded(const struct device *dev, const char *path, const char *text);
int attach_by_override(struct device *dev, const char *driver, const char *override_after);
int detach(struct device *dev);
int override_set(const struct device *dev, const char *driver);

/* claim.c APIs: */
bool claim_is_ours(const struct device *dev);
int claim_make(struct device *dev);
int claim_give_up(struct device *dev, bool load_usual);
void claim_is_late(const struct device *dev);
bool claim_was_late(const struct device *dev);

/* usual.c APIs: */
int usual_attach(struct device *dev);
bool usual_is(const struct device *dev, const char *driver);
void usual_error(const struct device *dev, int ret);

/* ask_driver.c APIs: */
void pf_driver_is_silent(const char *pf, char *why);
int pf_driver_ask(int (*action)(const void *arg, char *answer), const void *arg, const char *pf,
		  int kept, char *why);

/* migratable.c APIs: */
const struct section *migratable_wanted(const struct config *config, const struct device *dev,
					const char *driver);
bool migratable_is_missing(const struct device *dev, const struct want *want);
enum exit_code migratable_check(const struct device *dev, const struct want *want);
enum exit_code migratable_declare(const struct device *dev, const struct want *want, char *why);
enum exit_code migratable_confirm(const struct device *dev, const struct want *want,
				  const char *undeclared);

/* eswitch.c APIs: */
enum exit_code eswitch_prepare(const struct device *pf, const struct section *section,
			       bool dry_run);
enum exit_code eswitch_compare(const struct device *pf, const struct section *section);

/* make_vfs.c APIs: */
enum exit_code vfs_make(struct device *pf, const struct section *section, bool is_new,
			bool dry_run);
void vfs_refuse_probing(const struct device *pf, const struct section *section);

/* turn.c APIs: */
int turn_wait(const struct device *vf, bool hotplug);
int turn_take(const char *pf);
bool turn_is_wanted(const char *pf);
bool turn_next(const char *pf, char vf[ADDRESS_SIZE], bool *hotplug);
void turn_hand_over(const char *pf);

/* autoprobe.c APIs: */
bool autoprobe_is_off(const char *pf);
bool autoprobe_is_ours(const char *pf);
enum exit_code autoprobe_set(const struct device *pf, bool is_off, bool dry_run);

#endif
