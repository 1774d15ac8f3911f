// SPDX-License-Identifier: GPL-2.0-only
/*
 * What drivers ask of the firmware for migration and tracking, as lines of JSON in a file:
 * migration commands, memory keys, trackers and what they stand on, VFs' capabilities. The
 * properties are "trace", the file, and "trace-note", a line of the test's own. See
 * docs/simulator.md.
 */
#include "vf_migration.h"
#include "qapi/error.h"

/* An element of a command, big-endian, of up to 64 bits. */
struct element {
	const char *name;
	size_t offset, width;
};

#define ELEMENT(layout, field)	{ #field, IFC_OFFSET(layout, field), IFC_WIDTH(layout, field) }
#define WITHIN(layout, context, inner, field) \
	{ #field, IFC_OFFSET(layout, context) + IFC_OFFSET(inner, field), IFC_WIDTH(inner, field) }
#define KEY(field)	WITHIN(create_mkey_in, memory_key_mkey_entry, mkc, field)
#define TRACKER(field)	WITHIN(create_page_track_obj_in, obj_context, page_track, field)
#define QP_OF(command, field)	WITHIN(command##_qp_in, qpc, qpc, field)
#define QP(field)	QP_OF(create, field)
#define QP_PATH(command, field) \
	{ #field, IFC_OFFSET(command##_qp_in, qpc) + IFC_OFFSET(qpc, primary_address_path.field), \
	  IFC_WIDTH(qpc, primary_address_path.field) }
#define CQ(field)	WITHIN(create_cq_in, cq_context, cqc, field)

struct layout {
	uint16_t opcode;
	const char * const *op_mods;	/* names, up to a NULL */
	struct element in[16], out[4];
};

static const char * const suspend_op_mods[] = { "INITIATOR", "RESPONDER", NULL };
static const char * const resume_op_mods[] = { "RESPONDER", "INITIATOR", NULL };

static const struct layout layouts[] = {
	{ MLX5_CMD_OP_QUERY_VHCA_MIGRATION_STATE, NULL, {
		{ "incremental", QUERY_MIGRATION_IN_INCREMENTAL, 1 },
		{ "chunk", QUERY_MIGRATION_IN_CHUNK, 1 },
		ELEMENT(query_vhca_migration_state_in, vhca_id),
	}, {
		ELEMENT(query_vhca_migration_state_out, required_umem_size),
		{ "remaining_total_size", QUERY_MIGRATION_OUT_REMAINING, 64 },
		{ "migration_state", QUERY_MIGRATION_OUT_STATE, 4 },
	} },
	{ MLX5_CMD_OP_SUSPEND_VHCA, suspend_op_mods, { ELEMENT(suspend_vhca_in, vhca_id) } },
	{ MLX5_CMD_OP_RESUME_VHCA, resume_op_mods, { ELEMENT(resume_vhca_in, vhca_id) } },
	{ MLX5_CMD_OP_SAVE_VHCA_STATE, NULL, {
		{ "incremental", SAVE_IN_INCREMENTAL, 1 }, { "set_track", SAVE_IN_SET_TRACK, 1 },
		ELEMENT(save_vhca_state_in, vhca_id), ELEMENT(save_vhca_state_in, mkey),
		ELEMENT(save_vhca_state_in, va), ELEMENT(save_vhca_state_in, size),
	}, {
		ELEMENT(save_vhca_state_out, actual_image_size),
		{ "next_required_umem_size", SAVE_OUT_NEXT_REQUIRED, 32 },
	} },
	{ MLX5_CMD_OP_LOAD_VHCA_STATE, NULL, {
		ELEMENT(load_vhca_state_in, vhca_id), ELEMENT(load_vhca_state_in, mkey),
		ELEMENT(load_vhca_state_in, va), ELEMENT(load_vhca_state_in, size),
	} },
	{ MLX5_CMD_OP_CREATE_MKEY, NULL, {
		KEY(access_mode_1_0), KEY(access_mode_4_2), KEY(lr), KEY(lw), KEY(rr), KEY(rw),
		KEY(pd), KEY(qpn), KEY(mkey_7_0), KEY(length64), KEY(start_addr), KEY(len),
		KEY(log_page_size), KEY(translations_octword_size),
		ELEMENT(create_mkey_in, translations_octword_actual_size),
	}, { ELEMENT(create_mkey_out, mkey_index) } },
	{ MLX5_CMD_OP_DESTROY_MKEY, NULL, { ELEMENT(destroy_mkey_in, mkey_index) } },
	{ MLX5_CMD_OP_ALLOC_PD, NULL, { }, { ELEMENT(alloc_pd_out, pd) } },
	{ MLX5_CMD_OP_DEALLOC_PD, NULL, { ELEMENT(dealloc_pd_in, pd) } },
	{ MLX5_CMD_OP_CREATE_CQ, NULL, { CQ(log_cq_size), CQ(cqe_sz), CQ(log_page_size) },
	  { ELEMENT(create_cq_out, cqn) } },
	{ MLX5_CMD_OP_DESTROY_CQ, NULL, { ELEMENT(destroy_cq_in, cqn) } },
	{ MLX5_CMD_OP_CREATE_QP, NULL, {
		QP(st), QP(pd), QP(log_rq_size), QP(log_rq_stride), QP(no_sq), QP(rq_type),
		QP(log_page_size), QP(cqn_rcv), QP(pm_state), QP(user_index), QP(ts_format),
	}, { ELEMENT(create_qp_out, qpn) } },
	{ MLX5_CMD_OP_DESTROY_QP, NULL, { ELEMENT(destroy_qp_in, qpn) } },
	{ MLX5_CMD_OP_RST2INIT_QP, NULL, {
		ELEMENT(rst2init_qp_in, qpn), ELEMENT(rst2init_qp_in, opt_param_mask),
		QP_OF(rst2init, pm_state), QP_OF(rst2init, rre), QP_OF(rst2init, rwe),
		QP_OF(rst2init, rae), QP_PATH(rst2init, pkey_index),
		QP_PATH(rst2init, vhca_port_num),
	} },
	{ MLX5_CMD_OP_INIT2RTR_QP, NULL, {
		ELEMENT(init2rtr_qp_in, qpn), ELEMENT(init2rtr_qp_in, opt_param_mask),
		QP_OF(init2rtr, mtu), QP_OF(init2rtr, log_msg_max), QP_OF(init2rtr, remote_qpn),
		QP_OF(init2rtr, next_rcv_psn), QP_OF(init2rtr, log_rra_max),
		QP_OF(init2rtr, min_rnr_nak), QP_PATH(init2rtr, fl),
		QP_PATH(init2rtr, vhca_port_num),
	} },
	{ MLX5_CMD_OP_RTR2RTS_QP, NULL, {
		ELEMENT(rtr2rts_qp_in, qpn), ELEMENT(rtr2rts_qp_in, opt_param_mask),
		QP_OF(rtr2rts, retry_count), QP_OF(rtr2rts, rnr_retry),
		QP_OF(rtr2rts, next_send_psn), QP_OF(rtr2rts, log_sra_max),
		QP_OF(rtr2rts, log_ack_req_freq), QP_PATH(rtr2rts, ack_timeout),
	} },
	{ MLX5_CMD_OP_2ERR_QP, NULL, { ELEMENT(qp_2err_in, qpn) } },
	{ MLX5_CMD_OP_2RST_QP, NULL, { ELEMENT(qp_2rst_in, qpn) } },
	{ MLX5_CMD_OP_CREATE_GENERAL_OBJECT, NULL, {
		ELEMENT(general_obj_in_cmd_hdr, obj_type), TRACKER(vhca_id),
		TRACKER(log_addr_space_size), TRACKER(log_page_size), TRACKER(log_msg_size),
		TRACKER(reporting_qpn), TRACKER(num_ranges),
	}, { ELEMENT(general_obj_out_cmd_hdr, obj_id) } },
	{ MLX5_CMD_OP_MODIFY_GENERAL_OBJECT, NULL, {
		ELEMENT(general_obj_in_cmd_hdr, obj_type), ELEMENT(general_obj_in_cmd_hdr, obj_id),
		TRACKER(modify_field_select), TRACKER(state), TRACKER(range_start_address),
		TRACKER(length),
	} },
	{ MLX5_CMD_OP_QUERY_GENERAL_OBJECT, NULL, {
		ELEMENT(general_obj_in_cmd_hdr, obj_type), ELEMENT(general_obj_in_cmd_hdr, obj_id),
	} },
	{ MLX5_CMD_OP_DESTROY_GENERAL_OBJECT, NULL, {
		ELEMENT(general_obj_in_cmd_hdr, obj_type), ELEMENT(general_obj_in_cmd_hdr, obj_id),
	} },
	{ MLX5_CMD_OP_QUERY_HCA_CAP, NULL, {
		ELEMENT(query_hca_cap_in, other_function), ELEMENT(query_hca_cap_in, function_id),
	} },
};

static const struct layout *layout_of(const struct cx_command *cmd)
{
	for (size_t index = 0; index < ARRAY_SIZE(layouts); index++) {
		if (layouts[index].opcode == cmd->opcode)
			return &layouts[index];
	}
	return NULL;
}

/* Only what the PF's driver asks; of capabilities those of VFs. */
static bool is_traced(const struct cx_command *cmd)
{
	return cmd->fn->pf->trace && !cmd->fn->id && layout_of(cmd) &&
	       (cmd->opcode != MLX5_CMD_OP_QUERY_HCA_CAP ||
		GET(query_hca_cap_in, cmd->in, other_function));
}

struct cx_trace_before cx_trace_before(struct cx_command *cmd)
{
	struct cx_trace_before before = { NULL };

	if (!is_traced(cmd))
		return before;
	before.vf = cx_migration_subject(cmd) ?: cx_tracker_subject(cmd);
	if (cmd->opcode == MLX5_CMD_OP_QUERY_HCA_CAP)
		before.vf = cx_function_get(cmd->fn->pf,
					    GET(query_hca_cap_in, cmd->in, function_id));
	if (before.vf && before.vf->migration) {
		before.initiator = before.vf->migration->initiator_suspended;
		before.responder = before.vf->migration->responder_suspended;
		before.tracking = before.vf->migration->tracking;
		before.unfinished = before.vf->migration->unfinished;
	}
	return before;
}

static void add_elements(GString *line, const struct element *elements, size_t count,
			 const uint8_t *bytes, uint32_t length)
{
	for (size_t index = 0; index < count && elements[index].name; index++) {
		const struct element *element = &elements[index];

		if (element->offset + element->width <= length * 8)
			g_string_append_printf(line, ",\"%s\":%" PRIu64, element->name,
					       ifc_get(bytes, element->offset, element->width));
	}
}

static const char *op_mod_name(const struct cx_command *cmd, const struct layout *layout)
{
	for (size_t index = 0; layout->op_mods && layout->op_mods[index]; index++) {
		if (index == cmd->op_mod)
			return layout->op_mods[index];
	}
	if (cmd->opcode == MLX5_CMD_OP_QUERY_HCA_CAP)
		return cmd->op_mod & 1 ? "CURRENT" : "MAXIMUM";
	return NULL;
}

static void write_line(struct cx_pf *pf, GString *line)
{
	g_string_append_c(line, '\n');
	fwrite(line->str, 1, line->len, pf->trace);
	fflush(pf->trace);
	g_string_free(line, true);
}

static void add_vf(GString *line, const struct cx_trace_before *before)
{
	if (!before->vf)
		return;
	g_string_append_printf(line, ",\"vf\":%u,\"vhca\":%u", before->vf->id,
			       cx_vhca_id(before->vf));
	g_string_append_printf(line, ",\"before\":{\"initiator\":%u,\"responder\":%u,"
			       "\"tracking\":%u,\"unfinished\":%u}", before->initiator,
			       before->responder, before->tracking, before->unfinished);
}

void cx_trace(struct cx_command *cmd, const struct cx_trace_before *before, const char *outcome)
{
	const struct layout *layout = layout_of(cmd);
	const char *op_mod;
	GString *line;

	if (!is_traced(cmd))
		return;
	line = g_string_new(NULL);
	g_string_append_printf(line, "{\"ns\":%" PRId64 ",\"opcode\":\"%s\"",
			       qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL), cx_command_name(cmd->opcode));
	op_mod = op_mod_name(cmd, layout);
	if (op_mod)
		g_string_append_printf(line, ",\"op_mod\":\"%s\"", op_mod);
	else
		g_string_append_printf(line, ",\"op_mod\":%u", cmd->op_mod);
	if (cmd->opcode == MLX5_CMD_OP_QUERY_HCA_CAP)
		g_string_append_printf(line, ",\"capability\":%u", cmd->op_mod >> 1);
	add_vf(line, before);
	g_string_append(line, ",\"in\":{\"length\":");
	g_string_append_printf(line, "%u", cmd->in_length);
	add_elements(line, layout->in, ARRAY_SIZE(layout->in), cmd->in, cmd->in_length);
	g_string_append_printf(line, "},\"outcome\":\"%s\"", outcome);
	if (!cmd->stuck) {
		g_string_append_printf(line, ",\"status\":%u,\"out\":{\"length\":%u", cmd->out[0],
				       cmd->out_length);
		if (!cmd->out[0])
			add_elements(line, layout->out, ARRAY_SIZE(layout->out), cmd->out,
				     cmd->out_length);
		g_string_append_c(line, '}');
	}
	g_string_append_c(line, '}');
	write_line(cmd->fn->pf, line);
}

static void set_trace(Object *obj, const char *path, Error **errp)
{
	struct cx_pf *pf = CX_PF(obj);

	cx_trace_close(pf);
	if (!*path)
		return;
	pf->trace = fopen(path, "ae");
	if (pf->trace)
		pf->trace_path = g_strdup(path);
	else
		error_setg_errno(errp, errno, "trace: %s", path);
}

static char *get_trace(Object *obj, Error **errp)
{
	return g_strdup(CX_PF(obj)->trace_path ?: "");
}

/* Letters, digits, blanks and the like: what needs no quoting in JSON. */
static void set_note(Object *obj, const char *text, Error **errp)
{
	struct cx_pf *pf = CX_PF(obj);
	GString *line;

	if (strpbrk(text, "\"\\\n")) {
		error_setg(errp, "trace-note: neither quotes, backslashes nor newlines");
		return;
	}
	if (!pf->trace)
		return;
	line = g_string_new(NULL);
	g_string_append_printf(line, "{\"ns\":%" PRId64 ",\"note\":\"%s\"}",
			       qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL), text);
	write_line(pf, line);
}

void cx_trace_close(struct cx_pf *pf)
{
	if (pf->trace)
		fclose(pf->trace);
	pf->trace = NULL;
	g_clear_pointer(&pf->trace_path, g_free);
}

void cx_trace_register(ObjectClass *class)
{
	object_class_property_add_str(class, "trace", get_trace, set_trace);
	object_class_property_add_str(class, "trace-note", NULL, set_note);
}
