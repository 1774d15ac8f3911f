// SPDX-License-Identifier: GPL-2.0-only
/* Bringing a virtual HCA up and down, and what the driver asks on the way. */
#include "connectx.h"

#define ISSI_SUPPORTED	(BIT(0) | BIT(1))
#define IEEE_VENDOR_ID	0x0002c9
#define BOARD		"SIM0000000001"

enum cx_status cx_query_adapter(struct cx_command *cmd)
{
	SET(query_adapter_out, cmd->out, query_adapter_struct.ieee_vendor_id, IEEE_VENDOR_ID);
	memcpy(IFC_AT(query_adapter_out, cmd->out, query_adapter_struct.vsd_contd_psid), BOARD,
	       sizeof(BOARD));
	return CX_OK;
}

enum cx_status cx_query_issi(struct cx_command *cmd)
{
	SET(query_issi_out, cmd->out, supported_issi_dw0, ISSI_SUPPORTED);
	return CX_OK;
}

enum cx_status cx_set_issi(struct cx_command *cmd)
{
	return GET(set_issi_in, cmd->in, current_issi) <= 1 ? CX_OK : CX_BAD_PARAMETER;
}

/*
 * The PF's driver enables its own function, which is number 0, and each VF before the VF
 * appears on the bus; a VF's driver enables number 0, itself.
 */
enum cx_status cx_enable_hca(struct cx_command *cmd)
{
	unsigned int id = GET(enable_hca_in, cmd->in, function_id);
	struct cx_pf *pf = cmd->fn->pf;

	if (!id) {
		/* What the last driver has set is gone, and properties may have changed. */
		cx_caps_exit(cmd->fn);
		cx_caps_init(cmd->fn);
		cmd->fn->enabled = true;
		return CX_OK;
	}
	if (cmd->fn->id || id > pf->vfs)
		return CX_BAD_PARAMETER;
	cx_pages_request(pf, id, pf->pages_per_vf);
	return CX_OK;
}

enum cx_status cx_disable_hca(struct cx_command *cmd)
{
	unsigned int id = GET(disable_hca_in, cmd->in, function_id);
	struct cx_pf *pf = cmd->fn->pf;

	if (!id) {
		cmd->fn->enabled = false;
		return CX_OK;
	}
	if (cmd->fn->id || id > pf->vfs)
		return CX_BAD_PARAMETER;
	if (pf->vf_pages[id].length)
		cx_pages_request(pf, id, -(int32_t)pf->vf_pages[id].length);
	return CX_OK;
}

enum cx_status cx_init_hca(struct cx_command *cmd)
{
	if (cmd->fn->initialized)
		return CX_BAD_SYSTEM_STATE;
	cmd->fn->initialized = true;
	return CX_OK;
}

enum cx_status cx_teardown_hca(struct cx_command *cmd)
{
	cx_function_drop_objects(cmd->fn);
	return CX_OK;
}

static void query_timeouts(const struct cx_pf *pf, uint8_t *out)
{
	static const struct { size_t offset; uint32_t ms; } timeouts[] = {
		{ IFC_OFFSET(dtor_reg, pcie_toggle_to), 60000 },
		{ IFC_OFFSET(dtor_reg, full_crdump_to), 60000 },
		{ IFC_OFFSET(dtor_reg, fw_reset_to), 60000 },
		{ IFC_OFFSET(dtor_reg, flush_on_err_to), 2000 },
		{ IFC_OFFSET(dtor_reg, pci_sync_update_to), 5000 },
		{ IFC_OFFSET(dtor_reg, tear_down_to), 3000 },
		{ IFC_OFFSET(dtor_reg, fsm_reactivate_to), 5000 },
		{ IFC_OFFSET(dtor_reg, reclaim_pages_to), 5000 },
		{ IFC_OFFSET(dtor_reg, reclaim_vfs_pages_to), 120000 },
	};

	for (size_t index = 0; index < ARRAY_SIZE(timeouts); index++) {
		uint8_t *field = out + timeouts[index].offset / 8;

		SET(default_timeout, field, to_value, timeouts[index].ms);
	}
	SET(dtor_reg, out, health_poll_to.to_value, pf->health_poll_ms);
}

enum cx_status cx_access_register(struct cx_command *cmd)
{
	uint8_t *data = IFC_AT(access_register_out, cmd->out, register_data);

	switch (GET(access_register_in, cmd->in, register_id)) {
	case CX_REG_HOST_ENDIANNESS:
		return CX_OK;
	case CX_REG_DTOR:
		if (data + IFC_BYTES(dtor_reg) > cmd->out + cmd->out_length)
			return CX_BAD_OUTPUT_LENGTH;
		query_timeouts(cmd->fn->pf, data);
		return CX_OK;
	default:
		return CX_BAD_PARAMETER;
	}
}

/* A VF's port GUIDs and policy, which mean nothing here. */
enum cx_status cx_modify_vport(struct cx_command *cmd)
{
	return CX_OK;
}
