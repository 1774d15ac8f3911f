// SPDX-License-Identifier: GPL-2.0-only
#include <linux/userfaultfd.h>
#include <sched.h>
#include <sys/syscall.h>

#include "vmtest.h"

#define LIMIT_MS	20000

pid_t child_start(void (*work)(void *data), void *data)
{
	pid_t child = CHECK_OK(fork());

	if (!child) {
		work(data);
		_exit(0);
	}
	return child;
}

void child_check_ends(const char *what, pid_t child)
{
	int status = 0;
	pid_t ended = 0;

	if (!WAIT_UNTIL((ended = waitpid(child, &status, WNOHANG)), LIMIT_MS))
		FAIL("%s waits for ever", what);
	CHECK_EQ(ended, child);
	CHECK_EQ(status, 0);
}

static const char *proc_read(pid_t child, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", child, name);
	return file_read(path);
}

/* As in /proc/PID/stat */
static char state_of(pid_t child)
{
	return strrchr(proc_read(child, "stat"), ')')[2];
}

bool child_waits(pid_t child)
{
	return state_of(child) == 'D';
}

bool child_sleeps(pid_t child)
{
	return state_of(child) == 'S';
}

int irq_affinity_open(const char *bdf)
{
	char name[64], path[128];

	snprintf(name, sizeof(name), "vfio-msix[0](%s)", bdf);
	for (unsigned int irq = 1; irq < 1024; irq++) {
		char *actions;

		snprintf(path, sizeof(path), "/sys/kernel/irq/%u/actions", irq);
		actions = file_read_try(path);
		if (!actions || strcmp(actions, name))
			continue;
		snprintf(path, sizeof(path), "/proc/irq/%u/smp_affinity", irq);
		return CHECK_OK(open(path, O_RDONLY | O_CLOEXEC));
	}
	FAIL("no interrupt is called %s", name);
}

static void *page_that_never_comes(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = CHECK_OK(syscall(SYS_userfaultfd, O_CLOEXEC));

	CHECK(page != MAP_FAILED);
	range.range.start = (uintptr_t)page;
	range.range.len = 4096;
	CHECK_OK(ioctl(fd, UFFDIO_API, &api));
	CHECK_OK(ioctl(fd, UFFDIO_REGISTER, &range));
	return page;
}

static void read_to_a_page_that_never_comes(void *file)
{
	CHECK_GT(read(*(int *)file, page_that_never_comes(), 64), 0);
}

static pid_t read_affinity_for_ever(const char *bdf)
{
	int file = irq_affinity_open(bdf);
	pid_t child = child_start(read_to_a_page_that_never_comes, &file);

	CHECK(WAIT_UNTIL(!strcmp(proc_read(child, "wchan"), "handle_userfault"), LIMIT_MS));
	close(file);
	return child;
}

static void do_disable_msix(void *device)
{
	vfio_irq_disable(device, VFIO_PCI_MSIX_IRQ_INDEX);
}

pid_t child_disable_msix(struct vfio_device *device)
{
	return child_start(do_disable_msix, device);
}

/* Not any wait: a grace period ends before MSI-X goes, and nobody holds a lock of the driver then. */
static bool waits_for_readers(pid_t child)
{
	return !strcmp(proc_read(child, "wchan"), "proc_entry_rundown");
}

struct stuck_msix stuck_msix_begin(struct vfio_device *device)
{
	struct stuck_msix stuck;

	stuck.reads = read_affinity_for_ever(device->bdf);
	stuck.disables = child_disable_msix(device);
	CHECK(WAIT_UNTIL(waits_for_readers(stuck.disables), LIMIT_MS));
	return stuck;
}

void stuck_msix_end(const struct stuck_msix *stuck)
{
	CHECK(waits_for_readers(stuck->disables));
	CHECK_OK(kill(stuck->reads, SIGKILL));
	CHECK_OK(waitpid(stuck->reads, NULL, 0));
	child_check_ends("who disables MSI-X", stuck->disables);
}

void use_processor(int number)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(number, &set);
	CHECK_OK(sched_setaffinity(0, sizeof(set), &set));
}
