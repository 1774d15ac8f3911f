// SPDX-License-Identifier: GPL-2.0-only
/* Whether a device can be migrated, and why not. */
#include <string.h>

#include "doctor/doctor.h"
#include "migration/migration.h"
#include "system/driver.h"

/* What the driver says in vfio_pci/migratable (docs/sysfs-abi.txt), and what to do then. */
static const struct {
	const char *word, *text, *advice;
} reasons[] = {
	{ "not-a-vf", "it is not a VF; only VFs are migrated", "" },
	{ "pf-driver", "mlx5_core did not have its PF, or was still adding VFs, when it was bound",
	  "When mlx5_core has the PF and has added all VFs: vfio-latch unbind, then bind." },
	{ "other-pf-driver", "mlx5_core is not the kernel's own, which mlx5_vfio_pci was built for",
	  "Use the kernel's mlx5_core; or DOCA-OFED's mlx5_vfio_pci with DOCA-OFED's mlx5_core." },
	{ "not-ethernet", "the port of its PF is not Ethernet; only VFs of Ethernet ports are migrated",
	  "mlxconfig -d PF set LINK_TYPE_P1=2 makes it Ethernet, if the card can." },
	{ "pf-firmware", "the firmware of its PF does not offer migration",
	  "Update the firmware; then mlxconfig -d PF set VF_MIGRATION_MODE=2, and power off and on." },
	{ "not-enabled", "migration is not enabled for this VF",
	  "Give the section of its PF num_vfs, eswitch_mode = switchdev and migratable = yes: see vfio-latch.conf(5). "
	  "VFs that were made in mode legacy must be made again." },
	{ "error", "the firmware did not say whether this VF can be migrated",
	  "See the kernel's log of mlx5_core; then vfio-latch unbind, and bind." },
};

static void examine_tracking(struct findings *findings)
{
	if (kernel_can_report())
		add_finding(findings, NOTE, "dirty-tracking", "Update the firmware.",
			    "the firmware offers no page tracker: all of memory counts as written");
	else
		add_finding(findings, NOTE, "dirty-tracking",
			    "A kernel with CONFIG_IOMMUFD_DRIVER can, and so can 6.1.",
			    "this kernel cannot report dirty pages of devices: all of memory counts as written");
}

static void examine_reason(struct findings *findings, const struct device *dev)
{
	size_t n;

	for (n = 0; n < sizeof(reasons) / sizeof(reasons[0]); n++)
		if (!strcmp(dev->migratable, reasons[n].word)) {
			add_finding(findings, PROBLEM, "migration", reasons[n].advice, "%s",
				    reasons[n].text);
			return;
		}
	add_finding(findings, PROBLEM, "migration", "See docs/sysfs-abi.txt of the driver that is loaded.",
		    "it cannot be migrated%s%s", *dev->migratable ? ": " : "", dev->migratable);
}

void examine_migration(struct findings *findings, const struct device *dev)
{
	if (!is_mlx5_vf(dev))
		return;
	if (strcmp(dev->driver, MLX5_DRIVER)) {
		if (driver_is_vfio(dev->driver))
			add_finding(findings, PROBLEM, "migration", "Bind it to " MLX5_DRIVER ".",
				    "%s cannot migrate it", dev->driver);
	} else if (!dev->is_latched) {
		add_finding(findings, PROBLEM, "module-loaded", "See the findings about the system.",
			    "the " MLX5_DRIVER " that has it is the kernel's own");
	} else if (!dev->migration_state[0]) {
		/* migratable is yes shortly before and after it has a state. */
		if (strcmp(dev->migratable, "yes"))
			examine_reason(findings, dev);
	} else {
		if (!strcmp(dev->migration_state, "error"))
			add_finding(findings, PROBLEM, "migration", "Its user must reset it, or close it.",
				    "a migration has failed, and left it in the error state");
		if (!dev->tracker_state[0])
			examine_tracking(findings);
	}
}
