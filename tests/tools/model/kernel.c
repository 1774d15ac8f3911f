// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel that answers the command's writes, in the place of sysfs_store.c,
 * module.c and host.c of tools/system. All that it knows stands below
 * $VFIO_LATCH_ROOT, so each run of the command is as a process on a running system.
 * What sysfs would not show stands in model/:
 *
 *	log			each write, "FILE < TEXT"
 *	modules/M/driver	module M may be loaded, and has this PCI driver
 *	modules/M/ids		lines VVVV:DDDD, which the driver takes by itself
 *	modules/M/ours		the module takes rules
 *	modules/M/older		but no single ones: it is of an older package
 *	modules/M/error		an errno, which loading it ends in
 *	modules/M/{builtin,path,version,srcversion,signer}	what modinfo says
 *	aliases/ALIAS		lines of modules
 *	fail/DRIVER		an errno, in which the driver's probe ends
 *	fail/{unbind,shrink,numvfs}	an errno, in which an unbind ends, a policy with fewer rules,
 *				or VFs that are made
 *	fewer			how many VFs a PF's driver makes, whatever is asked for
 *	adding/BDF		the kernel is not done adding the function
 *	claimed/NAME		block device NAME is in use; or an errno, in which its open ends; a
 *				FIFO: that does not come back until somebody has written
 *	administrator		what somebody writes into a module's rules when it has probed
 *	administrator-before	what somebody writes there before it reads its rules; once, if there
 *				is no administrator-always
 *	faster			a driver that takes the next function that another is bound to by name
 *	faster-than-override	a driver that takes the next function whose driver_override is set
 *	hang/{probe,unbind,load,numvfs,override}	a FIFO: no probe, unbind or module comes back, no
 *				VFs are made, and no driver_override is set, until somebody has
 *				written
 *	meanwhile		a process, 1234, that begins with the first write
 *	no-udev			udev does not run
 *
 * An initramfs has the names of the files in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device/device.h"
#include "latch.h"
#include "model.h"
#include "system/driver.h"
#include "system/host.h"
#include "system/module.h"
#include "system/sysfs.h"

#define DEVICE "/sys/bus/pci/devices/%s/"

static void put(const char *text, int flags, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | flags, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		abort();
	close(fd);
}

__attribute__((format(printf, 2, 3)))
static void put_file(const char *text, const char *format, ...)
{
	char path[PATH_SIZE], name[PATH_SIZE / 2];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	system_path(path, "%s", name);
	put(text, O_TRUNC, path);
}

__attribute__((format(printf, 1, 2)))
static void make_directory(const char *format, ...)
{
	char path[PATH_SIZE], name[PATH_SIZE / 2];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	system_path(path, "%s", name);
	if (mkdir(path, 0755) && errno != EEXIST)
		abort();
}

void model_log(const char *file, const char *text)
{
	char line[2 * PATH_SIZE + 16], path[PATH_SIZE];

	snprintf(line, sizeof(line), "%s < %s\n", file, *text == '\n' ? "" : text);
	system_path(path, "/model/log");
	put(line, O_APPEND, path);
}

/* Whether @line is one of those of a file in model/. */
static bool has_line(const char *line, const char *kind, const char *name, const char *file)
{
	char text[4096], *rest = text, *one;

	attr_read(text, sizeof(text), "/model/%s/%s%s%s", kind, name, *file ? "/" : "", file);
	while ((one = strsep(&rest, "\n")))
		if (!strcmp(one, line))
			return true;
	return false;
}

static bool is_ours(const char *driver, char module[NAME_SIZE])
{
	module_name(module, driver);
	return exists("/model/modules/%s/ours", module);
}

static void latch(const struct device *dev, const char *module)
{
	const struct model_function function = {
		dev->address.domain, dev->address.bus,
		dev->address.slot << 3 | dev->address.function, dev->ids.vendor, dev->ids.device,
		dev->ids.subvendor, dev->ids.subdevice,
	};
	bool can_migrate = exists("/model/migratable/%s", dev->bdf) &&
			   !exists("/model/in-vain");
	char policy[4096], sources[512], source[80];
	int n, length = 0;
	bool value;

	attr_read(policy, sizeof(policy), "/sys/module/%s/parameters/policy", module);
	make_directory(DEVICE "vfio_pci", dev->bdf);
	for (n = 0; n < NR_TUNABLES; n++) {
		model_rules_latch(policy, &function, n, &value, source);
		put_file(value ? "1\n" : "0\n", DEVICE "vfio_pci/%s", dev->bdf,
			 model_tunable_name(n));
		length += snprintf(sources + length, sizeof(sources) - length, "%s %s\n",
				   model_tunable_name(n), source);
	}
	put_file(sources, DEVICE "vfio_pci/policy_source", dev->bdf);
	if (strcmp(module, "mlx5_vfio_pci"))
		return;
	put_file(can_migrate ? "yes\n" : "not-enabled\n", DEVICE "vfio_pci/migratable", dev->bdf);
	if (can_migrate)
		put_file("running\n", DEVICE "vfio_pci/migration_state", dev->bdf);
}

/* The module that has @driver. */
static void module_of(const char *driver, char module[NAME_SIZE])
{
	struct names names;
	size_t n;

	module[0] = '\0';
	list_names(&names, "/model/modules");
	for (n = 0; n < names.count; n++)
		if (has_line(driver, "modules", names.name[n], "driver"))
			snprintf(module, NAME_SIZE, "%s", names.name[n]);
	free_names(&names);
}

/* As the PCI core has it: driver_override alone, or else the driver's ids. */
static bool matches(const struct device *dev, const char *driver)
{
	char module[NAME_SIZE], id[16];

	if (exists("/model/adding/%s", dev->bdf))
		return false;
	if (dev->driver_override[0])
		return !strcmp(dev->driver_override, driver);
	module_of(driver, module);
	snprintf(id, sizeof(id), "%04x:%04x", dev->ids.vendor, dev->ids.device);
	return has_line(id, "modules", module, "ids");
}

/* A VF without autoprobe is probed only by the driver of its driver_override. */
static bool may_be_probed(const struct device *dev)
{
	return !exists(DEVICE "physfn", dev->bdf) || dev->driver_override[0] ||
	       attr_number(10, DEVICE "physfn/sriov_drivers_autoprobe", dev->bdf) != 0;
}

/* As a driver does that waits for its device, or for who has it open. */
void model_hang(const char *where)
{
	char text[8];

	attr_read(text, sizeof(text), "/model/hang/%s", where);
}

static void let_administrator_write(const char *when, const char *module)
{
	char rules[4096];

	if (attr_read(rules, sizeof(rules), "/model/%s", when) >= 0)
		put_file(rules, "/sys/module/%s/parameters/policy", module);
}

static void forget(const char *name)
{
	char path[PATH_SIZE];

	system_path(path, "/model/%s", name);
	unlink(path);
}

static int probe(const struct device *dev, const char *driver)
{
	char link[PATH_SIZE], target[PATH_SIZE], module[NAME_SIZE], line[PATH_SIZE];
	long failure;

	if (!may_be_probed(dev))
		return -ENODEV;
	snprintf(line, sizeof(line), "probe %s", dev->bdf);
	model_log(line, driver);
	model_hang("probe");
	failure = attr_number(10, "/model/fail/%s", driver);
	if (failure > 0)
		return -failure;
	/* Somebody else's turn: what is not locked shows here. */
	sched_yield();
	if (is_ours(driver, module)) {
		let_administrator_write("administrator-before", module);
		if (!exists("/model/administrator-always"))
			forget("administrator-before");
		latch(dev, module);
		let_administrator_write("administrator", module);
	}
	system_path(link, DEVICE "driver", dev->bdf);
	snprintf(target, sizeof(target), "../../drivers/%s", driver);
	return symlink(target, link) ? -EBUSY : 0;
}

/* The kernel's lock of a device, one probe at a time; or of a module's rules. */
static int lock_device(const char *text)
{
	char path[PATH_SIZE];
	int lock;

	system_path(path, "/model/lock-%s", text);
	lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (lock < 0 || flock(lock, LOCK_EX))
		abort();
	return lock;
}

/* It was probing when our event came. */
static void let_faster_bind(const char *faster, const char *text)
{
	char driver[NAME_SIZE], path[PATH_SIZE], target[PATH_SIZE];

	if (attr_read(driver, sizeof(driver), "/model/%s", faster) <= 0)
		return;
	forget(faster);
	system_path(path, DEVICE "driver", text);
	snprintf(target, sizeof(target), "../../drivers/%s", driver);
	if (symlink(target, path))
		abort();
}

static int bind(const char *driver, const char *text)
{
	struct address address;
	struct device dev;
	int lock, ret;

	let_faster_bind("faster", text);
	if (!address_parse(text, &address) || !device_read(&dev, &address))
		return -ENODEV;
	lock = lock_device(text);
	device_read_driver(&dev);
	ret = dev.driver[0] ? -EBUSY : matches(&dev, driver) ? probe(&dev, driver) : -ENODEV;
	close(lock);
	return ret;
}

static void remove_latch(const char *text)
{
	char path[PATH_SIZE];
	struct names names;
	size_t n;

	list_names(&names, DEVICE "vfio_pci", text);
	for (n = 0; n < names.count; n++) {
		system_path(path, DEVICE "vfio_pci/%s", text, names.name[n]);
		unlink(path);
	}
	free_names(&names);
	system_path(path, DEVICE "vfio_pci", text);
	rmdir(path);
}

static int unbind(const char *text)
{
	long failure = attr_number(10, "/model/fail/unbind");
	char path[PATH_SIZE];

	if (failure > 0)
		return -failure;
	remove_latch(text);
	system_path(path, DEVICE "driver", text);
	if (unlink(path))
		return -errno;
	/* The link goes before the driver does. */
	model_hang("unbind");
	return 0;
}

/* All drivers that there are, in turn. A failed probe is not told. */
static int probe_any(const char *text)
{
	struct names names;
	size_t n;

	list_names(&names, "/sys/bus/pci/drivers");
	for (n = 0; n < names.count; n++)
		if (!bind(names.name[n], text))
			break;
	free_names(&names);
	return 0;
}

static void make_vf(const char *pf, long index)
{
	char name[ADDRESS_SIZE], link[PATH_SIZE], target[64];
	struct address address;
	unsigned int rid;

	address_parse(pf, &address);
	rid = address_routing_id(&address) + index + 1;
	address = (struct address){ address.domain, rid >> 8, rid >> 3 & 0x1f, rid & 7 };
	address_format(name, &address);
	make_directory(DEVICE, name);
	put_file("0x15b3\n", DEVICE "vendor", name);
	put_file("0x101e\n", DEVICE "device", name);
	put_file("pci:v000015b3d0000101e\n", DEVICE "modalias", name);
	put_file("(null)\n", DEVICE "driver_override", name);
	put_file("0\n", DEVICE "sriov_vf_msix_count", name);
	snprintf(target, sizeof(target), "../%s", pf);
	system_path(link, DEVICE "physfn", name);
	if (symlink(target, link))
		abort();
	snprintf(target, sizeof(target), "../%s", name);
	system_path(link, DEVICE "virtfn%ld", pf, index);
	if (symlink(target, link))
		abort();
	probe_any(name);
}

/* As the PCI core and the PF's driver do it. */
static int make_vfs(const char *file, const char *path, const char *text)
{
	long number = atol(text), now, failure, n;
	char pf[ADDRESS_SIZE], made[16];

	sscanf(file, "/sys/bus/pci/devices/%16[^/]", pf);
	now = attr_number(10, DEVICE "sriov_numvfs", pf);
	if (number > attr_number(10, DEVICE "sriov_totalvfs", pf))
		return -ERANGE;
	if (number == now)
		return 0;
	if (!exists(DEVICE "driver", pf))
		return -ENOENT;
	if (now)
		return -EBUSY;
	model_hang("numvfs");
	failure = attr_number(10, "/model/fail/numvfs");
	if (failure > 0)
		return -failure;
	if (attr_number(10, "/model/fewer") > 0)
		number = attr_number(10, "/model/fewer");
	for (n = 0; n < number; n++)
		make_vf(pf, n);
	snprintf(made, sizeof(made), "%ld\n", number);
	put(made, O_TRUNC, path);
	return 0;
}

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), of_end = strlen(end);

	return length >= of_end && !strcmp(text + length - of_end, end);
}

/* As a driver of ours does it: each rule is added or removed while its list is locked. */
static int change_rules(const char *driver, const char *rule, bool is_new)
{
	char module[NAME_SIZE], text[MODEL_RULES_SIZE];
	long failure = attr_number(10, "/model/fail/shrink");
	int lock, ret;

	if (!is_ours(driver, module) || exists("/model/modules/%s/older", module))
		return -ENOENT;
	if (!is_new && failure > 0)
		return -failure;
	lock = lock_device(module);
	attr_read(text, sizeof(text), "/sys/module/%s/parameters/policy", module);
	ret = model_rules_change(text, rule, is_new);
	if (!ret)
		put_file(text, "/sys/module/%s/parameters/policy", module);
	close(lock);
	return ret;
}

static void begin_process(void)
{
	char meanwhile[PATH_SIZE], process[PATH_SIZE];

	system_path(meanwhile, "/model/meanwhile");
	system_path(process, "/proc/1234");
	if (rename(meanwhile, process) && errno != ENOENT)
		abort();
}

int sysfs_store(const char *path, const char *text)
{
	const char *file = path + strlen(system_root());
	char name[NAME_SIZE];
	struct stat st;

	model_log(file, text);
	begin_process();
	/* sysfs does not hand on a write of nothing. */
	if (!*text)
		return 0;
	if (sscanf(file, "/sys/bus/pci/drivers/%63[^/]/bind", name) == 1 && ends_in(file, "/bind"))
		return bind(name, text);
	if (sscanf(file, "/sys/bus/pci/drivers/%63[^/]/", name) == 1 &&
	    (ends_in(file, "/new_rule") || ends_in(file, "/remove_rule")))
		return change_rules(name, text, ends_in(file, "/new_rule"));
	if (!strcmp(file, "/sys/bus/pci/drivers_probe"))
		return probe_any(text);
	if (ends_in(file, "/driver/unbind"))
		return unbind(text);
	if (sscanf(file, "/sys/bus/pci/devices/%63[^/]/driver_override", name) == 1 &&
	    ends_in(file, "/driver_override")) {
		model_hang("override");
		let_faster_bind("faster-than-override", name);
	}
	if (ends_in(file, "/sriov_numvfs"))
		return make_vfs(file, path, text);
	if (ends_in(file, "/parameters/policy") && !model_rules_are_good(text))
		return -EINVAL;
	if (stat(path, &st))
		return -errno;
	if (ends_in(file, "/parameters/policy") && strlen(text) < st.st_size &&
	    attr_number(10, "/model/fail/shrink") > 0)
		return -attr_number(10, "/model/fail/shrink");
	if (!(st.st_mode & 0200))
		return -EACCES;
	put(*text == '\n' ? "" : text, O_TRUNC, path);
	return 0;
}

/* A new driver is offered all devices that it may have. */
static void offer_devices(const char *driver)
{
	struct names names;
	size_t n;

	list_names(&names, "/sys/bus/pci/devices");
	for (n = 0; n < names.count; n++)
		bind(driver, names.name[n]);
	free_names(&names);
}

int module_load(const char *name)
{
	char driver[NAME_SIZE];
	long failure;

	model_log("load", name);
	model_hang("load");
	if (!exists("/model/modules/%s", name))
		return -ENOENT;
	failure = attr_number(10, "/model/modules/%s/error", name);
	if (failure > 0)
		return -failure;
	if (attr_read(driver, sizeof(driver), "/model/modules/%s/driver", name) <= 0)
		return 0;
	if (driver_is_registered(driver))
		return 0;
	make_directory("/sys/module/%s", name);
	make_directory("/sys/module/%s/parameters", name);
	make_directory("/sys/module/%s/drivers", name);
	make_directory("/sys/module/%s/drivers/pci:%s", name, driver);
	if (exists("/model/modules/%s/ours", name))
		put_file("\n", "/sys/module/%s/parameters/policy", name);
	make_directory("/sys/bus/pci/drivers/%s", driver);
	if (exists("/model/modules/%s/ours", name) && !exists("/model/modules/%s/older", name)) {
		put_file("", "/sys/bus/pci/drivers/%s/new_rule", driver);
		put_file("", "/sys/bus/pci/drivers/%s/remove_rule", driver);
	}
	offer_devices(driver);
	return 0;
}

int module_find(const char *name, struct module_file *file)
{
	*file = (struct module_file){};
	if (!exists("/model/modules/%s", name))
		return -ENOENT;
	file->is_builtin = exists("/model/modules/%s/builtin", name);
	attr_read(file->path, sizeof(file->path), "/model/modules/%s/path", name);
	attr_read(file->version, sizeof(file->version), "/model/modules/%s/version", name);
	attr_read(file->srcversion, sizeof(file->srcversion), "/model/modules/%s/srcversion", name);
	attr_read(file->signer, sizeof(file->signer), "/model/modules/%s/signer", name);
	return 0;
}

void modules_for_alias(const char *alias, struct names *names)
{
	char text[4096], *rest = text, *line;

	*names = (struct names){ .name = calloc(64, sizeof(char *)) };
	if (attr_read(text, sizeof(text), "/model/aliases/%s", alias) < 0)
		return;
	while ((line = strsep(&rest, "\n")) && names->count < 64)
		names->name[names->count++] = strdup(line);
}

int block_device_open_alone(const char *name)
{
	long failure;

	if (!exists("/model/claimed/%s", name))
		return 0;
	failure = attr_number(10, "/model/claimed/%s", name);
	return failure > 0 ? -failure : -EBUSY;
}

bool udev_is_active(void)
{
	return !exists("/model/no-udev");
}

FILE *initramfs_open(const char *image)
{
	char path[PATH_SIZE];

	system_path(path, "%s", image);
	return fopen(path, "re");
}

void initramfs_close(FILE *list)
{
	fclose(list);
}
