// SPDX-License-Identifier: GPL-2.0-only
#include "pci.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"
#include "test.h"
#include "vfio.h"

#define DEVICES "/sys/bus/pci/devices"
#define DRIVERS "/sys/bus/pci/drivers"

static void attr_path(char *path, size_t size, const char *bdf, const char *name)
{
	snprintf(path, size, DEVICES "/%s/%s", bdf, name);
}

char *pci_attr(const char *bdf, const char *name)
{
	char path[PATH_MAX];

	attr_path(path, sizeof(path), bdf, name);
	return file_read(path);
}

long long pci_attr_number(const char *bdf, const char *name)
{
	char path[PATH_MAX];

	attr_path(path, sizeof(path), bdf, name);
	return file_read_number(path);
}

int pci_attr_set_try(const char *bdf, const char *name, const char *value)
{
	char path[PATH_MAX];

	attr_path(path, sizeof(path), bdf, name);
	return file_write_try(path, value);
}

void pci_attr_set(const char *bdf, const char *name, const char *value)
{
	char path[PATH_MAX];

	attr_path(path, sizeof(path), bdf, name);
	file_write(path, value);
}

bool pci_attr_exists(const char *bdf, const char *name)
{
	char path[PATH_MAX];

	attr_path(path, sizeof(path), bdf, name);
	return file_exists(path);
}

unsigned int pci_attr_mode(const char *bdf, const char *name)
{
	char path[PATH_MAX];

	attr_path(path, sizeof(path), bdf, name);
	return file_mode(path);
}

/* The addresses of all functions, sorted; ends with NULL. */
static char **all_functions(void)
{
	struct dirent **entries;
	int count = scandir(DEVICES, &entries, NULL, alphasort), used = 0;
	char **names;

	if (count < 0)
		FAIL("no " DEVICES ": %m");
	names = calloc(count + 1, sizeof(*names));
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.')
			names[used++] = strdup(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return names;
}

const char *pci_find(unsigned int vendor, unsigned int device, int index)
{
	char **names = all_functions();
	int wanted = index;

	for (char **name = names; *name; name++)
		if (pci_attr_number(*name, "vendor") == vendor &&
		    pci_attr_number(*name, "device") == device && !wanted--)
			return *name;
	FAIL("no PCI function %04x:%04x number %d", vendor, device, index);
}

/*
 * The last component of a symbolic link's target; "" when there is no link. Never freed: tests
 * are short-lived processes.
 */
static const char *link_name(const char *bdf, const char *name)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t size;

	attr_path(path, sizeof(path), bdf, name);
	size = readlink(path, target, sizeof(target) - 1);
	if (size < 0)
		return "";
	target[size] = 0;
	return strdup(strrchr(target, '/') ? strrchr(target, '/') + 1 : target);
}

const char *pci_driver(const char *bdf)
{
	return link_name(bdf, "driver");
}

int pci_unbind_try(const char *bdf)
{
	int error = 0;

	if (*pci_driver(bdf))
		error = pci_attr_set_try(bdf, "driver/unbind", bdf);
	return error ?: pci_attr_set_try(bdf, "driver_override", "\n");
}

void pci_unbind(const char *bdf)
{
	int error = pci_unbind_try(bdf);

	if (error)
		FAIL("cannot unbind %s: %s", bdf, strerror(-error));
}

int pci_bind_try(const char *bdf, const char *driver)
{
	char path[PATH_MAX];
	int error;

	error = pci_unbind_try(bdf);
	if (error)
		return error;
	error = pci_attr_set_try(bdf, "driver_override", driver);
	if (error)
		return error;
	snprintf(path, sizeof(path), DRIVERS "/%s/bind", driver);
	error = file_write_try(path, bdf);
	if (error)
		pci_attr_set(bdf, "driver_override", "\n");
	return error;
}

void pci_bind(const char *bdf, const char *driver)
{
	int error = pci_bind_try(bdf, driver);

	if (error)
		FAIL("cannot bind %s to %s: %s", bdf, driver, strerror(-error));
	CHECK_STR(pci_driver(bdf), driver);
}

static int write_id(const char *driver, const char *file, const char *id)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), DRIVERS "/%s/%s", driver, file);
	return file_write_try(path, id);
}

int pci_new_id_try(const char *driver, const char *id)
{
	return write_id(driver, "new_id", id);
}

int pci_remove_id_try(const char *driver, const char *id)
{
	return write_id(driver, "remove_id", id);
}

const char *pci_upstream(const char *bdf)
{
	char link[128], path[PATH_MAX], *name;

	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/..", bdf);
	if (!realpath(link, path))
		FAIL("%s: %m", link);
	name = strrchr(path, '/') + 1;
	return strdup(name);
}

int pci_group(const char *bdf)
{
	const char *name = link_name(bdf, "iommu_group");

	return *name ? atoi(name) : -1;
}

int pci_set_vfs_try(const char *pf, int count)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", count);
	return pci_attr_set_try(pf, "sriov_numvfs", text);
}

void pci_set_vfs(const char *pf, int count)
{
	int error = pci_set_vfs_try(pf, count);

	if (error)
		FAIL("cannot set %s to %d VFs: %s", pf, count, strerror(-error));
}

const char *pci_vf(const char *pf, int index)
{
	char name[32];

	snprintf(name, sizeof(name), "virtfn%d", index);
	if (!*link_name(pf, name))
		FAIL("%s has no VF %d", pf, index);
	return link_name(pf, name);
}

volatile void *pci_map_bar(const char *bdf, unsigned int bar, uint64_t offset, size_t size)
{
	char name[16], path[PATH_MAX];
	void *memory;
	int fd;

	snprintf(name, sizeof(name), "resource%u", bar);
	attr_path(path, sizeof(path), bdf, name);
	fd = CHECK_OK(open(path, O_RDWR | O_SYNC | O_CLOEXEC));
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	if (memory == MAP_FAILED)
		FAIL("%s cannot be mapped, errno %s", path, strerrorname_np(errno));
	close(fd);
	return memory;
}

int pm_usage(const char *bdf)
{
	return (int)pci_attr_number(bdf, "power/runtime_usage");
}

char *pm_status(const char *bdf)
{
	return pci_attr(bdf, "power/runtime_status");
}

char *pci_power_state(const char *bdf)
{
	return pci_attr(bdf, "power_state");
}

static bool in_power_state(const char *bdf, const char *state)
{
	char *now = pci_power_state(bdf);
	bool same = !strcmp(now, state);

	free(now);
	return same;
}

void pci_wait_power_state(const char *bdf, const char *state)
{
	if (!WAIT_UNTIL(in_power_state(bdf, state), 10000))
		FAIL("%s stays in %s, does not get to %s (runtime status %s, usage %d)", bdf,
		     pci_power_state(bdf), state, pm_status(bdf), pm_usage(bdf));
}

void pci_report_errors(void)
{
	char **names = all_functions();

	for (char **name = names; *name; name++) {
		uint32_t command = real_cfg(*name, PCI_COMMAND, 2);

		if (!(command & PCI_COMMAND_SERR))
			real_cfg_set(*name, PCI_COMMAND, command | PCI_COMMAND_SERR, 2);
	}
}

static void unbind_and_check(const char *bdf)
{
	pci_unbind(bdf);
	if (pci_attr_number(bdf, "enable"))
		FAIL("%s is left enabled, and has no driver", bdf);
}

void pci_release_all(void)
{
	char **names = all_functions();

	for (char **name = names; *name; name++)
		if (!strcmp(pci_driver(*name), VFIO_PCI) &&
		    pci_attr_exists(*name, "sriov_numvfs") &&
		    pci_attr_number(*name, "sriov_numvfs"))
			pci_set_vfs(*name, 0);
	/* VFs no longer exist. */
	names = all_functions();
	for (char **name = names; *name; name++) {
		char *override;

		if (!strcmp(pci_driver(*name), VFIO_PCI))
			unbind_and_check(*name);
		override = pci_attr(*name, "driver_override");
		if (strcmp(override, "(null)"))
			pci_attr_set(*name, "driver_override", "\n");
	}
}
