// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page tracker of the firmware: see tracker.h.
 *
 * It is a general object of the PF. Told to report, it sends the addresses of
 * the pages that were written since the last report, in messages to a queue of
 * ours. Each message says whether another one follows. After any error pages
 * may have been lost: then the tracker is useless.
 */
#include <linux/interval_tree.h>
#include <linux/iova_bitmap.h>
#include <linux/mlx5/device.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "firmware.h"
#include "ranges.h"
#include "report_queue.h"
#include "tracker.h"

/* Large messages are few. LATCH_MESSAGES_MIN of them above the maximum take too much memory. */
#define LOG_MESSAGE_BYTES	16
#define LOG_MESSAGE_BYTES_MAX	20

/*
 * As long as mlx5_core waits for a command. If the firmware dies without an
 * event, and mlx5_core does not notice, the wait ends then.
 */
#define SILENCE_MS		(60 * MSEC_PER_SEC)

/* VFIO asks for writes by DMA. */
#define TRACK_TYPE_DMA_WRITE	1

/* modify_field_select: the state, and the range to report. */
#define MODIFY_STATE_AND_RANGE	3

/* The tracker's state in the immediate of a message. */
#define IMMEDIATE_STATE_SHIFT	28

struct latch_mlx5_tracker {
	/* Written in alloc and create, read-only until destroy. */
	struct mlx5_core_dev *mdev;
	u32 id;
	u64 page_size;
	void *create_command;
	size_t create_bytes;
	struct notifier_block notifier;

	/* See report_queue.h and tracker.h for their rules. */
	struct latch_report_queue queue;
	struct latch_mlx5_report *report;

	/* Used by reports, under the device's state_mutex. */
	bool is_err;
	u8 status;	/* MLX5_PAGE_TRACK_STATE_*, as the firmware said last */

	/* Set in interrupts, cleared before the firmware is asked what has changed. */
	bool object_changed;

	/* Set by latch_mlx5_tracker_interrupt(), without state_mutex; never cleared. */
	bool is_interrupted;
};

#define PG_TRACK_CAP(mdev, cap)	MLX5_CAP_ADV_VIRTUALIZATION(mdev, pg_track_##cap)

/**
 * latch_mlx5_tracker_supported - whether the firmware can track pages
 * @mdev: the PF
 *
 * Return: true if it can, in a way that we can use.
 */
bool latch_mlx5_tracker_supported(struct mlx5_core_dev *mdev)
{
	return MLX5_CAP_GEN(mdev, adv_virtualization) &&
	       PG_TRACK_CAP(mdev, max_num_range) &&
	       PG_TRACK_CAP(mdev, log_min_page_size) <= PG_TRACK_CAP(mdev, log_max_page_size) &&
	       PG_TRACK_CAP(mdev, log_min_addr_space) <= PG_TRACK_CAP(mdev, log_max_addr_space) &&
	       PG_TRACK_CAP(mdev, log_min_msg_size) <= PG_TRACK_CAP(mdev, log_max_msg_size) &&
	       PG_TRACK_CAP(mdev, log_min_msg_size) <= LOG_MESSAGE_BYTES_MAX &&
	       PG_TRACK_CAP(mdev, log_max_msg_size) >= ilog2(sizeof(__be64));
}

static unsigned int log_message_bytes(struct mlx5_core_dev *mdev)
{
	return clamp_t(unsigned int, LOG_MESSAGE_BYTES, PG_TRACK_CAP(mdev, log_min_msg_size),
		       PG_TRACK_CAP(mdev, log_max_msg_size));
}

/* The largest page size up to @wish, or else the one next to it. */
static unsigned int log_page_bytes(struct mlx5_core_dev *mdev, u64 wish)
{
	return clamp_t(unsigned int, wish ? ilog2(wish) : 0, PG_TRACK_CAP(mdev, log_min_page_size),
		       PG_TRACK_CAP(mdev, log_max_page_size));
}

/* In an interrupt. */
static int on_event(struct notifier_block *notifier, unsigned long type, void *data)
{
	struct latch_mlx5_tracker *tracker =
		container_of(notifier, struct latch_mlx5_tracker, notifier);
	struct mlx5_eqe *eqe = data;

	if (type != MLX5_EVENT_TYPE_OBJECT_CHANGE)
		return latch_report_queue_event(&tracker->queue, type, data);
	if (be16_to_cpu(eqe->data.obj_change.obj_type) != MLX5_OBJ_TYPE_PAGE_TRACK ||
	    be32_to_cpu(eqe->data.obj_change.obj_id) != tracker->id)
		return NOTIFY_DONE;
	WRITE_ONCE(tracker->object_changed, true);
	wake_up(&tracker->queue.wait);
	return NOTIFY_OK;
}

static void set_header(const struct latch_mlx5_tracker *tracker, void *in, u16 opcode)
{
	MLX5_SET(general_obj_in_cmd_hdr, in, opcode, opcode);
	MLX5_SET(general_obj_in_cmd_hdr, in, obj_type, MLX5_OBJ_TYPE_PAGE_TRACK);
	MLX5_SET(general_obj_in_cmd_hdr, in, obj_id, tracker->id);
}

/* Returns the address space that a tracker of these ranges needs, or an error: too large. */
static int log_space_bytes(const struct latch_mlx5_tracker_plan *plan,
			   const struct latch_range *ranges, unsigned int nr)
{
	unsigned int log;
	u64 bytes;

	if (!latch_ranges_bytes(ranges, nr, &bytes))
		return -EOPNOTSUPP;
	log = max_t(unsigned int, fls64(bytes - 1), plan->log_min_space);
	return log <= plan->log_max_space ? log : -EOPNOTSUPP;
}

/* Prepares the command that creates the tracker, without what is known only when it is given. */
static int prepare_command(struct latch_mlx5_tracker *tracker,
			   const struct latch_mlx5_tracker_plan *plan,
			   const struct latch_range *ranges, unsigned int nr)
{
	size_t bytes = MLX5_ST_SZ_BYTES(create_page_track_obj_in) +
		       nr * MLX5_ST_SZ_BYTES(page_track_range);
	void *in, *context, *range;
	unsigned int n;
	int log;

	log = log_space_bytes(plan, ranges, nr);
	if (log < 0)
		return log;
	in = kzalloc(bytes, GFP_KERNEL_ACCOUNT);
	if (!in)
		return -ENOMEM;
	context = MLX5_ADDR_OF(create_page_track_obj_in, in, obj_context);
	MLX5_SET(page_track, context, track_type, TRACK_TYPE_DMA_WRITE);
	MLX5_SET(page_track, context, log_addr_space_size, log);
	MLX5_SET(page_track, context, log_page_size, plan->log_page_bytes);
	MLX5_SET(page_track, context, log_msg_size, plan->log_message_bytes);
	MLX5_SET(page_track, context, num_ranges, nr);
	range = MLX5_ADDR_OF(page_track, context, track_range);
	for (n = 0; n < nr; n++, range += MLX5_ST_SZ_BYTES(page_track_range)) {
		MLX5_SET64(page_track_range, range, start_address, ranges[n].start);
		MLX5_SET64(page_track_range, range, length, ranges[n].last - ranges[n].start + 1);
	}
	tracker->create_command = in;
	tracker->create_bytes = bytes;
	return 0;
}

static int create_object(struct latch_mlx5_tracker *tracker, u16 vhca_id)
{
	u32 out[MLX5_ST_SZ_DW(general_obj_out_cmd_hdr)] = {};
	void *in = tracker->create_command;
	void *context = MLX5_ADDR_OF(create_page_track_obj_in, in, obj_context);
	int ret;

	set_header(tracker, in, MLX5_CMD_OP_CREATE_GENERAL_OBJECT);
	MLX5_SET(page_track, context, vhca_id, vhca_id);
	MLX5_SET(page_track, context, reporting_qpn, tracker->queue.firmware_qpn);
	ret = latch_fw_exec(tracker->mdev, in, tracker->create_bytes, out, sizeof(out));
	tracker->id = MLX5_GET(general_obj_out_cmd_hdr, out, obj_id);
	return ret;
}

static void destroy_object(struct latch_mlx5_tracker *tracker)
{
	u32 out[MLX5_ST_SZ_DW(general_obj_out_cmd_hdr)] = {};
	u32 in[MLX5_ST_SZ_DW(general_obj_in_cmd_hdr)] = {};

	set_header(tracker, in, MLX5_CMD_OP_DESTROY_GENERAL_OBJECT);
	latch_fw_exec(tracker->mdev, in, sizeof(in), out, sizeof(out));
}

/* Prepares the command from VFIO's nodes. */
static int prepare(struct latch_mlx5_tracker *tracker, const struct latch_mlx5_tracker_plan *plan,
		   struct rb_root_cached *nodes, u32 nr_nodes)
{
	struct latch_range *ranges;
	unsigned int nr = 0;
	struct rb_node *rb;
	int ret = -EINVAL;

	ranges = kvmalloc_array(nr_nodes, sizeof(*ranges), GFP_KERNEL_ACCOUNT);
	if (!ranges)
		return -ENOMEM;
	for (rb = rb_first_cached(nodes); rb && nr < nr_nodes; rb = rb_next(rb), nr++) {
		struct interval_tree_node *node = rb_entry(rb, struct interval_tree_node, rb);

		/* vfio lets empty ones through. */
		if (node->last < node->start)
			goto free;
		ranges[nr].start = node->start;
		ranges[nr].last = node->last;
	}
	nr = latch_ranges_merge(ranges, nr, plan->max_ranges, tracker->page_size);
	if (nr)
		ret = prepare_command(tracker, plan, ranges, nr);
free:
	kvfree(ranges);
	return ret;
}

static struct latch_mlx5_report *alloc_report(u64 page_size, size_t message_bytes)
{
	struct latch_mlx5_report *report = kzalloc(sizeof(*report), GFP_KERNEL_ACCOUNT);

	if (!report)
		return NULL;
	/* With a 0 at the end. */
	report->pages = kvmalloc(message_bytes + sizeof(*report->pages), GFP_KERNEL_ACCOUNT);
	if (!report->pages) {
		kfree(report);
		return NULL;
	}
	kref_init(&report->kref);
	report->page_size = page_size;
	latch_owed_init(&report->owed);
	return report;
}

static void free_report(struct kref *kref)
{
	struct latch_mlx5_report *report = container_of(kref, struct latch_mlx5_report, kref);

	latch_owed_free(&report->owed);
	kvfree(report->pages);
	kfree(report);
}

/**
 * latch_mlx5_report_get - take a reference to a tracker's report
 * @tracker: the tracker
 *
 * Return: the report, for latch_mlx5_report_put().
 */
struct latch_mlx5_report *latch_mlx5_report_get(struct latch_mlx5_tracker *tracker)
{
	kref_get(&tracker->report->kref);
	return tracker->report;
}

/**
 * latch_mlx5_report_put - drop a reference to a report
 * @report: the report; its tracker may be gone
 */
void latch_mlx5_report_put(struct latch_mlx5_report *report)
{
	kref_put(&report->kref, free_report);
}

/**
 * latch_mlx5_tracker_plan - describe a tracker before it is made
 * @mdev: the PF; see latch_mlx5_tracker_supported()
 * @page_size: the wanted size of the tracker's pages
 * @plan: filled in
 */
void latch_mlx5_tracker_plan(struct mlx5_core_dev *mdev, u64 page_size,
			     struct latch_mlx5_tracker_plan *plan)
{
	plan->log_page_bytes = log_page_bytes(mdev, page_size);
	plan->log_message_bytes = log_message_bytes(mdev);
	plan->max_ranges = PG_TRACK_CAP(mdev, max_num_range);
	plan->log_min_space = PG_TRACK_CAP(mdev, log_min_addr_space);
	plan->log_max_space = PG_TRACK_CAP(mdev, log_max_addr_space);
}

/**
 * latch_mlx5_tracker_free - undo latch_mlx5_tracker_alloc()
 * @tracker: the tracker, never created, or destroyed
 */
void latch_mlx5_tracker_free(struct latch_mlx5_tracker *tracker)
{
	latch_report_queue_free(&tracker->queue);
	if (tracker->report)
		latch_mlx5_report_put(tracker->report);
	kfree(tracker->create_command);
	kfree(tracker);
}

/**
 * latch_mlx5_tracker_alloc - allocate memory for a tracker
 * @mdev: the PF, whose driver need not be there
 * @plan: what it will be like, from latch_mlx5_tracker_plan()
 * @ranges: struct interval_tree_node, which do not overlap
 * @nr_ranges: number of ranges
 * @not_held: a lock that is not held where memory is allocated
 *
 * More may be tracked than was asked for: pages are tracked whole, and if the
 * firmware has no room for all ranges some are joined across the gaps between
 * them.
 *
 * Context: may sleep, as long as the limits of the current memory cgroup, which
 * is charged for it, make it.
 *
 * Return: the tracker or an ERR_PTR(): -EOPNOTSUPP if the firmware has no
 * tracker so large, -EINVAL if there are no ranges or an empty one, or -ENOMEM.
 */
struct latch_mlx5_tracker *latch_mlx5_tracker_alloc(struct mlx5_core_dev *mdev,
						    const struct latch_mlx5_tracker_plan *plan,
						    struct rb_root_cached *ranges, u32 nr_ranges,
						    const struct mutex *not_held)
{
	struct latch_mlx5_tracker *tracker;
	int ret;

	tracker = kzalloc(sizeof(*tracker), GFP_KERNEL_ACCOUNT);
	if (!tracker)
		return ERR_PTR(-ENOMEM);
	tracker->mdev = mdev;
	tracker->page_size = BIT_ULL(plan->log_page_bytes);
	tracker->status = MLX5_PAGE_TRACK_STATE_TRACKING;
	ret = latch_report_queue_alloc(&tracker->queue, mdev, BIT(plan->log_message_bytes),
				       not_held);
	if (!ret)
		ret = prepare(tracker, plan, ranges, nr_ranges);
	if (ret)
		goto free;
	tracker->report = alloc_report(tracker->page_size, tracker->queue.message_bytes);
	ret = -ENOMEM;
	if (!tracker->report)
		goto free;
	return tracker;

free:
	latch_mlx5_tracker_free(tracker);
	return ERR_PTR(ret);
}

/**
 * latch_mlx5_tracker_create - make the firmware track what a VF writes
 * @tracker: the tracker, with memory
 * @vhca_id: the VF
 *
 * Context: may sleep, for firmware commands.
 *
 * Return: 0, or the error of a command with everything undone; then the tracker
 * still needs latch_mlx5_tracker_free().
 */
int latch_mlx5_tracker_create(struct latch_mlx5_tracker *tracker, u16 vhca_id)
{
	int ret;

	ret = latch_report_queue_create(&tracker->queue);
	if (ret)
		return ret;
	ret = create_object(tracker, vhca_id);
	if (ret)
		goto destroy_queue;
	tracker->notifier.notifier_call = on_event;
	ret = mlx5_notifier_register(tracker->mdev, &tracker->notifier);
	if (ret)
		goto destroy_object;
	/* It may have changed before the notifier was registered. */
	tracker->object_changed = true;
	return 0;

destroy_object:
	destroy_object(tracker);
destroy_queue:
	latch_report_queue_destroy(&tracker->queue);
	return ret;
}

/**
 * latch_mlx5_tracker_destroy - stop tracking
 * @tracker: the tracker; freed whatever the firmware says
 *
 * Context: may sleep, for firmware commands.
 */
void latch_mlx5_tracker_destroy(struct latch_mlx5_tracker *tracker)
{
	mlx5_notifier_unregister(tracker->mdev, &tracker->notifier);
	destroy_object(tracker);
	latch_report_queue_destroy(&tracker->queue);
	latch_mlx5_tracker_free(tracker);
}

/**
 * latch_mlx5_tracker_interrupt - let a report that waits end, and none wait any more
 * @tracker: the tracker, not destroyed before this returns
 *
 * Reports fail with -ENOTCONN after this, unless all messages have come.
 */
void latch_mlx5_tracker_interrupt(struct latch_mlx5_tracker *tracker)
{
	WRITE_ONCE(tracker->is_interrupted, true);
	wake_up(&tracker->queue.wait);
}

/* Asks whether the tracker is still in order, after an event. */
static int query_object(struct latch_mlx5_tracker *tracker)
{
	u32 out[MLX5_ST_SZ_DW(general_obj_out_cmd_hdr) + MLX5_ST_SZ_DW(page_track)] = {};
	void *context = (void *)out + MLX5_ST_SZ_BYTES(general_obj_out_cmd_hdr);
	u32 in[MLX5_ST_SZ_DW(general_obj_in_cmd_hdr)] = {};
	int ret;

	WRITE_ONCE(tracker->object_changed, false);
	set_header(tracker, in, MLX5_CMD_OP_QUERY_GENERAL_OBJECT);
	ret = latch_fw_exec(tracker->mdev, in, sizeof(in), out, sizeof(out));
	if (ret)
		return ret;
	/* Messages under way are worthless then. Other states come with the messages. */
	if (MLX5_GET(page_track, context, state) != MLX5_PAGE_TRACK_STATE_ERROR)
		return 0;
	tracker->status = MLX5_PAGE_TRACK_STATE_ERROR;
	return -EIO;
}

static int begin_report(struct latch_mlx5_tracker *tracker, u64 iova, u64 length)
{
	u32 in[MLX5_ST_SZ_DW(modify_page_track_obj_in)] = {};
	void *context = MLX5_ADDR_OF(modify_page_track_obj_in, in, obj_context);
	u32 out[MLX5_ST_SZ_DW(general_obj_out_cmd_hdr)] = {};
	int ret;

	set_header(tracker, in, MLX5_CMD_OP_MODIFY_GENERAL_OBJECT);
	MLX5_SET64(page_track, context, modify_field_select, MODIFY_STATE_AND_RANGE);
	MLX5_SET(page_track, context, state, MLX5_PAGE_TRACK_STATE_REPORTING);
	MLX5_SET64(page_track, context, range_start_address, iova);
	MLX5_SET64(page_track, context, length, length);
	tracker->status = MLX5_PAGE_TRACK_STATE_REPORTING;
	ret = latch_fw_exec(tracker->mdev, in, sizeof(in), out, sizeof(out));
	/* Refused, as the tracker failed before: the caller's arguments were valid. */
	return ret == -EINVAL ? -EIO : ret;
}

/*
 * An event ends the wait, also mlx5_core's that the firmware died, latch_mlx5_tracker_interrupt(),
 * or a fatal signal.
 */
static int wait_for_news(struct latch_mlx5_tracker *tracker)
{
	long left;

	latch_report_queue_arm(&tracker->queue);
	left = wait_event_killable_timeout(tracker->queue.wait,
					   latch_report_queue_has_news(&tracker->queue) ||
					   READ_ONCE(tracker->object_changed) ||
					   READ_ONCE(tracker->is_interrupted),
					   msecs_to_jiffies(SILENCE_MS));
	if (!left)
		return -EIO;
	return left < 0 ? -EINTR : 0;
}

static int take_message(struct latch_mlx5_tracker *tracker, struct latch_mlx5_report *report)
{
	struct latch_report message;
	int ret;

	BUILD_BUG_ON(MLX5_ST_SZ_BYTES(page_track_report_entry) != sizeof(*report->pages));
	ret = latch_report_queue_next(&tracker->queue, &message);
	if (ret)
		return ret;
	if (message.bytes % sizeof(*report->pages))
		return -EIO;
	memcpy(report->pages, message.data, message.bytes);
	report->count = message.bytes / sizeof(*report->pages);
	report->pages[report->count] = 0;
	tracker->status = message.immediate >> IMMEDIATE_STATE_SHIFT;
	latch_report_queue_done(&tracker->queue);
	return tracker->status > MLX5_PAGE_TRACK_STATE_REPORTING ? -EIO : 1;
}

/* Returns 1 if a message has come, 0 if none will. */
static int next_message(struct latch_mlx5_tracker *tracker, struct latch_mlx5_report *report)
{
	int ret;

	while (tracker->status == MLX5_PAGE_TRACK_STATE_REPORTING) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (READ_ONCE(tracker->is_interrupted))
			return -ENOTCONN;
		ret = READ_ONCE(tracker->object_changed) ? query_object(tracker) : 0;
		if (!ret)
			ret = take_message(tracker, report);
		if (ret != -EAGAIN)
			return ret;
		ret = wait_for_news(tracker);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * latch_mlx5_report_begin - ask what was written since the last report
 * @report: the tracker's
 * @tracker: the tracker
 * @iova: the first address asked about
 * @length: number of addresses, not 0, and none beyond the last one
 *
 * After an error, of this function or of latch_mlx5_report_next(), it is unknown what was written,
 * and all further reports fail.
 *
 * Context: may sleep, for firmware commands.
 *
 * Return: 0; -EIO if the tracker or its queue has failed, or refuses, or reports without being
 * asked; or the error of a command, -ETIMEDOUT if it did not complete.
 */
int latch_mlx5_report_begin(struct latch_mlx5_report *report, struct latch_mlx5_tracker *tracker,
			    unsigned long iova, unsigned long length)
{
	int ret = 0;

	if (tracker->is_err)
		return -EIO;
	report->asked = (struct latch_range){ iova, iova + length - 1 };
	if (READ_ONCE(tracker->object_changed))
		ret = query_object(tracker);
	/* An unsolicited message would be taken for the report's last one. */
	if (!ret && latch_report_queue_has_news(&tracker->queue))
		ret = -EIO;
	if (!ret)
		ret = begin_report(tracker, iova, length);
	tracker->is_err = ret;
	return ret;
}

/**
 * latch_mlx5_report_next - get the next piece of a report
 * @report: the report, begun; set to a copy of the piece
 * @tracker: the tracker
 *
 * Context: may sleep, as long as the firmware reports.
 *
 * Return: 1 if a piece has come, 0 if none will; -ENOMEM if an allocation
 * failed while the last one was told; -EIO if the tracker or its queue has
 * failed; -EINTR if the task is being killed; -ENOTCONN after
 * latch_mlx5_tracker_interrupt(); or the error of a command.
 */
int latch_mlx5_report_next(struct latch_mlx5_report *report, struct latch_mlx5_tracker *tracker)
{
	int ret = report->error ?: next_message(tracker, report);

	tracker->is_err = ret < 0;
	return ret;
}

static void owe(struct latch_mlx5_report *report, u64 start, u64 last)
{
	if (!report->error)
		report->error = latch_owed_add(&report->owed, start, last);
}

/*
 * Sets bits for pages without neighbours, from @next up to the last but one, if the bitmap begins
 * with a page: then each is a block (latch_range_block()), if its address is that of a page. There
 * may be millions: the 0 behind a message, which is above none, saves a counter, and a function of
 * its own saves the stack.
 *
 * Return: that last page.
 */
static noinline const __be64 *tell_lone_pages(const __be64 *next, u64 last_page, u64 page_size,
					      struct iova_bitmap *dirty)
{
	u64 above = be64_to_cpu(*next) + page_size, page;

	for (;; next++, above = page + page_size) {
		page = be64_to_cpu(next[1]);
		if (page > last_page || page <= above || !IS_ALIGNED(page, page_size))
			return next;
		iova_bitmap_set(dirty, above - page_size, page_size);
	}
}

/**
 * latch_mlx5_report_tell - set a bit for each page, in few calls for a run of them
 * @report: the report, with a piece of it
 * @dirty: gets the bits
 *
 * Sets bits also for what is owed of the addresses asked about. If only a part
 * of a page was asked about, the rest is owed from now on.
 *
 * The firmware sends ascending addresses as far as it can. Among those only the
 * first can be too low, and only the first and the last can be pages of which a
 * part was asked about: little is left to do for each page.
 *
 * Context: may sleep, and wait for user memory (newer kernels'
 * iova_bitmap_set()).
 *
 * Return: the number of pages that nobody asked for; they get no bits.
 */
unsigned int latch_mlx5_report_tell(struct latch_mlx5_report *report, struct iova_bitmap *dirty)
{
	const struct latch_range *asked = &report->asked;
	const u64 page_size = report->page_size;
	const u64 first_page = asked->start & ~(page_size - 1);
	const u64 last_page = asked->last & ~(page_size - 1);
	/* No address is above the page that ends at 2^64: it is told by itself. */
	const u64 last_lone_page = min(last_page, -2 * page_size);
	const __be64 *next = report->pages, *end = next + report->count;
	unsigned int strays = 0;

	while (next < end) {
		u64 page = be64_to_cpu(*next++);
		u64 start = max(page, asked->start);
		u64 bytes = page + page_size - start;

		if (page < first_page || page > last_page) {
			strays++;
			continue;
		}
		if (page < start)
			owe(report, page, start - 1);
		for (; next < end; next++) {
			page = be64_to_cpu(*next);
			if (page > last_page || page < start || page - start < bytes)
				break;
			if (page - start == bytes) {
				bytes += page_size;
				continue;
			}
			latch_set_dirty(dirty, asked, start, bytes);
			if (asked->start == first_page && page <= last_lone_page &&
			    IS_ALIGNED(page, page_size))
				next = tell_lone_pages(next, last_lone_page, page_size, dirty);
			start = be64_to_cpu(*next);
			bytes = page_size;
		}
		if (bytes - 1 > asked->last - start) {
			owe(report, asked->last + 1, start + bytes - 1);
			bytes = asked->last - start + 1;
		}
		latch_set_dirty(dirty, asked, start, bytes);
	}
	if (!report->error)
		report->error = latch_owed_tell(&report->owed, asked, dirty);
	return strays;
}
