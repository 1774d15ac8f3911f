// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capabilities: what each function could do (maximum), and what its driver has set (current).
 * All that is not named here is zero, not supported.
 */
#include "connectx.h"

#define MODE_CURRENT		1	/* bit 0 of op_mod; the type is above it */
#define TIMER_KHZ		1000000	/* the init segment's timer counts nanoseconds */
#define PAGE_SHIFT		12
#define TRACKER_MSG_SHIFT_MIN	12
#define TRACKER_MSG_SHIFT_MAX	16
#define TRACKER_PAGE_SHIFT_MAX	21

static void general(const struct cx_pf *pf, unsigned int id, uint8_t *cap)
{
	SET(cmd_hca_cap, cap, vhca_id, cx_vhca_id(&(struct cx_function){ .id = id }));
	SET(cmd_hca_cap, cap, hca_cap_2, 1);
	SET(cmd_hca_cap, cap, event_cap, 1);
	SET(cmd_hca_cap, cap, log_max_qp, 16);
	SET(cmd_hca_cap, cap, log_max_qp_sz, 15);
	SET(cmd_hca_cap, cap, log_max_cq, 16);
	SET(cmd_hca_cap, cap, log_max_cq_sz, 22);
	SET(cmd_hca_cap, cap, log_max_eq, 6);
	SET(cmd_hca_cap, cap, log_max_eq_sz, 22);
	SET(cmd_hca_cap, cap, max_num_eqs, 64);
	SET(cmd_hca_cap, cap, log_max_mkey, 16);
	SET(cmd_hca_cap, cap, log_max_klm_list_size, 16);
	SET(cmd_hca_cap, cap, log_max_pd, 16);
	SET(cmd_hca_cap, cap, log_max_msg, 30);
	SET(cmd_hca_cap, cap, max_wqe_sz_sq, 1024);
	SET(cmd_hca_cap, cap, max_wqe_sz_rq, 512);
	SET(cmd_hca_cap, cap, log_pg_sz, PAGE_SHIFT);
	SET(cmd_hca_cap, cap, uar_4k, 1);
	SET(cmd_hca_cap, cap, num_of_uars_per_page, 1);
	SET(cmd_hca_cap, cap, bf, 1);
	SET(cmd_hca_cap, cap, log_bf_reg_size, 9);
	SET(cmd_hca_cap, cap, cqe_version, 1);
	SET(cmd_hca_cap, cap, rc, 1);
	SET(cmd_hca_cap, cap, num_ports, 1);
	SET(cmd_hca_cap, cap, device_frequency_khz, TIMER_KHZ);
	if (!id) {
		SET(cmd_hca_cap, cap, vport_group_manager, 1);
		SET(cmd_hca_cap, cap, migration, pf->migration);
		SET(cmd_hca_cap, cap, adv_virtualization, pf->tracker);
	}
}

static void general_2(const struct cx_pf *pf, unsigned int id, uint8_t *cap)
{
	if (!pf->migration)
		return;
	if (id) {
		ifc_set(cap, CAP_2_MIGRATABLE, 1, 1);
		return;
	}
	ifc_set(cap, CAP_2_MIGRATION_MULTI_LOAD, 1, pf->precopy);
	ifc_set(cap, CAP_2_MIGRATION_TRACKING_STATE, 1, pf->precopy);
	ifc_set(cap, CAP_2_MIGRATION_IN_CHUNKS, 1, pf->chunks);
}

static void adv_virtualization(const struct cx_pf *pf, unsigned int id, uint8_t *cap)
{
	if (id || !pf->tracker)
		return;
	SET(adv_virtualization_cap, cap, pg_track_log_max_num, 7);
	SET(adv_virtualization_cap, cap, pg_track_max_num_range, pf->tracker_max_ranges);
	SET(adv_virtualization_cap, cap, pg_track_log_min_addr_space, pf->tracker_min_space);
	SET(adv_virtualization_cap, cap, pg_track_log_max_addr_space, pf->tracker_max_space);
	SET(adv_virtualization_cap, cap, pg_track_log_min_msg_size, TRACKER_MSG_SHIFT_MIN);
	SET(adv_virtualization_cap, cap, pg_track_log_max_msg_size, TRACKER_MSG_SHIFT_MAX);
	SET(adv_virtualization_cap, cap, pg_track_log_min_page_size, PAGE_SHIFT);
	SET(adv_virtualization_cap, cap, pg_track_log_max_page_size, TRACKER_PAGE_SHIFT_MAX);
}

/* Asynchronous events that the driver's clients may ask for. */
static void device_event(const struct cx_pf *pf, unsigned int id, uint8_t *cap)
{
	ifc_set(cap, IFC_OFFSET(device_event_cap, user_affiliated_events[0]), 64,
		BIT_ULL(CX_EVENT_CQ_ERROR) | BIT_ULL(CX_EVENT_QP_ERROR) |
		BIT_ULL(CX_EVENT_OBJECT_CHANGE));
}

static bool maximum(const struct cx_pf *pf, unsigned int id, unsigned int type, uint8_t *cap)
{
	switch (type) {
	case CX_CAP_GENERAL:
		general(pf, id, cap);
		return true;
	case CX_CAP_GENERAL_2:
		general_2(pf, id, cap);
		return true;
	case CX_CAP_ADV_VIRTUALIZATION:
		adv_virtualization(pf, id, cap);
		return true;
	case CX_CAP_DEVICE_EVENT:
		device_event(pf, id, cap);
		return true;
	default:
		return false;
	}
}

void cx_caps_init(struct cx_function *fn)
{
	for (unsigned int type = 0; type < CX_CAP_TYPES; type++) {
		uint8_t *cap = g_malloc0(CX_CAP_BYTES);

		if (maximum(fn->pf, fn->id, type, cap))
			fn->caps[type] = cap;
		else
			g_free(cap);
	}
}

void cx_caps_exit(struct cx_function *fn)
{
	for (unsigned int type = 0; type < CX_CAP_TYPES; type++)
		g_clear_pointer(&fn->caps[type], g_free);
}

enum cx_status cx_query_hca_cap(struct cx_command *cmd)
{
	unsigned int id = cmd->fn->id, type = cmd->op_mod >> 1;
	uint8_t *cap = IFC_AT(query_hca_cap_out, cmd->out, capability);

	if (GET(query_hca_cap_in, cmd->in, other_function)) {
		id = GET(query_hca_cap_in, cmd->in, function_id);
		if (cmd->fn->id || id > cmd->fn->pf->vfs)
			return CX_BAD_PARAMETER;
	} else if (cmd->op_mod & MODE_CURRENT && type < CX_CAP_TYPES && cmd->fn->caps[type]) {
		memcpy(cap, cmd->fn->caps[type], CX_CAP_BYTES);
		return CX_OK;
	}
	return maximum(cmd->fn->pf, id, type, cap) ? CX_OK : CX_BAD_PARAMETER;
}

enum cx_status cx_set_hca_cap(struct cx_command *cmd)
{
	unsigned int type = cmd->op_mod >> 1;

	if (GET(set_hca_cap_in, cmd->in, other_function))
		return CX_BAD_PARAMETER;
	if (type >= CX_CAP_TYPES || !cmd->fn->caps[type])
		return CX_BAD_PARAMETER;
	memcpy(cmd->fn->caps[type], IFC_AT(set_hca_cap_in, cmd->in, capability), CX_CAP_BYTES);
	return CX_OK;
}
