// SPDX-License-Identifier: GPL-2.0-only
/* The commands that the firmware knows. To every other one it says that the opcode is bad. */
#include "connectx.h"

#define SYNDROME	0xc0de00	/* of every refusal, for the driver's log */

struct cx_known {
	uint16_t opcode;
	const char *name;
	cx_handler *handler;
	uint32_t in_bytes, out_bytes;	/* at least */
};

#define GENERAL_OBJECT(op, handler) \
	{ MLX5_CMD_OP_##op##_GENERAL_OBJECT, #op "_GENERAL_OBJECT", handler, \
	  IFC_BYTES(general_obj_in_cmd_hdr), IFC_BYTES(general_obj_out_cmd_hdr) }
#define COMMAND(op, layout, handler) \
	{ MLX5_CMD_OP_##op, #op, handler, IFC_BYTES(layout##_in), IFC_BYTES(layout##_out) }

static const struct cx_known known[] = {
	COMMAND(QUERY_HCA_CAP, query_hca_cap, cx_query_hca_cap),
	COMMAND(SET_HCA_CAP, set_hca_cap, cx_set_hca_cap),
	COMMAND(QUERY_ADAPTER, query_adapter, cx_query_adapter),
	COMMAND(INIT_HCA, init_hca, cx_init_hca),
	COMMAND(TEARDOWN_HCA, teardown_hca, cx_teardown_hca),
	COMMAND(ENABLE_HCA, enable_hca, cx_enable_hca),
	COMMAND(DISABLE_HCA, disable_hca, cx_disable_hca),
	COMMAND(QUERY_PAGES, query_pages, cx_query_pages),
	COMMAND(MANAGE_PAGES, manage_pages, cx_manage_pages),
	COMMAND(QUERY_ISSI, query_issi, cx_query_issi),
	COMMAND(SET_ISSI, set_issi, cx_set_issi),
	COMMAND(ACCESS_REG, access_register, cx_access_register),
	COMMAND(MODIFY_HCA_VPORT_CONTEXT, modify_hca_vport_context, cx_modify_vport),
	COMMAND(ALLOC_UAR, alloc_uar, cx_alloc_uar),
	COMMAND(DEALLOC_UAR, dealloc_uar, cx_dealloc_uar),
	COMMAND(ALLOC_PD, alloc_pd, cx_alloc_pd),
	COMMAND(DEALLOC_PD, dealloc_pd, cx_dealloc_pd),
	COMMAND(CREATE_MKEY, create_mkey, cx_create_mkey),
	COMMAND(DESTROY_MKEY, destroy_mkey, cx_destroy_mkey),
	COMMAND(QUERY_SPECIAL_CONTEXTS, query_special_contexts, cx_query_special_contexts),
	COMMAND(CREATE_EQ, create_eq, cx_create_eq),
	COMMAND(DESTROY_EQ, destroy_eq, cx_destroy_eq),
	COMMAND(CREATE_CQ, create_cq, cx_create_cq),
	COMMAND(DESTROY_CQ, destroy_cq, cx_destroy_cq),
	COMMAND(CREATE_QP, create_qp, cx_create_qp),
	COMMAND(DESTROY_QP, destroy_qp, cx_destroy_qp),
	COMMAND(RST2INIT_QP, rst2init_qp, cx_rst2init_qp),
	COMMAND(INIT2RTR_QP, init2rtr_qp, cx_init2rtr_qp),
	COMMAND(RTR2RTS_QP, rtr2rts_qp, cx_rtr2rts_qp),
	COMMAND(2ERR_QP, qp_2err, cx_2err_qp),
	COMMAND(2RST_QP, qp_2rst, cx_2rst_qp),
	COMMAND(QUERY_VHCA_MIGRATION_STATE, query_vhca_migration_state,
		cx_query_vhca_migration_state),
	COMMAND(SUSPEND_VHCA, suspend_vhca, cx_suspend_vhca),
	COMMAND(RESUME_VHCA, resume_vhca, cx_resume_vhca),
	COMMAND(SAVE_VHCA_STATE, save_vhca_state, cx_save_vhca_state),
	COMMAND(LOAD_VHCA_STATE, load_vhca_state, cx_load_vhca_state),
	GENERAL_OBJECT(CREATE, cx_create_general_object),
	GENERAL_OBJECT(MODIFY, cx_modify_general_object),
	GENERAL_OBJECT(QUERY, cx_query_general_object),
	GENERAL_OBJECT(DESTROY, cx_destroy_general_object),
};

static const struct cx_known *find(uint16_t opcode)
{
	for (size_t index = 0; index < ARRAY_SIZE(known); index++) {
		if (known[index].opcode == opcode)
			return &known[index];
	}
	return NULL;
}

const char *cx_command_name(uint16_t opcode)
{
	const struct cx_known *command = find(opcode);

	return command ? command->name : "unknown";
}

uint16_t cx_command_opcode(const char *name)
{
	char *end;
	unsigned long number;

	for (size_t index = 0; index < ARRAY_SIZE(known); index++) {
		if (!strcmp(known[index].name, name))
			return known[index].opcode;
	}
	number = strtoul(name, &end, 0);
	return *name && !*end && number <= UINT16_MAX ? number : 0;
}

static enum cx_status execute(struct cx_command *cmd)
{
	const struct cx_known *command = find(cmd->opcode);

	if (!command)
		return CX_BAD_OPCODE;
	if (cmd->in_length < command->in_bytes)
		return CX_BAD_INPUT_LENGTH;
	if (cmd->out_length < command->out_bytes)
		return CX_BAD_OUTPUT_LENGTH;
	return command->handler(cmd);
}

enum cx_status cx_command_execute(struct cx_command *cmd)
{
	enum cx_status status = execute(cmd);

	if (status != CX_OK) {
		memset(cmd->out, 0, cmd->out_length);
		stl_be_p(cmd->out + 4, SYNDROME | status);
		qemu_log_mask(LOG_GUEST_ERROR, "connectx: function %u: %s (0x%x) op_mod 0x%x: status 0x%x\n",
			      cmd->fn->id, cx_command_name(cmd->opcode), cmd->opcode, cmd->op_mod,
			      status);
	}
	return status;
}
