// SPDX-License-Identifier: GPL-2.0-only
/*
 * module.c with libkmod on a made-up /lib/modules: ELF files with nothing but a
 * .modinfo section, indexed by depmod. Loading one is for the tests in a VM.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmocka_test.h"
#include "system/module.h"

#define RELEASE "6.1.0-test"

static char root[] = "/tmp/test_module.XXXXXX";

__attribute__((format(printf, 1, 2)))
static void shell(const char *format, ...)
{
	char command[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

/* @info: what stands in .modinfo, in assembler */
static void make_module(const char *path, const char *info)
{
	shell("f=%s/lib/modules/" RELEASE "/%s; mkdir -p \"$(dirname $f)\"; "
	      "printf '.section .modinfo,\"a\"\\n%s' | ${CC:-gcc} -c -x assembler -o $f -",
	      root, path, info);
}

static int make_system(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(root));
	setenv("VFIO_LATCH_ROOT", root, 1);
	shell("mkdir -p %s/proc/sys/kernel %s/etc/modprobe.d && echo " RELEASE
	      " > %s/proc/sys/kernel/osrelease", root, root, root);
	make_module("kernel/drivers/vfio/pci/vfio-pci.ko",
		    ".asciz \"license=GPL\"\\n.asciz \"name=vfio_pci\"\\n");
	make_module("updates/dkms/mlx5-vfio-pci.ko",
		    ".asciz \"version=1.0\"\\n.asciz \"srcversion=ABCDEF\"\\n"
		    ".asciz \"name=mlx5_vfio_pci\"\\n");
	make_module("kernel/mlx5_core.ko",
		    ".asciz \"alias=pci:v000015B3d0000101Esv*sd*bc*sc*i*\"\\n"
		    ".asciz \"name=mlx5_core\"\\n");
	make_module("kernel/unwanted.ko",
		    ".asciz \"alias=pci:v000015B3d0000101Esv*sd*bc*sc*i*\"\\n"
		    ".asciz \"name=unwanted\"\\n");
	shell("echo kernel/built_in.ko > %s/lib/modules/" RELEASE "/modules.builtin; "
	      "touch %s/lib/modules/" RELEASE "/modules.order; depmod -b %s " RELEASE,
	      root, root, root);
	shell("echo blacklist unwanted > %s/etc/modprobe.d/x.conf", root);
	return 0;
}

static int remove_system(void **state)
{
	(void)state;
	shell("rm -r %s", root);
	return 0;
}

static void a_module_is_found_with_what_modinfo_says(void **state)
{
	struct module_file file;

	(void)state;
	assert_int_equal(module_find("mlx5_vfio_pci", &file), 0);
	assert_non_null(strstr(file.path, "/updates/dkms/mlx5-vfio-pci.ko"));
	assert_string_equal(file.version, "1.0");
	assert_string_equal(file.srcversion, "ABCDEF");
	assert_string_equal(file.signer, "");
	assert_false(file.is_builtin);
}

static void the_kernels_own_module_has_no_version(void **state)
{
	struct module_file file;

	(void)state;
	assert_int_equal(module_find("vfio_pci", &file), 0);
	assert_string_equal(file.version, "");
	assert_non_null(strstr(file.path, "/kernel/drivers/vfio/pci/vfio-pci.ko"));
}

static void a_module_that_is_built_in_is_found_so(void **state)
{
	struct module_file file;

	(void)state;
	assert_int_equal(module_find("built_in", &file), 0);
	assert_true(file.is_builtin);
}

static void a_module_that_is_not_there_is_not_found(void **state)
{
	struct module_file file;

	(void)state;
	assert_int_equal(module_find("nowhere", &file), -ENOENT);
	assert_int_equal(module_load("nowhere"), -ENOENT);
}

static void an_alias_gives_the_modules_that_are_not_blacklisted(void **state)
{
	struct names names;

	(void)state;
	modules_for_alias("pci:v000015B3d0000101Esv000015B3sd00000061bc02sc00i00", &names);
	assert_int_equal(names.count, 1);
	assert_string_equal(names.name[0], "mlx5_core");
	free_names(&names);
	modules_for_alias("pci:v00001234d000011E8sv0sd0bc0sc0i0", &names);
	assert_int_equal(names.count, 0);
	free_names(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_module_is_found_with_what_modinfo_says),
		cmocka_unit_test(the_kernels_own_module_has_no_version),
		cmocka_unit_test(a_module_that_is_built_in_is_found_so),
		cmocka_unit_test(a_module_that_is_not_there_is_not_found),
		cmocka_unit_test(an_alias_gives_the_modules_that_are_not_blacklisted),
	};

	return cmocka_run_group_tests(tests, make_system, remove_system);
}
