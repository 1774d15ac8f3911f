// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel, or another machine by it, has of a device, where neither an exclusive open nor an
 * open file of a process shows it.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "device/block.h"
#include "device/node.h"
#include "device/users.h"
#include "system/sysfs.h"

/* Each has the path of a node that the kernel has open, or is about to, without a claim. */
static const char *const files_with_nodes[] = {
	"/sys/kernel/config/nvmet/subsystems/*/namespaces/*/device_path",
	"/sys/kernel/config/nvmet/subsystems/*/passthru/device_path",
	"/sys/kernel/config/target/core/*/*/udev_path",
	"/sys/kernel/config/usb_gadget/*/functions/*/*/file",
	"/sys/block/loop*/loop/backing_file",
};

/* Whether @file has the path of this node. Paths elsewhere may be those of a dead server. */
static bool names_node(const char *file, dev_t number, bool is_block)
{
	char text[512], path[PATH_SIZE];
	struct statx st;

	if (attr_read(text, sizeof(text), "%s", file) <= 0 || strncmp(text, "/dev/", 5))
		return false;
	system_path(path, "%s", text);
	return !statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE, &st) &&
	       (is_block ? S_ISBLK(st.stx_mode) : S_ISCHR(st.stx_mode)) &&
	       makedev(st.stx_rdev_major, st.stx_rdev_minor) == number;
}

static bool has_node_open(const char *pattern, dev_t number, bool is_block, char *why, size_t size)
{
	char path[PATH_SIZE];
	bool found = false;
	glob_t files;
	size_t n;

	system_path(path, "%s", pattern);
	if (glob(path, 0, NULL, &files))
		return false;
	for (n = 0; n < files.gl_pathc && !found; n++) {
		const char *file = files.gl_pathv[n] + strlen(system_root());

		found = names_node(file, number, is_block);
		if (found)
			snprintf(why, size, "%s has it", file);
	}
	globfree(&files);
	return found;
}

/* Without its port's name, any such controller may be this one's. */
static bool nvme_is_behind(const char *controller, const char *port)
{
	char transport[16], address[256], *host;

	attr_read(transport, sizeof(transport), "/sys/class/nvme/%s/transport", controller);
	if (strcmp(transport, "fc"))
		return false;
	attr_read(address, sizeof(address), "/sys/class/nvme/%s/address", controller);
	host = strstr(address, "host_traddr=");
	return !host || !*port || strstr(host, port);
}

/* NVMe over Fibre Channel: its controllers are virtual devices, whose address has the port. */
static bool fibre_channel_in_use(const char *directory, char *why, size_t size)
{
	const char *parent = strstr(directory, "/fc_host/");
	struct names controllers;
	bool found = false;
	char port[32];
	size_t n;

	if (!parent || strchr(parent + strlen("/fc_host/"), '/'))
		return false;
	attr_read(port, sizeof(port), "%s/port_name", directory);
	list_names(&controllers, "/sys/class/nvme");
	for (n = 0; n < controllers.count && !found; n++) {
		found = nvme_is_behind(controllers.name[n], port);
		if (found)
			snprintf(why, size, "NVMe controller %s is behind it",
				 controllers.name[n]);
	}
	free_names(&controllers);
	return found;
}

/* Whether the kernel uses what has this directory of sysfs. @why says for what. */
bool kernel_uses(const char *directory, char *why, size_t size)
{
	dev_t number;
	size_t n;

	if (fibre_channel_in_use(directory, why, size))
		return true;
	if (!node_number(directory, &number))
		return false;
	for (n = 0; n < sizeof(files_with_nodes) / sizeof(files_with_nodes[0]); n++)
		if (has_node_open(files_with_nodes[n], number, is_block_device(directory), why,
				  size))
			return true;
	return false;
}

/* sysfs does not show which domain has which function. */
bool xen_domain_has_functions(void)
{
	bool found = false;
	struct names names;
	size_t n;

	list_names(&names, "/sys/bus/xen-backend/devices");
	for (n = 0; n < names.count && !found; n++)
		found = !strncmp(names.name[n], "pci-", 4);
	free_names(&names);
	return found;
}
