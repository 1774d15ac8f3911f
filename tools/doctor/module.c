// SPDX-License-Identifier: GPL-2.0-only
/* Whether our modules are installed, in the initramfs and loaded, and may be loaded. */
#include <errno.h>
#include <string.h>

#include "doctor/doctor.h"
#include "migration/migration.h"
#include "system/driver.h"
#include "system/host.h"
#include "system/initramfs.h"
#include "system/module.h"
#include "system/sysfs.h"

static bool we_have(const char *module)
{
	return !strcmp(module, "vfio_pci") || !strcmp(module, "mlx5_vfio_pci");
}

/* The kernel's modules have no version, and are not where DKMS puts modules. */
static bool is_ours(const struct module_file *file)
{
	return file->version[0] || strstr(file->path, "/updates/") || strstr(file->path, "/extra/");
}

static void examine_file(struct findings *findings, const char *module,
			 const struct module_file *file)
{
	if (file->is_builtin)
		add_finding(findings, PROBLEM, "module-builtin",
			    "Use another kernel, or do without rules for this driver.",
			    "%s is built into this kernel, ours cannot take its place", module);
	else if (!is_ours(file))
		add_finding(findings, PROBLEM, "module-installed",
			    "Is vfio-latch-dkms installed? \"dkms status\" says what became of its build.",
			    "%s of this kernel is the kernel's own: %s", module, file->path);
}

static void examine_loaded(struct findings *findings, const char *module,
			   const struct module_file *file)
{
	char srcversion[NAME_SIZE];

	if (file->is_builtin || !exists("/sys/module/%s", module))
		return;
	if (is_ours(file) && !exists("/sys/module/%s/parameters/policy", module)) {
		add_finding(findings, PROBLEM, "module-loaded",
			    "Unload it and load it again, or reboot. If it comes back, look for it in the initramfs.",
			    "the kernel's own %s is loaded, though ours is installed", module);
		return;
	}
	attr_read(srcversion, sizeof(srcversion), "/sys/module/%s/srcversion", module);
	if (srcversion[0] && file->srcversion[0] && strcmp(srcversion, file->srcversion))
		add_finding(findings, NOTE, "module-version",
			    "Unload it and load it again, or reboot, when its devices are free.",
			    "another build of %s is loaded than is installed", module);
}

static void examine_signature(struct findings *findings, const char *module,
			      const struct module_file *file)
{
	const char *why = signatures_wanted();

	if (!why || file->is_builtin || !is_ours(file))
		return;
	if (!file->signer[0])
		add_finding(findings, PROBLEM, "signature",
			    "Have DKMS sign its modules, and enroll its key: mokutil --import /var/lib/dkms/mok.pub",
			    "this kernel loads signed modules only (%s), and %s is not signed", why,
			    file->path);
	else if (!exists("/sys/module/%s", module) && !signer_is_known(file->signer))
		add_finding(findings, PROBLEM, "signature",
			    "Enroll the key, and reboot: mokutil --import /var/lib/dkms/mok.pub",
			    "this kernel loads signed modules only (%s), and has no key of %s, who signed %s",
			    why, file->signer, module);
}

/* DOCA-OFED's mlx5_core calls mlx_compat instead of the kernel. Returns whether that is all to say. */
static bool examine_doca(struct findings *findings, const char *module, bool is_there)
{
	static const char advice[] =
		"Use the kernel's mlx5_core; or DOCA-OFED's " MLX5_DRIVER " with DOCA-OFED's mlx5_core.";

	if (strcmp(module, MLX5_DRIVER) || !exists("/sys/module/mlx_compat"))
		return false;
	if (!is_there)
		add_finding(findings, PROBLEM, "doca-ofed", advice,
			    "mlx5_core is DOCA-OFED's, and there is no " MLX5_DRIVER " for it: ours is for the kernel's");
	else if (exists("/sys/module/" MLX5_DRIVER) &&
		 !exists("/sys/module/" MLX5_DRIVER "/parameters/policy"))
		add_finding(findings, NOTE, "doca-ofed", "",
			    "mlx5_core and " MLX5_DRIVER " are DOCA-OFED's, not ours");
	else
		add_finding(findings, PROBLEM, "doca-ofed", advice,
			    "mlx5_core is DOCA-OFED's, and our " MLX5_DRIVER " is built for the kernel's");
	return true;
}

/* Examines the module of @driver. */
void examine_module(struct findings *findings, const char *driver)
{
	struct module_file file;
	char module[NAME_SIZE];
	int ret;

	module_name(module, driver);
	ret = module_find(module, &file);
	findings->subject = "system";
	if (examine_doca(findings, module, ret != -ENOENT))
		return;
	if (ret == -ENOENT) {
		add_finding(findings, PROBLEM, "module-missing",
			    "Is vfio-latch-dkms installed, and this kernel's headers? \"dkms status\" says what became of its build.",
			    "there is no module %s for this kernel", module);
	} else if (!ret && we_have(module)) {
		examine_file(findings, module, &file);
		examine_loaded(findings, module, &file);
		examine_signature(findings, module, &file);
	}
}

static const char *make_again(const char *image)
{
	return initramfs_is_copy(image) ? "Make it again: " INITRAMFS_COPY_AGAIN "." :
					  "Make it again: " INITRAMFS_AGAIN ".";
}

/* The kernel's own module is in the directory of its source in the kernel's tree. */
static bool is_kernels_own(const char *path)
{
	return strstr(path, "/kernel/drivers/vfio/pci/vfio-pci.ko") ||
	       strstr(path, "/kernel/drivers/vfio/pci/mlx5/mlx5-vfio-pci.ko");
}

static bool ends_in(const char *line, const char *end)
{
	size_t length = strlen(line), of_end = strlen(end);

	return length >= of_end && !strcmp(line + length - of_end, end);
}

/* Whether the initramfs @read claims devices, and by which configuration. */
static void examine_claims(struct findings *findings, const struct config *config,
			   const char *read, bool has_command)
{
	const struct section *section = config_for_initramfs(config);
	char image[PATH_SIZE];

	if (section && !has_command)
		add_finding(findings, PROBLEM, "initramfs", make_again(read),
			    "the initramfs has no vfio-latch to claim the devices of section [%s], %s:%u",
			    section->name, section->value_file[KEY_INITRAMFS],
			    section->value_line[KEY_INITRAMFS]);
	else if (has_command && config_is_newer_than_initramfs(config, image, sizeof(image)))
		add_finding(findings, NOTE, "initramfs", make_again(image),
			    "%s is older than the configuration of which it has a copy", image);
}

/*
 * Whether @line is a file: a path (lsinitramfs), or one after its mode (dracut's lsinitrd, which has
 * a heading, too). The images for the kernel itself, its microcode say, are no initramfs: they are
 * in front, not compressed, and can be read where that cannot.
 */
static bool is_file(const char *line)
{
	const char *name = strrchr(line, ' ');
	bool has_mode = *line && strchr("-dl", *line) &&
			strspn(line + 1, "-rwxsStT") >= 9;

	if (name && !has_mode)
		return false;
	name = name ? name + 1 : line;
	return strchr(name, '/') && strncmp(name, "kernel/", 7);
}

/* Whether the image can be read, and has anything in it. */
static bool examine_image(struct findings *findings, const char *image, bool *has_command)
{
	FILE *list = initramfs_open(image);
	bool has_files = false;
	char line[PATH_SIZE];

	if (!list)
		return false;
	while (fgets(line, sizeof(line), list)) {
		line[strcspn(line, "\n")] = '\0';
		has_files |= is_file(line);
		*has_command |= ends_in(line, "/bin/vfio-latch");
		if (is_kernels_own(line))
			add_finding(findings, PROBLEM, "initramfs", make_again(image),
				    "the initramfs has the kernel's own module: %s", line);
	}
	initramfs_close(list);
	return has_files;
}

/* The first one that can be read: others of the kernel are copies, for another way to boot. */
void examine_initramfs(struct findings *findings, const struct config *config)
{
	bool is_read = false, has_command = false;
	char release[NAME_SIZE];
	struct names images;
	size_t n;

	attr_read(release, sizeof(release), "/proc/sys/kernel/osrelease");
	initramfs_images(&images, release);
	for (n = 0; n < images.count && !is_read; n++)
		is_read = examine_image(findings, images.name[n], &has_command);
	if (is_read)
		examine_claims(findings, config, images.name[n - 1], has_command);
	free_names(&images);
}
