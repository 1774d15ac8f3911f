// SPDX-License-Identifier: GPL-2.0-only
/*
 * The witness (tests/sim/witness.c) sees what it promises to see, and shows that a driver touches
 * a function only while it answers.
 *
 * vm-machine: witness
 * vm-drivers: ours kernel
 * vm-cmdline: iomem=relaxed
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmtest.h"

#define LIMIT_MS	20000
#define QUIET_MS	300
#define ROM		VFIO_PCI_ROM_REGION_INDEX
#define INTX		VFIO_PCI_INTX_IRQ_INDEX
#define AER		0x100

CLEAN_UP
{
	const char *bdf = vm_bdf("witness0");

	witness_set("witness0", "config-size", "0");
	witness_set("witness0", "flr-ms", "95");
	witness_set("witness1", "flr-ms", "95");
	witness_set("witness5", "flr-ms", "95");
	witness_set("witness0", "intx-limit-ms", "5000");
	witness_set("witness0", "intx-survives-reset", "false");
	witness_set("witness0", "no-vpd", "false");
	witness_set("witness0", "quiet", "false");
	witness_set("witness0", "recovers", "false");
	witness_set("witness0", "rom-data", "32");
	witness_set("witness0", "move-table", "0");
	witness_set("witness0", "more-vectors", "0");
	witness_set_intx("witness0", false);
	pci_attr_set_try(bdf, "reset", "1");
	/* As firmware leaves it; QEMU needs the bit to report errors. */
	real_cfg_set(bdf, PCI_COMMAND, real_cfg(bdf, PCI_COMMAND, 2) | PCI_COMMAND_SERR, 2);
}

/* The instrument: a test that counted something must make it forget that. */

static volatile uint32_t *map_bar(const char *bdf)
{
	return pci_map_bar(bdf, 0, 0, 0x2000);
}

static void check_counted(const char *offence, unsigned long long count)
{
	char *text = witness_offences();

	test_note("%s", text);
	free(text);
	CHECK_EQ(witness_count("witness0", offence), count);
	witness_forget();
}

static void set_power_state(const char *bdf, unsigned int state)
{
	real_cfg_set(bdf, real_cfg_cap(bdf, PCI_CAP_ID_PM) + PCI_PM_CTRL, state, 2);
	pause_ms(20);
}

TEST(witness_is_a_function_that_works)
{
	const char *bdf = vm_bdf("witness0");
	volatile uint32_t *bar = map_bar(bdf);

	real_cfg_set(bdf, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE, 2);
	CHECK_EQ(bar[WITNESS_ID / 4], WITNESS_ID_VALUE);
	bar[WITNESS_SCRATCH / 4] = 0x12345678;
	CHECK_EQ(bar[WITNESS_SCRATCH / 4], 0x12345678);
	bar[WITNESS_MEMORY / 4] = 0xabcdef01;
	CHECK_EQ(((volatile uint8_t *)bar)[WITNESS_MEMORY + 1], 0xef);
	pci_attr_set(bdf, "reset", "1");
	CHECK_EQ(real_cfg(bdf, PCI_COMMAND, 2), PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
	CHECK_EQ(bar[WITNESS_SCRATCH / 4], 0);
	bar[WITNESS_INTX_RAISE / 4] = 1;
	CHECK(real_cfg(bdf, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	bar[WITNESS_INTX_ACK / 4] = 1;
	CHECK(!(real_cfg(bdf, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT));
}

TEST(witness_sees_memory_accesses_while_it_does_not_decode)
{
	const char *bdf = vm_bdf("witness0");
	volatile uint32_t *bar = map_bar(bdf);

	real_cfg_set(bdf, PCI_COMMAND, PCI_COMMAND_IO, 2);
	CHECK_EQ(bar[WITNESS_ID / 4], 0xffffffff);
	bar[WITNESS_SCRATCH / 4] = 1;
	check_counted("access-undecoded", 2);
}

TEST(witness_sees_port_accesses_while_it_does_not_decode)
{
	const char *bdf = vm_bdf("witness0");
	uint32_t value;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource2", bdf);
	fd = CHECK_OK(open(path, O_RDWR | O_CLOEXEC));
	real_cfg_set(bdf, PCI_COMMAND, PCI_COMMAND_IO, 2);
	CHECK_EQ(pread(fd, &value, 4, WITNESS_ID), 4);
	CHECK_EQ(value, WITNESS_ID_VALUE);
	real_cfg_set(bdf, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	CHECK_EQ(pread(fd, &value, 4, WITNESS_ID), 4);
	CHECK_EQ(value, 0xffffffff);
	check_counted("access-undecoded", 1);
}

TEST(witness_sees_accesses_in_d3hot)
{
	const char *bdf = vm_bdf("witness0");
	volatile uint32_t *bar = map_bar(bdf);

	real_cfg_set(bdf, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	set_power_state(bdf, 3);
	CHECK_EQ(bar[WITNESS_ID / 4], 0xffffffff);
	set_power_state(bdf, 0);
	CHECK_EQ(bar[WITNESS_ID / 4], WITNESS_ID_VALUE);
	check_counted("access-asleep", 1);
}

static bool is_seen_while_it_changes_its_power_state(const char *bdf)
{
	unsigned int control = real_cfg_cap(bdf, PCI_CAP_ID_PM) + PCI_PM_CTRL;

	real_cfg_set(bdf, control, 3, 2);
	real_cfg(bdf, PCI_COMMAND, 2);
	CHECK_EQ(real_cfg(bdf, control, 2) & PCI_PM_CTRL_STATE_MASK, 3);
	set_power_state(bdf, 0);
	return witness_count("witness0", "config-in-transition") >= 1;
}

/* The change takes 10 ms, and a slow machine may need more for the access. */
TEST(witness_sees_accesses_while_it_changes_its_power_state)
{
	CHECK(WAIT_UNTIL(is_seen_while_it_changes_its_power_state(vm_bdf("witness0")), LIMIT_MS));
	witness_forget();
}

/* What a reset that the kernel knows nothing of takes. */
struct lost {
	unsigned int control;
	uint16_t enabled;
	uint32_t memory, ports;
};

static struct lost reset_by_register(const char *bdf)
{
	struct lost lost = {
		.control = real_cfg_cap(bdf, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL,
		.memory = real_cfg(bdf, PCI_BASE_ADDRESS_0, 4),
		.ports = real_cfg(bdf, PCI_BASE_ADDRESS_2, 4),
	};

	lost.enabled = real_cfg(bdf, lost.control, 2);
	real_cfg_set(bdf, lost.control, lost.enabled | PCI_EXP_DEVCTL_BCR_FLR, 2);
	return lost;
}

static void restore(const char *bdf, const struct lost *lost)
{
	real_cfg_set(bdf, PCI_BASE_ADDRESS_0, lost->memory, 4);
	real_cfg_set(bdf, PCI_BASE_ADDRESS_2, lost->ports, 4);
	real_cfg_set(bdf, lost->control, lost->enabled, 2);
}

TEST(witness_sees_accesses_in_a_reset)
{
	const char *bdf = vm_bdf("witness0");
	volatile uint32_t *bar = map_bar(bdf);
	struct lost lost;

	real_cfg_set(bdf, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	pci_attr_set(bdf, "reset", "1");
	CHECK_STR(witness_offences(), "");
	lost = reset_by_register(bdf);
	CHECK_EQ(real_cfg(bdf, PCI_VENDOR_ID, 4), 0xffffffff);
	CHECK_EQ(bar[WITNESS_ID / 4], 0xffffffff);
	witness_wait_ready("witness0");
	CHECK_NE(real_cfg(bdf, PCI_VENDOR_ID, 4), 0xffffffff);
	CHECK_EQ(witness_count("witness0", "config-in-reset"), 1);
	check_counted("access-in-reset", 1);
	restore(bdf, &lost);
}

TEST(witness_lets_errors_be_cleared_in_the_reset_of_a_function_that_recovers)
{
	const char *bdf = vm_bdf("witness0");
	struct lost lost;

	witness_set("witness0", "recovers", "true");
	lost = reset_by_register(bdf);
	real_cfg_set(bdf, lost.control - PCI_EXP_DEVCTL + PCI_EXP_DEVSTA, PCI_EXP_DEVSTA_FED, 2);
	real_cfg(bdf, AER + PCI_ERR_UNCOR_STATUS, 4);
	real_cfg(bdf, AER + PCI_ERR_UNCOR_SEVER, 4);
	CHECK_STR(witness_offences(), "");
	real_cfg(bdf, AER + PCI_ERR_COR_STATUS, 4);
	witness_wait_ready("witness0");
	check_counted("config-in-reset", 1);
	restore(bdf, &lost);
}

TEST(witness_sees_accesses_beyond_its_configuration_space)
{
	const char *bdf = vm_bdf("witness0");

	witness_set("witness0", "config-size", "64");
	real_cfg(bdf, 60, 4);
	real_cfg(bdf, 64, 4);
	real_cfg(bdf, 0x100, 4);
	check_counted("config-beyond-size", 2);
}

TEST(witness_sees_an_intx_that_nobody_serves)
{
	const char *bdf = vm_bdf("witness0");

	witness_set("witness0", "intx-limit-ms", "50");
	real_cfg_set(bdf, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
	witness_set_intx("witness0", true);
	pause_ms(QUIET_MS);
	CHECK_STR(witness_offences(), "");
	real_cfg_set(bdf, PCI_COMMAND, 0, 2);
	CHECK(WAIT_UNTIL(witness_count("witness0", "intx-ignored"), LIMIT_MS));
	witness_set_intx("witness0", false);
	witness_forget();
}

TEST(witness_sees_its_own_dma_once_it_should_be_quiet)
{
	const char *bdf = vm_bdf("witness0");
	volatile uint32_t *bar = map_bar(bdf);

	real_cfg_set(bdf, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE, 2);
	witness_set("witness0", "quiet", "true");
	bar[WITNESS_DMA_PERIOD / 4] = 1;
	pause_ms(QUIET_MS);
	CHECK_STR(witness_offences(), "");
	real_cfg_set(bdf, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	CHECK(WAIT_UNTIL(witness_count("witness0", "dma-unwanted"), LIMIT_MS));
	bar[WITNESS_DMA_PERIOD / 4] = 0;
	witness_forget();
}

/* The driver */

static int enter_low_power_with_wakeup(struct vfio_device *device, int event)
{
	struct vfio_device_low_power_entry_with_wakeup entry = { .wakeup_eventfd = event };

	return vfio_feature_try(device, VFIO_DEVICE_FEATURE_SET |
				VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
				&entry, sizeof(entry));
}

static void fall_asleep(struct vfio_device *device, int event)
{
	if (enter_low_power_with_wakeup(device, event) == -ENOTTY && !driver_is_ours())
		SKIP("this kernel's driver has no low power feature");
	pci_wait_power_state(device->bdf, "D3hot");
}

TEST(every_way_in_works_on_a_witness)
{
	static const char * const ids[] = { "witness0", "witness1", "witness2", "witness3" };
	int event;

	for (size_t n = 0; n < 4; n++) {
		struct vfio_device *device = vfio_open_with_memory(ids[n], NULL);
		uint8_t config[0x600];

		CHECK_EQ(vfio_read(device, 0, WITNESS_ID, 4), WITNESS_ID_VALUE);
		cfg_command(device, PCI_COMMAND_IO | PCI_COMMAND_MASTER, 0);
		CHECK_EQ(vfio_read(device, 2, WITNESS_ID, 4), WITNESS_ID_VALUE);
		CHECK_EQ(vfio_read(device, ROM, 0, 2), 0xaa55);
		CHECK_EQ(vfio_read_try(device, VFIO_PCI_CONFIG_REGION_INDEX, 0, config, 0x600),
			 0x600);
		event = vfio_irq_event(device, INTX);
		vfio_write(device, 0, WITNESS_TRIGGER, 0, 4);
		CHECK_EQ(event_wait(event, LIMIT_MS), 1);
		vfio_write(device, 0, WITNESS_INTX_ACK, 0, 4);
		vfio_irq_disable(device, INTX);
		vfio_irq_eventfd(device, VFIO_PCI_MSIX_IRQ_INDEX, 3, event);
		vfio_write(device, 0, WITNESS_TRIGGER, 3, 4);
		CHECK_EQ(event_wait(event, LIMIT_MS), 1);
		vfio_irq_disable(device, VFIO_PCI_MSIX_IRQ_INDEX);
		vfio_irq_eventfd(device, VFIO_PCI_MSI_IRQ_INDEX, 0, event);
		vfio_write(device, 0, WITNESS_TRIGGER, 0, 4);
		CHECK_EQ(event_wait(event, LIMIT_MS), 1);
		vfio_irq_disable(device, VFIO_PCI_MSI_IRQ_INDEX);
		CHECK_EQ(vfio_reset_try(device), 0);
		vfio_close(device);
		pci_unbind(vm_bdf(ids[n]));
		driver_unload();
	}
}

/* Beyond the size that the kernel's quirk sets, the bus hangs. */
TEST(configuration_beyond_a_quirks_size_is_not_touched)
{
	struct vfio_device *device = vfio_open_with_memory("witness3", NULL);
	uint8_t config[4096];

	vfio_read_try(device, VFIO_PCI_CONFIG_REGION_INDEX, 0, config, sizeof(config));
	vfio_read_try(device, VFIO_PCI_CONFIG_REGION_INDEX, 0x600, config, 4);
	vfio_write_try(device, VFIO_PCI_CONFIG_REGION_INDEX, 0x600, config, 4);
	vfio_close(device);
	vfio_close(vfio_open(vm_bdf("witness3")));
}

/* No ioctl in between: that wakes the function. */
static void check_read_wakes(struct vfio_device *device, unsigned int index, uint64_t offset,
			     uint32_t expected)
{
	struct vfio_region_info *info = vfio_region(device, index);
	int event = event_new();
	uint32_t value = 0;

	fall_asleep(device, event);
	CHECK_OK(pread(device->fd, &value, sizeof(value), info->offset + offset));
	CHECK_EQ(value, expected);
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
}

TEST(rom_read_wakes_a_sleeping_function)
{
	check_read_wakes(vfio_open_with_memory("witness0", NULL), ROM, 0, 0x0001aa55);
}

TEST(bar_read_wakes_a_sleeping_function)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", NULL);

	cfg_command(device, PCI_COMMAND_IO, 0);
	check_read_wakes(device, 0, WITNESS_ID, WITNESS_ID_VALUE);
	check_read_wakes(device, 2, WITNESS_ID, WITNESS_ID_VALUE);
}

/* The kernel's driver touches it. */
TEST_OURS(msix_of_a_function_in_d3hot_is_not_touched)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", NULL);
	unsigned int control = cfg_cap(device, PCI_CAP_ID_PM) + PCI_PM_CTRL;
	int events[2] = { event_new(), event_new() };

	vfio_irq_eventfd(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, events[0]);
	cfg_set16(device, control, 3);
	vfio_irq_eventfds_try(device, VFIO_PCI_MSIX_IRQ_INDEX, 1, 1, events + 1);
	vfio_irq_eventfds_try(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, events + 1);
	cfg_set16(device, control, 0);
}

/* An unmask asks the function whether the interrupt is pending: forbidden in these 10 ms. */
static struct vfio_device *open_with_unmask_eventfd(void)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", NULL);
	int event = event_new();

	vfio_irq_event(device, INTX);
	CHECK_EQ(vfio_irqs_try(device, INTX, VFIO_IRQ_SET_DATA_EVENTFD |
			       VFIO_IRQ_SET_ACTION_UNMASK, 0, 1, &event, sizeof(event)), 0);
	if (!CHECK_OK(fork()))
		for (;;)
			eventfd_write(event, 1);
	return device;
}

TEST_OURS(unmask_eventfd_does_not_touch_a_function_that_changes_its_power_state)
{
	struct vfio_device *device = open_with_unmask_eventfd();
	unsigned int control = cfg_cap(device, PCI_CAP_ID_PM) + PCI_PM_CTRL;

	for (int round = 0; round < 10; round++) {
		cfg_set16(device, control, 3);
		cfg_set16(device, control, 0);
	}
}

TEST_OURS(unmask_eventfd_does_not_touch_a_function_that_falls_asleep_or_wakes)
{
	struct vfio_device *device = open_with_unmask_eventfd();

	for (int round = 0; round < 10; round++) {
		fall_asleep(device, event_new());
		vfio_low_power(device, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT);
	}
}

/* A new eventfd that writes a register. */
static int ioeventfd(struct vfio_device *device, unsigned int bar, uint64_t offset)
{
	int event = event_new();

	vfio_write_by_event(device, bar, offset, 0x12345678, event);
	return event;
}

TEST_OURS(ioeventfds_touch_nothing_while_the_function_does_not_decode)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", NULL);
	unsigned int control = cfg_cap(device, PCI_CAP_ID_PM) + PCI_PM_CTRL;
	int memory = ioeventfd(device, 0, WITNESS_SCRATCH);
	int ports = ioeventfd(device, 2, WITNESS_SCRATCH);

	cfg_command(device, PCI_COMMAND_IO, PCI_COMMAND_MEMORY);
	event_signal(memory);
	cfg_command(device, PCI_COMMAND_MEMORY, PCI_COMMAND_IO);
	event_signal(ports);
	cfg_command(device, PCI_COMMAND_IO, 0);
	cfg_set16(device, control, 3);
	event_signal(memory);
	event_signal(ports);
	cfg_set16(device, control, 0);
	CHECK_EQ(vfio_read(device, 0, WITNESS_SCRATCH, 4), 0);
	event_signal(ports);
	CHECK_EQ(vfio_read(device, 0, WITNESS_SCRATCH, 4), 0x12345678);
}

/* Capabilities that a client does not see. witness2 has two, and its own registers behind them. */
#define HIDDEN		0x200
#define HIDDEN_SIZE	12
#define UNKNOWN		0x280

TEST(registers_behind_a_hidden_capability_are_the_devices_own)
{
	struct vfio_device *device = vfio_open_with_memory("witness2", NULL);
	unsigned int at;

	CHECK_EQ(real_cfg(device->bdf, HIDDEN, 2), 0x25);
	CHECK_EQ(cfg_ext_cap(device, 0x25), 0);
	CHECK_EQ(cfg_ext_cap(device, 0x7f), 0);
	/* 6.1's own driver shows its first dword. */
	for (at = HIDDEN; driver_is_ours() && at < HIDDEN + HIDDEN_SIZE; at += 4) {
		cfg_set32(device, at, ~0u);
		CHECK_EQ(cfg32(device, at), 0);
	}
	for (at = HIDDEN + HIDDEN_SIZE; at < UNKNOWN; at += 4) {
		cfg_set32(device, at, 0x5a5a0000 + at);
		CHECK_EQ(cfg32(device, at), 0x5a5a0000 + at);
		CHECK_EQ(real_cfg(device->bdf, at, 4), 0x5a5a0000 + at);
	}
}

/* The capability's end is not known, so what follows might be a register of the host's. */
TEST_OURS(unknown_capability_takes_no_write_and_can_be_read)
{
	struct vfio_device *device = vfio_open_with_memory("witness2", NULL);
	unsigned int at;

	CHECK_EQ(real_cfg(device->bdf, UNKNOWN, 2), 0x7f);
	CHECK_EQ(cfg32(device, UNKNOWN), 0);
	CHECK_EQ(cfg32(device, UNKNOWN + 4), 0x600df00d);
	for (at = UNKNOWN; at < 0x1000; at += 4) {
		uint32_t real = real_cfg(device->bdf, at, 4);

		cfg_set32(device, at, ~real);
		CHECK_EQ(real_cfg(device->bdf, at, 4), real);
		if (at > UNKNOWN)
			CHECK_EQ(cfg32(device, at), real);
	}
}

/* Whether the child waits, while the function is still being reset. */
static bool waits_for_the_reset(pid_t child)
{
	CHECK(WAIT_UNTIL(child_waits(child) || !witness_is_in_reset("witness0"), LIMIT_MS));
	return child_waits(child) && witness_is_in_reset("witness0");
}

static void make_resets_last(int ms)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", ms);
	witness_set("witness0", "flr-ms", text);
}

/* Repeats with longer resets until the events fit into one. */
#define FOR_LONGER_AND_LONGER(ms) for (int ms = 1000; ms <= 16000; ms *= 2)

static void do_reset(void *device)
{
	vfio_reset(device);
}

struct reader {
	int file;
	void *page;
};

static void do_read(void *data)
{
	struct reader *reader = data;

	CHECK_GT(read(reader->file, reader->page, 64), 0);
}

/*
 * A task that frees an interrupt waits for the readers of its files in procfs. A reader may be in a
 * page fault on a BAR, and the fault may wait for the task that has the function. A reset makes
 * both wait; the task that frees the interrupt comes first. The kernel's driver deadlocks there.
 */
TEST_OURS(interrupts_are_freed_while_procfs_copies_to_a_bar)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", NULL);
	bool met = false;

	FOR_LONGER_AND_LONGER(ms) {
		pid_t resets, disables, reads;
		struct reader reader;

		if (met)
			break;
		vfio_irq_eventfd(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, event_new());
		reader.file = irq_affinity_open(device->bdf);
		reader.page = vfio_mmap(device, 0, WITNESS_MEMORY, 4096, PROT_READ | PROT_WRITE);
		CHECK(reader.page != MAP_FAILED);
		make_resets_last(ms);
		resets = child_start(do_reset, device);
		witness_wait_in_reset("witness0");
		disables = child_disable_msix(device);
		met = waits_for_the_reset(disables);
		reads = child_start(do_read, &reader);
		met = waits_for_the_reset(reads) && met;
		child_check_ends("who resets", resets);
		child_check_ends("who disables MSI-X", disables);
		child_check_ends("who reads", reads);
		CHECK_OK(munmap(reader.page, 4096));
		close(reader.file);
	}
	CHECK(met);
}

/*
 * AER walks the bus with the PCI core's lock held, which a change of a power state takes. So AER
 * must not wait for a user, who may hold up a task that frees an interrupt for any time. (The
 * kernel's driver waits with a lock of its own, and signals no error meanwhile.)
 */
TEST_OURS(recovery_does_not_wait_for_the_functions_users)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", NULL);
	uint32_t bar = real_cfg(device->bdf, PCI_BASE_ADDRESS_0, 4);
	int event = event_new(), mark = kmsg_mark();
	struct stuck_msix stuck;

	vfio_irq_eventfd(device, VFIO_PCI_ERR_IRQ_INDEX, 0, event);
	vfio_irq_eventfd(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, event_new());
	stuck = stuck_msix_begin(device);

	vm_aer("witness0", "MALF_TLP");
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
	vm_wait_recovered(mark, LIMIT_MS);
	stuck_msix_end(&stuck);
	if (driver_is_ours())
		CHECK(WAIT_UNTIL(real_cfg(device->bdf, PCI_BASE_ADDRESS_0, 4) == bar, LIMIT_MS));
}

static void do_reset_if_possible(void *device)
{
	vfio_reset_try(device);
}

static void do_read_config(void *bdf)
{
	real_cfg(bdf, PCI_STATUS, 2);
}

/* A user's reset waits for a task that frees an interrupt, and holds up no other task. */
TEST_OURS(a_reset_that_waits_holds_up_neither_recovery_nor_others)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", NULL);
	int event = event_new(), mark = kmsg_mark();
	struct stuck_msix stuck;
	pid_t resets;

	vfio_irq_eventfd(device, VFIO_PCI_ERR_IRQ_INDEX, 0, event);
	vfio_irq_eventfd(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, event_new());
	stuck = stuck_msix_begin(device);
	resets = child_start(do_reset_if_possible, device);
	CHECK(WAIT_UNTIL(child_waits(resets), LIMIT_MS));

	child_check_ends("who reads configuration", child_start(do_read_config, device->bdf));
	vm_aer("witness0", "MALF_TLP");
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
	vm_wait_recovered(mark, LIMIT_MS);
	/* The reset can be killed. */
	CHECK_OK(kill(resets, SIGKILL));
	CHECK_OK(waitpid(resets, NULL, 0));
	stuck_msix_end(&stuck);
}

/*
 * A reset through sysfs waits while open or close resets the function, and goes on as soon as that
 * is done. The kernel's driver then saves the registers of a function in reset as its state.
 */

static void do_reset_through_sysfs(void *data)
{
	pci_attr_set(data, "reset", "1");
}

static void do_open(void *data)
{
	struct vfio_device *device = vfio_open(data);

	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(vfio_read(device, 0, WITNESS_ID, 4), WITNESS_ID_VALUE);
	vfio_close(device);
}

static const unsigned int bars[] = {
	PCI_BASE_ADDRESS_0, PCI_BASE_ADDRESS_1, PCI_BASE_ADDRESS_2,
};

#define NR_BARS		(sizeof(bars) / sizeof(bars[0]))

static void read_bars(const char *bdf, uint32_t *values)
{
	for (size_t n = 0; n < NR_BARS; n++)
		values[n] = real_cfg(bdf, bars[n], 4);
}

/* Binds the function, which stays in D0. */
static char *bind_witness(uint32_t *values)
{
	char *bdf = strdup(vm_bdf("witness0"));

	driver_load("disable_idle_d3=1");
	pci_bind(bdf, VFIO_PCI);
	read_bars(bdf, values);
	CHECK(values[0] & PCI_BASE_ADDRESS_MEM_MASK);
	return bdf;
}

static void check_bars(char *bdf, const uint32_t *expected)
{
	uint32_t values[NR_BARS];

	read_bars(bdf, values);
	CHECK_MEM(values, expected, sizeof(values));
	do_open(bdf);
	read_bars(bdf, values);
	CHECK_MEM(values, expected, sizeof(values));
}

TEST_OURS(open_that_meets_a_reset_through_sysfs_keeps_the_bars)
{
	uint32_t expected[NR_BARS];
	char *bdf = bind_witness(expected);
	bool met = false;

	FOR_LONGER_AND_LONGER(ms) {
		pid_t opens, resets;

		if (met)
			break;
		/* Without the mark of a clean function. */
		pci_attr_set(bdf, "reset", "1");
		make_resets_last(ms);
		opens = child_start(do_open, bdf);
		witness_wait_in_reset("witness0");
		resets = child_start(do_reset_through_sysfs, bdf);
		met = waits_for_the_reset(resets);
		child_check_ends("who opens", opens);
		child_check_ends("who resets", resets);
		make_resets_last(95);
		check_bars(bdf, expected);
	}
	CHECK(met);
}

struct closer {
	struct vfio_device *device;
	int go;
};

static void do_close(void *data)
{
	struct closer *closer = data;

	CHECK_EQ(event_wait(closer->go, LIMIT_MS), 1);
	vfio_close(closer->device);
}

TEST_OURS(close_that_meets_a_reset_through_sysfs_keeps_the_bars)
{
	uint32_t expected[NR_BARS];
	char *bdf = bind_witness(expected);
	bool met = false;

	FOR_LONGER_AND_LONGER(ms) {
		struct closer closer = { .device = vfio_open(bdf), .go = event_new() };
		uint64_t one = 1;
		pid_t closes, resets;

		if (met)
			break;
		closes = child_start(do_close, &closer);
		vfio_close(closer.device);
		make_resets_last(ms);
		CHECK_EQ(write(closer.go, &one, sizeof(one)), sizeof(one));
		witness_wait_in_reset("witness0");
		resets = child_start(do_reset_through_sysfs, bdf);
		met = waits_for_the_reset(resets);
		child_check_ends("who closes", closes);
		child_check_ends("who resets", resets);
		make_resets_last(95);
		check_bars(bdf, expected);
	}
	CHECK(met);
}

/*
 * A function is clean until someone could have reached it. A register that a reset clears, and that
 * the administrator writes, shows whether an open resets.
 */

static bool open_resets(const char *bdf, const char *name)
{
	volatile uint32_t *bar = map_bar(bdf);
	uint32_t command = real_cfg(bdf, PCI_COMMAND, 2);
	struct vfio_device *device;
	bool is_reset;

	real_cfg_set(bdf, PCI_COMMAND, command | PCI_COMMAND_MEMORY, 2);
	bar[WITNESS_SCRATCH / 4] = 1;
	CHECK_EQ(bar[WITNESS_SCRATCH / 4], 1);
	CHECK_OK(munmap((void *)bar, 0x2000));
	real_cfg_set(bdf, PCI_COMMAND, command, 2);
	CHECK_EQ(vfio_open_try(bdf, name, &device), 0);
	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	is_reset = !vfio_read(device, 0, WITNESS_SCRATCH, 4);
	vfio_close(device);
	return is_reset;
}

static void check_clean(const char *bdf, const char *name)
{
	if (driver_is_ours())
		CHECK(!open_resets(bdf, name));
}

/* The error is not fatal: nothing is reset, and only status bits show it. */
TEST(open_after_an_error_resets)
{
	char *bdf = strdup(vm_bdf("witness0"));
	int start = kmsg_mark();

	driver_load("disable_idle_d3=1");
	vfio_close(vfio_bind_and_open(bdf));
	check_clean(bdf, bdf);
	vm_aer("witness0", "POISON_TLP");
	vm_wait_recovered(start, LIMIT_MS);
	CHECK(open_resets(bdf, bdf));
	check_clean(bdf, bdf);
}

TEST(open_after_a_neighbour_in_the_slot_was_in_use_resets)
{
	char *bdf = strdup(vm_bdf("witness4")), *neighbour = strdup(vm_bdf("witness5"));

	driver_load("disable_idle_d3=1");
	pci_bind(neighbour, VFIO_PCI);
	vfio_close(vfio_bind_and_open(bdf));
	check_clean(bdf, bdf);
	vfio_close(vfio_open(neighbour));
	CHECK(open_resets(bdf, bdf));
	check_clean(bdf, bdf);
}

#define TOKEN "b3a1d2c4-5e6f-4789-9abc-def012345678"
#define OTHER "11a1d2c4-5e6f-4789-9abc-def012345678"

static void set_token(struct vfio_device *pf, uint8_t first)
{
	uint8_t token[16] = {
		first, 0xa1, 0xd2, 0xc4, 0x5e, 0x6f, 0x47, 0x89,
		0x9a, 0xbc, 0xde, 0xf0, 0x12, 0x34, 0x56, 0x78,
	};

	CHECK_EQ(vfio_set_vf_token_try(pf, token), 0);
}

static struct vfio_device *open_pf_with_token(const char *bdf)
{
	struct vfio_device *pf;

	driver_load("enable_sriov=1 disable_idle_d3=1");
	pf = vfio_bind_and_open(bdf);
	set_token(pf, 0xb3);
	return pf;
}

static char *make_vf(const char *pf)
{
	char *vf;

	pci_set_vfs(pf, 1);
	vf = strdup(pci_vf(pf, 0));
	pci_bind(vf, VFIO_PCI);
	return vf;
}

/*
 * A VF always decodes, and a type 1 container that has mapped its BAR for the DMA of another device
 * keeps it mapped, also when the VF has another driver and then ours again.
 */
TEST(every_open_of_a_vf_resets)
{
	char *pf_bdf = strdup(vm_bdf("witness1")), *vf;
	struct vfio_device *pf = open_pf_with_token(pf_bdf);
	char name[64];

	vf = make_vf(pf_bdf);
	snprintf(name, sizeof(name), "%s vf_token=" TOKEN, vf);
	CHECK(open_resets(vf, name));
	vfio_close(pf);
	CHECK(open_resets(vf, name));
	CHECK(open_resets(vf, name));
	pci_unbind(vf);
	pci_bind(vf, VFIO_PCI);
	CHECK(open_resets(vf, name));
	CHECK(open_resets(vf, name));
}

TEST(open_of_a_pf_after_its_vf_was_in_use_resets)
{
	char *pf = strdup(vm_bdf("witness1")), *vf_bdf;
	struct vfio_device *vf;
	char name[64];

	vfio_close(open_pf_with_token(pf));
	vf_bdf = make_vf(pf);
	snprintf(name, sizeof(name), "%s vf_token=" TOKEN, vf_bdf);
	vfio_close(vfio_open(pf));
	check_clean(pf, pf);
	CHECK_EQ(vfio_open_try(vf_bdf, name, &vf), 0);
	vfio_close(vf);
	CHECK(open_resets(pf, pf));
	check_clean(pf, pf);
}

TEST(a_vf_opens_while_another_one_is_reset_for_its_user)
{
	char *pf_bdf = strdup(vm_bdf("witness1")), *vf_bdf;
	struct vfio_device *vf;
	pid_t children[2];
	char name[64];
	int start;

	vfio_close(open_pf_with_token(pf_bdf));
	witness_set("witness1", "flr-ms", "6000");
	kmsg_expect("not ready");
	pci_set_vfs(pf_bdf, 2);
	start = kmsg_mark();
	for (int n = 0; n < 2; n++) {
		vf_bdf = strdup(pci_vf(pf_bdf, n));
		pci_bind(vf_bdf, VFIO_PCI);
		snprintf(name, sizeof(name), "%s vf_token=" TOKEN, vf_bdf);
		children[n] = CHECK_OK(fork());
		if (!children[n]) {
			vfio_open_try(vf_bdf, name, &vf);
			_exit(0);
		}
	}
	/* The PCI core says so of each a second after its reset has begun, and when it is over. */
	CHECK(WAIT_UNTIL(kmsg_count(start, "not ready 1023ms") == 2, LIMIT_MS));
	CHECK_EQ(kmsg_count(start, ": ready "), 0);
	for (int n = 0; n < 2; n++)
		CHECK_EQ(waitpid(children[n], NULL, 0), children[n]);
}

/* Nothing of the user's is behind it. */
TEST(a_hot_reset_that_would_reset_a_bridge_of_the_host_is_refused)
{
	struct vfio_device *device;

	driver_load(NULL);
	device = vfio_bind_and_open(vm_bdf("witness9"));
	CHECK_ERR(EINVAL, vfio_hot_reset_try(device, &device->group, 1));
	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	vfio_write(device, 0, WITNESS_SCRATCH, 1, 4);
	vfio_close(device);
	device = vfio_open(vm_bdf("witness9"));
	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	CHECK_EQ(vfio_read(device, 0, WITNESS_SCRATCH, 4), 1);
}

/* A PF, its VF, which takes long to be reset, and the words by which that opens. */
static struct {
	struct vfio_device *pf, *vf;
	char vf_name[64];
} slow;

static void open_slow_vf(void)
{
	char *pf_bdf = strdup(vm_bdf("witness1")), *vf_bdf;

	/* A reset of the PF would end that of the VF. */
	pci_attr_set(pf_bdf, "reset_method", "\n");
	witness_set("witness1", "flr-ms", "6000");
	kmsg_expect("not ready");
	slow.pf = open_pf_with_token(pf_bdf);
	vf_bdf = make_vf(pf_bdf);
	snprintf(slow.vf_name, sizeof(slow.vf_name), "%s vf_token=" TOKEN, vf_bdf);
	CHECK_EQ(vfio_open_try(vf_bdf, slow.vf_name, &slow.vf), 0);
}

static atomic_bool is_closed;

static void *closes(void *device)
{
	CHECK_EQ(close(((struct vfio_device *)device)->fd), 0);
	is_closed = true;
	return NULL;
}

static pthread_t start_closing(struct vfio_device *device)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, closes, device), 0);
	/* The close has begun when these have passed, or soon: no test fails if not. */
	pause_ms(300);
	return thread;
}

static struct opening {
	int group;
	char name[64];
	int ret;
} opening;

static void *opens(void *data)
{
	opening.ret = ioctl(opening.group, VFIO_GROUP_GET_DEVICE_FD, opening.name);
	if (opening.ret < 0)
		opening.ret = -errno;
	return data;
}

static pthread_t start_opening(int group, const char *name)
{
	pthread_t thread;

	opening.group = group;
	snprintf(opening.name, sizeof(opening.name), "%s", name);
	CHECK_EQ(pthread_create(&thread, NULL, opens, NULL), 0);
	pause_ms(300);
	return thread;
}

/*
 * The VF has its client's data until then, and before that reaches the client's memory. (The
 * kernel's driver does not wait for it.)
 */
TEST_OURS(a_pf_needs_the_token_until_its_vf_was_reset_at_close)
{
	char *pf_bdf = strdup(vm_bdf("witness1"));
	struct vfio_device *pf;
	pthread_t thread;
	int ret;

	open_slow_vf();
	vfio_close(slow.pf);
	thread = start_closing(slow.vf);
	do
		ret = vfio_open_try(pf_bdf, pf_bdf, &pf);
	while (ret == -EACCES);
	CHECK_EQ(ret, 0);
	/* There is nothing left to do for it but to say so. */
	CHECK(WAIT_UNTIL(is_closed, 2000));
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

static atomic_bool is_unbound;

static void *unbinds(void *bdf)
{
	pci_unbind(bdf);
	is_unbound = true;
	return NULL;
}

/* An unbind has the close not reset it, and does that later. (The kernel's driver does not.) */
TEST_OURS(a_pf_needs_the_token_until_its_vf_was_reset_at_unbind)
{
	char *pf_bdf = strdup(vm_bdf("witness1")), *vf_bdf;
	struct vfio_device *pf;
	pthread_t thread;
	int asked, ret;

	open_slow_vf();
	vfio_close(slow.pf);
	asked = vfio_irq_event(slow.vf, VFIO_PCI_REQ_IRQ_INDEX);
	vf_bdf = strdup(slow.vf->bdf);
	CHECK_EQ(pthread_create(&thread, NULL, unbinds, vf_bdf), 0);
	CHECK(event_wait(asked, 10000));
	vfio_close(slow.vf);
	do
		ret = vfio_open_try(pf_bdf, pf_bdf, &pf);
	while (ret == -EACCES);
	CHECK_EQ(ret, 0);
	CHECK(WAIT_UNTIL(is_unbound, 2000));
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/*
 * The open waits for the close of the VF's last client, and the PF's client sets another token
 * meanwhile. (The kernel's driver opens it.)
 */
TEST_OURS(a_vf_is_not_opened_with_a_token_that_has_changed_meanwhile)
{
	pthread_t closing, waiting;

	open_slow_vf();
	closing = start_closing(slow.vf);
	waiting = start_opening(slow.vf->group, slow.vf_name);
	set_token(slow.pf, 0x11);
	CHECK_EQ(pthread_join(closing, NULL), 0);
	CHECK_EQ(pthread_join(waiting, NULL), 0);
	CHECK_EQ(opening.ret, -EACCES);
}

/* The open waits for a neighbour's close; meanwhile a client opens a VF with the token. */
TEST_OURS(a_pf_is_not_opened_with_another_token_beside_a_vf_that_was_opened_meanwhile)
{
	char *pf_bdf = strdup(vm_bdf("witness4")), *vf_bdf;
	struct vfio_device *pf, *neighbour, *vf;
	pthread_t closing, waiting;
	char name[64];
	int group;

	pci_attr_set(pf_bdf, "reset_method", "\n");
	pf = open_pf_with_token(pf_bdf);
	vf_bdf = make_vf(pf_bdf);
	pci_bind(vm_bdf("witness5"), VFIO_PCI);
	neighbour = vfio_open_with(pf, vm_bdf("witness5"));
	group = pf->group;
	CHECK_EQ(close(pf->fd), 0);
	witness_set("witness5", "flr-ms", "6000");
	kmsg_expect("not ready");
	closing = start_closing(neighbour);
	snprintf(name, sizeof(name), "%s vf_token=" OTHER, pf_bdf);
	waiting = start_opening(group, name);
	snprintf(name, sizeof(name), "%s vf_token=" TOKEN, vf_bdf);
	CHECK_EQ(vfio_open_try(vf_bdf, name, &vf), 0);
	CHECK_EQ(pthread_join(closing, NULL), 0);
	CHECK_EQ(pthread_join(waiting, NULL), 0);
	CHECK_EQ(opening.ret, -EACCES);
}

static void *resets(void *device)
{
	vfio_reset(device);
	return NULL;
}

/* Whoever reads its configuration space waits uninterruptibly for its lock. */
TEST(an_flr_that_takes_long_keeps_nobody_from_the_bridge)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	pthread_t thread;

	witness_set("witness0", "flr-ms", "6000");
	kmsg_expect("not ready");
	CHECK_EQ(pthread_create(&thread, NULL, resets, device), 0);
	witness_wait_in_reset("witness0");
	CHECK_NE(real_cfg(pci_upstream(device->bdf), PCI_VENDOR_ID, 4), 0xffffffff);
	CHECK(witness_is_in_reset("witness0"));
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* A closed function has no user, and must not write to memory. */
TEST(close_ends_dma)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	uint32_t *memory = vfio_dma_alloc(device, 0x100000, 4096);

	cfg_command(device, PCI_COMMAND_MASTER, 0);
	vfio_write(device, 0, WITNESS_DMA_ADDRESS, 0x100000, 4);
	vfio_write(device, 0, WITNESS_DMA_PERIOD, 1, 4);
	CHECK(WAIT_UNTIL(*(volatile uint32_t *)memory, LIMIT_MS));
	vfio_close(device);
	witness_set("witness0", "quiet", "true");
	pause_ms(QUIET_MS);
}

/* One user's ioeventfds, another one's interrupt */

#define MANY_EVENTS	700

static void do_reset_of_a_slow_function(void *device)
{
	vfio_reset_try(device);
}

/* An interrupt that is masked at the controller is unmasked in the system's workqueue. */
TEST(ioeventfds_that_wait_hold_up_no_interrupt_of_another_user)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "nointxmask=1 disable_idle_d3=1");
	struct vfio_device *other = vfio_bind_and_open(vm_bdf("witness3"));
	int trigger = vfio_irq_event(other, VFIO_PCI_INTX_IRQ_INDEX);
	int unmask = event_new();
	int events[MANY_EVENTS];
	uint64_t one = 1;
	pid_t child;

	CHECK_EQ(vfio_irqs_try(other, VFIO_PCI_INTX_IRQ_INDEX,
			       VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK, 0, 1,
			       &unmask, sizeof(unmask)), 0);
	for (unsigned int n = 0; n < MANY_EVENTS; n++) {
		events[n] = event_new();
		vfio_write_by_event(device, 0, WITNESS_DOORBELL, n, events[n]);
	}
	witness_set_intx("witness3", true);
	CHECK_EQ(event_wait(trigger, 20000), 1);

	make_resets_last(6000);
	kmsg_expect("not ready");
	child = child_start(do_reset_of_a_slow_function, device);
	witness_wait_in_reset("witness0");
	for (unsigned int n = 0; n < MANY_EVENTS; n++)
		CHECK_EQ(write(events[n], &one, sizeof(one)), sizeof(one));
	/* The interrupt is still asserted, and comes again as soon as it is unmasked. */
	CHECK_EQ(write(unmask, &one, sizeof(one)), sizeof(one));
	CHECK_EQ(event_wait(trigger, 20000), 1);
	CHECK(witness_is_in_reset("witness0"));
	witness_set_intx("witness3", false);
	child_check_ends("the reset", child);
	CHECK(WAIT_UNTIL(vfio_read(device, 0, WITNESS_DOORBELL, 4), 20000));
}

static void work_on(int processor)
{
	volatile unsigned int work = 0;

	use_processor(processor);
	while (work < 10000000)
		work++;
}

/* If this fails, a processor stays in the interrupt's handler, and the machine hangs. */
TEST_OURS(an_interrupt_that_raises_itself_does_not_take_a_processor)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	int event = vfio_irq_event(device, VFIO_PCI_MSIX_IRQ_INDEX);

	cfg_command(device, PCI_COMMAND_MASTER, 0);
	vfio_write_by_event(device, 0, WITNESS_TRIGGER, 0, event);
	vfio_write_by_event(device, 0, WITNESS_DOORBELL, 0, event);
	vfio_write(device, 0, WITNESS_TRIGGER, 0, 4);
	for (int n = 0; n < sysconf(_SC_NPROCESSORS_ONLN); n++)
		work_on(n);
	CHECK(WAIT_UNTIL(vfio_read(device, 0, WITNESS_DOORBELL, 4) >= 10, LIMIT_MS));
	vfio_write_by_event(device, 0, WITNESS_TRIGGER, 0, -1);
}

/* The PCI core logs what is missing each time that it is asked to map a ROM. */
TEST_OURS(who_looks_for_a_rom_where_none_is_again_and_again_fills_no_log)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	int mark = kmsg_mark();
	uint32_t value;

	witness_set("witness0", "rom-data", "0");
	for (int n = 0; n < 100; n++) {
		CHECK_EQ(vfio_region(device, ROM)->size, 0);
		CHECK_EQ(vfio_read_try(device, ROM, 0, &value, sizeof(value)), -EIO);
	}
	CHECK_LT(kmsg_count(mark, "vfio-pci .*ROM"), 10);
}

TEST(a_rom_is_not_read_beyond_its_end)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");

	witness_set("witness0", "rom-data", "65534");
	CHECK_EQ(vfio_region(device, ROM)->size, 0);
	witness_set("witness0", "rom-data", "65532");
	CHECK_EQ(vfio_region(device, ROM)->size, 0);
	witness_set("witness0", "rom-data", "32");
	CHECK_EQ(vfio_region(device, ROM)->size, 0x10000);
	CHECK_EQ(vfio_read(device, ROM, 0, 2), 0xaa55);
}

/*
 * The container stays open: 6.1's vfio.ko uses it after it is freed if its last close meets the
 * unbind of its last device.
 */
static void close_files(const struct vfio_device *device)
{
	close(device->fd);
	close(device->group);
}

static void unbind_it(void *device)
{
	close_files(device);
	pci_unbind(((struct vfio_device *)device)->bdf);
}

static void add_a_vf(void *device)
{
	close_files(device);
	pci_set_vfs(vm_bdf("witness1"), 1);
}

static void close_it(void *device)
{
	(void)device;
}

/*
 * AER walks the bus with the PCI core's lock, and waits for the device lock, which the unbind
 * holds. A task that adds a function waits for AER, and all tasks that walk the bus wait behind it.
 * With the kernel's driver the closing task does, too, and no function can be added or removed any
 * more.
 */
TEST_OURS(a_close_that_an_unbind_waits_for_walks_no_bus)
{
	struct vfio_device *device = vfio_open_with_memory("witness0",
							   "disable_idle_d3=1 enable_sriov=1");
	int event = vfio_irq_event(device, VFIO_PCI_REQ_IRQ_INDEX), mark = kmsg_mark();
	pid_t unbinds, adds, closes;

	pci_bind(vm_bdf("witness1"), VFIO_PCI);
	unbinds = child_start(unbind_it, device);
	CHECK_GE(event_wait(event, LIMIT_MS), 1);
	vm_aer("witness0", "POISON_TLP");
	CHECK(WAIT_UNTIL(kmsg_count(mark, "PCIe Bus Error"), LIMIT_MS));
	adds = child_start(add_a_vf, device);
	/* The kernel logs this before it waits for the lock. */
	CHECK(WAIT_UNTIL(kmsg_count(mark, "1234:7718") && child_waits(adds), LIMIT_MS));
	pause_ms(QUIET_MS);
	closes = child_start(close_it, device);
	close_files(device);
	child_check_ends("who closes it", closes);
	child_check_ends("the unbind", unbinds);
	child_check_ends("who adds a VF", adds);
}

static void check_msix_can_be_set_up(struct vfio_device *device)
{
	int event = vfio_irq_event(device, VFIO_PCI_MSIX_IRQ_INDEX);

	vfio_write(device, 0, WITNESS_TRIGGER, 0, 4);
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
}

/* Whatever the function says: what is behind its BAR is another's. */
TEST_OURS(an_msix_table_that_has_moved_since_the_open_is_not_written)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	int event = event_new();

	cfg_command(device, PCI_COMMAND_MASTER, 0);
	witness_set("witness0", "move-table", "1048576");
	CHECK_ERR(EIO, vfio_irq_eventfds_try(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &event));
	witness_set("witness0", "move-table", "0");
	check_msix_can_be_set_up(device);
}

/* As an NVMe function's is after its interrupts were given another number, and a reset. */
TEST(an_msix_table_that_is_larger_than_at_the_open_is_set_up)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");

	cfg_command(device, PCI_COMMAND_MASTER, 0);
	witness_set("witness0", "more-vectors", "3");
	check_msix_can_be_set_up(device);
}

/* The PCI core maps what is there; a vector beyond that would be written to who knows whose memory. */
TEST_OURS(an_msix_table_that_is_smaller_than_at_the_open_is_not_set_up)
{
	struct vfio_device *device;
	int event = event_new();

	witness_set("witness0", "more-vectors", "3");
	device = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	cfg_command(device, PCI_COMMAND_MASTER, 0);
	witness_set("witness0", "more-vectors", "0");
	CHECK_ERR(EIO, vfio_irq_eventfds_try(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &event));
	witness_set("witness0", "more-vectors", "3");
	check_msix_can_be_set_up(device);
}

/* Kernels that add vectors one by one look for the table once, and add it. */
TEST(a_vector_more_that_is_refused_takes_none_that_is_there)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	int first = event_new(), second = event_new();

	cfg_command(device, PCI_COMMAND_MASTER, 0);
	vfio_irq_eventfd(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, first);
	witness_set("witness0", "move-table", "1048576");
	vfio_irq_eventfds_try(device, VFIO_PCI_MSIX_IRQ_INDEX, 1, 1, &second);
	vfio_write(device, 0, WITNESS_TRIGGER, 0, 4);
	CHECK_EQ(event_wait(first, LIMIT_MS), 1);
}

static void touch(void *page)
{
	(void)*(volatile uint32_t *)page;
}

/* With the kernel's driver he waits for the reset. */
TEST_OURS(who_is_killed_while_his_page_fault_waits_for_a_reset_ends_before_it)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	bool met = false;

	FOR_LONGER_AND_LONGER(ms) {
		void *page = vfio_mmap(device, 0, WITNESS_MEMORY, 4096, PROT_READ);
		pid_t resets, touches;

		CHECK(page != MAP_FAILED);
		make_resets_last(ms);
		resets = child_start(do_reset, device);
		witness_wait_in_reset("witness0");
		touches = child_start(touch, page);
		met = waits_for_the_reset(touches);
		CHECK_OK(kill(touches, SIGKILL));
		CHECK_OK(waitpid(touches, NULL, 0));
		met = met && witness_is_in_reset("witness0");
		child_check_ends("who resets", resets);
		CHECK_OK(munmap(page, 4096));
		if (met)
			break;
	}
	CHECK(met);
}

/* Vital Product Data */

/* A card completes each read; one that is never done has the guest's driver wait. */
TEST(a_read_beyond_the_end_of_vital_product_data_is_done_and_gives_zeros)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	unsigned int vpd = cfg_cap(device, PCI_CAP_ID_VPD);

	cfg_set32(device, vpd + PCI_VPD_DATA, 0x600df00d);
	cfg_set16(device, vpd + PCI_VPD_ADDR, PCI_VPD_ADDR_MASK & ~3);
	CHECK_EQ(cfg16(device, vpd + PCI_VPD_ADDR), PCI_VPD_ADDR_F | (PCI_VPD_ADDR_MASK & ~3));
	CHECK_EQ(cfg32(device, vpd + PCI_VPD_DATA), 0);
	cfg_set16(device, vpd + PCI_VPD_ADDR, 0);
	CHECK_EQ(cfg16(device, vpd + PCI_VPD_ADDR), PCI_VPD_ADDR_F);
}

/* The witness counts accesses in the first 100 ms of a reset. */
TEST(vital_product_data_that_is_asked_for_amid_a_reset_comes_after_it)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	unsigned int vpd = cfg_cap(device, PCI_CAP_ID_VPD);
	pid_t resets = child_start(do_reset, device);

	witness_wait_in_reset("witness0");
	cfg_set16(device, vpd + PCI_VPD_ADDR, 4);
	CHECK_EQ(cfg16(device, vpd + PCI_VPD_ADDR), PCI_VPD_ADDR_F | 4);
	child_check_ends("who resets", resets);
}

static void check_vpd_fills_no_log(struct vfio_device *device, const char *id)
{
	unsigned int vpd = cfg_cap(device, PCI_CAP_ID_VPD);
	char *bdf = strdup(device->bdf);
	int mark = kmsg_mark();

	witness_set(id, "no-vpd", "true");
	for (int n = 0; n < 32; n++) {
		cfg_set16(device, vpd + PCI_VPD_ADDR, 0);
		if (n % 4)
			continue;
		vfio_close(device);
		device = vfio_open(bdf);
	}
	CHECK_EQ(cfg16(device, vpd + PCI_VPD_ADDR), 0);
	/* One when it begins; more if all this takes longer than the pause. */
	CHECK_LT(kmsg_count(mark, "VPD access failed"), 5);
	witness_set(id, "no-vpd", "false");
	for (int n = 0; n < 200 && !cfg16(device, vpd + PCI_VPD_ADDR); n++) {
		pause_ms(100);
		cfg_set16(device, vpd + PCI_VPD_ADDR, 0);
	}
	CHECK_EQ(cfg16(device, vpd + PCI_VPD_ADDR), PCI_VPD_ADDR_F);
}

/* Of a function that answers. */
TEST_OURS(vital_product_data_that_does_not_come_fills_no_log)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	unsigned int vpd = cfg_cap(device, PCI_CAP_ID_VPD);

	cfg_set16(device, vpd + PCI_VPD_ADDR, 0);
	CHECK_EQ(cfg16(device, vpd + PCI_VPD_ADDR), PCI_VPD_ADDR_F);
	check_vpd_fills_no_log(device, "witness0");
}

/* The PCI core finds the size out once; no other test asks this function. */
TEST_OURS(vital_product_data_whose_size_is_not_known_fills_no_log)
{
	struct vfio_device *device = vfio_open_with_memory("witness5", "disable_idle_d3=1");

	check_vpd_fills_no_log(device, "witness5");
}

/* The PCI core waits for each piece of it, and logs that nothing came. */
TEST_OURS(who_writes_vital_product_data_of_a_dead_function_fills_no_log)
{
	struct vfio_device *device = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	unsigned int vpd = cfg_cap(device, PCI_CAP_ID_VPD), bus;
	const char *port = pci_upstream(device->bdf);
	int mark;

	/* The PCI core finds out once how much there is. */
	cfg_set16(device, vpd + PCI_VPD_ADDR, 0);
	CHECK_EQ(cfg16(device, vpd + PCI_VPD_ADDR), PCI_VPD_ADDR_F);
	bus = real_cfg(port, PCI_SECONDARY_BUS, 1);
	real_cfg_set(port, PCI_SECONDARY_BUS, 0xfe, 1);
	CHECK_EQ(real_cfg(device->bdf, PCI_COMMAND, 2), 0xffff);
	mark = kmsg_mark();
	for (int n = 0; n < 40; n++)
		cfg_set16(device, vpd + PCI_VPD_ADDR, PCI_VPD_ADDR_F);
	real_cfg_set(port, PCI_SECONDARY_BUS, bus, 1);
	CHECK_EQ(kmsg_count(mark, "VPD"), 0);
	cfg_set16(device, vpd + PCI_VPD_ADDR, 0);
	CHECK_EQ(cfg16(device, vpd + PCI_VPD_ADDR), PCI_VPD_ADDR_F);
}

/* The kernel's driver frees the interrupt, and with it the address that all vectors share. */
TEST_OURS(messages_go_on_when_the_first_vectors_eventfd_is_taken_away)
{
	struct vfio_device *device;
	int events[WITNESS_MSI_VECTORS];
	int none = -1;

	driver_load(NULL);
	device = vfio_bind_and_open(vm_bdf("witness0"));
	cfg_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	for (int n = 0; n < WITNESS_MSI_VECTORS; n++)
		events[n] = event_new();
	CHECK_EQ(vfio_irq_eventfds_try(device, VFIO_PCI_MSI_IRQ_INDEX, 0, WITNESS_MSI_VECTORS,
				       events), 0);
	for (int n = 0; n < WITNESS_MSI_VECTORS; n++) {
		CHECK_EQ(vfio_irq_eventfds_try(device, VFIO_PCI_MSI_IRQ_INDEX, n, 1, &none), 0);
		for (int other = 0; other < WITNESS_MSI_VECTORS; other++)
			vfio_write(device, 0, WITNESS_TRIGGER, other, 4);
		for (int other = n + 1; other < WITNESS_MSI_VECTORS; other++)
			CHECK_EQ(event_wait(events[other], LIMIT_MS), 1);
		CHECK_EQ(event_take(events[n]), 0);
	}
	for (int n = 0; n < WITNESS_MSI_VECTORS; n++) {
		CHECK_EQ(vfio_irq_eventfds_try(device, VFIO_PCI_MSI_IRQ_INDEX, n, 1, events + n), 0);
		/* What came in meanwhile. The last message may have been on its way for longer. */
		CHECK_NE(event_wait(events[n], LIMIT_MS), 0);
		vfio_write(device, 0, WITNESS_TRIGGER, n, 4);
		CHECK_NE(event_wait(events[n], LIMIT_MS), 0);
	}
	vfio_irq_disable(device, VFIO_PCI_MSI_IRQ_INDEX);
}

/* The kernel's driver frees and requests the interrupt, which writes the bits of all vectors. */
TEST_OURS(mask_bits_of_msi_are_the_clients_when_an_eventfd_is_taken_away_and_given)
{
	int events[WITNESS_MSI_VECTORS], none = -1;
	struct vfio_device *device;
	unsigned int mask;

	driver_load(NULL);
	device = vfio_bind_and_open(vm_bdf("witness0"));
	cfg_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	for (int n = 0; n < WITNESS_MSI_VECTORS; n++)
		events[n] = event_new();
	vfio_irq_eventfds(device, VFIO_PCI_MSI_IRQ_INDEX, 0, WITNESS_MSI_VECTORS, events);
	mask = cfg_cap(device, PCI_CAP_ID_MSI) + PCI_MSI_MASK_64;
	cfg_set32(device, mask, 1 << 2);
	vfio_write(device, 0, WITNESS_TRIGGER, 2, 4);
	vfio_irq_eventfds(device, VFIO_PCI_MSI_IRQ_INDEX, 1, 1, &none);
	CHECK_EQ(cfg32(device, mask), 1 << 2);
	vfio_irq_eventfd(device, VFIO_PCI_MSI_IRQ_INDEX, 1, events[1]);
	CHECK_EQ(cfg32(device, mask), 1 << 2);
	CHECK_EQ(event_wait(events[2], QUIET_MS), 0);
	cfg_set32(device, mask, 0);
	CHECK_EQ(event_wait(events[2], LIMIT_MS), 1);
}

TEST(an_interrupt_of_a_vector_without_eventfd_comes_when_it_has_one)
{
	static const unsigned int indexes[] = { VFIO_PCI_MSI_IRQ_INDEX, VFIO_PCI_MSIX_IRQ_INDEX };
	int events[2] = { event_new(), event_new() }, none = -1;
	struct vfio_device *device;

	driver_load(NULL);
	device = vfio_bind_and_open(vm_bdf("witness0"));
	cfg_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	for (int n = 0; n < 2; n++) {
		CHECK_EQ(vfio_irq_eventfds_try(device, indexes[n], 0, 2, events), 0);
		CHECK_EQ(vfio_irq_eventfds_try(device, indexes[n], 1, 1, &none), 0);
		vfio_write(device, 0, WITNESS_TRIGGER, 1, 4);
		pause_ms(50);
		CHECK_EQ(event_take(events[1]), 0);
		CHECK_EQ(vfio_irq_eventfds_try(device, indexes[n], 1, 1, events + 1), 0);
		CHECK_EQ(event_wait(events[1], LIMIT_MS), 1);
		vfio_irq_disable(device, indexes[n]);
	}
}
