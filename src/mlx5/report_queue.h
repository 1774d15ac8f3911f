/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a page tracker's messages arrive in. The firmware sends them from a QP
 * of its own to one of ours, both of the PF; each message lands in a buffer of
 * ours and has a completion. Knows nothing of what is in a message.
 */
#ifndef LATCH_MLX5_REPORT_QUEUE_H
#define LATCH_MLX5_REPORT_QUEUE_H

#include <linux/mlx5/cq.h>
#include <linux/mlx5/device.h>
#include <linux/mlx5/driver.h>
#include <linux/mlx5/qp.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/wait.h>

/* Memory for messages: as many of them can be on their way as it holds, within these bounds. */
#define LATCH_MESSAGES_BYTES	SZ_2M
#define LATCH_MESSAGES_MIN	32
#define LATCH_MESSAGES_MAX	512

/**
 * struct latch_report_rings - what is shared with the device, but for the messages
 * @completions: written by the device
 * @requests: where a message may go: the same for as long as there is the queue
 * @cq_doorbell: how far completions were read, and armed
 * @rq_doorbell: how many requests there were
 *
 * As large as the most messages need: the device finds a ring by its pages (of
 * 4 KiB).
 */
struct latch_report_rings {
	struct mlx5_cqe64 completions[LATCH_MESSAGES_MAX];
	struct mlx5_wqe_data_seg requests[LATCH_MESSAGES_MAX] __aligned(MLX5_ADAPTER_PAGE_SIZE);
	__be32 cq_doorbell[2] __aligned(64);
	__be32 rq_doorbell[2] __aligned(64);
};

/**
 * struct latch_report_queue - two QPs, a CQ and the memory behind them
 */
struct latch_report_queue {
	/* Written in alloc and create, read-only until destroy. */
	struct mlx5_core_dev *mdev;
	struct mlx5_uars_page *uar;
	u32 pdn;
	u32 mkey;
	u32 host_qpn;
	u32 firmware_qpn;
	size_t message_bytes;
	unsigned int nr_messages;	/* a power of two */
	struct latch_report_rings *rings;
	dma_addr_t rings_dma;
	void *messages[LATCH_MESSAGES_MAX];
	dma_addr_t messages_dma[LATCH_MESSAGES_MAX];
	int destroy_error;		/* the first, in destroy */

	/*
	 * cq.cons_index and given_back, up to which the device may use buffers
	 * again: by the queue's one reader. cq.arm_sn: by mlx5_core, in
	 * interrupts. The rest of cq: by mlx5_core, in create and destroy.
	 */
	struct mlx5_core_cq cq;
	u32 given_back;

	/* Woken when a completion or an error comes; by users of the queue, too. */
	wait_queue_head_t wait;

	/* Set in interrupts and by the queue's reader, never cleared. */
	bool is_err;
};

/**
 * struct latch_report - a message
 * @data: it, in the device's byte order
 * @bytes: its length, as much as was asked for at most
 * @immediate: the number that came with it
 */
struct latch_report {
	const void *data;
	size_t bytes;
	u32 immediate;
};

int latch_report_queue_alloc(struct latch_report_queue *queue, struct mlx5_core_dev *mdev,
			     size_t message_bytes, const struct mutex *not_held);
void latch_report_queue_free(struct latch_report_queue *queue);
int latch_report_queue_create(struct latch_report_queue *queue);
void latch_report_queue_destroy(struct latch_report_queue *queue);
int latch_report_queue_event(struct latch_report_queue *queue, unsigned long type, void *data);
bool latch_report_queue_has_news(const struct latch_report_queue *queue);
int latch_report_queue_next(struct latch_report_queue *queue, struct latch_report *report);
void latch_report_queue_done(struct latch_report_queue *queue);
void latch_report_queue_arm(struct latch_report_queue *queue);

#endif
