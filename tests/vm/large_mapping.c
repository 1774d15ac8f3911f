// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of a BAR of 1 GiB: as a VMM maps it, at an address aligned like the BAR, and not so.
 *
 * vm-machine: large-bar
 * vm-drivers: ours kernel
 * vm-threads: multi
 * vm-seconds: 120
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmtest.h"

#define BAR	VFIO_PCI_BAR2_REGION_INDEX
#define PAGE	4096UL
#define STEP	(2UL << 20)
#define GIB	(1UL << 30)

static struct vfio_device *open_large(void)
{
	return vfio_open_with_memory("large0", "disable_idle_d3=1");
}

/* Maps the whole BAR, this much behind a multiple of 1 GiB. */
static volatile char *map_whole(struct vfio_device *device, size_t behind)
{
	struct vfio_region_info *info = vfio_region(device, BAR);
	char *room = mmap(NULL, 3 * GIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			  -1, 0);
	char *aligned = (char *)(((uintptr_t)room + GIB - 1) & ~(GIB - 1)) + behind;
	void *memory;

	CHECK(room != MAP_FAILED);
	CHECK_EQ(info->size, GIB);
	memory = mmap(aligned, GIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, device->fd,
		      info->offset);
	CHECK(memory != MAP_FAILED);
	free(info);
	return memory;
}

static long page_faults(void)
{
	struct rusage usage;

	CHECK_OK(getrusage(RUSAGE_SELF, &usage));
	return usage.ru_minflt;
}

/* Some places in the BAR, no two of them in one page. */
static size_t place(int n)
{
	return n * (GIB / 64) + n * 3 * PAGE + 4 * n;
}

/* All of it but the page at HOLE. */
static void check_is_the_bar_around(struct vfio_device *device, volatile char *memory, size_t hole)
{
	for (int n = 0; n < 64; n++) {
		if (place(n) / PAGE == hole / PAGE)
			continue;
		vfio_write(device, BAR, place(n), 0x1000 + n, 4);
		CHECK_EQ(*(volatile uint32_t *)(memory + place(n)), 0x1000 + n);
		*(volatile uint32_t *)(memory + place(n)) = 0x2000 + n;
		CHECK_EQ(vfio_read(device, BAR, place(n), 4), 0x2000 + n);
	}
}

static void check_is_the_bar(struct vfio_device *device, volatile char *memory)
{
	check_is_the_bar_around(device, memory, GIB);
}

TEST(a_whole_bar_takes_a_handful_of_page_faults)
{
	struct vfio_device *device = open_large();
	volatile char *memory = map_whole(device, 0);
	long before = page_faults();

	for (size_t at = 0; at < GIB; at += STEP)
		(void)memory[at];
	CHECK_LE(page_faults() - before, 8);
	check_is_the_bar(device, memory);
}

TEST(every_page_is_the_bars_wherever_it_is_mapped)
{
	static const size_t behind[] = { 0, PAGE, STEP, STEP + PAGE, GIB / 2 };
	struct vfio_device *device = open_large();

	for (int i = 0; i < 5; i++)
		check_is_the_bar(device, map_whole(device, behind[i]));
}

static __thread sigjmp_buf refused;

static void on_sigbus(int number)
{
	(void)number;
	siglongjmp(refused, 1);
}

static bool answers(volatile char *address)
{
	if (sigsetjmp(refused, 1))
		return false;
	(void)*address;
	return true;
}

TEST(a_mapping_is_whole_again_after_decoding_was_off)
{
	struct vfio_device *device = open_large();
	volatile char *memory = map_whole(device, 0);

	signal(SIGBUS, on_sigbus);
	check_is_the_bar(device, memory);
	cfg_command(device, 0, PCI_COMMAND_MEMORY);
	for (int n = 0; n < 64; n++)
		CHECK(!answers(memory + place(n)));
	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	check_is_the_bar(device, memory);
}

static volatile char *touched;
static bool is_over;

static void *touch_all_the_time(void *unused)
{
	(void)unused;
	for (unsigned int n = 0; !__atomic_load_n(&is_over, __ATOMIC_RELAXED); n += 7)
		answers(touched + place(n % 64));
	return NULL;
}

/* A revocation cuts off one of the faults that fill the mapping, and another goes on there. */
TEST(decoding_that_is_switched_while_others_fault_leaves_no_page)
{
	struct vfio_device *device = open_large();
	pthread_t threads[2];

	signal(SIGBUS, on_sigbus);
	touched = map_whole(device, 0);
	for (int i = 0; i < 2; i++)
		CHECK(!pthread_create(&threads[i], NULL, touch_all_the_time, NULL));
	for (int round = 0; round < 20; round++) {
		cfg_command(device, 0, PCI_COMMAND_MEMORY);
		for (int n = 0; n < 64; n++)
			CHECK(!answers(touched + place(n)));
		cfg_command(device, PCI_COMMAND_MEMORY, 0);
		CHECK(answers(touched + place(round)));
	}
	__atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		CHECK(!pthread_join(threads[i], NULL));
	check_is_the_bar(device, touched);
}

/* With the kernel's driver on 7.3 it takes the BAR for a page table, and the host panics. */
TEST_OURS(a_page_of_a_large_mapping_can_be_unmapped)
{
	const size_t hole = 5 * PAGE;
	struct vfio_device *device = open_large();
	volatile char *memory = map_whole(device, 0);

	signal(SIGBUS, on_sigbus);
	check_is_the_bar(device, memory);
	CHECK_OK(munmap((char *)memory + hole, PAGE));
	check_is_the_bar_around(device, memory, hole);
}

TEST_OURS(a_page_of_a_large_mapping_can_be_protected)
{
	const size_t page = GIB / 2 + 7 * PAGE;
	struct vfio_device *device = open_large();
	volatile char *memory = map_whole(device, 0);

	check_is_the_bar(device, memory);
	CHECK_OK(mprotect((char *)memory + page, PAGE, PROT_READ));
	check_is_the_bar_around(device, memory, page);
	vfio_write(device, BAR, page, 0x4711, 4);
	CHECK_EQ(*(volatile uint32_t *)(memory + page), 0x4711);
}

TEST_OURS(a_part_of_a_large_mapping_can_be_moved)
{
	const size_t part = 3 * STEP + 5 * PAGE;
	struct vfio_device *device = open_large();
	volatile char *memory = map_whole(device, 0), *room, *moved;

	check_is_the_bar(device, memory);
	room = mmap(NULL, STEP, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(room != MAP_FAILED);
	moved = mremap((char *)memory + part, STEP, STEP, MREMAP_MAYMOVE | MREMAP_FIXED, room);
	CHECK(moved == room);
	vfio_write(device, BAR, part + STEP - PAGE, 0x4712, 4);
	CHECK_EQ(*(volatile uint32_t *)(moved + STEP - PAGE), 0x4712);
}

static void protect_pages_behind_the_driver(void)
{
	int fd = CHECK_OK(open("/proc/self/clear_refs", O_WRONLY));

	/* Soft-dirty bits, of which only read-only pages can tell. */
	CHECK_EQ(write(fd, "4", 1), 1);
	close(fd);
}

static void check_is_written(volatile char *memory)
{
	int zero = CHECK_OK(open("/dev/zero", O_RDONLY)), status;
	pid_t child = CHECK_OK(fork());

	if (!child) {
		(void)*memory;
		*memory = 1;
		/* Now the kernel writes, as long as the page is read-only. */
		(void)memory[STEP];
		_exit(read(zero, (char *)memory + STEP, 64) != 64 || *memory != 1);
	}
	CHECK_OK(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
	close(zero);
}

/* With the kernel's driver from 6.12 on the write never ends, and in the kernel nothing ends it. */
TEST_OURS(a_write_to_a_page_that_has_become_read_only_ends)
{
	struct vfio_device *device = open_large();
	volatile char *memory = map_whole(device, 0), *unaligned = map_whole(device, PAGE);

	protect_pages_behind_the_driver();
	check_is_written(memory);
	check_is_written(unaligned);
}

static bool maps_hugely_and_is_ours(void)
{
	return !kernel_is("6.1") && driver_is_ours();
}

/* fork() would copy an entry that it has read before the driver takes it away. */
TEST_WHEN(maps_hugely_and_is_ours, a_child_faults_in_a_mapping_of_its_own)
{
	struct vfio_device *device = open_large();
	volatile char *memory = map_whole(device, 0);

	for (int is_kept = 0; is_kept < 2; is_kept++) {
		int status;
		pid_t child;

		if (is_kept)
			CHECK_OK(madvise((char *)memory, GIB, MADV_KEEPONFORK));
		check_is_the_bar(device, memory);
		child = CHECK_OK(fork());
		if (!child) {
			long before = page_faults();

			check_is_the_bar(device, memory);
			_exit(page_faults() == before);
		}
		CHECK_OK(waitpid(child, &status, 0));
		CHECK_EQ(status, 0);
	}
}

/* A thread that touches the BAR once. */
struct toucher {
	volatile char *address;
	bool is_write;
	int policy;
	pthread_t thread;
	pid_t tid;
	bool is_done;
};

static void *touches(void *data)
{
	struct toucher *toucher = data;
	struct sched_param parameters = { 0 };

	use_processor(0);
	CHECK_OK(sched_setscheduler(0, toucher->policy, &parameters));
	__atomic_store_n(&toucher->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	if (toucher->is_write)
		*toucher->address = 1;
	else
		(void)*toucher->address;
	__atomic_store_n(&toucher->is_done, true, __ATOMIC_RELEASE);
	return NULL;
}

static bool waits_in(const struct toucher *toucher, const char *function)
{
	char path[64], *stack;
	bool waits;

	if (!__atomic_load_n(&toucher->tid, __ATOMIC_ACQUIRE))
		return false;
	snprintf(path, sizeof(path), "/proc/self/task/%d/stack", toucher->tid);
	stack = file_read_try(path);
	waits = stack && strstr(stack, function);
	free(stack);
	return waits;
}

/* Whether it has had to wait. */
static bool touch(struct toucher *toucher, const char *function)
{
	bool waits = false;

	CHECK(!pthread_create(&toucher->thread, NULL, touches, toucher));
	CHECK(WAIT_UNTIL((waits = waits_in(toucher, function)) ||
			 __atomic_load_n(&toucher->is_done, __ATOMIC_ACQUIRE), 60000));
	return waits;
}

static void *resets_it(void *device)
{
	use_processor(1);
	vfio_reset_try(device);
	return NULL;
}

/*
 * Both wait for the end of a reset. The write is about to map 2 MiB; the read has come after huge
 * pages were disabled, maps a small page, and is quicker, since the writer's thread is idle.
 */
static bool race_faults(struct vfio_device *device, volatile char *memory)
{
	struct toucher writer = { .address = memory, .is_write = true, .policy = SCHED_IDLE };
	struct toucher reader = { .address = memory + PAGE, .policy = SCHED_OTHER };
	pthread_t resetting;
	bool both_wait;

	CHECK(!pthread_create(&resetting, NULL, resets_it, device));
	both_wait = touch(&writer, "bar_huge_fault");
	CHECK_OK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	both_wait &= touch(&reader, "bar_fault");
	pthread_join(reader.thread, NULL);
	pthread_join(writer.thread, NULL);
	pthread_join(resetting, NULL);
	CHECK_OK(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	CHECK_EQ(munmap((char *)memory, GIB), 0);
	return both_wait;
}

TEST_WHEN(maps_hugely_and_is_ours, a_small_fault_beside_a_huge_one_leaves_the_host_calm)
{
	struct vfio_device *device = open_large();
	int raced = 0;

	use_processor(1);
	for (int n = 0; n < 500 && raced < 10; n++)
		raced += race_faults(device, map_whole(device, 0));
	test_note("%d rounds", raced);
	CHECK_GE(raced, 10);
}

static bool maps_in_bulk_and_is_ours(void)
{
	return kernel_is("6.1") && driver_is_ours();
}

/* Maps and touches all of 16 GiB, again and again, with memory for a part of the page tables. */
static void needs_tables(void *data)
{
	struct vfio_device *device = data;

	cgroup_enter();
	cgroup_throttle(4 << 20);
	signal(SIGBUS, on_sigbus);
	for (;;) {
		volatile char *memory = vfio_mmap(device, BAR, PAGE, 16 * GIB, PROT_READ);

		CHECK(memory != MAP_FAILED);
		for (size_t at = 0; at < 16 * GIB; at += STEP)
			answers(memory + at);
		munmap((char *)memory, 16 * GIB);
	}
}

/* How often it has slept, if it sleeps in a fault until its memory cgroup has room; or -1. */
static long throttled(pid_t child)
{
	char path[64], *stack, *status, *count;
	long times = -1;

	snprintf(path, sizeof(path), "/proc/%d/stack", child);
	stack = file_read(path);
	snprintf(path, sizeof(path), "/proc/%d/status", child);
	status = file_read(path);
	count = strstr(status, "\nvoluntary_ctxt_switches:");
	if (count && strstr(stack, "mem_cgroup_handle_over_high") && strstr(stack, "bar_fault"))
		times = atol(strchr(count, ':') + 1);
	free(stack);
	free(status);
	return times;
}

/* With the kernel's driver all wait until the whole BAR is mapped. From 6.12 on it is one table. */
TEST_WHEN(maps_in_bulk_and_is_ours, who_sleeps_for_the_memory_of_a_mapping_holds_up_nobody)
{
	struct vfio_device *device = vfio_open_with_memory("large1", "disable_idle_d3=1");
	pid_t child = child_start(needs_tables, device);
	bool is_still_asleep = false;
	int status;

	/* It may wake up meanwhile by itself. */
	for (int n = 0; n < 20 && !is_still_asleep; n++) {
		long before = -1;

		CHECK(WAIT_UNTIL((before = throttled(child)) >= 0, 60000));
		cfg_command(device, 0, PCI_COMMAND_MEMORY);
		is_still_asleep = throttled(child) == before;
		cfg_command(device, PCI_COMMAND_MEMORY, 0);
	}
	CHECK(is_still_asleep);
	kill(child, SIGKILL);
	CHECK_OK(waitpid(child, &status, 0));
}
