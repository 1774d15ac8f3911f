/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queue for a page tracker's messages. The firmware sends them from a QP of
 * its own to one of ours, both of the PF. Each message lands in a buffer of
 * ours and has a completion. This file knows nothing of the contents of
 * messages.
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

/* Memory for messages: it limits how many can be on their way, within these bounds. */
#define LATCH_MESSAGES_BYTES	SZ_2M
#define LATCH_MESSAGES_MIN	32
#define LATCH_MESSAGES_MAX	512

/**
 * struct latch_report_rings - memory shared with the device, besides the messages
 * @completions: written by the device
 * @requests: where a message may go; they do not change
 * @cq_doorbell: how far completions were read, and armed
 * @rq_doorbell: how many requests there were
 *
 * Sized for the largest number of messages: the device finds a ring by its
 * pages (of 4 KiB).
 */
struct latch_report_rings {
	struct mlx5_cqe64 completions[LATCH_MESSAGES_MAX];
	struct mlx5_wqe_data_seg requests[LATCH_MESSAGES_MAX] __aligned(MLX5_ADAPTER_PAGE_SIZE);
	__be32 cq_doorbell[2] __aligned(64);
	__be32 rq_doorbell[2] __aligned(64);
};

/**
 * struct latch_report_queue - two QPs, a CQ and the memory behind them
 * @mdev: the PF
 * @uar: doorbells of the PF
 * @pdn: protection domain
 * @mkey: key for the messages
 * @host_qpn: the QP that receives
 * @firmware_qpn: the QP that the firmware sends from
 * @message_bytes: the largest message
 * @nr_messages: number of messages, a power of two
 * @rings: memory shared with the device
 * @rings_dma: the device's address of @rings
 * @messages: memory of the messages
 * @messages_dma: the device's addresses of @messages
 * @destroy_error: the first error in destroy
 * @cq: the CQ; its cons_index is changed by the queue's one reader, its arm_sn by mlx5_core in
 *	interrupts, the rest by mlx5_core in create and destroy
 * @given_back: up to which the device may use buffers again; changed by the queue's one reader
 * @wait: woken when a completion or an error comes; by users of the queue, too
 * @is_err: set in interrupts and by the queue's reader, never cleared
 *
 * The members down to @messages_dma are written in alloc and create, and
 * read-only until destroy. The queue has no lock of its own.
 */
struct latch_report_queue {
	struct mlx5_core_dev *mdev;
	struct mlx5_uars_page *uar;
	u32 pdn;
	u32 mkey;
	u32 host_qpn;
	u32 firmware_qpn;
	size_t message_bytes;
	unsigned int nr_messages;
	struct latch_report_rings *rings;
	dma_addr_t rings_dma;
	void *messages[LATCH_MESSAGES_MAX];
	dma_addr_t messages_dma[LATCH_MESSAGES_MAX];
	int destroy_error;

	struct mlx5_core_cq cq;
	u32 given_back;

	wait_queue_head_t wait;

	bool is_err;
};

/**
 * struct latch_report - a message in the queue
 * @data: its contents, in the device's byte order
 * @bytes: its length, at most the queue's message_bytes
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
