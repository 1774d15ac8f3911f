// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that hangs, and of which the kernel says that a processor idles though its timers are
 * overdue, is booted again, and has failed in the end.
 *
 * vm-machine: default
 * vm-drivers: kernel
 * vm-timeout: 10
 */
#include "vmtest.h"

TEST(no_timer_comes)
{
	file_write("/dev/kmsg", "NMI backtrace for cpu 0 skipped: idling at native_safe_halt+0xb/0x10\n");
	file_write("/dev/kmsg", "rcu: rcu_preempt kthread timer wakeup didn't happen for 5251 jiffies!\n");
	pause();
}
