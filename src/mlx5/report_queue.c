// SPDX-License-Identifier: GPL-2.0-only
/* The queue for a page tracker's messages: see report_queue.h. */
#include <linux/completion.h>
#include <linux/dma-mapping.h>
#include <linux/lockdep.h>
#include <linux/mlx5/doorbell.h>
#include <linux/rcupdate.h>

#include "../compat/mlx5.h"
#include "firmware.h"
#include "report_queue.h"

/* The size of the addresses of a ring's pages, at the end of the commands that create queues. */
#define RING_PAGES(bytes)	DIV_ROUND_UP(bytes, MLX5_ADAPTER_PAGE_SIZE)
#define PAGES_DW(ring) \
	(RING_PAGES(sizeof_field(struct latch_report_rings, ring)) * sizeof(__be64) / sizeof(u32))

/* With CQE version 1: no user index in completions. */
#define NO_USER_INDEX	0xffffff

static void queue_failed(struct latch_report_queue *queue)
{
	WRITE_ONCE(queue->is_err, true);
	wake_up(&queue->wait);
}

static void on_completion(struct mlx5_core_cq *cq, struct mlx5_eqe *eqe)
{
	struct latch_report_queue *queue = container_of(cq, struct latch_report_queue, cq);

	/* The message may arrive before the task that armed the queue sleeps. */
	if (wq_has_sleeper(&queue->wait))
		wake_up(&queue->wait);
}

static void on_cq_error(struct mlx5_core_cq *cq, enum mlx5_event type)
{
	queue_failed(container_of(cq, struct latch_report_queue, cq));
}

static unsigned int ring_mask(const struct latch_report_queue *queue)
{
	return queue->nr_messages - 1;
}

/* Writes the addresses of the pages of a ring, which is contiguous. Returns their size in bytes. */
static size_t set_pages(__be64 *pas, dma_addr_t ring, size_t bytes)
{
	unsigned int n;

	for (n = 0; n < RING_PAGES(bytes); n++)
		pas[n] = cpu_to_be64(ring + n * MLX5_ADAPTER_PAGE_SIZE);
	return n * sizeof(*pas);
}

/*
 * A QP of ours always has requests. The device may write a message or a completion for them as long
 * as the QP is not known to be destroyed, also if it has failed. A CQ writes only for its QPs: what
 * mlx5_core says of its end in such a device does no harm.
 */
static void destroyed(struct latch_report_queue *queue, int error)
{
	if (!queue->destroy_error)
		queue->destroy_error = error;
}

/* Tells the device where messages may go. */
static void set_requests(struct latch_report_queue *queue)
{
	unsigned int n;

	for (n = 0; n < queue->nr_messages; n++) {
		struct mlx5_wqe_data_seg *request = &queue->rings->requests[n];

		request->byte_count = cpu_to_be32(queue->message_bytes);
		request->lkey = cpu_to_be32(queue->mkey);
		request->addr = cpu_to_be64(queue->messages_dma[n]);
	}
}

static int alloc_messages(struct latch_report_queue *queue)
{
	unsigned int n;

	for (n = 0; n < queue->nr_messages; n++) {
		queue->messages[n] = dma_alloc_coherent(&queue->mdev->pdev->dev,
							queue->message_bytes,
							&queue->messages_dma[n],
							GFP_KERNEL_ACCOUNT);
		if (!queue->messages[n])
			return -ENOMEM;
	}
	return 0;
}

/* A key for addresses as the DMA API gives them; only our own requests write through it. */
static int create_mkey(struct latch_report_queue *queue)
{
	u32 in[MLX5_ST_SZ_DW(create_mkey_in)] = {};
	void *mkc = MLX5_ADDR_OF(create_mkey_in, in, memory_key_mkey_entry);

	MLX5_SET(mkc, mkc, access_mode_1_0, MLX5_MKC_ACCESS_MODE_PA);
	MLX5_SET(mkc, mkc, lw, 1);
	MLX5_SET(mkc, mkc, lr, 1);
	MLX5_SET(mkc, mkc, qpn, 0xffffff);
	MLX5_SET(mkc, mkc, pd, queue->pdn);
	MLX5_SET(mkc, mkc, length64, 1);
	return latch_fw_error(mlx5_core_create_mkey(queue->mdev, &queue->mkey, in, sizeof(in)));
}

static int create_cq(struct latch_report_queue *queue)
{
	u32 in[MLX5_ST_SZ_DW(create_cq_in) + PAGES_DW(completions)] = {};
	void *cqc = MLX5_ADDR_OF(create_cq_in, in, cq_context);
	struct latch_report_rings *rings = queue->rings;
	size_t in_bytes = MLX5_ST_SZ_BYTES(create_cq_in);
	u32 out[MLX5_ST_SZ_DW(create_cq_out)];
	int eqn, n, ret;

	ret = latch_fw_error(compat_mlx5_comp_eqn_get(queue->mdev, 0, &eqn));
	if (ret)
		return ret;
	for (n = 0; n < queue->nr_messages; n++)
		rings->completions[n].op_own = MLX5_CQE_INVALID << 4;

	memset(&queue->cq, 0, sizeof(queue->cq));
	queue->cq.cqe_sz = sizeof(rings->completions[0]);
	queue->cq.set_ci_db = &rings->cq_doorbell[0];
	queue->cq.arm_db = &rings->cq_doorbell[1];
	queue->cq.comp = on_completion;
	queue->cq.event = on_cq_error;

	MLX5_SET(cqc, cqc, log_cq_size, ilog2(queue->nr_messages));
	MLX5_SET(cqc, cqc, uar_page, queue->uar->index);
	MLX5_SET(cqc, cqc, c_eqn_or_apu_element, eqn);
	MLX5_SET64(cqc, cqc, dbr_addr,
		   queue->rings_dma + offsetof(struct latch_report_rings, cq_doorbell));
	in_bytes += set_pages(MLX5_ADDR_OF(create_cq_in, in, pas),
			      queue->rings_dma + offsetof(struct latch_report_rings, completions),
			      queue->nr_messages * sizeof(rings->completions[0]));
	ret = mlx5_core_create_cq(queue->mdev, &queue->cq, in, in_bytes, out, sizeof(out));
	return latch_fw_error(ret);
}

static void destroy_cq(struct latch_report_queue *queue)
{
	int ret = latch_fw_error(mlx5_core_destroy_cq(queue->mdev, &queue->cq));

	destroyed(queue, ret);
	if (!ret)
		return;
	/*
	 * mlx5_core cannot find the CQ any more, but has not waited for tasks
	 * that found it before.
	 */
	synchronize_rcu();
	mlx5_cq_put(&queue->cq);
	wait_for_completion(&queue->cq.free);
}

static int create_qp(struct latch_report_queue *queue, void *in, size_t in_bytes, u32 *qpn)
{
	void *qpc = MLX5_ADDR_OF(create_qp_in, in, qpc);
	u32 out[MLX5_ST_SZ_DW(create_qp_out)] = {};
	int ret;

	MLX5_SET(create_qp_in, in, opcode, MLX5_CMD_OP_CREATE_QP);
	MLX5_SET(qpc, qpc, st, MLX5_QP_ST_RC);
	MLX5_SET(qpc, qpc, pm_state, MLX5_QP_PM_MIGRATED);
	MLX5_SET(qpc, qpc, pd, queue->pdn);
	MLX5_SET(qpc, qpc, uar_page, queue->uar->index);
	MLX5_SET(qpc, qpc, user_index, NO_USER_INDEX);
	MLX5_SET(qpc, qpc, ts_format, mlx5_get_qp_default_ts(queue->mdev));
	MLX5_SET(qpc, qpc, no_sq, 1);
	ret = latch_fw_exec(queue->mdev, in, in_bytes, out, sizeof(out));
	*qpn = MLX5_GET(create_qp_out, out, qpn);
	return ret;
}

static void destroy_qp(struct latch_report_queue *queue, u32 qpn)
{
	u32 out[MLX5_ST_SZ_DW(destroy_qp_out)] = {};
	u32 in[MLX5_ST_SZ_DW(destroy_qp_in)] = {};

	MLX5_SET(destroy_qp_in, in, opcode, MLX5_CMD_OP_DESTROY_QP);
	MLX5_SET(destroy_qp_in, in, qpn, qpn);
	destroyed(queue, latch_fw_destroy(queue->mdev, in, sizeof(in), out, sizeof(out)));
}

static int create_host_qp(struct latch_report_queue *queue)
{
	u32 in[MLX5_ST_SZ_DW(create_qp_in) + PAGES_DW(requests)] = {};
	void *qpc = MLX5_ADDR_OF(create_qp_in, in, qpc);
	size_t in_bytes = MLX5_ST_SZ_BYTES(create_qp_in);

	BUILD_BUG_ON(sizeof(queue->rings->requests[0]) != 16);	/* log_rq_stride counts from this */
	MLX5_SET(qpc, qpc, rq_type, MLX5_NON_ZERO_RQ);
	MLX5_SET(qpc, qpc, log_rq_size, ilog2(queue->nr_messages));
	MLX5_SET(qpc, qpc, cqn_rcv, queue->cq.cqn);
	MLX5_SET64(qpc, qpc, dbr_addr,
		   queue->rings_dma + offsetof(struct latch_report_rings, rq_doorbell));
	in_bytes += set_pages(MLX5_ADDR_OF(create_qp_in, in, pas),
			      queue->rings_dma + offsetof(struct latch_report_rings, requests),
			      queue->nr_messages * sizeof(queue->rings->requests[0]));
	return create_qp(queue, in, in_bytes, &queue->host_qpn);
}

/* The firmware has its own queues. */
static int create_firmware_qp(struct latch_report_queue *queue)
{
	u32 in[MLX5_ST_SZ_DW(create_qp_in)] = {};
	void *qpc = MLX5_ADDR_OF(create_qp_in, in, qpc);

	MLX5_SET(qpc, qpc, rq_type, MLX5_ZERO_LEN_RQ);
	return create_qp(queue, in, sizeof(in), &queue->firmware_qpn);
}

/* The answers to these commands have nothing but a status. */
static int modify_qp(struct latch_report_queue *queue, void *in, size_t in_bytes)
{
	u32 out[MLX5_ST_SZ_DW(rtr2rts_qp_out)] = {};

	return latch_fw_exec(queue->mdev, in, in_bytes, out, sizeof(out));
}

/* Makes a QP receive from a peer in the same port. It cannot send yet. */
static int ready_to_receive(struct latch_report_queue *queue, u32 qpn, u32 peer)
{
	u32 init[MLX5_ST_SZ_DW(rst2init_qp_in)] = {};
	u32 rtr[MLX5_ST_SZ_DW(init2rtr_qp_in)] = {};
	void *qpc = MLX5_ADDR_OF(rst2init_qp_in, init, qpc);
	int ret;

	MLX5_SET(rst2init_qp_in, init, opcode, MLX5_CMD_OP_RST2INIT_QP);
	MLX5_SET(rst2init_qp_in, init, qpn, qpn);
	MLX5_SET(qpc, qpc, pm_state, MLX5_QP_PM_MIGRATED);
	/* As the kernel's driver has it: whether a firmware can do without is not known. */
	MLX5_SET(qpc, qpc, rre, 1);
	MLX5_SET(qpc, qpc, rwe, 1);
	MLX5_SET(qpc, qpc, primary_address_path.vhca_port_num, 1);
	ret = modify_qp(queue, init, sizeof(init));
	if (ret)
		return ret;

	qpc = MLX5_ADDR_OF(init2rtr_qp_in, rtr, qpc);
	MLX5_SET(init2rtr_qp_in, rtr, opcode, MLX5_CMD_OP_INIT2RTR_QP);
	MLX5_SET(init2rtr_qp_in, rtr, qpn, qpn);
	MLX5_SET(qpc, qpc, mtu, MLX5_QPC_MTU_4K_BYTES);
	MLX5_SET(qpc, qpc, log_msg_max, MLX5_CAP_GEN(queue->mdev, log_max_msg));
	MLX5_SET(qpc, qpc, remote_qpn, peer);
	MLX5_SET(qpc, qpc, primary_address_path.fl, 1);
	MLX5_SET(qpc, qpc, primary_address_path.vhca_port_num, 1);
	MLX5_SET(qpc, qpc, min_rnr_nak, 1);	/* try again soon: 10 us */
	return modify_qp(queue, rtr, sizeof(rtr));
}

static int ready_to_send(struct latch_report_queue *queue, u32 qpn)
{
	u32 in[MLX5_ST_SZ_DW(rtr2rts_qp_in)] = {};
	void *qpc = MLX5_ADDR_OF(rtr2rts_qp_in, in, qpc);

	MLX5_SET(rtr2rts_qp_in, in, opcode, MLX5_CMD_OP_RTR2RTS_QP);
	MLX5_SET(rtr2rts_qp_in, in, qpn, qpn);
	MLX5_SET(qpc, qpc, primary_address_path.ack_timeout, 8);	/* 1 ms */
	MLX5_SET(qpc, qpc, retry_count, 7);
	MLX5_SET(qpc, qpc, rnr_retry, 7);	/* for ever: we may be slow */
	return modify_qp(queue, in, sizeof(in));
}

/* Tells the device what was read, and that the buffers are free. */
static void give_back(struct latch_report_queue *queue)
{
	queue->given_back = queue->cq.cons_index;
	mlx5_cq_set_ci(&queue->cq);
	/* Room for a completion must exist before a buffer for its message. */
	dma_wmb();
	queue->rings->rq_doorbell[MLX5_RCV_DBR] =
		cpu_to_be32((queue->given_back + queue->nr_messages) & 0xffff);
}

static int create_qps(struct latch_report_queue *queue)
{
	int ret;

	ret = create_host_qp(queue);
	if (ret)
		return ret;
	ret = create_firmware_qp(queue);
	if (ret)
		goto destroy_host_qp;
	give_back(queue);
	ret = ready_to_receive(queue, queue->host_qpn, queue->firmware_qpn);
	if (!ret)
		ret = ready_to_receive(queue, queue->firmware_qpn, queue->host_qpn);
	if (!ret)
		ret = ready_to_send(queue, queue->firmware_qpn);
	if (ret)
		goto destroy_firmware_qp;
	return 0;

destroy_firmware_qp:
	destroy_qp(queue, queue->firmware_qpn);
destroy_host_qp:
	destroy_qp(queue, queue->host_qpn);
	return ret;
}

/* Creates what the device needs to use the memory. */
static int create_memory(struct latch_report_queue *queue)
{
	int ret;

	queue->uar = mlx5_get_uars_page(queue->mdev);
	if (IS_ERR(queue->uar))
		return latch_fw_error(PTR_ERR(queue->uar));
	ret = latch_fw_error(mlx5_core_alloc_pd(queue->mdev, &queue->pdn));
	if (ret)
		goto put_uar;
	ret = create_mkey(queue);
	if (ret)
		goto dealloc_pd;
	set_requests(queue);
	return 0;

dealloc_pd:
	mlx5_core_dealloc_pd(queue->mdev, queue->pdn);
put_uar:
	mlx5_put_uars_page(queue->mdev, queue->uar);
	return ret;
}

static void destroy_memory(struct latch_report_queue *queue)
{
	destroyed(queue, latch_fw_destroy_key(queue->mdev, queue->mkey));
	mlx5_core_dealloc_pd(queue->mdev, queue->pdn);
	mlx5_put_uars_page(queue->mdev, queue->uar);
}

/**
 * latch_report_queue_alloc - allocate memory for messages
 * @queue: filled in, zeroed before
 * @mdev: the PF
 * @message_bytes: the largest message
 * @not_held: a lock that is not held where memory is allocated
 *
 * Context: may sleep, as long as the limits of the current memory cgroup, which
 * is charged for it, make it.
 *
 * Return: 0 or -ENOMEM; latch_report_queue_free() is needed in either case.
 */
int latch_report_queue_alloc(struct latch_report_queue *queue, struct mlx5_core_dev *mdev,
			     size_t message_bytes, const struct mutex *not_held)
{
	lockdep_assert_not_held(not_held);
	queue->mdev = mdev;
	queue->message_bytes = message_bytes;
	queue->nr_messages = clamp_t(unsigned int, LATCH_MESSAGES_BYTES / message_bytes,
				     LATCH_MESSAGES_MIN, LATCH_MESSAGES_MAX);
	init_waitqueue_head(&queue->wait);
	queue->rings = dma_alloc_coherent(&mdev->pdev->dev, sizeof(*queue->rings),
					  &queue->rings_dma, GFP_KERNEL_ACCOUNT);
	return queue->rings ? alloc_messages(queue) : -ENOMEM;
}

/**
 * latch_report_queue_free - undo latch_report_queue_alloc()
 * @queue: the queue, never created, or destroyed
 *
 * The memory is freed unless the firmware did not let go of it.
 */
void latch_report_queue_free(struct latch_report_queue *queue)
{
	struct device *device = &queue->mdev->pdev->dev;
	unsigned int n;

	if (!queue->rings ||
	    !latch_fw_has_let_go(queue->mdev, queue->destroy_error,
				 sizeof(*queue->rings) + queue->nr_messages * queue->message_bytes))
		return;
	for (n = 0; n < queue->nr_messages && queue->messages[n]; n++)
		dma_free_coherent(device, queue->message_bytes, queue->messages[n],
				  queue->messages_dma[n]);
	dma_free_coherent(device, sizeof(*queue->rings), queue->rings, queue->rings_dma);
}

/**
 * latch_report_queue_create - start to receive messages
 * @queue: the queue, with memory
 *
 * A tracker that sends from @queue's firmware_qpn reaches the queue. Events
 * must be passed to latch_report_queue_event().
 *
 * Context: may sleep, for firmware commands.
 *
 * Return: 0, or a negative error with the queue destroyed.
 */
int latch_report_queue_create(struct latch_report_queue *queue)
{
	int ret;

	ret = create_memory(queue);
	if (ret)
		return ret;
	ret = create_cq(queue);
	if (ret)
		goto destroy_memory;
	ret = create_qps(queue);
	if (ret)
		goto destroy_cq;
	return 0;

destroy_cq:
	destroy_cq(queue);
destroy_memory:
	destroy_memory(queue);
	return ret;
}

/**
 * latch_report_queue_destroy - undo latch_report_queue_create()
 * @queue: the queue; no tracker sends to it, nobody waits for it, and it gets
 *	no events any more
 *
 * Context: may sleep, for firmware commands.
 */
void latch_report_queue_destroy(struct latch_report_queue *queue)
{
	destroy_qp(queue, queue->firmware_qpn);
	destroy_qp(queue, queue->host_qpn);
	destroy_cq(queue);
	destroy_memory(queue);
}

/**
 * latch_report_queue_event - handle an event of mlx5_core
 * @queue: the queue
 * @type: as passed to a notifier of mlx5_notifier_register()
 * @data: the same
 *
 * Events of other queues may be passed, too: the queue acts on errors of its
 * QPs and on the firmware's death.
 *
 * Context: interrupts.
 *
 * Return: the notifier's return value.
 */
int latch_report_queue_event(struct latch_report_queue *queue, unsigned long type, void *data)
{
	struct mlx5_eqe *eqe = data;
	u32 qpn;

	switch (type) {
	case MLX5_DEV_EVENT_SYS_ERROR:
		break;
	case MLX5_EVENT_TYPE_WQ_CATAS_ERROR:
	case MLX5_EVENT_TYPE_WQ_INVAL_REQ_ERROR:
	case MLX5_EVENT_TYPE_WQ_ACCESS_ERROR:
		if (eqe->data.qp_srq.type != MLX5_EVENT_QUEUE_TYPE_QP)
			return NOTIFY_DONE;
		qpn = be32_to_cpu(eqe->data.qp_srq.qp_srq_n) & MLX5_24BIT_MASK;
		if (qpn != queue->host_qpn && qpn != queue->firmware_qpn)
			return NOTIFY_DONE;
		break;
	default:
		return NOTIFY_DONE;
	}
	queue_failed(queue);
	return NOTIFY_OK;
}

static struct mlx5_cqe64 *next_completion(const struct latch_report_queue *queue)
{
	u32 index = queue->cq.cons_index;
	struct mlx5_cqe64 *cqe = &queue->rings->completions[index & ring_mask(queue)];
	u8 op_own = READ_ONCE(cqe->op_own);

	/* The owner's bit alternates with each round. */
	if (op_own >> 4 == MLX5_CQE_INVALID ||
	    (op_own & MLX5_CQE_OWNER_MASK) != !!(index & queue->nr_messages))
		return NULL;
	return cqe;
}

/**
 * latch_report_queue_has_news - the condition that a wait for the queue ends on
 * @queue: the queue
 *
 * Return: false if latch_report_queue_next() would return -EAGAIN.
 */
bool latch_report_queue_has_news(const struct latch_report_queue *queue)
{
	return READ_ONCE(queue->is_err) || next_completion(queue);
}

/**
 * latch_report_queue_next - look at the next message
 * @queue: the queue
 * @report: set to the message, which stays until latch_report_queue_done()
 *
 * Context: one reader at a time.
 *
 * Return: 0; -EAGAIN if none has come; -EIO if none will come because of an
 * error event, or a malformed one came.
 */
int latch_report_queue_next(struct latch_report_queue *queue, struct latch_report *report)
{
	u32 index = queue->cq.cons_index & ring_mask(queue);
	struct mlx5_cqe64 *cqe;

	if (READ_ONCE(queue->is_err))
		return -EIO;
	cqe = next_completion(queue);
	if (!cqe)
		return -EAGAIN;
	/* The rest of the completion, and the message, were written before its owner. */
	dma_rmb();
	report->data = queue->messages[index];
	report->bytes = be32_to_cpu(READ_ONCE(cqe->byte_cnt));
	report->immediate = be32_to_cpu(cqe->immediate);
	if (get_cqe_opcode(cqe) != MLX5_CQE_RESP_SEND_IMM ||
	    (be32_to_cpu(cqe->sop_drop_qpn) & MLX5_24BIT_MASK) != queue->host_qpn ||
	    (be16_to_cpu(cqe->wqe_counter) & ring_mask(queue)) != index ||
	    report->bytes > queue->message_bytes) {
		WRITE_ONCE(queue->is_err, true);
		return -EIO;
	}
	return 0;
}

/**
 * latch_report_queue_done - the message was read
 * @queue: the queue
 *
 * Context: one reader at a time.
 */
void latch_report_queue_done(struct latch_report_queue *queue)
{
	queue->cq.cons_index++;
	/* The device need not hear of each, as long as it has enough of them. */
	if (queue->cq.cons_index - queue->given_back >= queue->nr_messages / 2)
		give_back(queue);
}

/**
 * latch_report_queue_arm - let the next message wake up the queue's waiter
 * @queue: the queue
 *
 * Also a message that has come already, if it was not seen yet. It wakes once:
 * the next wait needs to arm the queue again.
 *
 * Context: one reader at a time.
 */
void latch_report_queue_arm(struct latch_report_queue *queue)
{
	give_back(queue);
	mlx5_cq_arm(&queue->cq, MLX5_CQ_DB_REQ_NOT, queue->uar->map, queue->cq.cons_index);
}
