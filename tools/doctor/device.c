// SPDX-License-Identifier: GPL-2.0-only
/* Checks of one device. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binding/bind.h"
#include "device/device.h"
#include "device/users.h"
#include "doctor/doctor.h"
#include "migration/migration.h"
#include "system/driver.h"
#include "system/kernel_log.h"
#include "system/module.h"
#include "system/sysfs.h"

#define DEVICE "/sys/bus/pci/devices/%s/"

static const char *driver_text(const char *driver)
{
	return *driver ? driver : "no driver";
}

/* COMMAND is never all ones, not even in a VF. Reading it wakes the device for a moment. */
static void examine_answer(struct findings *findings, const struct device *dev)
{
	char header[7];

	if (attr_read(header, sizeof(header), DEVICE "config", dev->bdf) == 6 &&
	    !memcmp(header + 4, "\xff\xff", 2))
		add_finding(findings, PROBLEM, "answer",
			    "It or its link may have failed. Power off and on, or remove it and rescan its port.",
			    "it does not answer: its configuration space is all ones");
}

/* The kernel shows the attribute if it knows a reset for the device. */
static void examine_reset(struct findings *findings, const struct device *dev)
{
	char methods[64];

	if (!driver_is_vfio(dev->driver))
		return;
	if (!exists(DEVICE "reset", dev->bdf))
		add_finding(findings, NOTE, "reset",
			    "Only a user that has all functions of its slot or bus can reset it, with them.",
			    "it has no reset of its own: a user may find what the last one left");
	else if (!attr_read(methods, sizeof(methods), DEVICE "reset_method", dev->bdf))
		add_finding(findings, NOTE, "reset", "To get them back: echo default >reset_method",
			    "somebody has switched all its resets off in reset_method");
}

/* After a reset or a sleep. It may have been repaired since: only the next reset shows it. */
static void examine_returns(struct findings *findings, const struct device *dev)
{
	/* The PCI core's, and our driver's. */
	static const char *const texts[] = { "; giving up", "does not come back after a reset" };
	const char *said = kernel_log_last(dev->bdf, texts, sizeof(texts) / sizeof(texts[0]));

	if (said)
		add_finding(findings, NOTE, "reset",
			    "Try it: echo 1 >reset, while nobody has it open. If it fails: another one in reset_method; power off and on. After a hot-plug, or with VFs made anew, the log may mean the former device of this address.",
			    "it has not come back once since the host was booted, the kernel's log says: %s", said);
}

static void examine_group(struct findings *findings, const struct device *dev)
{
	struct devices group;
	size_t n;

	if (dev->iommu_group < 0) {
		add_finding(findings, PROBLEM, "iommu-group", "Is an IOMMU in use, and the device behind it?",
			    "it has no IOMMU group: no VFIO driver takes it");
		return;
	}
	group_read(&group, dev->iommu_group);
	for (n = 0; n < group.count; n++)
		if (host_has(&group.device[n]) && strcmp(group.device[n].bdf, dev->bdf))
			add_finding(findings, PROBLEM, "iommu-group",
				    "Give all functions of the group to VFIO, vfio-latch bind --group; or move the card to a slot with ACS.",
				    "it shares IOMMU group %d with %s, whose driver is %s",
				    dev->iommu_group, group.device[n].bdf, group.device[n].driver);
	free(group.device);
}

/* The last section that would match @dev, but is switched off; or NULL. */
static const struct section *section_switched_off(const struct config *config,
						  const struct device *dev)
{
	const struct section *found = NULL;
	size_t n;

	for (n = 0; n < config->section_count; n++) {
		struct section section = config->section[n];

		if (section.enabled)
			continue;
		section.enabled = true;
		if (section_matches(&section, dev))
			found = &config->section[n];
	}
	return found;
}

/* The last section that would match @dev if its PF were this machine's, or NULL. */
static const struct section *section_without_pf(const struct config *config,
						const struct device *dev)
{
	size_t n;

	for (n = config->section_count; n--;)
		if (section_misses_pf(&config->section[n], dev))
			return &config->section[n];
	return NULL;
}

static void examine_no_section(struct findings *findings, const struct config *config,
			       const struct device *dev)
{
	const struct section *off, *without_pf;

	if (driver_is_vfio(dev->driver) || config_refused(config))
		return;
	off = section_switched_off(config, dev);
	without_pf = section_without_pf(config, dev);
	if (without_pf)
		add_finding(findings, NOTE, "section",
			    "That is right for a VF that a VM has. To give it to a guest of the VM: its address beside the id, or the driver vfio-pci.",
			    "section [%s] is not for it: %s is for VFs, and the PF of this function is not here",
			    without_pf->name, without_pf->value[KEY_DRIVER]);
	else if (off)
		add_finding(findings, NOTE, "section", "",
			    "section [%s] would be for it, but %s:%u switches it off", off->name,
			    off->value_file[KEY_ENABLED], off->value_line[KEY_ENABLED]);
	else
		add_finding(findings, NOTE, "section", "", "no section of the configuration is for it");
}

static void examine_binding(struct findings *findings, const struct entry *entry)
{
	const char *wanted = entry->section->value[KEY_DRIVER];
	const struct device *dev = &entry->device;
	char why[256];

	/* The fault of a refused section is a finding of the system. */
	if (entry->is_as_wanted || entry->section->is_refused)
		return;
	if (driver_is(dev->driver, wanted))
		add_finding(findings, PROBLEM, "tunables", "vfio-latch apply binds it again, if nobody has it open.",
			    "it is bound under other tunables than section [%s] wants", entry->section->name);
	else if (device_in_use(dev, why, sizeof(why)))
		add_finding(findings, PROBLEM, "in-use", "Free it, then vfio-latch apply; or vfio-latch bind --force.",
			    "it has %s, not %s, and is in use: %s", dev->driver, wanted, why);
	else if (dev->driver_override[0] && !driver_is(dev->driver_override, wanted) &&
		 !dev->driver[0] && !claim_is_ours(dev))
		add_finding(findings, PROBLEM, "driver-override", "vfio-latch apply sets it, if that is what you want.",
			    "somebody has set its driver_override to %s, so udev leaves it alone",
			    dev->driver_override);
	else
		add_finding(findings, PROBLEM, "driver", "vfio-latch apply tries to bind it, and says why if it cannot.",
			    "it has %s, not %s", driver_text(dev->driver), wanted);
}

static bool is_in_kernel(const char *driver)
{
	struct module_file file;
	char module[NAME_SIZE];

	return !link_name(module, sizeof(module), "/sys/bus/pci/drivers/%s/module", driver) &&
	       !module_find(module, &file) && file.is_builtin;
}

/* A driver that had the device before the claim keeps it at each boot: often it is in use then. */
static void examine_claim(struct findings *findings, const struct entry *entry)
{
	const struct section *section = entry->section;
	const struct device *dev = &entry->device;

	if (entry->is_as_wanted || !section_claims(section) || !claim_was_late(dev))
		return;
	if (is_in_kernel(dev->driver))
		add_finding(findings, PROBLEM, "claim",
			    "Nothing comes before that. Free it, then vfio-latch apply; or vfio-latch bind --force.",
			    "%s, which is built into the kernel, had it before it could be claimed for section [%s]",
			    dev->driver, section->name);
	else if (section->in_initramfs)
		add_finding(findings, PROBLEM, "claim",
			    "Make the initramfs again: update-initramfs -u -k all, or dracut --force --regenerate-all. Is rd.vfio-latch=0 on the kernel's command line?",
			    "%s had it before it could be claimed for section [%s], which the initramfs should have done",
			    dev->driver, section->name);
	else
		add_finding(findings, PROBLEM, "claim",
			    "Add the line \"initramfs = yes\" to the section, then update-initramfs -u -k all, or dracut --force --regenerate-all; and boot.",
			    "%s had it before it could be claimed for section [%s]: it comes from the initramfs",
			    dev->driver, section->name);
}

/* Examines the nodes whose owner, group or mode the configuration sets. */
static void examine_access(struct findings *findings, const struct entry *entry)
{
	char is[ACCESS_SIZE], wanted[ACCESS_SIZE];
	size_t n;

	for (n = 0; n < entry->node_count; n++) {
		const struct node_state *state = &entry->node[n];
		const char *name = state->node.name;

		if (state->wish == ACCESS_UNSAID)
			continue;
		access_text(is, &state->is);
		access_text(wanted, &state->wanted);
		if (access_is_refused(state->wish))
			add_finding(findings, PROBLEM, "access", "Mend it, then vfio-latch apply.",
				    "/dev/%s is root's alone: %s", name, state->why);
		else if (state->fault)
			add_finding(findings, PROBLEM, "access",
				    "Does udev run, and is devtmpfs mounted at /dev?",
				    "/dev/%s is not the node that the kernel made for it", name);
		else if (!node_is_as_configured(state))
			add_finding(findings, PROBLEM, "access",
				    "vfio-latch apply sets it. If it changes again: which udev rule does that?",
				    "/dev/%s has %s, not %s", name, is, wanted);
	}
}

static void examine_pf(struct findings *findings, const struct config *config,
		       const struct device *dev)
{
	struct address address;
	struct device pf;

	if (!device_is_vf(dev) || !address_parse(dev->pf, &address) ||
	    !device_identify(&pf, &address))
		return;
	if (is_mlx5_vf(dev) && strcmp(pf.driver, "mlx5_core"))
		add_finding(findings, PROBLEM, "pf-driver", "Give the PF back: vfio-latch unbind.",
			    "its PF %s has %s; " MLX5_DRIVER " reaches the firmware by the PF's mlx5_core",
			    pf.bdf, driver_text(pf.driver));
	if (!config_refused(config) && config_may_bind_vfs(config, &pf) && !autoprobe_is_off(pf.bdf))
		add_finding(findings, NOTE, "autoprobe", "vfio-latch apply switches it off.",
			    "the kernel probes new VFs of %s before they are bound as configured", pf.bdf);
	if (!dev->driver[0] && autoprobe_is_off(pf.bdf) && !autoprobe_is_ours(pf.bdf))
		add_finding(findings, NOTE, "autoprobe", "",
			    "somebody has switched sriov_drivers_autoprobe of %s off: VFs get no usual driver",
			    pf.bdf);
}

/* A PF that is not as its section says. */
static void examine_num_vfs(struct findings *findings, const struct entry *entry)
{
	const struct section *section = entry->section;

	if (!section || section->is_refused || !section->num_vfs || device_is_vf(&entry->device) ||
	    section->num_vfs == entry->vfs)
		return;
	add_finding(findings, PROBLEM, "num-vfs",
		    entry->vfs ?
		    "VFs that are there stay: echo 0 >sriov_numvfs when nobody needs them, then vfio-latch apply." :
		    "vfio-latch apply makes them, and says why if it cannot.",
		    "it has %u VFs, %s:%u says %u", entry->vfs, section->value_file[KEY_NUM_VFS],
		    section->value_line[KEY_NUM_VFS], section->num_vfs);
}

void examine_device(struct findings *findings, const struct config *config,
		    const struct entry *entry)
{
	const struct device *dev = &entry->device;

	findings->subject = dev->bdf;
	examine_answer(findings, dev);
	examine_reset(findings, dev);
	examine_returns(findings, dev);
	examine_group(findings, dev);
	if (entry->section) {
		examine_binding(findings, entry);
		examine_claim(findings, entry);
	} else {
		examine_no_section(findings, config, dev);
	}
	examine_num_vfs(findings, entry);
	examine_access(findings, entry);
	examine_pf(findings, config, dev);
	examine_migration(findings, dev);
}
