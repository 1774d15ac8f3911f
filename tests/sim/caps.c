// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capabilities: what each function could do (maximum), and what its driver has set (current).
 * All that is not named here is zero, not supported.
 *
 * What the PF's firmware knows of migration, its maximum names although a property has switched
 * it off: only the current value counts. Of a VF that can be migrated the maximum says so.
 */
#include "connectx.h"
#include "qapi/error.h"

#define MODE_CURRENT		1	/* bit 0 of op_mod; the type is above it */
#define TIMER_KHZ		1000000	/* the init segment's timer counts nanoseconds */
#define PAGE_SHIFT		12
#define TRACKER_MSG_SHIFT_MIN	12
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
	SET(cmd_hca_cap, cap, port_type, pf->ethernet);
	SET(cmd_hca_cap, cap, device_frequency_khz, TIMER_KHZ);
	if (!id) {
		SET(cmd_hca_cap, cap, vport_group_manager, 1);
		SET(cmd_hca_cap, cap, migration, pf->migration);
		SET(cmd_hca_cap, cap, adv_virtualization, pf->tracker);
	}
}

static void general_2(const struct cx_pf *pf, unsigned int id, bool current, uint8_t *cap)
{
	bool all = CX_RULE(pf, caps) && !current;

	if (!pf->migration)
		return;
	if (id) {
		ifc_set(cap, CAP_2_MIGRATABLE, 1,
			pf->migratable[id] && (all || !CX_RULE(pf, caps)));
		return;
	}
	ifc_set(cap, CAP_2_MIGRATION_MULTI_LOAD, 1, all || pf->multi_load);
	ifc_set(cap, CAP_2_MIGRATION_TRACKING_STATE, 1, all || pf->precopy);
	ifc_set(cap, CAP_2_MIGRATION_IN_CHUNKS, 1, all || pf->chunks);
	ifc_set(cap, CAP_2_MIGRATION_STATE, 1, all || (pf->migration_state && pf->strict));
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
	SET(adv_virtualization_cap, cap, pg_track_log_max_msg_size,
	    pf->tracker_max_message);
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

static bool capability(const struct cx_pf *pf, unsigned int id, unsigned int type, bool current,
		       uint8_t *cap)
{
	switch (type) {
	case CX_CAP_GENERAL:
		general(pf, id, cap);
		return true;
	case CX_CAP_GENERAL_2:
		general_2(pf, id, current, cap);
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

		if (capability(fn->pf, fn->id, type, true, cap))
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
	return capability(cmd->fn->pf, id, type, cmd->op_mod & MODE_CURRENT, cap) ?
	       CX_OK : CX_BAD_PARAMETER;
}

/* What devlink does for a VF's port: of all capabilities this is the one that can be changed. */
static enum cx_status set_of_vf(struct cx_command *cmd)
{
	unsigned int id = GET(set_hca_cap_in, cmd->in, function_id);
	const uint8_t *cap = IFC_AT(set_hca_cap_in, cmd->in, capability);

	if (cmd->fn->id || !id || id > cmd->fn->pf->vfs || cmd->op_mod >> 1 != CX_CAP_GENERAL_2)
		return CX_BAD_PARAMETER;
	cmd->fn->pf->migratable[id] = ifc_get(cap, CAP_2_MIGRATABLE, 1);
	return CX_OK;
}

enum cx_status cx_set_hca_cap(struct cx_command *cmd)
{
	unsigned int type = cmd->op_mod >> 1;

	if (GET(set_hca_cap_in, cmd->in, other_function))
		return set_of_vf(cmd);
	if (type >= CX_CAP_TYPES || !cmd->fn->caps[type])
		return CX_BAD_PARAMETER;
	memcpy(cmd->fn->caps[type], IFC_AT(set_hca_cap_in, cmd->in, capability), CX_CAP_BYTES);
	return CX_OK;
}

/* "all", "none", or the numbers of VFs, the first one's is 1. */
static void set_migratable(Object *obj, const char *text, Error **errp)
{
	g_auto(GStrv) words = g_strsplit_set(text, " ,", -1);
	struct cx_pf *pf = CX_PF(obj);
	bool all = !strcmp(text, "all");

	for (size_t id = 1; id < ARRAY_SIZE(pf->migratable); id++)
		pf->migratable[id] = all;
	for (char **word = words; !all && strcmp(text, "none") && *word; word++) {
		unsigned long id = strtoul(*word, NULL, 0);

		if (!**word)
			continue;
		if (!id || id >= ARRAY_SIZE(pf->migratable)) {
			error_setg(errp, "migratable: %s is no VF's number", *word);
			return;
		}
		pf->migratable[id] = true;
	}
}

static char *get_migratable(Object *obj, Error **errp)
{
	GString *text = g_string_new(NULL);

	for (unsigned int id = 1; id <= CX_PF(obj)->vfs; id++) {
		if (CX_PF(obj)->migratable[id])
			g_string_append_printf(text, "%s%u", text->len ? " " : "", id);
	}
	return g_string_free(text, false);
}

void cx_caps_register(ObjectClass *class)
{
	object_class_property_add_str(class, "migratable", get_migratable, set_migratable);
}
