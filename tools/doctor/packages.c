// SPDX-License-Identifier: GPL-2.0-only
/* Whether DKMS has built our modules for each kernel, and whether the unit is enabled. */
#include <string.h>

#include "doctor/doctor.h"
#include "system/sysfs.h"

#define MODULES "/lib/modules/%s/"

static bool is_installed(const char *kernel)
{
	static const char *const directories[] = { "updates/dkms", "updates", "extra" };
	static const char *const compressions[] = { "", ".xz", ".zst", ".gz" };
	size_t n, c;

	for (n = 0; n < sizeof(directories) / sizeof(directories[0]); n++)
		for (c = 0; c < sizeof(compressions) / sizeof(compressions[0]); c++)
			if (exists(MODULES "%s/vfio-latch.ko%s", kernel, directories[n],
				   compressions[c]))
				return true;
	return false;
}

/* For a kernel that is not running it is a note: that kernel may be booted next. */
static void examine_kernel(struct findings *findings, const char *kernel, bool is_running)
{
	enum severity severity = is_running ? PROBLEM : NOTE;

	if (exists("/var/log/vfio-latch/%s.log", kernel))
		add_finding(findings, severity, "build",
			    "Mend what it says; then dpkg-reconfigure vfio-latch-dkms, or dnf reinstall vfio-latch-dkms.",
			    "the last build of the modules is not installed for kernel %s: see /var/log/vfio-latch/%s.log",
			    kernel, kernel);
	else if (exists(MODULES "modules.dep", kernel) && !exists(MODULES "build/include", kernel) &&
		 !is_installed(kernel))
		add_finding(findings, severity, "headers",
			    "Install linux-headers-KERNEL, or kernel-devel-KERNEL: the modules are built then.",
			    "the headers of kernel %s are not installed: the modules are not built for it",
			    kernel);
}

static void examine_kernels(struct findings *findings)
{
	char running[NAME_SIZE];
	struct names kernels;
	size_t n;

	/* Without vfio-latch-dkms nothing is built for any kernel. */
	if (!exists("/var/lib/dkms/vfio-latch"))
		return;
	attr_read(running, sizeof(running), "/proc/sys/kernel/osrelease");
	list_names(&kernels, "/lib/modules");
	for (n = 0; n < kernels.count; n++)
		examine_kernel(findings, kernels.name[n], !strcmp(kernels.name[n], running));
	free_names(&kernels);
}

/* What is missing at boot without the unit, and what to do if it is masked or not enabled. */
static const struct unit {
	const char *name, *target, *without, *unmask, *enable;
} units[] = {
	{ "vfio-latch-claim.service", "sysinit.target",
	  "devices that share a usual driver with others may get that driver at boot",
	  "systemctl unmask vfio-latch-claim.service", "systemctl enable vfio-latch-claim.service" },
	{ "vfio-latch.service", "multi-user.target",
	  "devices that have a driver before udev runs are not bound at boot",
	  "systemctl unmask vfio-latch.service", "systemctl enable vfio-latch.service" },
};

/* Where systemd looks for units, in this order: an administrator's, a vendor's, an image's. */
static const char *const unit_directories[] = {
	"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system", "/lib/systemd/system",
};

#define NR_UNIT_DIRECTORIES (sizeof(unit_directories) / sizeof(unit_directories[0]))

/* The first link of this name is in force. */
static bool is_masked(const struct unit *unit)
{
	char target[PATH_SIZE];
	size_t n;

	for (n = 0; n < NR_UNIT_DIRECTORIES; n++)
		if (exists("%s/%s", unit_directories[n], unit->name))
			return !link_name(target, sizeof(target), "%s/%s", unit_directories[n],
					  unit->name) && !strcmp(target, "null");
	return false;
}

static bool is_enabled(const struct unit *unit)
{
	static const char *const kinds[] = { "wants", "requires" };
	char target[PATH_SIZE];
	size_t n, kind;

	for (n = 0; n < NR_UNIT_DIRECTORIES; n++)
		for (kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
			if (!link_name(target, sizeof(target), "%s/%s.%s/%s", unit_directories[n],
				       unit->target, kinds[kind], unit->name))
				return true;
	return false;
}

static void examine_unit(struct findings *findings, const struct unit *unit)
{
	if (is_masked(unit))
		add_finding(findings, PROBLEM, "service", unit->unmask, "%s is masked: %s",
			    unit->name, unit->without);
	else if (!is_enabled(unit))
		add_finding(findings, PROBLEM, "service", unit->enable, "%s is not enabled: %s",
			    unit->name, unit->without);
}

static void examine_units(struct findings *findings)
{
	size_t n;

	/* sd_booted() does the same to see whether systemd runs. */
	if (!exists("/run/systemd/system"))
		return;
	for (n = 0; n < sizeof(units) / sizeof(units[0]); n++)
		examine_unit(findings, &units[n]);
}

void examine_packages(struct findings *findings)
{
	examine_kernels(findings);
	examine_units(findings);
}
