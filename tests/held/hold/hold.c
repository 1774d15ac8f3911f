// SPDX-License-Identifier: GPL-2.0-only
/*
 * hold: the next call of a function waits at its first instruction until it is let go. What must
 * not happen meanwhile can then be tried, without any luck. For tests only. In debugfs, below hold/:
 *
 *	function	written: the name of a function. Its next call waits
 *	state		read: "armed", "held", or "idle"; written, anything: the call goes on
 *
 * The processor that makes the call does nothing else until then, not even take interrupts if they
 * were off. One that is forgotten goes on before the kernel takes the processor for dead.
 */
#include <linux/debugfs.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#define LONGEST_NS	(15ULL * NSEC_PER_SEC)

enum { IDLE, ARMED, HELD };

static const char * const names[] = { "idle\n", "armed\n", "held\n" };
static atomic_t state = ATOMIC_INIT(IDLE);

/* The probe is registered and taken away under setup_lock. */
static DEFINE_MUTEX(setup_lock);
static struct kprobe probe;
static char function[64];
static struct dentry *directory;

static int on_call(struct kprobe *kprobe, struct pt_regs *regs)
{
	u64 end = ktime_get_mono_fast_ns() + LONGEST_NS;

	if (atomic_cmpxchg(&state, ARMED, HELD) != ARMED)
		return 0;
	while (atomic_read_acquire(&state) == HELD && ktime_get_mono_fast_ns() < end)
		cpu_relax();
	atomic_set(&state, IDLE);
	return 0;
}
NOKPROBE_SYMBOL(on_call);

static void forget(void)
{
	lockdep_assert_held(&setup_lock);

	atomic_set_release(&state, IDLE);
	if (probe.symbol_name)
		unregister_kprobe(&probe);
	probe = (struct kprobe){ .pre_handler = on_call };
}

static ssize_t function_write(struct file *file, const char __user *from, size_t size, loff_t *pos)
{
	int ret;

	if (size >= sizeof(function))
		return -EINVAL;
	mutex_lock(&setup_lock);
	forget();
	if (copy_from_user(function, from, size)) {
		ret = -EFAULT;
		goto unlock;
	}
	function[size] = '\0';
	probe.symbol_name = strim(function);
	ret = register_kprobe(&probe);
	if (ret)
		probe.symbol_name = NULL;
	else
		atomic_set_release(&state, ARMED);
unlock:
	mutex_unlock(&setup_lock);
	return ret ?: size;
}

static const struct file_operations function_operations = {
	.owner = THIS_MODULE,
	.write = function_write,
};

static ssize_t state_read(struct file *file, char __user *to, size_t size, loff_t *pos)
{
	const char *name = names[atomic_read(&state)];

	return simple_read_from_buffer(to, size, pos, name, strlen(name));
}

static ssize_t state_write(struct file *file, const char __user *from, size_t size, loff_t *pos)
{
	atomic_set_release(&state, IDLE);
	return size;
}

static const struct file_operations state_operations = {
	.owner = THIS_MODULE,
	.read = state_read,
	.write = state_write,
};

static int __init hold_init(void)
{
	directory = debugfs_create_dir("hold", NULL);
	debugfs_create_file("function", 0200, directory, NULL, &function_operations);
	debugfs_create_file("state", 0600, directory, NULL, &state_operations);
	return 0;
}
module_init(hold_init);

static void __exit hold_exit(void)
{
	debugfs_remove(directory);
	mutex_lock(&setup_lock);
	forget();
	mutex_unlock(&setup_lock);
}
module_exit(hold_exit);

MODULE_DESCRIPTION("Calls of a function that wait, for tests");
MODULE_LICENSE("GPL");
