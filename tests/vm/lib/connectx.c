// SPDX-License-Identifier: GPL-2.0-only
#include "connectx.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "kmsg.h"
#include "migration.h"
#include "module.h"
#include "pci.h"
#include "test.h"
#include "vm.h"

#define WINDOW		0x80000

enum { SIZE = 0x08, SEED = 0x10, OFFSET = 0x18, LENGTH = 0x20, ADDRESS = 0x28, COUNT = 0x30,
	STRIDE = 0x38, COMMAND = 0x40, STATUS = 0x48, DIGEST = 0x50, SUSPENDED = 0x60,
	STATE_SIZE = 0x68 };
enum { FILL = 1, TOUCH = 2, TAKE_DIGEST = 3, WRITE = 4 };

/*
 * Files from one test to the next: the firmware objects of the PF's driver alone; a mark that it
 * must be reloaded; the old values of properties that were changed.
 */
#define OBJECTS		"/tmp/connectx-objects"
#define WORN		"/tmp/connectx-worn"
#define CONFIGURED	"/tmp/connectx-configured/"

static char *property_get(const char *name)
{
	return vm_qmp("{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"cx0\","
		      "\"property\":\"%s\"}}", name);
}

/* VALUE is JSON. */
static void property_set(const char *name, const char *value)
{
	free(vm_qmp("{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"cx0\","
		    "\"property\":\"%s\",\"value\":%s}}", name, value));
}

/*
 * The objects that only a VF's driver makes and destroys while the PF's runs: not the EQs, which
 * newer versions of mlx5_core make at their first use and keep.
 */
static char *lasting_objects(void)
{
	char *text = property_get("objects"), *end = strstr(text, " pages="), *eqs;

	if (end)
		*end = 0;
	eqs = strstr(text, "eqs=");
	for (eqs = eqs ? eqs + strlen("eqs=") : text + strlen(text); *eqs && *eqs != ' '; eqs++)
		*eqs = '*';
	return text;
}

static void note(const char *path, const char *text)
{
	int fd = CHECK_OK(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));

	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

const char *connectx_pf(void)
{
	const char *pf = vm_bdf("cx0");

	if (!module_loaded("mlx5_core")) {
		module_load("base", "mlx5_core", NULL);
		note(OBJECTS, lasting_objects());
	}
	if (strcmp(pci_driver(pf), "mlx5_core"))
		FAIL("mlx5_core did not probe %s", pf);
	return pf;
}

const char *connectx_pf_with_vfs(int count)
{
	const char *pf = connectx_pf();

	if (pci_attr_number(pf, "sriov_numvfs") == count)
		return pf;
	pci_attr_set(pf, "sriov_drivers_autoprobe", "0");
	pci_set_vfs(pf, 0);
	pci_set_vfs(pf, count);
	return pf;
}

/*
 * The kernel's driver now and then keeps a reference to itself for good, when a session is left
 * while the firmware saves: then both modules stay for the next test.
 */
static bool still_in_use(const char *name)
{
	return !WAIT_UNTIL(module_uses(name) <= 0, 5000) && !driver_is_ours();
}

static void unload(const char *name)
{
	if (module_uses(name) >= 0)
		module_unload(name);
}

void connectx_reload_afterwards(void)
{
	note(WORN, "");
}

bool connectx_is_reloaded_afterwards(void)
{
	return file_exists(WORN);
}

/* The health poll finds it; then mlx5_core goes down and comes up again. */
void connectx_reset_pf(void)
{
	int mark = kmsg_mark();

	connectx_set("event", "fatal");
	if (!WAIT_UNTIL(kmsg_count(mark, CONNECTX_RECOVERED), 60000))
		FAIL("mlx5_core does not recover");
}

static void unload_pf(void)
{
	const char *pf = vm_bdf("cx0");

	if (!strcmp(pci_driver(pf), "mlx5_core"))
		pci_set_vfs_try(pf, 0);
	unload("mlx5_vfio_pci");
	unload("mlx5_core");
	unlink(WORN);
}

void connectx_configure(const char *property, const char *value)
{
	char path[128], *before = property_get(property);

	mkdir(CONFIGURED, 0700);
	snprintf(path, sizeof(path), CONFIGURED "%s", property);
	note(path, before);
	free(before);
	/* A driver that is loaded has already read the old value. */
	unload_pf();
	connectx_reload_afterwards();
	property_set(property, value);
}

void connectx_load_foreign_pf_driver(void)
{
	unload_pf();
	connectx_reload_afterwards();
	module_load_foreign("mlx5_core");
	note(OBJECTS, lasting_objects());
}

static void restore_configuration(void)
{
	DIR *directory = opendir(CONFIGURED);
	char path[sizeof(CONFIGURED) + NAME_MAX], *value;
	struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), CONFIGURED "%s", entry->d_name);
		value = file_read(path);
		property_set(entry->d_name, value);
		free(value);
		unlink(path);
	}
	if (directory)
		closedir(directory);
}

void connectx_clean_up(void)
{
	bool worn = connectx_is_reloaded_afterwards();
	char *before, *now;

	connectx_set("fault", "%s", "");
	restore_configuration();
	if (still_in_use("mlx5_vfio_pci"))
		return;
	if (worn)
		unload_pf();
	unload("mlx5_vfio_pci");
	if (!module_loaded("mlx5_core"))
		return;
	before = file_read(OBJECTS);
	now = lasting_objects();
	if (strcmp(before, now)) {
		unload_pf();
		FAIL("the driver left something in the firmware: %s, before it %s", now, before);
	}
	free(before);
	free(now);
}

struct vfio_device *connectx_open_vf_with(const char *set, const char *pf, int index)
{
	const char *vf = pci_vf(pf, index);

	/* A client that leaves early cuts off a save: see a_save_may_fail(). */
	if (!a_save_may_fail())
		kmsg_expect("WARNING: .*kernel/irq/handle\\.c|Call Trace");
	module_load("base", "vfio_iommu_type1", NULL);
	module_load(set, "mlx5_vfio_pci", NULL);
	pci_bind(vf, "mlx5_vfio_pci");
	return vfio_open(vf);
}

struct vfio_device *connectx_open_vf(const char *pf, int index)
{
	return connectx_open_vf_with(driver_is_ours() ? "ours" : "kernel", pf, index);
}

struct vfio_device *connectx_open_one(void)
{
	return connectx_open_vf(connectx_pf_with_vfs(2), 0);
}

void connectx_open_two(struct vfio_device **source, struct vfio_device **target)
{
	*source = connectx_open_one();
	*target = connectx_open_vf(connectx_pf(), 1);
}

void connectx_set(const char *property, const char *format, ...)
{
	va_list arguments;
	char *text, *json;

	va_start(arguments, format);
	CHECK_LE(0, vasprintf(&text, format, arguments));
	va_end(arguments);
	CHECK_LE(0, asprintf(&json, "\"%s\"", text));
	property_set(property, json);
	free(text);
	free(json);
}

bool connectx_faults_have_happened(void)
{
	char *left = property_get("fault");
	bool ret = !strcmp(left, "\"\"");

	free(left);
	return ret;
}

unsigned int connectx_objects(const char *kind)
{
	char *text = property_get("objects");
	char key[32], *found;
	unsigned int count;

	snprintf(key, sizeof(key), "%s=", kind);
	found = strstr(text, key);
	if (!found)
		FAIL("no %s in %s", kind, text);
	count = strtoul(found + strlen(key), NULL, 10);
	free(text);
	return count;
}

static uint64_t get(struct vfio_device *vf, unsigned int offset)
{
	return vfio_read(vf, VFIO_PCI_BAR0_REGION_INDEX, WINDOW + offset, 4) |
	       vfio_read(vf, VFIO_PCI_BAR0_REGION_INDEX, WINDOW + offset + 4, 4) << 32;
}

static void set(struct vfio_device *vf, unsigned int offset, uint64_t value)
{
	vfio_write(vf, VFIO_PCI_BAR0_REGION_INDEX, WINDOW + offset, value & UINT32_MAX, 4);
	vfio_write(vf, VFIO_PCI_BAR0_REGION_INDEX, WINDOW + offset + 4, value >> 32, 4);
}

static enum window_status run(struct vfio_device *vf, unsigned int command)
{
	cfg_command(vf, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	vfio_write(vf, VFIO_PCI_BAR0_REGION_INDEX, WINDOW + COMMAND, command, 4);
	return get(vf, STATUS);
}

enum window_status window_fill(struct vfio_device *vf, uint64_t size, uint64_t seed)
{
	cfg_command(vf, PCI_COMMAND_MEMORY, 0);
	set(vf, SIZE, size);
	set(vf, SEED, seed);
	return run(vf, FILL);
}

enum window_status window_touch(struct vfio_device *vf, uint64_t offset, uint64_t length,
				uint64_t seed)
{
	cfg_command(vf, PCI_COMMAND_MEMORY, 0);
	set(vf, OFFSET, offset);
	set(vf, LENGTH, length);
	set(vf, SEED, seed);
	return run(vf, TOUCH);
}

uint64_t window_digest(struct vfio_device *vf)
{
	CHECK_EQ(run(vf, TAKE_DIGEST), WINDOW_DONE);
	return get(vf, DIGEST);
}

uint64_t window_state_size(struct vfio_device *vf)
{
	cfg_command(vf, PCI_COMMAND_MEMORY, 0);
	return get(vf, STATE_SIZE);
}

enum window_status window_write(struct vfio_device *vf, uint64_t iova, uint64_t length,
				uint64_t stride, uint64_t count, uint64_t seed)
{
	cfg_command(vf, PCI_COMMAND_MEMORY, 0);
	set(vf, ADDRESS, iova);
	set(vf, LENGTH, length);
	set(vf, STRIDE, stride);
	set(vf, COUNT, count);
	set(vf, SEED, seed);
	return run(vf, WRITE);
}

uint64_t window_suspended(struct vfio_device *vf)
{
	cfg_command(vf, PCI_COMMAND_MEMORY, 0);
	return get(vf, SUSPENDED);
}

bool window_tracks(struct vfio_device *vf)
{
	return window_suspended(vf) & 4;
}

void window_pattern(void *buffer, uint64_t length, uint64_t seed, uint64_t offset)
{
	uint8_t *bytes = buffer;

	for (uint64_t index = offset; index < offset + length; index++) {
		uint64_t word = seed + (index / 8 + 1) * 0x9e3779b97f4a7c15ULL;

		word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9ULL;
		word = (word ^ word >> 27) * 0x94d049bb133111ebULL;
		word ^= word >> 31;
		*bytes++ = word >> index % 8 * 8;
	}
}
