// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration space of VFs; and beside the kernel's driver, register by register.
 *
 * vm-machine: virtio
 * vm-drivers: ours kernel
 * vm-modules: nvme
 */
#include <glob.h>

#include "config_space.h"
#include "nvme.h"
#include "vmtest.h"

#define CONFIG VFIO_PCI_CONFIG_REGION_INDEX

/* VFs */

static bool controller_lives(const char *bdf)
{
	char pattern[128], *state = NULL;
	bool lives = false;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "/sys/bus/pci/devices/%s/nvme/nvme*/state", bdf);
	if (!glob(pattern, 0, NULL, &found)) {
		state = file_read_try(found.gl_pathv[0]);
		lives = state && !strcmp(state, "live");
	}
	globfree(&found);
	free(state);
	return lives;
}

/* Makes a VF of a PF that the nvme driver has finished starting. */
static const char *make_vf(void)
{
	const char *pf = vm_bdf("nvme0");

	/* The nvme driver takes neither by itself when it is loaded. */
	pci_attr_set(pf, "driver_override", "none");
	pci_attr_set(vm_bdf("nvme1"), "driver_override", "none");
	module_load("base", "nvme", NULL);
	pci_bind(pf, "nvme");
	CHECK(WAIT_UNTIL(controller_lives(pf), 60000));
	pci_set_vfs(pf, 1);
	return pci_vf(pf, 0);
}

CLEAN_UP {
	const char *pf = vm_bdf("nvme0");

	if (!strcmp(pci_driver(pf), "nvme")) {
		pci_set_vfs_try(pf, 0);
		pci_unbind(pf);
	}
}

TEST(vf_shows_its_ids_and_memory_decoding_that_cannot_be_switched_off)
{
	const char *bdf = make_vf();
	struct vfio_device *vf;
	uint32_t value;

	driver_load("disable_idle_d3=1");
	vf = vfio_bind_and_open(bdf);
	CHECK_EQ(real_cfg(bdf, PCI_VENDOR_ID, 4), 0xffffffff);
	CHECK_EQ(cfg16(vf, PCI_VENDOR_ID), pci_attr_number(bdf, "vendor"));
	CHECK_EQ(cfg16(vf, PCI_DEVICE_ID), pci_attr_number(bdf, "device"));
	CHECK_EQ(cfg32(vf, PCI_CLASS_REVISION), real_cfg(bdf, PCI_CLASS_REVISION, 4));
	CHECK(cfg16(vf, PCI_COMMAND) & PCI_COMMAND_MEMORY);
	cfg_command(vf, 0, PCI_COMMAND_MEMORY);
	CHECK_EQ(vfio_read_try(vf, 0, NVME_CAP, &value, 4), 4);
	cfg_command(vf, PCI_COMMAND_MASTER, 0);
	CHECK(real_cfg(bdf, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	CHECK_EQ(cfg8(vf, PCI_INTERRUPT_PIN), 0);
}

TEST(vf_bars_are_sized_though_hardware_has_none)
{
	const char *bdf = make_vf();
	struct vfio_device *vf;

	driver_load("disable_idle_d3=1");
	vf = vfio_bind_and_open(bdf);
	CHECK_EQ(real_cfg(bdf, PCI_BASE_ADDRESS_0, 4), 0);
	CHECK_GT(vfio_region_size(vf, 0), 0);
	CHECK_EQ(cfg32(vf, PCI_BASE_ADDRESS_0) & PCI_BASE_ADDRESS_MEM_TYPE_64,
		 PCI_BASE_ADDRESS_MEM_TYPE_64);
	for (int bar = 0; bar < 6;)
		bar += config_size_bar(vf, bar);
	CHECK_EQ(real_cfg(bdf, PCI_BASE_ADDRESS_0, 4), 0);
}

/* Beside the kernel's driver, register by register */

static void load_driver_of(bool ours)
{
	module_load("base", "vfio_iommu_type1", NULL);
	if (ours)
		module_load("ours", "vfio_latch", NULL);
	else
		module_load("kernel", "vfio_pci_core", NULL);
	module_load(ours ? "ours" : "kernel", "vfio_pci", "disable_idle_d3=1");
}

static void unload_driver_of(bool ours)
{
	module_unload("vfio_pci");
	module_unload(ours ? "vfio_latch" : "vfio_pci_core");
}

/* What is different on purpose; offsets in the header, or in the capability with this id. */
static const struct difference {
	uint8_t cap;
	uint16_t offset;
	uint32_t mask;
	const char *why;
} differences[] = {
	{ 0, PCI_COMMAND, PCI_COMMAND_IO, "ports are decoded only where there are any" },
	{ PCI_CAP_ID_MSI, 0, 0x01fe0000,
	  "what the function can, and whether it can do 64 bits, is not the client's to write" },
	{ PCI_CAP_ID_MSI, PCI_MSI_ADDRESS_LO, 3, "the address is one of dwords" },
};

static uint32_t intended_difference(struct vfio_device *device, unsigned int at)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++) {
		const struct difference *d = &differences[i];
		unsigned int base = d->cap ? real_cfg_cap(device->bdf, d->cap) : 0;

		if ((base || !d->cap) && base + d->offset == at)
			mask |= d->mask;
	}
	return mask;
}

/* Registers in which a write does more than store bits. */
static bool acts(struct vfio_device *device, unsigned int at)
{
	return at == real_cfg_cap(device->bdf, PCI_CAP_ID_PM) + PCI_PM_CTRL ||
	       at == real_cfg_cap(device->bdf, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
}

/* All of the machine's capabilities lie below; then come registers of the functions' own. */
#define CAPABILITIES_END 0x200

struct written {
	struct config_view fresh, ones, zeros;
};

static void write_everywhere(const char *bdf, bool ours, struct written *result)
{
	struct vfio_device *device;

	load_driver_of(ours);
	device = vfio_bind_and_open(bdf);
	result->fresh = config_view_read(device);
	result->ones = result->fresh;
	result->zeros = result->fresh;
	for (unsigned int at = 0; at < result->fresh.size && at < CAPABILITIES_END; at += 4) {
		uint32_t value;

		if (acts(device, at))
			continue;
		cfg_set32(device, at, ~0u);
		value = cfg32(device, at);
		memcpy(result->ones.bytes + at, &value, 4);
		cfg_set32(device, at, 0);
		value = cfg32(device, at);
		memcpy(result->zeros.bytes + at, &value, 4);
		cfg_set32(device, at, config_view_dword(&result->fresh, at));
	}
	vfio_close(device);
	pci_unbind(bdf);
	unload_driver_of(ours);
}

static void compare_views(struct vfio_device *device, const char *what, const struct config_view *ours,
			  const struct config_view *kernels)
{
	CHECK_EQ(ours->size, kernels->size);
	for (unsigned int at = 0; at < ours->size; at += 4) {
		uint32_t a = config_view_dword(ours, at), b = config_view_dword(kernels, at);

		if ((a ^ b) & ~intended_difference(device, at))
			FAIL("%s at %#x, %s: %#x, the kernel's driver has %#x", device->bdf, at,
			     what, a, b);
	}
}

static void compare_with_the_kernels(const char *bdf)
{
	static struct written ours, kernels;
	struct vfio_device device = { .fd = -1 };

	write_everywhere(bdf, false, &kernels);
	write_everywhere(bdf, true, &ours);
	snprintf(device.bdf, sizeof(device.bdf), "%s", bdf);
	compare_views(&device, "at open", &ours.fresh, &kernels.fresh);
	compare_views(&device, "ones written", &ours.ones, &kernels.ones);
	compare_views(&device, "zeros written", &ours.zeros, &kernels.zeros);
}

TEST_OURS(every_register_reads_and_is_written_as_under_the_kernels_driver)
{
	FOR_EACH_KIND(id)
		compare_with_the_kernels(vm_bdf(id));
	compare_with_the_kernels(vm_bdf("nvme0"));
	compare_with_the_kernels(vm_bdf("rng0"));
}

TEST_OURS(every_register_of_a_vf_reads_and_is_written_as_under_the_kernels_driver)
{
	compare_with_the_kernels(make_vf());
}

/* Any value written anywhere */

static void check_function_works(struct vfio_device *device)
{
	struct vfio_irq_info msix = vfio_irq_info(device, VFIO_PCI_MSIX_IRQ_INDEX);
	unsigned int index = msix.count ? VFIO_PCI_MSIX_IRQ_INDEX : VFIO_PCI_MSI_IRQ_INDEX;
	unsigned int bar = 0;
	uint32_t value;
	int event;

	cfg_command(device, PCI_COMMAND_MEMORY, 0);
	while (!vfio_region_size(device, bar))
		bar++;
	CHECK_EQ(vfio_read_try(device, bar, 0, &value, 4), 4);
	if (!vfio_irq_info(device, index).count)
		return;
	event = event_new();
	vfio_irq_eventfd(device, index, 0, event);
	vfio_irq_loopback(device, index, 0);
	CHECK_EQ(event_wait(event, 10000), 1);
	vfio_irq_disable(device, index);
	close(event);
}

/* The root port above a function, whose address sysfs has in the path. */
static uint32_t bridge_register(const char *bdf, unsigned int offset, size_t size)
{
	char path[128], link[512], *end;
	ssize_t length;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bdf);
	length = CHECK_OK(readlink(path, link, sizeof(link) - 1));
	link[length] = 0;
	end = strrchr(link, '/');
	CHECK(end);
	*end = 0;
	return real_cfg(strrchr(link, '/') + 1, offset, size);
}

static void overwrite(struct vfio_device *device, size_t width, uint32_t value)
{
	size_t size = vfio_region_size(device, CONFIG);

	for (unsigned int at = 0; at + width <= size; at += width)
		vfio_write(device, CONFIG, at, value, width);
}

TEST(ones_and_zeros_everywhere_leave_function_and_host_whole)
{
	driver_load("disable_idle_d3=1");
	FOR_EACH_KIND(id) {
		struct vfio_device *device;
		uint32_t window, command, bars[REAL_BARS];
		struct config_view fresh;

		/* The very first client may still see what firmware switched on. */
		vfio_close(vfio_bind_and_open(vm_bdf(id)));
		device = vfio_open(vm_bdf(id));
		fresh = config_view_read(device);
		real_bars_save(device->bdf, bars);
		window = bridge_register(device->bdf, PCI_MEMORY_BASE, 4);
		command = bridge_register(device->bdf, PCI_COMMAND, 2);
		for (size_t width = 1; width <= 4; width *= 2) {
			overwrite(device, width, ~0u);
			overwrite(device, width, 0);
			real_bars_check(device->bdf, bars);
		}
		check_function_works(device);
		CHECK_EQ(bridge_register(device->bdf, PCI_MEMORY_BASE, 4), window);
		CHECK_EQ(bridge_register(device->bdf, PCI_COMMAND, 2), command);
		vfio_close(device);
		/* The next client does not see any of the writes. */
		device = vfio_open(vm_bdf(id));
		config_view_check_same(device, &fresh);
		real_bars_check(device->bdf, bars);
		check_function_works(device);
		vfio_close(device);
	}
}
