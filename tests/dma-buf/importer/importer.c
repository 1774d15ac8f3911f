// SPDX-License-Identifier: GPL-2.0-only
/*
 * importer: maps dma-bufs for a PCI function, as the function's driver would. For tests only. The
 * function masters the bus while, and only while, a buffer is mapped.
 */
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "importer.h"

/*
 * Under the buffer's reservation lock, but for what attaching sets, and the fence: that can be
 * signalled while somebody waits for it under the reservation lock.
 */
struct importer {
	struct mutex attach_lock;
	struct mutex fence_lock;
	struct dma_fence *fence;
	struct pci_dev *pdev;
	struct dma_buf_attachment *attachment;
	struct dma_buf_attach_ops ops;
	struct sg_table *table;
	u32 revocations;
	bool is_lazy;
};

static void let_go(struct importer *importer)
{
	dma_resv_assert_held(importer->attachment->dmabuf->resv);

	if (!importer->table)
		return;
	pci_clear_master(importer->pdev);
	dma_buf_unmap_attachment(importer->attachment, importer->table, DMA_BIDIRECTIONAL);
	importer->table = NULL;
}

static void revoked(struct dma_buf_attachment *attachment)
{
	struct importer *importer = attachment->importer_priv;

	/* Not yet, while it is being attached. */
	if (!importer->table)
		return;
	importer->revocations++;
	if (!importer->is_lazy)
		let_go(importer);
}

static const char *fence_name(struct dma_fence *fence)
{
	return "importer";
}

/* Without more, the kernel frees it itself, also when this module is gone. */
static const struct dma_fence_ops fence_ops = {
	.get_driver_name = fence_name,
	.get_timeline_name = fence_name,
};

static int add_fence_locked(struct importer *importer)
{
	struct dma_resv *resv = importer->attachment->dmabuf->resv;
	struct dma_fence *fence;
	int ret;

	lockdep_assert_held(&importer->fence_lock);
	dma_resv_assert_held(resv);

	if (importer->fence)
		return -EBUSY;
	ret = dma_resv_reserve_fences(resv, 1);
	if (ret)
		return ret;
	fence = kzalloc(sizeof(*fence), GFP_KERNEL);
	if (!fence)
		return -ENOMEM;
	dma_fence_init(fence, &fence_ops, NULL, dma_fence_context_alloc(1), 1);
	dma_resv_add_fence(resv, fence, DMA_RESV_USAGE_WRITE);
	importer->fence = fence;
	return 0;
}

static int add_fence(struct importer *importer, struct dma_resv *resv)
{
	int ret;

	mutex_lock(&importer->fence_lock);
	dma_resv_lock(resv, NULL);
	ret = add_fence_locked(importer);
	dma_resv_unlock(resv);
	mutex_unlock(&importer->fence_lock);
	return ret;
}

static void signal_fence(struct importer *importer)
{
	mutex_lock(&importer->fence_lock);
	if (importer->fence)
		dma_fence_signal(importer->fence);
	dma_fence_put(importer->fence);
	importer->fence = NULL;
	mutex_unlock(&importer->fence_lock);
}

static bool fence_is_awaited(struct importer *importer)
{
	bool is_awaited;

	mutex_lock(&importer->fence_lock);
	is_awaited = importer->fence &&
		     test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &importer->fence->flags);
	mutex_unlock(&importer->fence_lock);
	return is_awaited;
}

static int attach_locked(struct importer *importer, const struct importer_attach *request)
{
	struct dma_buf_attachment *attachment;
	struct dma_buf *dmabuf;
	int ret;

	if (importer->attachment)
		return -EBUSY;
	importer->pdev = pci_get_domain_bus_and_slot(request->domain, request->bus,
						     request->devfn);
	if (!importer->pdev)
		return -ENXIO;
	ret = dma_set_mask_and_coherent(&importer->pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		goto put_function;
	dmabuf = dma_buf_get(request->fd);
	ret = PTR_ERR_OR_ZERO(dmabuf);
	if (ret)
		goto put_function;

	importer->is_lazy = request->flags & IMPORTER_LAZY;
	importer->ops.allow_peer2peer = request->flags & IMPORTER_PEER;
	importer->ops.invalidate_mappings = request->flags & IMPORTER_REVOCABLE ? revoked : NULL;
	attachment = dma_buf_dynamic_attach(dmabuf, &importer->pdev->dev, &importer->ops, importer);
	ret = PTR_ERR_OR_ZERO(attachment);
	if (ret)
		goto put_buffer;
	importer->attachment = attachment;
	return 0;

put_buffer:
	dma_buf_put(dmabuf);
put_function:
	pci_dev_put(importer->pdev);
	return ret;
}

static int attach(struct importer *importer, const void __user *arg)
{
	struct importer_attach request;
	int ret;

	if (copy_from_user(&request, arg, sizeof(request)))
		return -EFAULT;
	mutex_lock(&importer->attach_lock);
	ret = attach_locked(importer, &request);
	mutex_unlock(&importer->attach_lock);
	return ret;
}

static int map(struct importer *importer)
{
	struct sg_table *table;

	if (importer->table)
		return -EBUSY;
	table = dma_buf_map_attachment(importer->attachment, DMA_BIDIRECTIONAL);
	if (IS_ERR(table))
		return PTR_ERR(table);
	importer->table = table;
	pci_set_master(importer->pdev);
	return 0;
}

static void get_state(const struct importer *importer, struct importer_state *state)
{
	state->revocations = importer->revocations;
	if (!importer->table)
		return;
	state->mapped = 1;
	state->address = sg_dma_address(importer->table->sgl);
	state->length = sg_dma_len(importer->table->sgl);
}

static long importer_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct importer *importer = file->private_data;
	struct importer_state state = {};
	struct dma_resv *resv;
	int ret = 0;

	if (cmd == IMPORTER_ATTACH)
		return attach(importer, (void __user *)arg);
	mutex_lock(&importer->attach_lock);
	resv = importer->attachment ? importer->attachment->dmabuf->resv : NULL;
	mutex_unlock(&importer->attach_lock);
	if (!resv)
		return -ENOTCONN;
	if (cmd == IMPORTER_FENCE)
		return add_fence(importer, resv);
	if (cmd == IMPORTER_SIGNAL) {
		signal_fence(importer);
		return 0;
	}

	state.awaited = fence_is_awaited(importer);
	dma_resv_lock(resv, NULL);
	switch (cmd) {
	case IMPORTER_MAP:
		ret = map(importer);
		break;
	case IMPORTER_UNMAP:
		let_go(importer);
		break;
	case IMPORTER_STATE:
		get_state(importer, &state);
		break;
	default:
		ret = -ENOTTY;
	}
	dma_resv_unlock(resv);
	if (cmd == IMPORTER_STATE && copy_to_user((void __user *)arg, &state, sizeof(state)))
		ret = -EFAULT;
	return ret;
}

static int importer_open(struct inode *inode, struct file *file)
{
	struct importer *importer = kzalloc(sizeof(*importer), GFP_KERNEL);

	if (!importer)
		return -ENOMEM;
	mutex_init(&importer->attach_lock);
	mutex_init(&importer->fence_lock);
	file->private_data = importer;
	return 0;
}

static int importer_release(struct inode *inode, struct file *file)
{
	struct importer *importer = file->private_data;
	struct dma_buf *dmabuf;

	signal_fence(importer);
	if (importer->attachment) {
		dmabuf = importer->attachment->dmabuf;
		dma_resv_lock(dmabuf->resv, NULL);
		let_go(importer);
		dma_resv_unlock(dmabuf->resv);
		dma_buf_detach(dmabuf, importer->attachment);
		dma_buf_put(dmabuf);
		pci_dev_put(importer->pdev);
	}
	mutex_destroy(&importer->fence_lock);
	mutex_destroy(&importer->attach_lock);
	kfree(importer);
	return 0;
}

static const struct file_operations importer_fops = {
	.owner = THIS_MODULE,
	.open = importer_open,
	.release = importer_release,
	.unlocked_ioctl = importer_ioctl,
};

static struct miscdevice importer_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "importer",
	.fops = &importer_fops,
};
module_misc_device(importer_device);

MODULE_DESCRIPTION("Maps dma-bufs for a PCI function, for tests");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("DMA_BUF");
