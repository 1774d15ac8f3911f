// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "system/bounded.h"
#include "system/driver.h"
#include "system/lock.h"
#include "system/module.h"

/* A VFIO driver is in the module of the same name, which sysfs writes with underscores. */
void module_name(char name[NAME_SIZE], const char *driver)
{
	char *c;

	snprintf(name, NAME_SIZE, "%s", driver);
	for (c = name; *c; c++)
		if (*c == '-')
			*c = '_';
}

/* Compares names of drivers like those of modules: users need not know the kernel's spelling. */
bool driver_is(const char *driver, const char *name)
{
	char one[NAME_SIZE], other[NAME_SIZE];

	module_name(one, driver);
	module_name(other, name);
	return !strcmp(one, other);
}

/* Finds the kernel's spelling. If there is no such driver, returns false and copies @driver. */
bool driver_spell(char spelled[NAME_SIZE], const char *driver)
{
	struct names names;
	bool found = false;
	size_t n;

	snprintf(spelled, NAME_SIZE, "%s", driver);
	list_names(&names, "/sys/bus/pci/drivers");
	for (n = 0; n < names.count && !found; n++) {
		found = driver_is(names.name[n], driver);
		if (found)
			snprintf(spelled, NAME_SIZE, "%s", names.name[n]);
	}
	free_names(&names);
	return found;
}

bool driver_is_registered(const char *driver)
{
	char spelled[NAME_SIZE];

	return driver_spell(spelled, driver);
}

/* Names of VFIO's PCI drivers end like vfio-pci: mlx5_vfio_pci, nvgrace-gpu-vfio-pci... */
bool driver_is_vfio(const char *driver)
{
	size_t length = strlen(driver);

	return length >= 8 && (!strcmp(driver + length - 8, "vfio-pci") ||
			       !strcmp(driver + length - 8, "vfio_pci"));
}

/* Whether @driver takes any device, for user space or a guest: it is no device's usual driver. */
bool driver_is_for_user_space(const char *driver)
{
	static const char *const others[] = {
		"igb_uio", "pci-stub", "pciback", "uio_pci_generic",
	};
	size_t n;

	for (n = 0; n < sizeof(others) / sizeof(others[0]); n++)
		if (driver_is(others[n], driver))
			return true;
	return driver_is_vfio(driver);
}

/*
 * Whether @driver is there for VFs: it needs the driver of their PF, and has nothing to give to other
 * functions.
 */
bool driver_is_for_vfs(const char *driver)
{
	static const char *const names[] = {
		"hisi_acc_vfio_pci", "mlx5_vfio_pci", "pds_vfio_pci", "qat_vfio_pci",
		"xe_vfio_pci",
	};
	size_t n;

	for (n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		if (driver_is(names[n], driver))
			return true;
	return false;
}

/* Whether the driver's module is missing or may not be loaded, as far as known without a load. */
bool driver_cannot_load(const char *driver, char *why, size_t size)
{
	struct module_file file;
	char module[NAME_SIZE];

	if (driver_is_registered(driver))
		return false;
	module_name(module, driver);
	if (module_find(module, &file)) {
		snprintf(why, size, "there is no module %s for this kernel", module);
		return true;
	}
	if (file.is_builtin || !signatures_wanted())
		return false;
	if (file.signer[0] && signer_is_known(file.signer))
		return false;
	snprintf(why, size, "this kernel loads signed modules only (%s), and %s is %s%s",
		 signatures_wanted(), module, file.signer[0] ? "signed with an unknown key, of " :
		 "not signed", file.signer);
	return true;
}

static int do_load(const void *arg)
{
	return module_load(arg);
}

/* A load ends when the module's drivers have probed all their devices. @kept is as in bounded(). */
int module_load_bounded(const char *name, int kept)
{
	return bounded(do_load, name, kept);
}

/*
 * Loads @driver's module unless the driver is there. Only one instance loads at a time: a module
 * that another instance is still loading looks loaded. Returns -ENODEV if the module has no driver
 * of its name.
 */
int driver_load(const char *driver)
{
	char module[NAME_SIZE];
	int lock, ret;

	if (driver_is_registered(driver))
		return 0;
	lock = lock_take_bounded("modules");
	if (lock < 0)
		return lock;
	module_name(module, driver);
	ret = driver_is_registered(driver) ? 0 : module_load_bounded(module, lock);
	lock_release(lock);
	if (ret)
		return ret;
	return driver_is_registered(driver) ? 0 : -ENODEV;
}
