/* SPDX-License-Identifier: GPL-2.0-only */
/* config_space.h: functions of each kind, and all of their configuration space. */
#ifndef VMTEST_CONFIG_SPACE_H
#define VMTEST_CONFIG_SPACE_H

#include <linux/pci_regs.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio.h"

#define CONFIG_KINDS	5

/* One of each kind: MSI alone, FLR and MSI-X, ROM and ports and AER, nothing, VGA. */
extern const char * const config_kinds[CONFIG_KINDS];

#define FOR_EACH_KIND(id)						\
	for (size_t id##_n = 0; id##_n < CONFIG_KINDS; id##_n++)	\
		for (const char *id = config_kinds[id##_n]; id; id = NULL)

/* Load the driver, bind and open this device of the machine; it does not sleep when it is closed. */
struct vfio_device *config_open(const char *id);

/* The whole configuration space in one read. */
struct config_view {
	size_t size;
	uint8_t bytes[PCI_CFG_SPACE_EXP_SIZE];
};

struct config_view config_view_read(struct vfio_device *device);
uint32_t config_view_dword(const struct config_view *view, unsigned int offset);
void config_view_check_same(struct vfio_device *device, const struct config_view *before);

/* The BARs in hardware, and the ROM's. */
#define REAL_BARS	7

void real_bars_save(const char *bdf, uint32_t bars[REAL_BARS]);
void real_bars_check(const char *bdf, const uint32_t bars[REAL_BARS]);

/* As firmware does it: write ones, read back, write the address. Returns the BAR's dwords. */
int config_size_bar(struct vfio_device *device, int bar);

#endif
