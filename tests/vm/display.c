// SPDX-License-Identifier: GPL-2.0-only
/*
 * VGA devices and Intel graphics, in a reset of their user and while they are away.
 *
 * vm-machine: witness-display
 * vm-drivers: ours kernel
 * vm-threads: multi
 */
#include <pthread.h>
#include <stdatomic.h>

#include "vmtest.h"

#define LIMIT_MS	20000
#define RESET_MS	"6000"
/* A register that the ranges of VGA have. */
#define VGA_INDEX	0x3ce
/* Intel graphics: where its OpRegion is. */
#define ASLS		0xfc
#define OPREGION	0x7f5d018

#define BOTH		(PCI_COMMAND_MEMORY | PCI_COMMAND_IO)
/* In VGA's legacy ranges */
#define VGA_MEMORY	0xa0000

CLEAN_UP
{
	static const char * const ids[] = { "witness0", "witness5" };

	for (int n = 0; n < 2; n++) {
		witness_set(ids[n], "flr-ms", "95");
		witness_wait_ready(ids[n]);
	}
}

static struct reader {
	struct vfio_device *device;
	volatile unsigned long begun, done;
	volatile bool is_over;
} reader;

static void *reads(void *data)
{
	uint8_t byte;

	while (!reader.is_over) {
		reader.begun++;
		vfio_read_try(reader.device, VFIO_PCI_VGA_REGION_INDEX, VGA_INDEX, &byte, 1);
		reader.done++;
	}
	return data;
}

static void *resets(void *device)
{
	vfio_reset(device);
	return NULL;
}

/* The arbiter's ranges are the whole host's. */
TEST(who_waits_for_a_vga_devices_reset_does_not_hold_up_anothers_legacy_ranges)
{
	struct vfio_device *other;
	pthread_t reading, resetting;
	uint8_t byte;

	reader = (struct reader) {
		.device = vfio_open_with_memory("witness0", "disable_idle_d3=1"),
	};
	other = vfio_bind_and_open(vm_bdf("witness1"));
	cfg_command(other, PCI_COMMAND_MEMORY | PCI_COMMAND_IO, 0);
	witness_set("witness0", "flr-ms", RESET_MS);
	CHECK_EQ(pthread_create(&reading, NULL, reads, NULL), 0);
	CHECK(WAIT_UNTIL(reader.done > 10, LIMIT_MS));
	CHECK_EQ(pthread_create(&resetting, NULL, resets, reader.device), 0);
	CHECK(WAIT_UNTIL(witness_is_in_reset("witness0"), LIMIT_MS));
	for (int n = 0; n < 50; n++)
		vfio_read_try(other, VFIO_PCI_VGA_REGION_INDEX, VGA_INDEX, &byte, 1);
	/* So none of them has waited for its end, and the reader still does. */
	CHECK(witness_is_in_reset("witness0"));
	CHECK_EQ(reader.begun, reader.done + 1);
	pthread_join(resetting, NULL);
	reader.is_over = true;
	pthread_join(reading, NULL);
}

/* The host's driver and the next user believe the register, and a reset clears it. */
TEST_OURS(an_opregion_is_found_after_a_close_while_its_graphics_are_away)
{
	struct vfio_device *beside, *device;
	char *first, *graphics = strdup(vm_bdf("witness5"));
	int mark = kmsg_mark();

	driver_load("disable_idle_d3=1");
	first = strdup(vm_bdf("witness4"));
	real_cfg_set(graphics, ASLS, OPREGION, 4);
	pci_bind(first, VFIO_PCI);
	pci_bind(graphics, VFIO_PCI);
	beside = vfio_open(first);
	device = vfio_open_with(beside, graphics);
	kmsg_expect("AER|pcieport|recovery|not ready|ready|does not|answer");
	witness_set("witness5", "flr-ms", RESET_MS);
	real_cfg_set(first, PCI_COMMAND, real_cfg(first, PCI_COMMAND, 2) | PCI_COMMAND_SERR, 2);
	vm_aer("witness4", "MALF_TLP");
	CHECK(WAIT_UNTIL(kmsg_count(mark, "device recovery (failed|successful)"), LIMIT_MS));
	CHECK(witness_is_in_reset("witness5"));
	vfio_close(device);
	witness_wait_ready("witness5");
	CHECK(WAIT_UNTIL(real_cfg(graphics, ASLS, 4) == OPREGION, LIMIT_MS));
	pci_unbind(graphics);
	CHECK_EQ(real_cfg(graphics, ASLS, 4), OPREGION);
}

static int legacy(struct vfio_device *vga, uint64_t offset, uint8_t *byte)
{
	return vfio_read_try(vga, VFIO_PCI_VGA_REGION_INDEX, offset, byte, 1);
}

static void check_no_legacy_access(struct vfio_device *vga)
{
	uint8_t byte = 0;

	CHECK_ERR(EIO, legacy(vga, VGA_MEMORY, &byte));
	CHECK_EQ(legacy(vga, VGA_INDEX, &byte), 1);
	CHECK_EQ(byte, 0xff);
}

/* The arbiter does not know, and switches decoding on. (The kernel's driver lets it.) */
TEST_OURS(legacy_access_does_not_reach_a_vga_device_that_does_not_decode)
{
	struct vfio_device *vga = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	uint8_t byte;

	cfg_command(vga, 0, BOTH);
	check_no_legacy_access(vga);
	CHECK_EQ(real_cfg(vga->bdf, PCI_COMMAND, 2) & BOTH, 0);
	cfg_command(vga, BOTH, 0);
	CHECK_EQ(legacy(vga, VGA_MEMORY, &byte), 1);
	CHECK_EQ(legacy(vga, VGA_INDEX, &byte), 1);
	cfg_command(vga, 0, BOTH);
	check_no_legacy_access(vga);
	CHECK_EQ(real_cfg(vga->bdf, PCI_COMMAND, 2) & BOTH, 0);
}

TEST_OURS(legacy_access_does_not_reach_a_vga_device_in_d3hot)
{
	struct vfio_device *vga = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	unsigned int control = cfg_cap(vga, PCI_CAP_ID_PM) + PCI_PM_CTRL;
	uint8_t byte;

	cfg_command(vga, BOTH, 0);
	CHECK_EQ(legacy(vga, VGA_MEMORY, &byte), 1);
	cfg_set16(vga, control, 3);
	check_no_legacy_access(vga);
	CHECK_EQ(real_cfg(vga->bdf, control, 2) & PCI_PM_CTRL_STATE_MASK, 3);
}

/* It must be awake before the arbiter hands a range over: asleep it forgets what is written. */
TEST(legacy_access_wakes_a_vga_device_in_low_power)
{
	struct vfio_device *vga = vfio_open_with_memory("witness0", NULL);
	struct vfio_device *other = vfio_bind_and_open(vm_bdf("witness1"));
	uint8_t byte;

	cfg_command(vga, BOTH, 0);
	cfg_command(other, BOTH, 0);
	vfio_low_power(vga, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY);
	for (int n = 0; n < 4; n++) {
		pci_wait_power_state(vga->bdf, "D3hot");
		CHECK_EQ(legacy(other, VGA_MEMORY, &byte), 1);
		pci_wait_power_state(vga->bdf, "D3hot");
		CHECK_EQ(legacy(vga, VGA_MEMORY, &byte), 1);
	}
	vfio_low_power(vga, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT);
	CHECK_EQ(legacy(vga, VGA_MEMORY, &byte), 1);
}

static struct {
	struct vfio_device *vga;
	atomic_bool is_over;
	atomic_uint reads, toggles;
} storm;

static void *reads_legacy_memory(void *data)
{
	uint8_t byte;

	for (; !storm.is_over; storm.reads++)
		legacy(storm.vga, VGA_MEMORY, &byte);
	return data;
}

static void *toggles_decoding(void *data)
{
	for (; !storm.is_over; storm.toggles++) {
		cfg_set16(storm.vga, PCI_COMMAND, BOTH);
		usleep(300);
		cfg_set16(storm.vga, PCI_COMMAND, 0);
		usleep(300);
	}
	return data;
}

/*
 * For the table the host has the function decode, whatever its user wants. An access that finds
 * decoding switched off, after the arbiter has switched it on, must not take it from the host. The
 * witness sees it.
 */
TEST(legacy_accesses_do_not_take_the_msix_table_from_the_host)
{
	static void *(* const work[])(void *) = {
		reads_legacy_memory, reads_legacy_memory, reads_legacy_memory, toggles_decoding,
	};
	pthread_t threads[sizeof(work) / sizeof(work[0])];
	int events[8];

	storm.vga = vfio_open_with_memory("witness0", "disable_idle_d3=1");
	for (int n = 0; n < 8; n++)
		events[n] = event_new();
	for (size_t n = 0; n < sizeof(work) / sizeof(work[0]); n++)
		CHECK_EQ(pthread_create(&threads[n], NULL, work[n], NULL), 0);
	for (int round = 0; round < 800; round++) {
		vfio_irq_eventfds_try(storm.vga, VFIO_PCI_MSIX_IRQ_INDEX, 0, 8, events);
		vfio_irq_disable(storm.vga, VFIO_PCI_MSIX_IRQ_INDEX);
	}
	storm.is_over = true;
	for (size_t n = 0; n < sizeof(work) / sizeof(work[0]); n++)
		CHECK_EQ(pthread_join(threads[n], NULL), 0);
	CHECK_GE(storm.reads, 1);
	CHECK_GE(storm.toggles, 1);
}
