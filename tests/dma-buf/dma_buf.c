// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parts of BARs as dma-bufs (VFIO_DEVICE_FEATURE_DMA_BUF). importer/ is the driver of another
 * function, witness1, whose DMA engine then writes to witness0; and witness0 counts what arrives
 * while it sleeps, is reset or does not decode.
 *
 * vm-machine: peers
 * vm-drivers: ours kernel
 * vm-sources: lib/peer.c
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "cgroup.h"
#include "lib/peer.h"

#define LIMIT_MS	20000
#define MEMORY		WITNESS_MEMORY
#define BAR_SIZE	0x10000ULL
/* Of large0, which has more pages than a buffer may have ranges. */
#define LARGE_BAR	2
/* To see what one costs. There are three times as many. */
#define BUFFERS		300
/* The most that a device has. */
#define MOST		1000
/* The most that a buffer has. */
#define MOST_RANGES	1024

#define GET		(VFIO_DEVICE_FEATURE_DMA_BUF | VFIO_DEVICE_FEATURE_GET)
#define SET		(VFIO_DEVICE_FEATURE_DMA_BUF | VFIO_DEVICE_FEATURE_SET)

static struct vfio_device *exporter;

static void open_exporter(void)
{
	stop_dma();
	exporter = vfio_open_with_memory("witness0", NULL);
	module_load("kernel", "importer", NULL);
}

CLEAN_UP
{
	if (module_loaded("importer"))
		module_unload("importer");
	exporter = NULL;
}

/* --- giving --- */

TEST(another_function_writes_to_the_bar)
{
	struct importer_state now;
	int importer;

	open_exporter();
	importer = attach(memory_buffer(exporter), PEER);
	start_dma(importer);
	CHECK(writing_goes_on(exporter));
	now = importer_state(importer);
	CHECK_EQ(now.length, PAGE);
	CHECK_EQ(now.revocations, 0);
}

TEST(a_buffer_has_the_size_of_its_ranges_and_cannot_be_mapped_by_user_space)
{
	struct dma_buf_request request = {
		.nr_ranges = 2,
		.ranges = { { MEMORY, PAGE }, { 3 * PAGE, 2 * PAGE } },
	};
	int buffer;

	open_exporter();
	buffer = CHECK_OK(buffer_try(exporter, &request));
	CHECK_EQ(lseek(buffer, 0, SEEK_END), 3 * PAGE);
	CHECK_ERRNO(EINVAL, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, buffer, 0));
}

TEST(only_drivers_that_let_go_when_told_are_given_a_buffer)
{
	int buffer;

	open_exporter();
	buffer = memory_buffer(exporter);
	CHECK_ERR(EOPNOTSUPP, attach_try(buffer, 0));
	CHECK_ERR(EOPNOTSUPP, attach_try(buffer, IMPORTER_PEER));
	CHECK_ERR(EOPNOTSUPP, attach_try(buffer, IMPORTER_REVOCABLE));
	CHECK_EQ(map_try(attach(buffer, PEER)), 0);
}

/*
 * The kernel maps all of them to the same IOMMU address: where that does not fail, it warns each time,
 * or maps the wrong memory. Its own driver has it do so.
 */
TEST_OURS(several_ranges_are_mapped_without_an_iommu_and_refused_with_one)
{
	struct dma_buf_request request = {
		.nr_ranges = 2,
		.ranges = { { MEMORY, PAGE }, { 3 * PAGE, 2 * PAGE } },
	};
	int two, importer;

	open_exporter();
	two = CHECK_OK(buffer_try(exporter, &request));
	CHECK_ERR(EOPNOTSUPP, map_try(attach(two, PEER)));
	importer = attach(memory_buffer(exporter), PEER);
	CHECK_EQ(map_try(importer), 0);
	CHECK_OK(ioctl(importer, IMPORTER_UNMAP));

	pci_attr_set(vm_bdf("witness1"), "iommu_group/type", "identity");
	importer = attach(two, PEER);
	CHECK_EQ(map_try(importer), 0);
	CHECK_EQ(importer_state(importer).length, PAGE);
	close(importer);
	pci_attr_set(vm_bdf("witness1"), "iommu_group/type", "DMA");
}

TEST(whether_there_are_buffers_can_be_asked)
{
	open_exporter();
	CHECK_EQ(feature_try(exporter, GET | VFIO_DEVICE_FEATURE_PROBE, NULL, 0), 0);
	CHECK_ERR(EINVAL, feature_try(exporter, SET | VFIO_DEVICE_FEATURE_PROBE, NULL, 0));
}

static const struct bad_request {
	const char *what;
	int error;
	struct dma_buf_request request;
} bad_requests[] = {
	{ "no range", EINVAL, { .nr_ranges = 0 } },
	{ "a flag", EINVAL, { .flags = 1, .nr_ranges = 1, .ranges = { { 0, PAGE } } } },
	{ "ports", EINVAL, { .region = 2, .nr_ranges = 1, .ranges = { { 0, PAGE } } } },
	{ "no such BAR", ENODEV, { .region = 3, .nr_ranges = 1, .ranges = { { 0, PAGE } } } },
	{ "the ROM", ENODEV, { .region = VFIO_PCI_ROM_REGION_INDEX, .nr_ranges = 1,
			       .ranges = { { 0, PAGE } } } },
	{ "no region", ENODEV, { .region = ~0U, .nr_ranges = 1, .ranges = { { 0, PAGE } } } },
	{ "nothing", EINVAL, { .nr_ranges = 1, .ranges = { { 0, 0 } } } },
	{ "half a page", EINVAL, { .nr_ranges = 1, .ranges = { { 0, PAGE / 2 } } } },
	{ "from half a page", EINVAL, { .nr_ranges = 1, .ranges = { { PAGE / 2, PAGE } } } },
	{ "beyond the end", EINVAL, { .nr_ranges = 1, .ranges = { { BAR_SIZE, PAGE } } } },
	{ "over the end", EINVAL, { .nr_ranges = 1, .ranges = { { PAGE, BAR_SIZE } } } },
	{ "the last of two over the end", EINVAL,
	  { .nr_ranges = 2, .ranges = { { 0, PAGE }, { PAGE, BAR_SIZE } } } },
};

TEST(a_bad_request_is_refused)
{
	open_exporter();
	for (unsigned int n = 0; n < sizeof(bad_requests) / sizeof(*bad_requests); n++) {
		test_note("%s", bad_requests[n].what);
		CHECK_EQ(buffer_try(exporter, &bad_requests[n].request), -bad_requests[n].error);
	}
	/* The next one is none. */
	CHECK_EQ(map_try(attach(memory_buffer(exporter), PEER)), 0);
}

TEST(a_request_without_its_ranges_is_refused)
{
	struct dma_buf_request request = { .nr_ranges = 1, .ranges = { { 0, PAGE } } };
	struct vfio_device_feature *argument = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
						    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t fixed = offsetof(struct dma_buf_request, ranges);

	open_exporter();
	CHECK_ERR(EINVAL, feature_try(exporter, GET, &request, fixed - 1));
	CHECK_ERR(EINVAL, feature_try(exporter, SET, &request, sizeof(request)));
	/* They would be in memory that is not there. */
	CHECK_EQ(munmap((char *)argument + PAGE, PAGE), 0);
	argument = (void *)((char *)argument + PAGE - sizeof(*argument) - fixed);
	argument->argsz = sizeof(*argument) + fixed;
	argument->flags = GET;
	memcpy(argument->data, &request, fixed);
	CHECK_ERRNO(EFAULT, ioctl(exporter->fd, VFIO_DEVICE_FEATURE, argument));
	request.nr_ranges = ~0U;
	memcpy(argument->data, &request, fixed);
	/* The kernel's driver knows no limit, and fails to allocate them. */
	CHECK_ERRNO(driver_is_ours() ? EINVAL : ENOMEM,
		    ioctl(exporter->fd, VFIO_DEVICE_FEATURE, argument));
}

/* The kernel's driver takes any. */
TEST_OURS(an_unknown_flag_of_the_file_is_refused)
{
	struct dma_buf_request request = {
		.open_flags = O_RDWR | O_APPEND,
		.nr_ranges = 1,
		.ranges = { { 0, PAGE } },
	};

	open_exporter();
	CHECK_ERR(EINVAL, buffer_try(exporter, &request));
}

/* Not the kernel's driver; and the kernels of tests/vm/debug-kernel have no cgroups. */
static bool ours_can_be_charged(void)
{
	return driver_is_ours() && kernel_is_debians();
}

/* Makes buffers, and returns what is charged for all that there are. */
static long long charged_with_more(unsigned int nr_ranges)
{
	struct dma_buf_request request = { .nr_ranges = nr_ranges };
	long long bytes;

	for (unsigned int n = 0; n < nr_ranges; n++)
		request.ranges[n].length = PAGE;
	for (unsigned int n = 0; n < BUFFERS; n++)
		CHECK_OK(buffer_try(exporter, &request));
	bytes = cgroup_kernel_memory_counted();
	test_note("%u more of %u ranges: %lld bytes", BUFFERS, nr_ranges, bytes);
	return bytes;
}

/*
 * What a file costs is charged anyway, so the ranges make the difference: 56 KiB at least. All files
 * stay open: the kernel frees them when it likes.
 */
TEST_WHEN(ours_can_be_charged, the_memory_of_a_buffer_is_charged)
{
	struct rlimit files = { 4 * BUFFERS, 4 * BUFFERS };
	long long before, one, eight;

	CHECK_OK(setrlimit(RLIMIT_NOFILE, &files));
	open_exporter();
	cgroup_enter();
	before = charged_with_more(1);
	one = charged_with_more(1);
	eight = charged_with_more(8);
	cgroup_leave();
	CHECK_LE(one - before + BUFFERS * 7 * 16, eight - one);
}

/* The kernel's driver takes them: the tables for such a mapping know no bound. */
TEST_OURS(ranges_that_add_up_to_more_than_the_bar_are_refused)
{
	struct dma_buf_request request = { .nr_ranges = 2, .ranges = { { 0, BAR_SIZE } } };

	open_exporter();
	request.ranges[1].length = PAGE;
	CHECK_ERR(EINVAL, buffer_try(exporter, &request));
}

static int buffer_of_pages_try(struct vfio_device *device, unsigned int bar, unsigned int nr_ranges)
{
	size_t fixed = offsetof(struct dma_buf_request, ranges);
	size_t size = fixed + nr_ranges * sizeof(struct dma_buf_range);
	struct dma_buf_request *request = calloc(1, size);
	struct dma_buf_range *ranges = (void *)((char *)request + fixed);
	int buffer;

	request->region = bar;
	request->nr_ranges = nr_ranges;
	for (unsigned int n = 0; n < nr_ranges; n++)
		ranges[n] = (struct dma_buf_range){ .offset = n * PAGE, .length = PAGE };
	buffer = feature_try(device, GET, request, size);
	free(request);
	return buffer;
}

/* Each mapping has a table of them, which nobody is charged for. The kernel's driver knows no bound. */
TEST_OURS(a_buffer_has_1024_ranges_and_no_more)
{
	struct vfio_device *large = vfio_open_with_memory("large0", NULL);

	CHECK_OK(buffer_of_pages_try(large, LARGE_BAR, MOST_RANGES));
	CHECK_ERR(EINVAL, buffer_of_pages_try(large, LARGE_BAR, MOST_RANGES + 1));
}

/* A reset waits for all of them. The kernel's driver knows no bound but the files of the process. */
TEST_OURS(a_device_has_a_thousand_buffers_and_no_more)
{
	struct dma_buf_request request = { .nr_ranges = 1, .ranges = { { MEMORY, PAGE } } };
	struct rlimit files = { 2 * MOST, 2 * MOST };
	int last = -1;

	CHECK_OK(setrlimit(RLIMIT_NOFILE, &files));
	open_exporter();
	for (unsigned int n = 0; n < MOST; n++)
		CHECK_OK(last = buffer_try(exporter, &request));
	CHECK_ERR(ENOSPC, buffer_try(exporter, &request));
	close(last);
	CHECK_OK(buffer_try(exporter, &request));
}

/* --- taking away and giving back --- */

static void memory_off(void)
{
	cfg_command(exporter, 0, PCI_COMMAND_MEMORY);
}

static void memory_on(void)
{
	cfg_command(exporter, PCI_COMMAND_MEMORY, 0);
}

static void set_power_state(uint16_t power_state)
{
	cfg_set16(exporter, cfg_cap(exporter, PCI_CAP_ID_PM) + PCI_PM_CTRL, power_state);
}

static void to_d3hot(void)
{
	set_power_state(3);
}

static void to_d0(void)
{
	set_power_state(0);
}

static void enter_low_power(void)
{
	CHECK_EQ(vfio_feature_try(exporter, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY |
				  VFIO_DEVICE_FEATURE_SET, NULL, 0), 0);
}

static void exit_low_power(void)
{
	CHECK_EQ(vfio_feature_try(exporter, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT |
				  VFIO_DEVICE_FEATURE_SET, NULL, 0), 0);
}

/* DMA goes on until it must not, and goes on again afterwards; the witness would count more. */
static void check_taken_away(void (*off)(void), void (*on)(void))
{
	int buffer, importer;

	open_exporter();
	buffer = memory_buffer(exporter);
	importer = attach(buffer, PEER);
	start_dma(importer);
	CHECK(writing_goes_on(exporter));
	off();
	CHECK_EQ(importer_state(importer).mapped, 0);
	CHECK_EQ(importer_state(importer).revocations, 1);
	CHECK_ERR(ENODEV, map_try(importer));
	CHECK_ERR(ENODEV, attach_try(buffer, PEER));
	on();
	start_dma(importer);
	CHECK(writing_goes_on(exporter));
}

TEST(dma_to_a_function_ends_before_it_stops_decoding)
{
	check_taken_away(memory_off, memory_on);
}

TEST(dma_to_a_function_ends_before_it_enters_d3hot)
{
	check_taken_away(to_d3hot, to_d0);
}

TEST(dma_to_a_function_ends_before_it_enters_low_power)
{
	check_taken_away(enter_low_power, exit_low_power);
}

static void check_taken_away_in(void (*reset)(void))
{
	int importer;

	open_exporter();
	importer = attach(memory_buffer(exporter), PEER);
	start_dma(importer);
	CHECK(writing_goes_on(exporter));
	reset();
	CHECK_EQ(importer_state(importer).mapped, 0);
	CHECK_EQ(importer_state(importer).revocations, 1);
	start_dma(importer);
	CHECK(writing_goes_on(exporter));
}

static void reset_by_ioctl(void)
{
	vfio_reset(exporter);
}

static void reset_by_host(void)
{
	pci_attr_set(exporter->bdf, "reset", "1");
}

static void reset_by_aer(void)
{
	int start = kmsg_mark();

	real_cfg_set(exporter->bdf, PCI_COMMAND,
		     real_cfg(exporter->bdf, PCI_COMMAND, 2) | PCI_COMMAND_SERR, 2);
	vm_aer("witness0", "MALF_TLP");
	vm_wait_recovered(start, LIMIT_MS);
	CHECK(WAIT_UNTIL(vfio_read_try(exporter, 0, 0, &(uint32_t){ 0 }, 4) == 4, LIMIT_MS));
}

TEST(dma_to_a_function_ends_before_its_user_resets_it)
{
	check_taken_away_in(reset_by_ioctl);
}

/* The kernel's driver hears of none of these resets. */
TEST_OURS(dma_to_a_function_ends_before_the_host_resets_it)
{
	check_taken_away_in(reset_by_host);
}

/* The error comes unasked, so the function may be written to in the middle of the link reset. */
TEST_OURS(a_buffer_can_be_mapped_again_after_a_link_reset)
{
	int importer;

	open_exporter();
	importer = attach(memory_buffer(exporter), PEER);
	CHECK_EQ(map_try(importer), 0);
	reset_by_aer();
	CHECK_EQ(importer_state(importer).mapped, 0);
	CHECK_EQ(importer_state(importer).revocations, 1);
	start_dma(importer);
	CHECK(writing_goes_on(exporter));
}

static void reset_in_child(void *data)
{
	(void)data;
	CHECK_EQ(vfio_reset_try(exporter), 0);
}

static pid_t reset_that_waits(int importer)
{
	pid_t child = child_start(reset_in_child, NULL);

	CHECK(WAIT_UNTIL(importer_state(importer).revocations == 1 && child_waits(child), LIMIT_MS));
	return child;
}

TEST(a_reset_waits_for_a_driver_that_does_not_let_go_yet)
{
	int importer;
	pid_t child;

	open_exporter();
	importer = attach(memory_buffer(exporter), PEER | IMPORTER_LAZY);
	start_dma(importer);
	child = reset_that_waits(importer);
	CHECK_EQ(importer_state(importer).mapped, 1);
	CHECK(!witness_is_in_reset("witness0"));
	CHECK_OK(ioctl(importer, IMPORTER_UNMAP));
	child_check_ends("the reset", child);
	stop_dma();
	CHECK_EQ(map_try(importer), 0);
}

/*
 * Whoever has a buffer's file can add fences to it, as IMPORTER_FENCE does. The kernel's driver takes
 * one buffer away after another, and waits under the reservation lock.
 */
TEST_OURS(a_reset_waits_for_the_fences_of_all_buffers_and_for_none_that_comes_later)
{
	int buffer, first, second, late;
	pid_t child;

	open_exporter();
	first = attach(memory_buffer(exporter), PEER);
	buffer = memory_buffer(exporter);
	second = attach(buffer, PEER);
	late = attach(buffer, PEER);
	CHECK_EQ(map_try(first), 0);
	CHECK_EQ(map_try(second), 0);
	CHECK_OK(ioctl(first, IMPORTER_FENCE));
	CHECK_OK(ioctl(second, IMPORTER_FENCE));
	child = child_start(reset_in_child, NULL);
	CHECK(WAIT_UNTIL(importer_state(second).awaited && child_waits(child), LIMIT_MS));
	CHECK_EQ(importer_state(first).awaited, 1);
	CHECK(!witness_is_in_reset("witness0"));
	CHECK_OK(ioctl(late, IMPORTER_FENCE));
	CHECK_OK(ioctl(first, IMPORTER_SIGNAL));
	CHECK_OK(ioctl(second, IMPORTER_SIGNAL));
	child_check_ends("the reset", child);
	CHECK_EQ(importer_state(late).awaited, 0);
}

/* The device of a driver that has unmapped in time may still have work that began before. */
TEST_OURS(a_reset_waits_for_each_fence_of_a_buffer)
{
	int buffer, first, second;
	pid_t child;

	open_exporter();
	buffer = memory_buffer(exporter);
	first = attach(buffer, PEER);
	second = attach(buffer, PEER);
	CHECK_EQ(map_try(first), 0);
	CHECK_OK(ioctl(first, IMPORTER_FENCE));
	CHECK_OK(ioctl(second, IMPORTER_FENCE));
	child = child_start(reset_in_child, NULL);
	CHECK(WAIT_UNTIL(importer_state(first).awaited && importer_state(second).awaited &&
			 child_waits(child), LIMIT_MS));
	CHECK_OK(ioctl(first, IMPORTER_SIGNAL));
	CHECK(child_waits(child));
	CHECK(!witness_is_in_reset("witness0"));
	CHECK_OK(ioctl(second, IMPORTER_SIGNAL));
	child_check_ends("the reset", child);
}

static void read_configuration(void *data)
{
	(void)data;
	CHECK_NE(real_cfg(exporter->bdf, PCI_VENDOR_ID, 2), 0xffff);
}

/* AER waits for these locks, and a driver may let go of a buffer only after AER. */
TEST_OURS(a_reset_that_waits_for_a_driver_holds_no_lock_of_the_pci_cores)
{
	pid_t child, reader;
	int importer;

	open_exporter();
	importer = attach(memory_buffer(exporter), PEER | IMPORTER_LAZY);
	CHECK_EQ(map_try(importer), 0);
	child = reset_that_waits(importer);
	reader = child_start(read_configuration, NULL);
	child_check_ends("the reader", reader);
	CHECK_OK(ioctl(importer, IMPORTER_UNMAP));
	child_check_ends("the reset", child);
}

static void check_made_while(void (*off)(void), void (*on)(void))
{
	int buffer;

	open_exporter();
	off();
	buffer = memory_buffer(exporter);
	CHECK_ERR(ENODEV, attach_try(buffer, PEER));
	on();
	CHECK_EQ(map_try(attach(buffer, PEER)), 0);
}

TEST(a_buffer_made_while_the_function_does_not_decode_can_be_mapped_when_it_does)
{
	check_made_while(memory_off, memory_on);
}

/* The kernel's driver gives it away, and then lets the function fall asleep. */
TEST_OURS(a_buffer_made_in_low_power_can_be_mapped_when_that_ends)
{
	check_made_while(enter_low_power, exit_low_power);
}

/* --- the end --- */

TEST(close_takes_buffers_away_for_good)
{
	int buffer, importer;

	open_exporter();
	buffer = memory_buffer(exporter);
	importer = attach(buffer, PEER);
	start_dma(importer);
	CHECK(writing_goes_on(exporter));
	vfio_close(exporter);
	CHECK_EQ(importer_state(importer).mapped, 0);
	CHECK_ERR(ENODEV, map_try(importer));

	exporter = vfio_open(vm_bdf("witness0"));
	cfg_command(exporter, PCI_COMMAND_MEMORY, 0);
	CHECK_ERR(ENODEV, map_try(importer));
	CHECK_ERR(ENODEV, attach_try(buffer, PEER));
	start_dma(attach(memory_buffer(exporter), PEER));
	CHECK(writing_goes_on(exporter));
	CHECK_ERR(ENODEV, map_try(importer));
}

TEST(a_buffer_outlives_the_device_and_keeps_its_module)
{
	int buffer, importer;
	char *bdf;

	open_exporter();
	bdf = strdup(exporter->bdf);
	buffer = memory_buffer(exporter);
	importer = attach(buffer, PEER);
	vfio_close(exporter);
	pci_unbind(bdf);
	CHECK_ERR(ENODEV, map_try(importer));
	module_unload("vfio_pci");
	CHECK_EQ(module_unload_try(driver_core()), -EAGAIN);
	close(importer);
	CHECK_EQ(module_unload_try(driver_core()), -EAGAIN);
	close(buffer);
	CHECK(WAIT_UNTIL(!module_uses(driver_core()), LIMIT_MS));
	module_unload(driver_core());
}
