// SPDX-License-Identifier: GPL-2.0-only
#include "config_space.h"
#include "vmtest.h"

const char * const config_kinds[] = { "edu0", "nvme1", "nic0", "testdev0", "vga0" };

struct vfio_device *config_open(const char *id)
{
	driver_load("disable_idle_d3=1");
	return vfio_bind_and_open(vm_bdf(id));
}

struct config_view config_view_read(struct vfio_device *device)
{
	struct config_view view = {
		.size = vfio_region_size(device, VFIO_PCI_CONFIG_REGION_INDEX),
	};

	CHECK_EQ(vfio_read_try(device, VFIO_PCI_CONFIG_REGION_INDEX, 0, view.bytes, view.size),
		 view.size);
	return view;
}

uint32_t config_view_dword(const struct config_view *view, unsigned int offset)
{
	uint32_t value;

	memcpy(&value, view->bytes + offset, sizeof(value));
	return value;
}

void config_view_check_same(struct vfio_device *device, const struct config_view *before)
{
	struct config_view now = config_view_read(device);

	for (unsigned int at = 0; at < now.size; at += 4)
		if (config_view_dword(&now, at) != config_view_dword(before, at))
			FAIL("%s: the dword at %#x was %#x and is %#x", device->bdf, at,
			     config_view_dword(before, at), config_view_dword(&now, at));
}

void real_bars_save(const char *bdf, uint32_t bars[REAL_BARS])
{
	for (int i = 0; i < 6; i++)
		bars[i] = real_cfg(bdf, PCI_BASE_ADDRESS_0 + i * 4, 4);
	bars[6] = real_cfg(bdf, PCI_ROM_ADDRESS, 4) & PCI_ROM_ADDRESS_MASK;
}

void real_bars_check(const char *bdf, const uint32_t bars[REAL_BARS])
{
	for (int i = 0; i < 6; i++)
		CHECK_EQ(real_cfg(bdf, PCI_BASE_ADDRESS_0 + i * 4, 4), bars[i]);
	CHECK_EQ(real_cfg(bdf, PCI_ROM_ADDRESS, 4) & PCI_ROM_ADDRESS_MASK, bars[6]);
}

int config_size_bar(struct vfio_device *device, int bar)
{
	unsigned int at = PCI_BASE_ADDRESS_0 + bar * 4;
	uint32_t old = cfg32(device, at), old_high = 0, low, high = ~0u;
	bool is_io = old & PCI_BASE_ADDRESS_SPACE_IO;
	uint32_t flags = is_io ? 3 : 0xf;
	int dwords = !is_io && old & PCI_BASE_ADDRESS_MEM_TYPE_64 ? 2 : 1;

	cfg_set32(device, at, ~0u);
	low = cfg32(device, at);
	if (dwords == 2) {
		old_high = cfg32(device, at + 4);
		cfg_set32(device, at + 4, ~0u);
		high = cfg32(device, at + 4);
	}
	if (vfio_region_size(device, bar)) {
		uint64_t mask = (uint64_t)high << 32 | (low & ~flags);

		CHECK_EQ(~mask + 1, vfio_region_size(device, bar));
		CHECK_EQ(low & flags, old & flags);
	} else {
		CHECK_EQ(low, 0);
	}
	cfg_set32(device, at, old);
	CHECK_EQ(cfg32(device, at), old);
	if (dwords == 2) {
		cfg_set32(device, at + 4, old_high);
		CHECK_EQ(cfg32(device, at + 4), old_high);
	}
	return dwords;
}
