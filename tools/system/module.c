// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <libkmod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/module.h"

/* Opens the modules of the running kernel. Another root has them at the same place. */
static struct kmod_ctx *open_modules(void)
{
	char release[NAME_SIZE], path[PATH_SIZE], config[PATH_SIZE];
	const char *const configs[] = { config, NULL };
	struct kmod_ctx *ctx;

	attr_read(release, sizeof(release), "/proc/sys/kernel/osrelease");
	system_path(path, "/lib/modules/%s", release);
	system_path(config, "/etc/modprobe.d");
	ctx = *system_root() ? kmod_new(path, configs) : kmod_new(NULL, NULL);
	if (ctx)
		kmod_load_resources(ctx);
	return ctx;
}

static int look_up(struct kmod_ctx *ctx, const char *name, struct kmod_list **list)
{
	int ret = kmod_module_new_from_lookup(ctx, name, list);

	return ret || *list ? ret : -ENOENT;
}

/* Loads a module by name even if it is blacklisted, as modprobe does if it is named. */
int module_load(const char *name)
{
	struct kmod_ctx *ctx = open_modules();
	struct kmod_list *list = NULL, *item;
	int ret;

	if (!ctx)
		return -ENOMEM;
	ret = look_up(ctx, name, &list);
	kmod_list_foreach(item, list) {
		struct kmod_module *module = kmod_module_get_module(item);

		if (!ret)
			ret = kmod_module_probe_insert_module(module, 0, NULL, NULL, NULL, NULL);
		kmod_module_unref(module);
	}
	kmod_module_unref_list(list);
	kmod_unref(ctx);
	return ret;
}

static void take_info(struct kmod_module *module, struct module_file *file)
{
	const struct { const char *key; char *value; size_t size; } wanted[] = {
		{ "version", file->version, sizeof(file->version) },
		{ "srcversion", file->srcversion, sizeof(file->srcversion) },
		{ "signer", file->signer, sizeof(file->signer) },
	};
	struct kmod_list *info = NULL, *item;
	size_t n;

	if (kmod_module_get_info(module, &info) < 0)
		return;
	kmod_list_foreach(item, info)
		for (n = 0; n < sizeof(wanted) / sizeof(wanted[0]); n++)
			if (!strcmp(kmod_module_info_get_key(item), wanted[n].key))
				snprintf(wanted[n].value, wanted[n].size, "%s",
					 kmod_module_info_get_value(item));
	kmod_module_info_free_list(info);
}

/* Returns -ENOENT if there is no such module for the running kernel. */
int module_find(const char *name, struct module_file *file)
{
	struct kmod_ctx *ctx = open_modules();
	struct kmod_list *list = NULL;
	struct kmod_module *module;
	const char *path;
	int ret;

	*file = (struct module_file){};
	if (!ctx)
		return -ENOMEM;
	ret = look_up(ctx, name, &list);
	if (!ret) {
		module = kmod_module_get_module(list);
		path = kmod_module_get_path(module);
		file->is_builtin = !path;
		snprintf(file->path, sizeof(file->path), "%s", path ? path : "");
		take_info(module, file);
		kmod_module_unref(module);
	}
	kmod_module_unref_list(list);
	kmod_unref(ctx);
	return ret;
}

static size_t list_length(const struct kmod_list *list)
{
	const struct kmod_list *item;
	size_t length = 0;

	kmod_list_foreach(item, list)
		length++;
	return length;
}

/* Lists the modules that the kernel would ask for, without those that are blacklisted. */
void modules_for_alias(const char *alias, struct names *names)
{
	struct kmod_list *list = NULL, *allowed = NULL, *item;
	struct kmod_ctx *ctx = open_modules();

	*names = (struct names){};
	if (!ctx)
		return;
	if (!kmod_module_new_from_lookup(ctx, alias, &list) && list &&
	    !kmod_module_apply_filter(ctx, KMOD_FILTER_BLACKLIST, list, &allowed)) {
		names->name = calloc(list_length(allowed) + 1, sizeof(*names->name));
		kmod_list_foreach(item, allowed) {
			struct kmod_module *module = kmod_module_get_module(item);

			if (names->name)
				names->name[names->count++] = strdup(kmod_module_get_name(module));
			kmod_module_unref(module);
		}
	}
	kmod_module_unref_list(allowed);
	kmod_module_unref_list(list);
	kmod_unref(ctx);
}
