/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernel modules, by libkmod. Tests have a model in place of module.c. */
#ifndef MODULE_H
#define MODULE_H

#include <stdbool.h>

#include "system/sysfs.h"

/* The file that would be loaded for a name, as modinfo shows it; "" for a value that it lacks. */
struct module_file {
	bool is_builtin;
	char path[PATH_SIZE];
	char version[NAME_SIZE];
	char srcversion[NAME_SIZE];
	char signer[256];
};

/* module.c APIs: */
int module_load(const char *name);
int module_find(const char *name, struct module_file *file);
void modules_for_alias(const char *alias, struct names *names);

/* signature.c APIs: */
const char *signatures_wanted(void);
bool signer_is_known(const char *signer);

#endif
