// SPDX-License-Identifier: GPL-2.0-only
#include <sys/mount.h>
#include <sys/stat.h>

#include "vmtest.h"

#define ROOT	"/tmp/cgroup"
#define USER	ROOT "/user"
#define KERNEL	"\nkernel "

#define SETTLED_MS	3000

static void make(const char *directory)
{
	CHECK(!mkdir(directory, 0755) || errno == EEXIST);
}

void cgroup_enter(void)
{
	make(ROOT);
	if (!file_exists(ROOT "/cgroup.procs"))
		CHECK_OK(mount("cgroup", ROOT, "cgroup2", 0, NULL));
	file_write(ROOT "/cgroup.subtree_control", "+memory");
	make(USER);
	file_write(USER "/cgroup.procs", "0");
}

void cgroup_leave(void)
{
	file_write(ROOT "/cgroup.procs", "0");
}

long long cgroup_kernel_memory(void)
{
	char *text = file_read(USER "/memory.stat"), *found = strstr(text, KERNEL);
	long long bytes;

	CHECK(found);
	bytes = strtoll(found + strlen(KERNEL), NULL, 10);
	free(text);
	return bytes;
}

long long cgroup_kernel_memory_settled(void)
{
	long long bytes = cgroup_kernel_memory(), before;

	do {
		before = bytes;
		pause_ms(SETTLED_MS);
		bytes = cgroup_kernel_memory();
	} while (bytes != before);
	return bytes;
}
