// SPDX-License-Identifier: GPL-2.0-only
#include "steps.h"

struct vfio_device *vf;

static const char *property, *value;

CLEAN_UP
{
	no_faults();
	if (connectx_is_reloaded_afterwards())
		connectx_clean_up();
}

static void note(const char *text)
{
	connectx_set("trace-note", "%s", text);
}

void situation_configure(const char *of_model, const char *in_json)
{
	property = of_model;
	value = in_json;
}

void situation_begin(const char *name)
{
	const char *bdf;

	/* The PF's driver asks for it when it is loaded, and stays. */
	if (property && !module_loaded("mlx5_core"))
		free(vm_qmp("{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"cx0\","
			    "\"property\":\"%s\",\"value\":%s}}", property, value));
	note(name);
	bdf = pci_vf(connectx_pf_with_vfs(2), 0);
	if (strcmp(pci_driver(bdf), "mlx5_vfio_pci"))
		vf = connectx_open_one();
	else
		vf = vfio_open(bdf);
}

void fault(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	CHECK_LE(0, vasprintf(&text, format, arguments));
	va_end(arguments);
	connectx_set("fault", "%s", text);
	free(text);
}

void no_faults(void)
{
	connectx_set("fault", "%s", "");
}

void reset(void)
{
	no_faults();
	vfio_reset(vf);
	/* The trace has no resets. */
	note("reset");
	CHECK_EQ(migration_state(vf), STATE(RUNNING));
}

void pf_reset(void)
{
	connectx_reload_afterwards();
	connectx_reset_pf();
	note("reset");
}
