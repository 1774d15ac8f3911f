// SPDX-License-Identifier: GPL-2.0-only
/*
 * After any restore of configuration space, decoding is as the client has set it,
 * not what was saved, and INTx is on in the function only while it has a handler.
 *
 * The kernel's driver keeps nearly none of it: it leaves INTx on without a handler, or off for
 * good, and does not restore after a link reset.
 *
 * vm-machine: witness
 * vm-drivers: ours
 */

#include "vmtest.h"

#define LIMIT_MS	20000
#define QUIET_MS	300
#define INTX		VFIO_PCI_INTX_IRQ_INDEX
#define ERR		VFIO_PCI_ERR_IRQ_INDEX
#define FATAL		"MALF_TLP"

CLEAN_UP
{
	witness_set("witness0", "flr-ms", "95");
	witness_set("witness0", "intx-limit-ms", "5000");
	witness_set_intx("witness0", false);
	witness_set_intx("witness2", false);
}

static struct vfio_device *open_with_memory(const char *id)
{
	return vfio_open_with_memory(id, NULL);
}

static bool is_intx_off(struct vfio_device *device)
{
	return real_cfg(device->bdf, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE;
}

/* Ways to restore */

static void set_power_state(struct vfio_device *device, unsigned int state)
{
	cfg_set16(device, cfg_cap(device, PCI_CAP_ID_PM) + PCI_PM_CTRL, state);
}

static void reset_through_sysfs(struct vfio_device *device)
{
	pci_attr_set(device->bdf, "reset", "1");
}

static void put_to_d3hot_and_back(struct vfio_device *device)
{
	set_power_state(device, 3);
	set_power_state(device, 0);
}

static void let_sleep_and_wake(struct vfio_device *device)
{
	vfio_low_power(device, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY);
	pci_wait_power_state(device->bdf, "D3hot");
	vfio_low_power(device, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT);
}

/* The PCI core restores the state that it saved when the client put the function into D3hot. */
static void let_sleep_in_d3hot_and_wake(struct vfio_device *device)
{
	vfio_low_power(device, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY);
	set_power_state(device, 3);
	CHECK(WAIT_UNTIL(!strcmp(pm_status(device->bdf), "suspended"), LIMIT_MS));
	vfio_low_power(device, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT);
}

/* The next change of the power state finds the function as it shall be. */
static void reset_the_link(struct vfio_device *device)
{
	int start = kmsg_mark(), event = vfio_irq_event(device, ERR);

	vm_aer("witness0", FATAL);
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
	vm_wait_recovered(start, LIMIT_MS);
	cfg_set16(device, cfg_cap(device, PCI_CAP_ID_PM) + PCI_PM_CTRL, 0);
}

/* Decoding */

static void check_decoding(struct vfio_device *device, uint16_t expected)
{
	const uint16_t bits = PCI_COMMAND_IO | PCI_COMMAND_MEMORY;

	CHECK_EQ(cfg16(device, PCI_COMMAND) & bits, expected);
	CHECK_EQ(real_cfg(device->bdf, PCI_COMMAND, 2) & bits, expected);
	if (expected & PCI_COMMAND_MEMORY)
		CHECK_EQ(vfio_read(device, 0, WITNESS_ID, 4), WITNESS_ID_VALUE);
	if (expected & PCI_COMMAND_IO)
		CHECK_EQ(vfio_read(device, 2, WITNESS_ID, 4), WITNESS_ID_VALUE);
}

/* The state that a reset has saved is out of date. */
static void check_decoding_after(const char *id, void (*restore)(struct vfio_device *))
{
	struct vfio_device *device = open_with_memory(id);

	for (int round = 0; round < 2; round++) {
		uint16_t wanted = round ? PCI_COMMAND_MEMORY : PCI_COMMAND_IO;
		uint16_t other = round ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;

		cfg_command(device, other, wanted);
		vfio_reset(device);
		cfg_command(device, wanted, other);
		restore(device);
		check_decoding(device, wanted);
	}
}

TEST(reset_leaves_decoding_as_the_client_has_it)
{
	check_decoding_after("witness0", vfio_reset);
}

TEST(reset_through_sysfs_leaves_decoding_as_the_client_has_it)
{
	check_decoding_after("witness0", reset_through_sysfs);
}

TEST(link_reset_leaves_decoding_as_the_client_has_it)
{
	check_decoding_after("witness0", reset_the_link);
}

TEST(d3hot_leaves_decoding_as_the_client_has_it)
{
	check_decoding_after("witness0", put_to_d3hot_and_back);
}

TEST(d3hot_that_loses_registers_leaves_decoding_as_the_client_has_it)
{
	check_decoding_after("witness2", put_to_d3hot_and_back);
}

TEST(low_power_leaves_decoding_as_the_client_has_it)
{
	check_decoding_after("witness0", let_sleep_and_wake);
}

TEST(low_power_in_d3hot_leaves_decoding_as_the_client_has_it)
{
	check_decoding_after("witness2", let_sleep_in_d3hot_and_wake);
}

/* INTx */

static void check_intx_comes(struct vfio_device *device, const char *id, int event)
{
	CHECK(!is_intx_off(device));
	witness_set_intx(id, true);
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
	CHECK(is_intx_off(device));
	witness_set_intx(id, false);
	vfio_irq_unmask(device, INTX);
	CHECK(!is_intx_off(device));
}

/* The state that a reset saves has INTx on or off when the opposite is right. */
static void check_intx_after(const char *id, void (*restore)(struct vfio_device *))
{
	struct vfio_device *device = open_with_memory(id);
	int event;

	CHECK(is_intx_off(device));
	vfio_reset(device);
	event = vfio_irq_event(device, INTX);
	restore(device);
	check_intx_comes(device, id, event);

	vfio_reset(device);
	vfio_irq_disable(device, INTX);
	CHECK(is_intx_off(device));
	restore(device);
	CHECK(is_intx_off(device));
}

TEST(reset_leaves_intx_to_its_handler)
{
	check_intx_after("witness0", vfio_reset);
}

TEST(reset_through_sysfs_leaves_intx_to_its_handler)
{
	check_intx_after("witness0", reset_through_sysfs);
}

TEST(link_reset_leaves_intx_to_its_handler)
{
	check_intx_after("witness0", reset_the_link);
}

TEST(d3hot_leaves_intx_to_its_handler)
{
	check_intx_after("witness0", put_to_d3hot_and_back);
}

TEST(d3hot_that_loses_registers_leaves_intx_to_its_handler)
{
	check_intx_after("witness2", put_to_d3hot_and_back);
}

TEST(low_power_leaves_intx_to_its_handler)
{
	check_intx_after("witness0", let_sleep_and_wake);
}

TEST(low_power_in_d3hot_leaves_intx_to_its_handler)
{
	check_intx_after("witness2", let_sleep_in_d3hot_and_wake);
}

/* A handler must not look at a function that sleeps: the witness would count that. */
TEST(intx_that_is_set_up_in_low_power_comes_after_it)
{
	struct vfio_device *device = open_with_memory("witness0");
	int event;

	vfio_low_power(device, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY);
	pci_wait_power_state(device->bdf, "D3hot");
	event = vfio_irq_event(device, INTX);
	pci_wait_power_state(device->bdf, "D3hot");
	witness_set_intx("witness0", true);
	vfio_low_power(device, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT);
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
	witness_set_intx("witness0", false);
	vfio_irq_unmask(device, INTX);
	CHECK_EQ(event_wait(event, QUIET_MS), 0);
}

static void check_without_intx(struct vfio_device *device, unsigned int index)
{
	vfio_irq_eventfd(device, index, 0, event_new());
	CHECK(is_intx_off(device));
	vfio_reset(device);
	CHECK(is_intx_off(device));
	vfio_irq_disable(device, index);
	CHECK(is_intx_off(device));
}

/* The PCI core switches INTx on with the last vector, and firmware leaves it on. */
TEST(intx_is_off_in_the_function_from_open_to_close_unless_it_is_set_up)
{
	const char *bdf = vm_bdf("witness0");
	struct vfio_device *device;

	real_cfg_set(bdf, PCI_COMMAND,
		     real_cfg(bdf, PCI_COMMAND, 2) & ~PCI_COMMAND_INTX_DISABLE, 2);
	device = open_with_memory("witness0");
	CHECK(is_intx_off(device));
	check_without_intx(device, VFIO_PCI_MSI_IRQ_INDEX);
	check_without_intx(device, VFIO_PCI_MSIX_IRQ_INDEX);
	vfio_irq_event(device, INTX);
	CHECK(!is_intx_off(device));
	vfio_irq_disable(device, INTX);
	CHECK(is_intx_off(device));
	vfio_irq_event(device, INTX);
	vfio_close(device);
	CHECK(real_cfg(bdf, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
}

/* Their line is on without a status bit that says so, but with a line of their own they can work. */
TEST_OURS(an_intx_that_is_known_to_be_broken_is_off_and_hidden_unless_its_line_is_masked)
{
	static const char * const ids[] = { "witness6", "witness7" };

	driver_load("nointxmask=0");
	for (int n = 0; n < 2; n++) {
		struct vfio_device *device = vfio_bind_and_open(vm_bdf(ids[n]));

		cfg_command(device, PCI_COMMAND_MEMORY, 0);
		CHECK_EQ(vfio_irq_info(device, INTX).count, 0);
		CHECK_EQ(cfg8(device, PCI_INTERRUPT_PIN), 0);
		check_without_intx(device, VFIO_PCI_MSI_IRQ_INDEX);
		check_without_intx(device, VFIO_PCI_MSIX_IRQ_INDEX);
		vfio_close(device);
		pci_unbind(vm_bdf(ids[n]));
	}
	driver_unload();
	driver_load("nointxmask=1");
	for (int n = 0; n < 2; n++) {
		struct vfio_device *device = vfio_bind_and_open(vm_bdf(ids[n]));

		CHECK_EQ(vfio_irq_info(device, INTX).count, 1);
		CHECK_EQ(cfg8(device, PCI_INTERRUPT_PIN), 1);
		vfio_close(device);
	}
}

static void check_interrupts(struct vfio_device *device, int event)
{
	vfio_write(device, 0, WITNESS_TRIGGER, 0, 4);
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
}

static void check_msi(struct vfio_device *device, unsigned int index)
{
	int event = vfio_irq_event(device, index);

	check_interrupts(device, event);
	vfio_reset(device);
	check_interrupts(device, event);
	reset_through_sysfs(device);
	check_interrupts(device, event);
	put_to_d3hot_and_back(device);
	check_interrupts(device, event);
	let_sleep_and_wake(device);
	check_interrupts(device, event);
	cfg_command(device, PCI_COMMAND_INTX_DISABLE, 0);
	check_interrupts(device, event);
	cfg_command(device, 0, PCI_COMMAND_INTX_DISABLE);
	vfio_irq_disable(device, index);
	CHECK(is_intx_off(device));
}

TEST(msi_works_in_a_function_whose_disintx_switches_msi_off)
{
	struct vfio_device *device = open_with_memory("witness8");

	cfg_command(device, PCI_COMMAND_MASTER, 0);
	CHECK(is_intx_off(device));
	check_msi(device, VFIO_PCI_MSI_IRQ_INDEX);
	check_msi(device, VFIO_PCI_MSIX_IRQ_INDEX);
}

/* In the middle of a reset */

static void during_a_reset(struct vfio_device *device, void (*work)(struct vfio_device *))
{
	int status;
	pid_t child = CHECK_OK(fork());

	if (!child) {
		vfio_reset(device);
		_exit(0);
	}
	witness_wait_in_reset("witness0");
	work(device);
	CHECK_OK(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
}

static void mask(struct vfio_device *device)
{
	vfio_irq_mask(device, INTX);
}

static void unmask(struct vfio_device *device)
{
	vfio_irq_unmask(device, INTX);
}

static void check_masked_until_unmasked(struct vfio_device *device, int event)
{
	CHECK(is_intx_off(device));
	witness_set_intx("witness0", true);
	CHECK_EQ(event_wait(event, QUIET_MS), 0);
	unmask(device);
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
	witness_set_intx("witness0", false);
}

TEST(mask_during_a_reset_holds_after_it)
{
	struct vfio_device *device = open_with_memory("witness0");
	int event = vfio_irq_event(device, INTX);

	witness_set("witness0", "flr-ms", "2000");
	during_a_reset(device, mask);
	witness_set("witness0", "flr-ms", "95");
	check_masked_until_unmasked(device, event);
}

TEST(unmask_during_a_reset_holds_after_it)
{
	struct vfio_device *device = open_with_memory("witness0");
	int event = vfio_irq_event(device, INTX);

	mask(device);
	witness_set("witness0", "flr-ms", "2000");
	during_a_reset(device, unmask);
	witness_set("witness0", "flr-ms", "95");
	CHECK(!is_intx_off(device));
	witness_set_intx("witness0", true);
	CHECK_EQ(event_wait(event, LIMIT_MS), 1);
	witness_set_intx("witness0", false);
}

static int doorbell;

static void ring(struct vfio_device *device)
{
	(void)device;
	event_signal(doorbell);
}

TEST(ioeventfd_signalled_during_a_reset_writes_after_it)
{
	struct vfio_device *device = open_with_memory("witness0");

	doorbell = event_new();
	vfio_write_by_event(device, 0, WITNESS_SCRATCH, 0x12345678, doorbell);
	witness_set("witness0", "flr-ms", "2000");
	during_a_reset(device, ring);
	witness_set("witness0", "flr-ms", "95");
	CHECK(WAIT_UNTIL(vfio_read(device, 0, WITNESS_SCRATCH, 4) == 0x12345678, LIMIT_MS));
}

/* Masks */

TEST(link_reset_leaves_intx_off_without_a_handler)
{
	struct vfio_device *device = open_with_memory("witness0");

	/* The state that a reset with a handler saves has INTx on. */
	vfio_irq_event(device, INTX);
	vfio_reset(device);
	vfio_irq_disable(device, INTX);
	CHECK(is_intx_off(device));
	reset_the_link(device);
	CHECK(is_intx_off(device));
	witness_set("witness0", "intx-limit-ms", "300");
	witness_set_intx("witness0", true);
	pause_ms(1000);
	witness_set_intx("witness0", false);
}

TEST(link_reset_leaves_intx_masked)
{
	struct vfio_device *device = open_with_memory("witness0");
	int event = vfio_irq_event(device, INTX);

	vfio_reset(device);
	mask(device);
	reset_the_link(device);
	check_masked_until_unmasked(device, event);
}
