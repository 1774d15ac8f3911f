// SPDX-License-Identifier: GPL-2.0-only
/* Checks that concern all devices. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "system/command_line.h"
#include "system/host.h"
#include "system/sysfs.h"

#define RULES "70-vfio-latch.rules"

static void examine_config(struct findings *findings, const struct config *config)
{
	char text[512];
	size_t n;

	for (n = 0; n < config->fault_count; n++) {
		fault_text(&config->fault[n], text, sizeof(text));
		add_finding(findings, PROBLEM, "configuration",
			    config->fault[n].section ?
			    "Until it is mended this section binds nothing." :
			    "Until it is mended the last good configuration holds for new devices, and apply and bind do nothing.",
			    "%s", text);
	}
}

static bool is_switched_off(const char *cmdline)
{
	return strstr(cmdline, "intel_iommu=off") || strstr(cmdline, "amd_iommu=off") ||
	       strstr(cmdline, " iommu=off");
}

static void examine_iommu(struct findings *findings)
{
	char cmdline[4096];
	struct names iommus;

	list_names(&iommus, "/sys/class/iommu");
	attr_read(cmdline, sizeof(cmdline), "/proc/cmdline");
	if (iommus.count)
		;
	else if (is_switched_off(cmdline))
		add_finding(findings, PROBLEM, "iommu", "Take it off the kernel's command line.",
			    "the IOMMU is switched off: %s", cmdline);
	else
		add_finding(findings, PROBLEM, "iommu",
			    "Switch VT-d or AMD-Vi on in the firmware, and boot with intel_iommu=on (Intel).",
			    "the kernel uses no IOMMU: VFIO has nothing to protect the host with");
	free_names(&iommus);
}

/*
 * On x86 the names of remapped interrupts begin with IR-, those of others do not. If there is
 * neither, they count as remapped: nothing is known.
 */
static bool are_interrupts_remapped(void)
{
	bool is_remapped = false, is_not = false;
	char path[PATH_SIZE], line[4096];
	FILE *interrupts;

	system_path(path, "/proc/interrupts");
	interrupts = fopen(path, "re");
	while (interrupts && fgets(line, sizeof(line), interrupts)) {
		is_remapped |= strstr(line, " IR-") != NULL;
		is_not |= strstr(line, " IO-APIC") || strstr(line, " PCI-MSI");
	}
	if (interrupts)
		fclose(interrupts);
	return is_remapped || !is_not;
}

static void examine_interrupts(struct findings *findings)
{
	char unsafe[8];

	if (are_interrupts_remapped())
		return;
	attr_read(unsafe, sizeof(unsafe),
		  "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
	if (unsafe[0] == 'Y')
		add_finding(findings, NOTE, "interrupt-remapping", "Switch it on, if guests are not trusted.",
			    "interrupts are not remapped, and allow_unsafe_interrupts is set: a guest can send the host any interrupt");
	else
		add_finding(findings, PROBLEM, "interrupt-remapping",
			    "Take intremap=off and nointremap off the kernel's command line, and look for it in the firmware.",
			    "interrupts are not remapped: the kernel gives no device to user space");
}

/* Memory that a device can reach is locked. The limit holds for users other than root. */
static void examine_memlock(struct findings *findings)
{
	struct rlimit limit;

	if (!geteuid() || getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return;
	add_finding(findings, NOTE, "memlock",
		    "Raise memlock in /etc/security/limits.d, or LimitMEMLOCK= of the service, to a guest's memory and 1 GiB.",
		    "you may lock %llu KiB of memory: devices can be given no more than that",
		    (unsigned long long)limit.rlim_cur / 1024);
}

static void examine_udev(struct findings *findings)
{
	static const char *const places[] = { "/etc/udev/rules.d", "/run/udev/rules.d" };
	char target[PATH_SIZE];
	size_t n;

	if (!udev_is_active())
		add_finding(findings, PROBLEM, "udev", "Run \"vfio-latch apply\" after each change.",
			    "udev does not run: new devices are not bound by themselves");
	for (n = 0; n < sizeof(places) / sizeof(places[0]); n++)
		if (!link_name(target, sizeof(target), "%s/" RULES, places[n]) &&
		    !strcmp(target, "null"))
			add_finding(findings, PROBLEM, "udev", "Remove the link.",
				    "the udev rules are switched off by %s/" RULES, places[n]);
}

static void examine_command_line(struct findings *findings)
{
	if (command_line_has(SWITCHED_OFF))
		add_finding(findings, NOTE, "command-line",
			    "Mend the configuration, then boot without it. vfio-latch apply and bind do what they say.",
			    "nothing is claimed or bound by itself: " SWITCHED_OFF " is on the kernel's command line");
}

void examine_system(struct findings *findings, const struct config *config)
{
	findings->subject = "system";
	examine_config(findings, config);
	examine_command_line(findings);
	examine_iommu(findings);
	examine_interrupts(findings);
	examine_memlock(findings);
	examine_packages(findings);
	examine_udev(findings);
	examine_initramfs(findings, config);
}
