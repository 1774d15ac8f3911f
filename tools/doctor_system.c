// SPDX-License-Identifier: GPL-2.0-only
/* What concerns all devices. */
#include <string.h>

#include "doctor.h"
#include "sysfs.h"
#include "udev.h"

#define RULES "70-vfio-latch.rules"

static void examine_config(struct findings *findings, const struct config *config)
{
	char text[512];
	size_t n;

	for (n = 0; n < config->fault_count; n++) {
		fault_text(&config->fault[n], text, sizeof(text));
		find(findings, PROBLEM, "configuration",
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
		find(findings, PROBLEM, "iommu", "Take it off the kernel's command line.",
		     "the IOMMU is switched off: %s", cmdline);
	else
		find(findings, PROBLEM, "iommu",
		     "Switch VT-d or AMD-Vi on in the firmware, and boot with intel_iommu=on (Intel).",
		     "the kernel uses no IOMMU: VFIO has nothing to protect the host with");
	free_names(&iommus);
}

static void examine_udev(struct findings *findings)
{
	char target[PATH_SIZE];

	if (!udev_is_active())
		find(findings, PROBLEM, "udev", "Run \"vfio-latch apply\" after each change.",
		     "udev does not run: new devices are not bound by themselves");
	if (!link_name(target, sizeof(target), "/etc/udev/rules.d/" RULES) &&
	    !strcmp(target, "null"))
		find(findings, PROBLEM, "udev", "Remove the link.",
		     "the udev rules are switched off by /etc/udev/rules.d/" RULES);
}

void examine_system(struct findings *findings, const struct config *config)
{
	findings->subject = "system";
	examine_config(findings, config);
	examine_iommu(findings);
	examine_udev(findings);
	examine_initramfs(findings);
}
