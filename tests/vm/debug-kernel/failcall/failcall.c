// SPDX-License-Identifier: GPL-2.0-only
/*
 * failcall: the Nth call that a driver makes of functions that may fail does not reach them, and
 * returns an error. For tests only. In debugfs, below failcall/:
 *
 *	function	written: "NAME VALUE [after]". Calls of NAME are counted from now on; the one
 *			that fails returns VALUE, or its third argument ("size": what is left to copy);
 *			with "after" the function does its work all the same
 *	caller		written: "START SIZE", both hexadecimal. Calls from there are counted
 *	nth		written: N. The Nth call from now on fails; 0: none
 *			read: "LEFT NAME": how many calls are left until then, and which function failed
 *
 * What a call returns stands in the caller's table, so nothing here knows any function.
 */
#include <linux/debugfs.h>
#include <linux/kprobes.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/ibt.h>
#include <asm/linkage.h>

#define MOST_CALLERS	8
#define MOST_NAME	64

struct function {
	struct kprobe probe;
	struct kretprobe after;		/* instead of probe: for what is counted even if it fails */
	struct list_head node;
	unsigned long value;
	bool returns_size;
	bool does_its_work;
	char name[MOST_NAME];
};

struct caller {
	unsigned long start;
	unsigned long size;
};

/* functions, callers and their number change under setup_lock; the handler only reads. */
static DEFINE_MUTEX(setup_lock);
static LIST_HEAD(functions);
static struct caller callers[MOST_CALLERS];
static unsigned int nr_callers;
static struct dentry *directory;

/* The calls until the one that fails, 0 when none will. */
static atomic_t calls_left;
static const struct function *failed;

/* A function that has nothing to do but to return. */
void failcall_return(void);
asm(".text\n"
	".type failcall_return, @function\n"
	".globl failcall_return\n"
	"failcall_return:\n"
	ASM_ENDBR
	ASM_RET
	".size failcall_return, .-failcall_return\n");

static bool is_counted(unsigned long address)
{
	unsigned int nr = smp_load_acquire(&nr_callers);

	for (unsigned int n = 0; n < nr; n++)
		if (address - callers[n].start < callers[n].size)
			return true;
	return false;
}

/* Count a call; whether it is the one that fails. */
static bool fails_now(const struct function *function, const struct pt_regs *regs)
{
	if (!atomic_read(&calls_left) || !is_counted(*(unsigned long *)regs->sp))
		return false;
	if (atomic_dec_if_positive(&calls_left))
		return false;
	WRITE_ONCE(failed, function);
	return true;
}
NOKPROBE_SYMBOL(fails_now);

static int on_call(struct kprobe *probe, struct pt_regs *regs)
{
	struct function *function = container_of(probe, struct function, probe);

	if (!fails_now(function, regs))
		return 0;
	regs->ax = function->returns_size ? regs->dx : function->value;
	regs->ip = (unsigned long)failcall_return;
	return 1;
}
NOKPROBE_SYMBOL(on_call);

/* With it the kernel knows that the first handler may go elsewhere. */
static void after_call(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

/* Nonzero: its return is of no interest. */
static int on_call_before(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct kretprobe *probe = get_kretprobe(instance);

	return !probe || !fails_now(container_of(probe, struct function, after), regs);
}
NOKPROBE_SYMBOL(on_call_before);

static int on_return(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct kretprobe *probe = get_kretprobe(instance);

	if (probe)
		regs->ax = container_of(probe, struct function, after)->value;
	return 0;
}
NOKPROBE_SYMBOL(on_return);

static int watch(struct function *function)
{
	if (function->does_its_work) {
		function->after.kp.symbol_name = function->name;
		function->after.entry_handler = on_call_before;
		function->after.handler = on_return;
		function->after.maxactive = 16;
		return register_kretprobe(&function->after);
	}
	function->probe.symbol_name = function->name;
	function->probe.pre_handler = on_call;
	function->probe.post_handler = after_call;
	return register_kprobe(&function->probe);
}

static int read_words(const char __user *from, size_t size, char *text, size_t room)
{
	if (size >= room)
		return -EINVAL;
	if (copy_from_user(text, from, size))
		return -EFAULT;
	text[size] = '\0';
	return 0;
}

static ssize_t function_write(struct file *file, const char __user *from, size_t size, loff_t *pos)
{
	struct function *function;
	char text[128], value[32], how[8] = "";
	long number = 0;
	int ret = read_words(from, size, text, sizeof(text));

	if (ret)
		return ret;
	function = kzalloc(sizeof(*function), GFP_KERNEL);
	if (!function)
		return -ENOMEM;
	if (sscanf(text, "%63s %31s %7s", function->name, value, how) < 2) {
		kfree(function);
		return -EINVAL;
	}
	function->returns_size = !strcmp(value, "size");
	if (!function->returns_size)
		ret = kstrtol(value, 0, &number);
	function->value = number;
	function->does_its_work = !strcmp(how, "after");
	if (!ret)
		ret = watch(function);
	if (ret) {
		kfree(function);
		return ret;
	}
	mutex_lock(&setup_lock);
	list_add(&function->node, &functions);
	mutex_unlock(&setup_lock);
	return size;
}

static const struct file_operations function_operations = {
	.owner = THIS_MODULE,
	.write = function_write,
};

static ssize_t caller_write(struct file *file, const char __user *from, size_t size, loff_t *pos)
{
	unsigned long start, length;
	char text[64];
	int ret = read_words(from, size, text, sizeof(text));

	if (ret)
		return ret;
	if (sscanf(text, "%lx %lx", &start, &length) != 2)
		return -EINVAL;
	mutex_lock(&setup_lock);
	if (nr_callers < MOST_CALLERS) {
		callers[nr_callers].start = start;
		callers[nr_callers].size = length;
		smp_store_release(&nr_callers, nr_callers + 1);
	} else {
		ret = -ENOSPC;
	}
	mutex_unlock(&setup_lock);
	return ret ?: size;
}

static const struct file_operations caller_operations = {
	.owner = THIS_MODULE,
	.write = caller_write,
};

static ssize_t nth_write(struct file *file, const char __user *from, size_t size, loff_t *pos)
{
	char text[32];
	int number, ret = read_words(from, size, text, sizeof(text));

	if (!ret)
		ret = kstrtoint(strim(text), 10, &number);
	if (ret)
		return ret;
	if (number)
		WRITE_ONCE(failed, NULL);
	atomic_set(&calls_left, number);
	return size;
}

static ssize_t nth_read(struct file *file, char __user *to, size_t size, loff_t *pos)
{
	const struct function *function = READ_ONCE(failed);
	char text[MOST_NAME + 32];
	int length = scnprintf(text, sizeof(text), "%d %s\n", atomic_read(&calls_left),
			       function ? function->name : "-");

	return simple_read_from_buffer(to, size, pos, text, length);
}

static const struct file_operations nth_operations = {
	.owner = THIS_MODULE,
	.read = nth_read,
	.write = nth_write,
};

static int __init failcall_init(void)
{
	directory = debugfs_create_dir("failcall", NULL);
	debugfs_create_file("function", 0200, directory, NULL, &function_operations);
	debugfs_create_file("caller", 0200, directory, NULL, &caller_operations);
	debugfs_create_file("nth", 0600, directory, NULL, &nth_operations);
	return 0;
}
module_init(failcall_init);

static void __exit failcall_exit(void)
{
	struct function *function, *next;

	debugfs_remove(directory);
	atomic_set(&calls_left, 0);
	list_for_each_entry_safe(function, next, &functions, node) {
		if (function->does_its_work)
			unregister_kretprobe(&function->after);
		else
			unregister_kprobe(&function->probe);
		kfree(function);
	}
}
module_exit(failcall_exit);

MODULE_DESCRIPTION("Calls of a driver that fail, for tests");
MODULE_LICENSE("GPL");
