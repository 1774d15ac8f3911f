// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of migration that are in use while their session, or the PF, ends. Freed memory is poisoned,
 * so that each use of it is found.
 *
 * vm-machine: connectx
 * vm-drivers: ours
 * vm-modules: mlx5_core
 * vm-cmdline: slub_debug=FZPU page_poison=1 pci=realloc
 */
#include <linux/membarrier.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "connectx.h"
#include "migration.h"
#include "vmtest.h"

#define STATE(name)	VFIO_DEVICE_STATE_##name
#define SIZE		30000
#define IMAGE_BYTES	(8 << 20)
#define LIMIT_MS	60000
#define IOVA	0x40000000ULL

CLEAN_UP
{
	connectx_clean_up();
}

/* A page that appears when let_go_on() says so: a task that touches it waits. */
struct late_page {
	char *memory;
	int fault;
};

static struct late_page late_page_at(char *memory)
{
	struct uffdio_register range = {
		.range = { (uintptr_t)memory, 4096 },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_api api = { .api = UFFD_API };
	struct late_page page = {
		.memory = memory,
		.fault = CHECK_OK(syscall(SYS_userfaultfd, O_NONBLOCK | O_CLOEXEC)),
	};

	CHECK_OK(ioctl(page.fault, UFFDIO_API, &api));
	CHECK_OK(ioctl(page.fault, UFFDIO_REGISTER, &range));
	return page;
}

static char *map_memory(size_t size)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED);
	/* Each page comes by a fault of its own. */
	CHECK_OK(madvise(memory, size, MADV_NOHUGEPAGE));
	return memory;
}

static void wait_until_touched(const struct late_page *page)
{
	struct pollfd wait = { .fd = page->fault, .events = POLLIN };

	CHECK_EQ(poll(&wait, 1, LIMIT_MS), 1);
}

static void let_go_on(const struct late_page *page)
{
	struct uffdio_zeropage zero = { .range = { (uintptr_t)page->memory, 4096 } };

	CHECK_OK(ioctl(page->fault, UFFDIO_ZEROPAGE, &zero));
}

/* One processor, on which no worker of the kernel runs meanwhile; and back again. */
static void run_alone(bool alone)
{
	struct sched_param param = { .sched_priority = alone ? 50 : 0 };

	use_processor(0);
	CHECK_OK(sched_setscheduler(0, alone ? SCHED_FIFO : SCHED_OTHER, &param));
}

static struct vfio_device *source, *target;

static void *stop_saving(void *data)
{
	const struct late_page *page = data;
	int none;

	wait_until_touched(page);
	CHECK_EQ(migration_set_try(source, STATE(STOP), &none), 0);
	let_go_on(page);
	return NULL;
}

/* The reader is the session's last user, and has just reached the end of an image. */
TEST(a_reader_may_come_to_his_end_after_the_session)
{
	struct migration_image image;
	struct late_page page;
	pthread_t thread;
	char *bytes;
	int data;

	connectx_open_two(&source, &target);
	CHECK_EQ(window_fill(source, SIZE, 31), WINDOW_DONE);
	image = migration_save(source);
	migration_set(source, STATE(RUNNING));
	bytes = map_memory(image.size);
	data = migration_set(source, STATE(STOP_COPY));
	for (size_t got = 0; got < image.size - 100;)
		got += CHECK_OK(read(data, bytes + got, image.size - 100 - got));
	page = late_page_at(map_memory(4096));
	CHECK_EQ(pthread_create(&thread, NULL, stop_saving, &page), 0);
	run_alone(true);
	CHECK_EQ(read(data, page.memory, 4096), 100);
	close(data);
	run_alone(false);
	pthread_join(thread, NULL);
	/* A worker of this processor finishes what was left to it before this. */
	migration_set(source, STATE(RUNNING));
	migration_save(source);
}

static void *write_image(void *data)
{
	const uint64_t header[2] = { IMAGE_BYTES, 0 };
	struct late_page *page = data;
	char *bytes = page->memory - (1 << 20);
	int fd;

	memcpy(&fd, bytes, sizeof(fd));
	memcpy(bytes, header, sizeof(header));
	CHECK_LT(write(fd, bytes, sizeof(header) + IMAGE_BYTES), IMAGE_BYTES);
	close(fd);
	return NULL;
}

TEST(a_writer_may_come_to_his_end_after_the_pf)
{
	const char *pf = connectx_pf_with_vfs(2);
	char *bytes = map_memory(2 * IMAGE_BYTES);
	char bdf[16];
	struct late_page page;
	pthread_t thread;
	int data;

	connectx_open_two(&source, &target);
	strcpy(bdf, target->bdf);
	vfio_close(source);
	data = migration_set(target, STATE(RESUMING));
	memcpy(bytes, &data, sizeof(data));
	page = late_page_at(bytes + (1 << 20));
	CHECK_EQ(pthread_create(&thread, NULL, write_image, &page), 0);
	wait_until_touched(&page);
	vfio_close(target);
	pci_unbind(bdf);
	pci_set_vfs(pf, 0);
	pci_unbind(pf);
	/* Two grace periods, in which all of the PF is freed. */
	CHECK_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
	CHECK_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
	let_go_on(&page);
	pthread_join(thread, NULL);
	connectx_reload_afterwards();
}

/* After the session's end no one but the writer would hold its memory. */
TEST(a_writer_whose_session_has_ended_takes_no_more)
{
	char *bytes = map_memory(2 * IMAGE_BYTES);
	struct late_page page, later;
	struct pollfd touched;
	pthread_t thread;
	int data;

	connectx_open_two(&source, &target);
	data = migration_set(target, STATE(RESUMING));
	memcpy(bytes, &data, sizeof(data));
	page = late_page_at(bytes + (1 << 20));
	later = late_page_at(bytes + (5 << 20));
	CHECK_EQ(pthread_create(&thread, NULL, write_image, &page), 0);
	wait_until_touched(&page);
	vfio_reset(target);
	CHECK_EQ(migration_state(target), STATE(RUNNING));
	let_go_on(&page);
	touched = (struct pollfd){ .fd = later.fault, .events = POLLIN };
	CHECK_EQ(poll(&touched, 1, 3000), 0);
	pthread_join(thread, NULL);
}

TEST_OURS(a_loading_session_that_has_ended_keeps_no_image)
{
	const uint64_t header[2] = { IMAGE_BYTES, 0 };
	char *bytes = map_memory(IMAGE_BYTES);
	long long before;
	int data;

	connectx_open_two(&source, &target);
	cgroup_enter();
	before = cgroup_kernel_memory();
	data = migration_set(target, STATE(RESUMING));
	CHECK_EQ(write(data, header, sizeof(header)), sizeof(header));
	CHECK_EQ(write(data, bytes, IMAGE_BYTES - 1), IMAGE_BYTES - 1);
	CHECK_LE(IMAGE_BYTES, cgroup_kernel_memory() - before);
	vfio_reset(target);
	CHECK_EQ(migration_state(target), STATE(RUNNING));
	/* The next request that takes the driver's lock ends the session, or has it ended. */
	migration_data_size(target);
	CHECK_LT(cgroup_kernel_memory() - before, IMAGE_BYTES / 2);
	close(data);
	cgroup_leave();
}

static void *report(void *data)
{
	const struct late_page *page = data;

	return (void *)(intptr_t)dma_logging_report_try(source, IOVA, 64 * 4096, 4096,
							(uint64_t *)page->memory);
}

/* It needs the lock that the PF's driver needs. */
static void *ask_for_size(void *data)
{
	migration_data_size(source);
	__atomic_store_n((bool *)data, true, __ATOMIC_SEQ_CST);
	return NULL;
}

/* It would hold up the PF's driver, too. Newer kernels, with iommufd, wait amid a report. */
TEST(a_report_that_waits_for_its_users_memory_holds_up_nobody)
{
	const struct dma_range range = { IOVA, 64 * 4096 };
	struct late_page page = late_page_at(map_memory(4096));
	pthread_t reporter, asker;
	bool is_answered = false;
	void *result;
	int error;

	connectx_open_two(&source, &target);
	vfio_dma_alloc(source, IOVA, 64 * 4096);
	error = dma_logging_start_try(source, &range, 1, 4096);
	if (error && dma_logging_cannot_report())
		SKIP("vfio cannot report logged DMA");
	CHECK_EQ(error, 0);
	CHECK_EQ(window_write(source, IOVA + 5 * 4096, 1, 0, 1, 1), WINDOW_DONE);
	CHECK_EQ(pthread_create(&reporter, NULL, report, &page), 0);
	wait_until_touched(&page);
	CHECK_EQ(pthread_create(&asker, NULL, ask_for_size, &is_answered), 0);
	CHECK(WAIT_UNTIL(__atomic_load_n(&is_answered, __ATOMIC_SEQ_CST), 5000));
	let_go_on(&page);
	pthread_join(reporter, &result);
	pthread_join(asker, NULL);
	CHECK_EQ((intptr_t)result, 0);
	CHECK_EQ(*(uint64_t *)page.memory, 1 << 5);
}
