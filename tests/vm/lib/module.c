// SPDX-License-Identifier: GPL-2.0-only
#include "module.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file.h"
#include "test.h"

#define PARAMETERS "/sys/module/%s/parameters/%s"

static const char *driver_set(void)
{
	return driver_is_ours() ? "ours" : "kernel";
}

const char *driver_core(void)
{
	return driver_is_ours() ? "vfio_latch" : "vfio_pci_core";
}

static int load_file(const char *set, const char *name, const char *parameters)
{
	char path[128];
	int fd, error = 0;

	snprintf(path, sizeof(path), "/modules/%s/%s.ko", set, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, parameters ?: "", 0))
		error = -errno;
	close(fd);
	return error;
}

/* The line of /modules/SET/depends for NAME without the name itself; NULL if there is none. */
static char *dependencies(const char *set, const char *name)
{
	size_t length = strlen(name);
	char path[128], *text, *rest, *line, *found = NULL;

	snprintf(path, sizeof(path), "/modules/%s/depends", set);
	text = rest = file_read(path);
	while (!found && (line = strsep(&rest, "\n")))
		if (!strncmp(line, name, length) && (line[length] == ' ' || !line[length]))
			found = strdup(line + length);
	free(text);
	return found;
}

/* Looks for a dependency in the module's own set first, then in base. */
static int load_dependencies(const char *set, const char *name)
{
	char *names = dependencies(set, name), *rest = names, *word, *theirs;
	int error = names ? 0 : -ENOENT;

	while (!error && (word = strsep(&rest, " "))) {
		if (!*word || module_loaded(word))
			continue;
		theirs = dependencies(set, word);
		if (theirs)
			error = module_load_try(set, word, NULL);
		else
			error = module_load_try("base", word, NULL);
		free(theirs);
		/* Built into this kernel, so that no file is there. */
		if (error == -ENOENT && !strcmp(set, "base"))
			error = 0;
	}
	free(names);
	return error;
}

void module_load_foreign(const char *name)
{
	static const char in_tree[] = "intree=Y", is_signed[] = "~Module signature appended~\n";
	char path[128], *file, *word;
	struct stat st;
	int fd;

	CHECK_OK(load_dependencies("base", name));
	snprintf(path, sizeof(path), "/modules/base/%s.ko", name);
	fd = CHECK_OK(open(path, O_RDONLY | O_CLOEXEC));
	CHECK_OK(fstat(fd, &st));
	file = malloc(st.st_size);
	CHECK(file);
	CHECK_EQ(read(fd, file, st.st_size), st.st_size);
	close(fd);
	word = memmem(file, st.st_size, in_tree, sizeof(in_tree));
	CHECK(word);
	*word = '-';
	/* Its signature is for what it was. */
	if (!memcmp(file + st.st_size - strlen(is_signed), is_signed, strlen(is_signed)))
		st.st_size -= strlen(is_signed);
	CHECK_OK(syscall(SYS_init_module, file, st.st_size, ""));
	free(file);
}

int module_load_try(const char *set, const char *name, const char *parameters)
{
	int error = load_dependencies(set, name);

	return error ?: load_file(set, name, parameters);
}

void module_load(const char *set, const char *name, const char *parameters)
{
	int error;

	if (module_loaded(name))
		return;
	error = module_load_try(set, name, parameters);
	if (error)
		FAIL("cannot load %s/%s with \"%s\": %s", set, name, parameters ?: "",
		     strerror(-error));
}

int module_unload_try(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

void module_unload(const char *name)
{
	int error = module_unload_try(name);

	if (error)
		FAIL("cannot unload %s (used %d times): %s", name, module_uses(name),
		     strerror(-error));
}

bool module_loaded(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	if (file_exists(path))
		return true;
	/* Built in: a directory without a state. */
	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return file_exists(path);
}

int module_uses(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", name);
	return file_exists(path) ? (int)file_read_number(path) : -1;
}

int driver_load_try(const char *parameters)
{
	module_load("base", "vfio_iommu_type1", NULL);
	return module_load_try(driver_set(), "vfio_pci", parameters);
}

void driver_load(const char *parameters)
{
	int error = driver_load_try(parameters);

	if (error)
		FAIL("cannot load %s's vfio_pci with \"%s\": %s", driver_set(), parameters ?: "",
		     strerror(-error));
}

void driver_unload(void)
{
	module_unload("vfio_pci");
	module_unload(driver_core());
}

void driver_unload_all(void)
{
	static const char * const names[] = { "vfio_pci", "vfio_latch", "vfio_pci_core" };
	char path[128];

	/* The core is in use as long as this one is there: see connectx_clean_up(). */
	if (module_uses("mlx5_vfio_pci") >= 0)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s/initstate", names[i]);
		if (file_exists(path))
			module_unload(names[i]);
	}
}

char *module_parameter(const char *name, const char *parameter)
{
	char path[160];

	snprintf(path, sizeof(path), PARAMETERS, name, parameter);
	return file_read(path);
}

int module_parameter_set_try(const char *name, const char *parameter, const char *value)
{
	char path[160];

	snprintf(path, sizeof(path), PARAMETERS, name, parameter);
	return file_write_try(path, value);
}

void module_parameter_set(const char *name, const char *parameter, const char *value)
{
	int error = module_parameter_set_try(name, parameter, value);

	if (error)
		FAIL("%s refuses %s=%s: %s", name, parameter, value, strerror(-error));
}

unsigned int module_parameter_mode(const char *name, const char *parameter)
{
	char path[160];

	snprintf(path, sizeof(path), PARAMETERS, name, parameter);
	return file_mode(path);
}
