// SPDX-License-Identifier: GPL-2.0-only
/*
 * hold: the next call of a function waits at its first instruction until it is let go. What must
 * not happen meanwhile can then be tried, without any luck. For tests only. Its parameters:
 *
 *	function	written: the name of a function. Its next call waits
 *	state		read: "armed", "held", or "idle"; written, anything: the call goes on
 *
 * The processor that makes the call does nothing else until then, not even take interrupts if they
 * were off. One that is forgotten goes on before the kernel takes the processor for dead.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#define LONGEST_NS	(15ULL * NSEC_PER_SEC)

enum { IDLE, ARMED, HELD };

static const char * const names[] = { "idle", "armed", "held" };
static atomic_t state = ATOMIC_INIT(IDLE);

/* The lock of the module's parameters protects both: one is written at a time. */
static struct kprobe probe;
static char function[64];

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
	atomic_set_release(&state, IDLE);
	if (probe.symbol_name)
		unregister_kprobe(&probe);
	probe = (struct kprobe){ .pre_handler = on_call };
}

static int function_set(const char *text, const struct kernel_param *kp)
{
	int ret;

	if (strlen(text) >= sizeof(function))
		return -EINVAL;
	forget();
	probe.symbol_name = strim(strcpy(function, text));
	/*
	 * A module that was loaded lately has its initialisation freed in the background. That asks
	 * all processors for an answer, and who asks does nothing else until the last has given it.
	 */
	flush_scheduled_work();
	ret = register_kprobe(&probe);
	if (ret)
		probe.symbol_name = NULL;
	else
		atomic_set_release(&state, ARMED);
	return ret;
}

static const struct kernel_param_ops function_ops = { .set = function_set };
module_param_cb(function, &function_ops, NULL, 0200);
MODULE_PARM_DESC(function, "whose next call waits");

static int state_set(const char *text, const struct kernel_param *kp)
{
	atomic_set_release(&state, IDLE);
	return 0;
}

static int state_get(char *buffer, const struct kernel_param *kp)
{
	return sprintf(buffer, "%s\n", names[atomic_read(&state)]);
}

static const struct kernel_param_ops state_ops = { .set = state_set, .get = state_get };
module_param_cb(state, &state_ops, NULL, 0600);
MODULE_PARM_DESC(state, "armed, held, or idle; written: the call goes on");

static int __init hold_init(void)
{
	return 0;
}
module_init(hold_init);

static void __exit hold_exit(void)
{
	forget();
}
module_exit(hold_exit);

MODULE_DESCRIPTION("Calls of a function that wait, for tests");
MODULE_LICENSE("GPL");
