// SPDX-License-Identifier: GPL-2.0-only
/*
 * What QEMU looks for in an object that it is given with -plugin. It expects an instrument
 * for translated code; this one adds device types instead.
 */
#include "connectx.h"
#include "intel_graphics.h"
#include "qemu/qemu-plugin.h"
#include "slow.h"
#include "witness.h"

QEMU_PLUGIN_EXPORT int qemu_plugin_version = 1;

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
					   char **argv)
{
	cx_pci_register_types();
	intel_graphics_register_type();
	slow_register_type();
	witness_register_types();
	return 0;
}
