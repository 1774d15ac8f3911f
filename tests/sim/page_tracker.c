// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page trackers: general objects that note which pages of given ranges a VF writes to by DMA.
 *
 * Told to report a range, a tracker sends the addresses of its dirty pages, which are then
 * clean, in messages of at most the object's message size from the QP that it was given. A
 * message's immediate carries, in its top 4 bits, the tracker's state: it says reporting as
 * long as more will follow, and tracking in the last one.
 */
#include "connectx.h"

#define ENTRY_BYTES	8
#define TRACKER_PAGE_SHIFT_LIMIT 31
#define STATE_SHIFT	28
#define REPORT_DELAY	(20 * SCALE_US)
#define RETRY_DELAY	(100 * SCALE_US)

struct range {
	uint64_t start, end;
};

struct cx_tracker {
	struct cx_function *pf;
	uint32_t id;
	uint16_t vhca_id;
	unsigned int state;
	unsigned int page_shift, message_shift;
	uint32_t qpn;
	struct range *ranges;
	uint32_t range_count;
	GTree *dirty;			/* addresses of pages */
	struct range report;		/* what is left to report */
	bool stray;			/* the next message has an address that is not in it */
	bool floods;			/* each report is without end */
	QEMUTimer *timer;
};

static gint compare(gconstpointer left, gconstpointer right, gpointer unused)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

void cx_tracker_free(void *opaque)
{
	struct cx_tracker *tracker = opaque;

	if (tracker->timer)
		timer_free(tracker->timer);
	if (tracker->dirty)
		g_tree_destroy(tracker->dirty);
	g_free(tracker->ranges);
	g_free(tracker);
}

static void fail(struct cx_tracker *tracker)
{
	uint8_t data[28] = { 0 };

	if (tracker->state == MLX5_PAGE_TRACK_STATE_ERROR)
		return;
	tracker->state = MLX5_PAGE_TRACK_STATE_ERROR;
	timer_del(tracker->timer);
	stw_be_p(data + 2, MLX5_OBJ_TYPE_PAGE_TRACK);
	stl_be_p(data + 4, tracker->id);
	cx_event(tracker->pf, CX_EVENT_OBJECT_CHANGE, data);
}

/* Take the addresses for one message; returns how many. */
static unsigned int collect(struct cx_tracker *tracker, uint8_t *message, unsigned int room)
{
	GTreeNode *node = g_tree_lower_bound(tracker->dirty, &tracker->report.start);
	unsigned int count = 0;

	for (; node && count < room; node = g_tree_node_next(node)) {
		uint64_t page = *(uint64_t *)g_tree_node_key(node);

		if (page >= tracker->report.end)
			break;
		stq_be_p(message + count * ENTRY_BYTES, page);
		count++;
	}
	return count;
}

static bool nothing_left(struct cx_tracker *tracker)
{
	GTreeNode *node = g_tree_lower_bound(tracker->dirty, &tracker->report.start);

	return !node || *(uint64_t *)g_tree_node_key(node) >= tracker->report.end;
}

/* Send one message; returns whether there is reason to go on. */
static bool send_one(struct cx_tracker *tracker)
{
	unsigned int room = (1u << tracker->message_shift) / ENTRY_BYTES;
	g_autofree uint8_t *message = g_malloc((size_t)room * ENTRY_BYTES);
	unsigned int count = collect(tracker, message, room);
	struct range before = tracker->report;
	unsigned int state;

	if (count)
		tracker->report.start = ldq_be_p(message + (count - 1) * ENTRY_BYTES) + 1;
	if (tracker->stray && count) {
		stq_be_p(message + (count - 1) * ENTRY_BYTES, before.end);
		tracker->stray = false;
	}
	if (tracker->floods)
		tracker->report = before;
	state = nothing_left(tracker) ? MLX5_PAGE_TRACK_STATE_TRACKING :
					MLX5_PAGE_TRACK_STATE_REPORTING;
	switch (cx_qp_send(tracker->pf, tracker->qpn, message, count * ENTRY_BYTES,
			   state << STATE_SHIFT)) {
	case CX_NOT_READY:
		tracker->report = before;
		timer_mod(tracker->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + RETRY_DELAY);
		return false;
	case CX_SEND_FAILED:
		fail(tracker);
		return false;
	default:
		break;
	}
	for (unsigned int index = 0; !tracker->floods && index < count; index++) {
		uint64_t page = ldq_be_p(message + index * ENTRY_BYTES);

		g_tree_remove(tracker->dirty, &page);
	}
	tracker->state = state;
	return state == MLX5_PAGE_TRACK_STATE_REPORTING;
}

static void report(void *opaque)
{
	struct cx_tracker *tracker = opaque;

	if (tracker->state != MLX5_PAGE_TRACK_STATE_REPORTING)
		return;
	while (send_one(tracker))
		;
}

void cx_tracker_continue(struct cx_function *fn)
{
	GHashTableIter iter;
	void *value;

	g_hash_table_iter_init(&iter, fn->trackers.entries);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct cx_tracker *tracker = value;

		/* Not at once: this is within the doorbell of the one who would receive. */
		if (tracker->state == MLX5_PAGE_TRACK_STATE_REPORTING)
			timer_mod(tracker->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
	}
}

static void note(struct cx_tracker *tracker, uint64_t address, uint64_t length)
{
	uint64_t size = 1ULL << tracker->page_shift;

	for (uint32_t index = 0; index < tracker->range_count; index++) {
		const struct range *range = &tracker->ranges[index];
		uint64_t page = MAX(address, range->start) & ~(size - 1);
		uint64_t end = MIN(address + length, range->end);

		for (; page < end; page += size) {
			uint64_t *key;

			if (g_tree_lookup_node(tracker->dirty, &page))
				continue;
			key = g_new(uint64_t, 1);
			*key = page;
			g_tree_insert(tracker->dirty, key, key);
		}
	}
}

void cx_tracker_vf_wrote(struct cx_function *vf, uint64_t address, uint64_t length)
{
	uint32_t capacity = vf->pf->tracker_capacity;
	GHashTableIter iter;
	void *value;

	g_hash_table_iter_init(&iter, vf->pf->fn.trackers.entries);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct cx_tracker *tracker = value;

		if (tracker->vhca_id != cx_vhca_id(vf) ||
		    tracker->state == MLX5_PAGE_TRACK_STATE_ERROR)
			continue;
		note(tracker, address, length);
		if (capacity && g_tree_nnodes(tracker->dirty) > capacity)
			fail(tracker);
	}
}

static bool valid(struct cx_command *cmd, const struct cx_tracker *tracker,
		  unsigned int log_space)
{
	const uint8_t *caps = cmd->fn->caps[CX_CAP_ADV_VIRTUALIZATION];
	uint64_t total = 0;

	if (tracker->page_shift < GET(adv_virtualization_cap, caps, pg_track_log_min_page_size) ||
	    tracker->page_shift > GET(adv_virtualization_cap, caps, pg_track_log_max_page_size) ||
	    tracker->message_shift < GET(adv_virtualization_cap, caps, pg_track_log_min_msg_size) ||
	    tracker->message_shift > GET(adv_virtualization_cap, caps, pg_track_log_max_msg_size) ||
	    log_space < GET(adv_virtualization_cap, caps, pg_track_log_min_addr_space) ||
	    log_space > GET(adv_virtualization_cap, caps, pg_track_log_max_addr_space))
		return false;
	for (uint32_t index = 0; index < tracker->range_count; index++) {
		const struct range *range = &tracker->ranges[index];

		if (range->end <= range->start)
			return false;
		total += range->end - range->start;
	}
	/* Drivers round the logarithm down. */
	return total <= 2ULL << log_space;
}

/* A page is in a range when a byte of it is. */
static struct range whole_pages(const struct cx_tracker *tracker, uint64_t start, uint64_t length)
{
	uint64_t size = 1ULL << tracker->page_shift;

	return (struct range){ ROUND_DOWN(start, size), ROUND_UP(start + length, size) };
}

static enum cx_status create(struct cx_command *cmd, struct cx_tracker *tracker)
{
	const uint8_t *context = IFC_AT(create_page_track_obj_in, cmd->in, obj_context);
	const uint8_t *ranges = IFC_AT(page_track, context, track_range);
	uint32_t count = GET(page_track, context, num_ranges);

	if (!count || count > cmd->fn->pf->tracker_max_ranges ||
	    ranges + count * IFC_BYTES(page_track_range) > cmd->in + cmd->in_length)
		return CX_BAD_PARAMETER;
	tracker->vhca_id = GET(page_track, context, vhca_id);
	tracker->page_shift = GET(page_track, context, log_page_size);
	tracker->message_shift = GET(page_track, context, log_msg_size);
	tracker->qpn = GET(page_track, context, reporting_qpn);
	if (tracker->page_shift > TRACKER_PAGE_SHIFT_LIMIT)
		return CX_BAD_PARAMETER;
	tracker->ranges = g_new0(struct range, count);
	tracker->range_count = count;
	for (uint32_t index = 0; index < count; index++) {
		const uint8_t *range = ranges + index * IFC_BYTES(page_track_range);

		tracker->ranges[index] = whole_pages(tracker,
						     GET(page_track_range, range, start_address),
						     GET(page_track_range, range, length));
	}
	if (!cx_function_by_vhca(cmd->fn->pf, tracker->vhca_id) ||
	    !cx_qp_peer(cmd->fn, tracker->qpn) ||
	    !valid(cmd, tracker, GET(page_track, context, log_addr_space_size)))
		return CX_BAD_PARAMETER;
	tracker->id = cx_table_add(&cmd->fn->trackers, tracker);
	return tracker->id ? CX_OK : CX_NO_RESOURCES;
}

static bool is_page_track(struct cx_command *cmd)
{
	return !cmd->fn->id && cmd->fn->pf->tracker &&
	       GET(general_obj_in_cmd_hdr, cmd->in, obj_type) == MLX5_OBJ_TYPE_PAGE_TRACK;
}

static struct cx_tracker *find(struct cx_command *cmd)
{
	return cx_table_get(&cmd->fn->trackers, GET(general_obj_in_cmd_hdr, cmd->in, obj_id));
}

enum cx_status cx_create_general_object(struct cx_command *cmd)
{
	struct cx_tracker *tracker;
	enum cx_status status;

	if (!is_page_track(cmd))
		return CX_BAD_PARAMETER;
	if (cmd->in_length < IFC_BYTES(create_page_track_obj_in))
		return CX_BAD_INPUT_LENGTH;
	tracker = g_new0(struct cx_tracker, 1);
	tracker->pf = cmd->fn;
	tracker->state = MLX5_PAGE_TRACK_STATE_TRACKING;
	tracker->dirty = g_tree_new_full(compare, NULL, g_free, NULL);
	tracker->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, report, tracker);
	status = create(cmd, tracker);
	if (status != CX_OK) {
		cx_tracker_free(tracker);
		return status;
	}
	SET(general_obj_out_cmd_hdr, cmd->out, obj_id, tracker->id);
	return CX_OK;
}

enum cx_status cx_modify_general_object(struct cx_command *cmd)
{
	const uint8_t *context = IFC_AT(create_page_track_obj_in, cmd->in, obj_context);
	struct cx_tracker *tracker = is_page_track(cmd) ? find(cmd) : NULL;

	if (!tracker)
		return CX_BAD_RESOURCE;
	if (cmd->in_length < IFC_BYTES(create_page_track_obj_in))
		return CX_BAD_INPUT_LENGTH;
	if (GET(page_track, context, state) != MLX5_PAGE_TRACK_STATE_REPORTING)
		return CX_BAD_PARAMETER;
	if (tracker->state != MLX5_PAGE_TRACK_STATE_TRACKING)
		return CX_BAD_RESOURCE_STATE;
	tracker->report = whole_pages(tracker, GET(page_track, context, range_start_address),
				      GET(page_track, context, length));
	if (tracker->report.end <= tracker->report.start)
		return CX_BAD_PARAMETER;
	tracker->state = MLX5_PAGE_TRACK_STATE_REPORTING;
	timer_mod(tracker->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + REPORT_DELAY);
	return CX_OK;
}

enum cx_status cx_query_general_object(struct cx_command *cmd)
{
	uint8_t *context = cmd->out + IFC_BYTES(general_obj_out_cmd_hdr);
	struct cx_tracker *tracker = is_page_track(cmd) ? find(cmd) : NULL;

	if (!tracker)
		return CX_BAD_RESOURCE;
	if (cmd->out_length < IFC_BYTES(general_obj_out_cmd_hdr) + IFC_BYTES(page_track))
		return CX_BAD_OUTPUT_LENGTH;
	SET(general_obj_out_cmd_hdr, cmd->out, obj_id, tracker->id);
	SET(page_track, context, vhca_id, tracker->vhca_id);
	SET(page_track, context, state, tracker->state);
	SET(page_track, context, log_page_size, tracker->page_shift);
	SET(page_track, context, log_msg_size, tracker->message_shift);
	SET(page_track, context, reporting_qpn, tracker->qpn);
	SET(page_track, context, num_ranges, tracker->range_count);
	return CX_OK;
}

enum cx_status cx_destroy_general_object(struct cx_command *cmd)
{
	struct cx_tracker *tracker = is_page_track(cmd) ? find(cmd) : NULL;

	if (!tracker)
		return CX_BAD_RESOURCE;
	cx_table_remove(&cmd->fn->trackers, tracker->id);
	return CX_OK;
}

static struct cx_tracker *of_vf(struct cx_pf *pf, unsigned int vf)
{
	struct cx_function *fn = cx_function_get(pf, vf);
	GHashTableIter iter;
	void *value;

	g_hash_table_iter_init(&iter, pf->fn.trackers.entries);
	while (fn && g_hash_table_iter_next(&iter, NULL, &value)) {
		if (((struct cx_tracker *)value)->vhca_id == cx_vhca_id(fn))
			return value;
	}
	return NULL;
}

bool cx_tracker_fail(struct cx_pf *pf, unsigned int vf)
{
	struct cx_tracker *tracker = of_vf(pf, vf);

	if (tracker)
		fail(tracker);
	return tracker;
}

bool cx_tracker_stray(struct cx_pf *pf, unsigned int vf)
{
	struct cx_tracker *tracker = of_vf(pf, vf);

	if (tracker)
		tracker->stray = true;
	return tracker;
}

bool cx_tracker_unasked(struct cx_pf *pf, unsigned int vf)
{
	struct cx_tracker *tracker = of_vf(pf, vf);

	return tracker && cx_qp_send(tracker->pf, tracker->qpn, "", 0,
				     MLX5_PAGE_TRACK_STATE_TRACKING << STATE_SHIFT) == CX_SENT;
}

bool cx_tracker_flood(struct cx_pf *pf, unsigned int vf)
{
	struct cx_tracker *tracker = of_vf(pf, vf);

	if (tracker)
		tracker->floods = true;
	return tracker;
}

struct cx_function *cx_tracker_subject(struct cx_command *cmd)
{
	const uint8_t *context = IFC_AT(create_page_track_obj_in, cmd->in, obj_context);
	struct cx_tracker *tracker;

	if (!is_page_track(cmd))
		return NULL;
	if (cmd->opcode == MLX5_CMD_OP_CREATE_GENERAL_OBJECT)
		return cmd->in_length < IFC_BYTES(create_page_track_obj_in) ? NULL :
		       cx_function_by_vhca(cmd->fn->pf, GET(page_track, context, vhca_id));
	tracker = find(cmd);
	return tracker ? cx_function_by_vhca(cmd->fn->pf, tracker->vhca_id) : NULL;
}

uint32_t cx_tracker_host_qp(struct cx_pf *pf, unsigned int vf)
{
	struct cx_tracker *tracker = of_vf(pf, vf);

	return tracker ? cx_qp_peer(&pf->fn, tracker->qpn) : 0;
}
