// SPDX-License-Identifier: GPL-2.0-only
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "vmtest.h"

#define ROOT	"/tmp/cgroup"
#define USER	ROOT "/user"
#define KERNEL	"\nkernel "

/* The kernel adds up what its processors have counted when it is more than 64 pages for each. */
#define MUCH	(16 << 20)

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

void cgroup_throttle(unsigned long bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu", bytes);
	file_write(USER "/memory.high", text);
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

long long cgroup_kernel_memory_counted(void)
{
	void *memory = mmap(NULL, MUCH, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	CHECK_NE(memory, MAP_FAILED);
	CHECK_OK(munmap(memory, MUCH));
	return cgroup_kernel_memory();
}
