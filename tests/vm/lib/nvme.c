// SPDX-License-Identifier: GPL-2.0-only
#include "nvme.h"

#include <stdlib.h>
#include <unistd.h>

#include "file.h"
#include "test.h"

#define DOORBELLS	0x1000

#define DEPTH		16
#define PAGE		0x1000
#define IOVA		0x100000

#define CREATE_SQ	0x01
#define CREATE_CQ	0x05
#define GET_FEATURES	0x0a
/* An invalid command, which an I/O queue completes at once, with an error. */
#define NO_COMMAND	0x7f

#define LIMIT_MS	20000

struct command {
	uint32_t opcode;
	uint32_t namespace;
	uint64_t reserved;
	uint64_t metadata;
	uint64_t data[2];
	uint32_t dword[6];
};

struct completion {
	uint32_t result;
	uint32_t reserved;
	uint32_t queue;
	uint16_t id;
	uint16_t status;	/* bit 0 is the phase */
};

static struct command *commands(struct nvme *nvme, unsigned int queue)
{
	return (struct command *)(nvme->memory + 2 * queue * PAGE);
}

static volatile struct completion *completions(struct nvme *nvme, unsigned int queue)
{
	return (volatile struct completion *)(nvme->memory + (2 * queue + 1) * PAGE);
}

static void submit(struct nvme *nvme, unsigned int queue, const struct command *command)
{
	unsigned int *tail = &nvme->queue[queue].tail;

	commands(nvme, queue)[*tail] = *command;
	*tail = (*tail + 1) % DEPTH;
	vfio_write(nvme->device, 0, DOORBELLS + 8 * queue, *tail, 4);
}

static uint16_t take(struct nvme *nvme, unsigned int queue)
{
	volatile struct completion *next = completions(nvme, queue) + nvme->queue[queue].head;
	uint16_t status;

	if (!WAIT_UNTIL((next->status & 1) == nvme->queue[queue].phase, LIMIT_MS))
		FAIL("queue %u of %s completes nothing", queue, nvme->device->bdf);
	status = next->status;
	if (++nvme->queue[queue].head == DEPTH) {
		nvme->queue[queue].head = 0;
		nvme->queue[queue].phase ^= 1;
	}
	vfio_write(nvme->device, 0, DOORBELLS + 8 * queue + 4, nvme->queue[queue].head, 4);
	return status >> 1;
}

static void create(struct nvme *nvme, unsigned int queue, bool is_completion)
{
	struct command command = {
		.opcode = is_completion ? CREATE_CQ : CREATE_SQ,
		.data[0] = IOVA + (2 * queue + is_completion) * PAGE,
		.dword[0] = (DEPTH - 1) << 16 | queue,
		/* contiguous; with interrupts on a vector, or for a completion queue */
		.dword[1] = queue << 16 | (is_completion ? 3 : 1),
	};

	submit(nvme, 0, &command);
	CHECK_EQ(take(nvme, 0), 0);
}

static bool has_msix_on(struct vfio_device *device)
{
	unsigned int cap = real_cfg_cap(device->bdf, PCI_CAP_ID_MSIX);

	return real_cfg(device->bdf, cap + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_ENABLE;
}

static void enable_controller(struct nvme *nvme)
{
	struct vfio_device *device = nvme->device;

	vfio_write(device, 0, NVME_AQA, (DEPTH - 1) << 16 | (DEPTH - 1), 4);
	vfio_write(device, 0, NVME_ASQ, IOVA, 8);
	vfio_write(device, 0, NVME_ACQ, IOVA + PAGE, 8);
	/* entries of 64 and 16 bytes */
	vfio_write(device, 0, NVME_CC, 0x00460000 | NVME_CC_EN, 4);
	CHECK(WAIT_UNTIL(vfio_read(device, 0, NVME_CSTS, 4) & NVME_CSTS_RDY, LIMIT_MS));
	for (unsigned int n = 1; n < nvme->queues; n++) {
		create(nvme, n, true);
		create(nvme, n, false);
	}
}

/* The emulated device gives queues their vectors only while MSI-X is on. */
static void with_msix(struct nvme *nvme, void (*enable)(struct nvme *nvme))
{
	bool is_off = !has_msix_on(nvme->device);
	int event = event_new();

	if (is_off)
		vfio_irq_eventfd(nvme->device, VFIO_PCI_MSIX_IRQ_INDEX, 0, event);
	enable(nvme);
	if (is_off)
		vfio_irq_disable(nvme->device, VFIO_PCI_MSIX_IRQ_INDEX);
	close(event);
}

void nvme_restart(struct nvme *nvme)
{
	struct vfio_device *device = nvme->device;

	cfg_command(device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	vfio_write(device, 0, NVME_CC, 0, 4);
	CHECK(WAIT_UNTIL(!(vfio_read(device, 0, NVME_CSTS, 4) & NVME_CSTS_RDY), LIMIT_MS));
	memset(nvme->memory, 0, 2 * nvme->queues * PAGE);
	for (unsigned int n = 0; n < nvme->queues; n++) {
		nvme->queue[n].tail = nvme->queue[n].head = 0;
		nvme->queue[n].phase = 1;
	}
	with_msix(nvme, enable_controller);
}

struct nvme *nvme_start(struct vfio_device *device, unsigned int queues)
{
	struct nvme *nvme = calloc(1, sizeof(*nvme));

	CHECK_LE(queues, NVME_QUEUES_MAX);
	nvme->device = device;
	nvme->queues = queues;
	nvme->memory = vfio_dma_alloc(device, IOVA, 2 * queues * PAGE);
	nvme_restart(nvme);
	return nvme;
}

void nvme_submit(struct nvme *nvme, unsigned int queue)
{
	struct command command = { .opcode = queue ? NO_COMMAND : GET_FEATURES, .dword[0] = 1 };

	submit(nvme, queue, &command);
}

void nvme_take(struct nvme *nvme, unsigned int queue)
{
	take(nvme, queue);
}

void nvme_raise(struct nvme *nvme, unsigned int queue)
{
	nvme_submit(nvme, queue);
	nvme_take(nvme, queue);
}
