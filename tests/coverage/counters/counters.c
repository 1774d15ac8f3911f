// SPDX-License-Identifier: GPL-2.0-only
/*
 * counters: keeps what modules built with -fprofile-arcs have counted, past their unloading. For
 * tests only. In debugfs:
 *
 *	coverage	read: "|coverage MODULE INDEX COUNT..." for each function that was called: INDEX
 *			is that of the function's counters in the symbol table of MODULE.ko
 *
 * The compiler has an array of counters for each function, a symbol that begins with "__gcov0.".
 * A module's symbols are all there when it is being loaded, and only then.
 */
#include <linux/debugfs.h>
#include <linux/export.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#define PREFIX	"__gcov0."

/* One function's. */
struct counters {
	const u64 *now;		/* in the module */
	u64 *before;		/* of earlier times that it was loaded */
	unsigned int index;	/* in the symbol table */
	unsigned int count;
};

/* A module that is, or was, loaded. */
struct instrumented {
	struct list_head node;
	char name[MODULE_NAME_LEN];
	bool is_loaded;
	unsigned int nr_functions;
	struct counters functions[];
};

/* Modules, and what is known of them. */
static DEFINE_MUTEX(modules_lock);
static LIST_HEAD(modules);
static struct dentry *file;

/* The modules refer to it, and nobody calls it: it adds up what programs write when they end. */
void __gcov_merge_add(s64 *counters, unsigned int count);
void __gcov_merge_add(s64 *counters, unsigned int count)
{
}
EXPORT_SYMBOL_GPL(__gcov_merge_add);

static struct instrumented *find(const char *name)
{
	struct instrumented *module;

	list_for_each_entry(module, &modules, node)
		if (!strcmp(module->name, name))
			return module;
	return NULL;
}

static bool has_counters(const struct mod_kallsyms *symbols, unsigned int index)
{
	const char *name = symbols->strtab + symbols->symtab[index].st_name;

	return symbols->symtab[index].st_size && strstarts(name, PREFIX);
}

/* A module is the same file each time that it is loaded. */
static void look_at(struct module *mod)
{
	const struct mod_kallsyms *symbols = rcu_dereference_protected(mod->kallsyms, true);
	struct instrumented *module = find(mod->name);
	unsigned int index, nr_functions = 0;
	struct counters *function;

	for (index = 0; index < symbols->num_symtab; index++)
		nr_functions += has_counters(symbols, index);
	if (!nr_functions)
		return;
	if (!module) {
		module = kvzalloc(struct_size(module, functions, nr_functions), GFP_KERNEL);
		if (!module)
			return;
		strscpy(module->name, mod->name, sizeof(module->name));
		module->nr_functions = nr_functions;
		list_add_tail(&module->node, &modules);
	}
	function = module->functions;
	for (index = 0; index < symbols->num_symtab; index++) {
		if (!has_counters(symbols, index))
			continue;
		function->index = index;
		function->count = symbols->symtab[index].st_size / sizeof(u64);
		function->now = (const u64 *)symbols->symtab[index].st_value;
		if (!function->before)
			function->before = kcalloc(function->count, sizeof(u64), GFP_KERNEL);
		function++;
	}
	module->is_loaded = true;
}

static void keep(const char *name)
{
	struct instrumented *module = find(name);
	unsigned int n, at;

	if (!module || !module->is_loaded)
		return;
	module->is_loaded = false;
	for (n = 0; n < module->nr_functions; n++) {
		struct counters *function = &module->functions[n];

		for (at = 0; function->before && at < function->count; at++)
			function->before[at] += function->now[at];
	}
}

static int on_module(struct notifier_block *block, unsigned long event, void *data)
{
	struct module *mod = data;

	mutex_lock(&modules_lock);
	if (event == MODULE_STATE_COMING)
		look_at(mod);
	else if (event == MODULE_STATE_GOING)
		keep(mod->name);
	mutex_unlock(&modules_lock);
	return NOTIFY_OK;
}

static struct notifier_block notifier = { .notifier_call = on_module };

static void show_function(struct seq_file *out, const struct instrumented *module,
			  const struct counters *function)
{
	unsigned int at;
	u64 all = 0;

	if (!function->before)
		return;
	for (at = 0; at < function->count; at++)
		all |= function->before[at] | (module->is_loaded ? function->now[at] : 0);
	if (!all)
		return;
	seq_printf(out, "|coverage %s %u", module->name, function->index);
	for (at = 0; at < function->count; at++)
		seq_printf(out, " %llu", function->before[at] +
			   (module->is_loaded ? function->now[at] : 0));
	seq_putc(out, '\n');
}

static int coverage_show(struct seq_file *out, void *unused)
{
	struct instrumented *module;
	unsigned int n;

	mutex_lock(&modules_lock);
	list_for_each_entry(module, &modules, node)
		for (n = 0; n < module->nr_functions; n++)
			show_function(out, module, &module->functions[n]);
	mutex_unlock(&modules_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(coverage);

static int __init counters_init(void)
{
	int ret = register_module_notifier(&notifier);

	if (ret)
		return ret;
	file = debugfs_create_file("coverage", 0400, NULL, NULL, &coverage_fops);
	return 0;
}
module_init(counters_init);

static void __exit counters_exit(void)
{
	struct instrumented *module, *next;
	unsigned int n;

	debugfs_remove(file);
	unregister_module_notifier(&notifier);
	list_for_each_entry_safe(module, next, &modules, node) {
		for (n = 0; n < module->nr_functions; n++)
			kfree(module->functions[n].before);
		kvfree(module);
	}
}
module_exit(counters_exit);

MODULE_DESCRIPTION("Counters of instrumented modules, for tests");
MODULE_LICENSE("GPL");
