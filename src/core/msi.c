// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSI and MSI-X: one eventfd for each vector.
 *
 * All under irq_lock. The handler of a vector reads its eventfd without a lock;
 * replacing the eventfd waits for the handler before the old one is put.
 *
 * MSI's vectors share one address register, which the kernel clears as it frees
 * the first one's interrupt. So a vector of MSI whose eventfd is taken away keeps
 * its interrupt until MSI is taken down. Nothing masks it: MSI's mask bits are the
 * user's, and a mask in the MSI-X table would be written at system sleep, to a
 * function that may not decode. Its handler notes what comes in.
 *
 * Allocating, requesting and freeing vectors writes the MSI-X table, in a BAR:
 * a host access (latch_host_access_begin()), which also brings the function to
 * D0 meanwhile. The PCI core refuses to set MSI up in other states, and a user
 * who takes it down in D3hot, as for a VM's reset, must not fail. Freeing waits
 * for readers of the interrupt in procfs, and offering it to KVM waits for KVM.
 * Both may wait for a page fault on our own BAR, which never takes state_lock.
 *
 * Vectors may be added one by one. A kernel that can allocate further MSI-X
 * vectors while some are in use does so (compat_msix_can_alloc_at()). Elsewhere
 * the first request allocates only as many as the user asks for. The first
 * request for more allocates all that the function has, and every vector moves
 * over. While they move an interrupt may be lost. So each eventfd is signalled
 * once afterwards: a driver copes with an interrupt too many, and not with one
 * too few.
 */
#include <linux/eventfd.h>
#include <linux/interrupt.h>
#include <linux/irqbypass.h>
#include <linux/msi.h>

#include "core.h"

/**
 * struct latch_vector - a vector with an eventfd
 * @trigger: signalled when the interrupt comes in; NULL for a vector of MSI without one
 * @producer: offers the interrupt to KVM, for posting
 * @irq: Linux interrupt number
 * @is_pending: it came in without an eventfd; the handler's until no handler runs
 * @name: in /proc/interrupts
 */
struct latch_vector {
	struct eventfd_ctx *trigger;
	struct irq_bypass_producer producer;
	int irq;
	bool is_pending;
	char name[LATCH_IRQ_NAME_MAX];
};

/* Returns whether it has an eventfd. */
static bool signal_vector(struct latch_vector *vector)
{
	struct eventfd_ctx *trigger = READ_ONCE(vector->trigger);

	if (trigger)
		compat_eventfd_signal(trigger);
	return trigger;
}

static irqreturn_t handle_vector(int irq, void *data)
{
	struct latch_vector *vector = data;

	if (!signal_vector(vector))
		WRITE_ONCE(vector->is_pending, true);
	return IRQ_HANDLED;
}

static void put_trigger(struct eventfd_ctx *trigger)
{
	if (trigger)
		eventfd_ctx_put(trigger);
}

static bool is_msix(struct vfio_latch_device *dev)
{
	return dev->irq_type == VFIO_PCI_MSIX_IRQ_INDEX;
}

/* Without bypass, interrupts still arrive through the eventfd. */
static void offer_bypass(struct vfio_latch_device *dev, struct latch_vector *vector)
{
	if (vector->trigger &&
	    compat_irq_bypass_register(&vector->producer, vector->trigger, vector->irq))
		pci_dbg(dev->pdev, "interrupt %d cannot be posted\n", vector->irq);
}

/*
 * The user may have changed the table, by a device-specific reset or through a
 * mapping: so the host writes the vector's message again before its first use.
 */
static int request_vector(struct vfio_latch_device *dev, struct latch_vector *vector)
{
	struct msi_msg msg;

	if (is_msix(dev)) {
		get_cached_msi_msg(vector->irq, &msg);
		pci_write_msi_msg(vector->irq, &msg);
	}
	return request_irq(vector->irq, handle_vector, 0, vector->name, vector);
}

static int irq_of(struct vfio_latch_device *dev, unsigned int n)
{
	int irq = pci_irq_vector(dev->pdev, n);

	if (irq >= 0 || !is_msix(dev))
		return irq;
	return compat_msix_alloc_at(dev->pdev, n);
}

static int add_vector(struct vfio_latch_device *dev, unsigned int n, struct eventfd_ctx *trigger)
{
	struct latch_vector *vector;
	int ret;

	vector = kzalloc(sizeof(*vector), GFP_KERNEL_ACCOUNT);
	if (!vector)
		return -ENOMEM;
	snprintf(vector->name, sizeof(vector->name), "vfio-msi%s[%u](%s)", is_msix(dev) ? "x" : "",
		 n, pci_name(dev->pdev));
	ret = irq_of(dev, n);
	if (ret < 0)
		goto free_vector;
	vector->irq = ret;
	vector->trigger = trigger;

	ret = xa_err(xa_store(&dev->vectors, n, vector, GFP_KERNEL_ACCOUNT));
	if (ret)
		goto free_vector;
	ret = request_vector(dev, vector);
	if (ret)
		goto erase;
	offer_bypass(dev, vector);
	return 0;

erase:
	xa_erase(&dev->vectors, n);
free_vector:
	kfree(vector);
	return ret;
}

/* Of MSI-X: see the head of this file. */
static void remove_vector(struct vfio_latch_device *dev, unsigned int n)
{
	struct latch_vector *vector = xa_erase(&dev->vectors, n);

	compat_irq_bypass_unregister(&vector->producer);
	free_irq(vector->irq, vector);
	eventfd_ctx_put(vector->trigger);
	kfree(vector);
}

/*
 * Gives a vector that is in use another eventfd, or none, without losing an interrupt: what comes
 * in while it has none is signalled when it has one.
 */
static void replace_vector_trigger(struct vfio_latch_device *dev, struct latch_vector *vector,
				   struct eventfd_ctx *trigger)
{
	struct eventfd_ctx *old = vector->trigger;

	compat_irq_bypass_unregister(&vector->producer);
	WRITE_ONCE(vector->trigger, trigger);
	synchronize_irq(vector->irq);
	if (trigger && READ_ONCE(vector->is_pending)) {
		WRITE_ONCE(vector->is_pending, false);
		signal_vector(vector);
	}
	put_trigger(old);
	offer_bypass(dev, vector);
}

static int set_vector(struct vfio_latch_device *dev, unsigned int n, struct eventfd_ctx *trigger)
{
	struct latch_vector *vector = xa_load(&dev->vectors, n);

	if (!vector)
		return trigger ? add_vector(dev, n, trigger) : 0;
	if (trigger || !is_msix(dev))
		replace_vector_trigger(dev, vector, trigger);
	else
		remove_vector(dev, n);
	return 0;
}

/*
 * Sets @count vectors from @start to @triggers, whose references it takes over.
 * After an error the vectors that it added have no eventfd again; eventfds that
 * it replaced stay so.
 */
static int set_vectors(struct vfio_latch_device *dev, unsigned int start, unsigned int count,
		       struct eventfd_ctx **triggers)
{
	unsigned long *added = bitmap_zalloc(count, GFP_KERNEL_ACCOUNT);
	unsigned int n;
	pci_power_t state;
	int ret;

	if (!added)
		return -ENOMEM;

	ret = latch_host_access_begin(dev, &state) ? 0 : -EIO;
	for (n = 0; n < count && !ret; n++) {
		bool is_new = triggers[n] && !xa_load(&dev->vectors, start + n);

		ret = set_vector(dev, start + n, triggers[n]);
		if (ret)
			break;
		triggers[n] = NULL;
		if (is_new)
			__set_bit(n, added);
	}
	if (ret)
		for_each_set_bit(n, added, count)
			set_vector(dev, start + n, NULL);
	latch_host_access_end(dev, state);

	bitmap_free(added);
	return ret;
}

/**
 * latch_msix_find - where a function says that its MSI-X table is (PCIe 6.0, 7.7.2)
 * @dev: the device, which has MSI-X
 * @bar: set to the number of a BAR, 0 to 7
 * @offset: set to bytes from the BAR's start
 * @size: set to bytes
 *
 * Return: true if that is all within a BAR of memory.
 */
bool latch_msix_find(struct vfio_latch_device *dev, u8 *bar, u32 *offset, u16 *size)
{
	struct pci_dev *pdev = dev->pdev;
	u32 table;
	u16 flags;

	pci_read_config_word(pdev, pdev->msix_cap + PCI_MSIX_FLAGS, &flags);
	pci_read_config_dword(pdev, pdev->msix_cap + PCI_MSIX_TABLE, &table);
	*bar = table & PCI_MSIX_TABLE_BIR;
	*offset = table & PCI_MSIX_TABLE_OFFSET;
	*size = ((flags & PCI_MSIX_FLAGS_QSIZE) + 1) * PCI_MSIX_ENTRY_SIZE;
	return *bar <= VFIO_PCI_BAR5_REGION_INDEX &&
	       pci_resource_flags(pdev, *bar) & IORESOURCE_MEM &&
	       (u64)*offset + *size <= latch_bar_size(dev, *bar);
}

/*
 * The PCI core asks the function again, and writes wherever it says. It maps as much as the
 * function has then: a table that has become smaller, as that of an NVMe function that was told to
 * and was reset, has no room for the vectors that the user may name.
 */
static bool msix_is_where_it_was(struct vfio_latch_device *dev)
{
	u32 offset;
	u16 size;
	u8 bar;

	if (latch_msix_find(dev, &bar, &offset, &size) && bar == dev->msix_bar &&
	    offset == dev->msix_offset && size >= dev->msix_size)
		return true;
	dev_err_ratelimited(&dev->pdev->dev, "the MSI-X table has moved, or become smaller\n");
	return false;
}

static unsigned int irq_flags(unsigned int index)
{
	return index == VFIO_PCI_MSIX_IRQ_INDEX ? PCI_IRQ_MSIX : PCI_IRQ_MSI;
}

/* Allocates at least @min vectors, and up to @max. Returns how many, or an error. */
static int allocate(struct vfio_latch_device *dev, unsigned int index, unsigned int min,
		    unsigned int max)
{
	pci_power_t state;
	int ret;

	ret = -EIO;
	if (latch_host_access_begin(dev, &state) &&
	    (index != VFIO_PCI_MSIX_IRQ_INDEX || msix_is_where_it_was(dev))) {
		ret = pci_alloc_irq_vectors(dev->pdev, min, max, irq_flags(index));
		latch_intx_restored(dev);
	}
	latch_host_access_end(dev, state);
	return ret;
}

/*
 * A processor may still be taking an interrupt, although its handler is gone. Kernels free at once
 * what it looks at; and those without dynamic MSI-X mark a vector of an x86 processor as unused
 * when its interrupt arrives, even if it was allocated again. So every processor ends that first.
 *
 * With the last vector the PCI core switches INTx on again, which has no handler.
 */
static void deallocate(struct vfio_latch_device *dev)
{
	pci_power_t state;

	synchronize_rcu();
	latch_take_down_begin(dev, &state);
	pci_free_irq_vectors(dev->pdev);
	latch_intx_restored(dev);
	latch_host_access_end(dev, state);
}

/* If fewer vectors than asked for can be had, none is set up, and the user is told the number. */
static int msi_enable(struct vfio_latch_device *dev, unsigned int index, unsigned int count)
{
	int ret = allocate(dev, index, 1, count);

	if (ret < 0)
		return ret;
	if (ret < count) {
		deallocate(dev);
		return ret;
	}
	dev->irq_type = index;
	dev->nr_vectors = count;
	return 0;
}

static void free_irqs(struct vfio_latch_device *dev)
{
	struct latch_vector *vector;
	pci_power_t state;
	unsigned long n;

	latch_take_down_begin(dev, &state);
	xa_for_each(&dev->vectors, n, vector) {
		compat_irq_bypass_unregister(&vector->producer);
		free_irq(vector->irq, vector);
	}
	latch_host_access_end(dev, state);
}

/* Moves every vector to the new interrupts. */
static int request_irqs(struct vfio_latch_device *dev)
{
	struct latch_vector *vector;
	unsigned long n, failed;
	pci_power_t state;
	bool is_there;
	int ret = 0;

	is_there = latch_host_access_begin(dev, &state);
	xa_for_each(&dev->vectors, failed, vector) {
		vector->irq = pci_irq_vector(dev->pdev, failed);
		ret = is_there ? request_vector(dev, vector) : -EIO;
		if (ret)
			break;
	}
	xa_for_each(&dev->vectors, n, vector) {
		if (!ret || n == failed)
			break;
		free_irq(vector->irq, vector);
	}
	latch_host_access_end(dev, state);
	return ret;
}

/* Frees vectors that have no interrupt any more, and puts their eventfds. */
static void forget_vectors(struct vfio_latch_device *dev)
{
	struct latch_vector *vector;
	unsigned long n;

	xa_for_each(&dev->vectors, n, vector) {
		xa_erase(&dev->vectors, n);
		put_trigger(vector->trigger);
		kfree(vector);
	}
}

/* Whether vectors that are taken down can be set up again. */
static bool msix_can_be_set_up(struct vfio_latch_device *dev)
{
	pci_power_t state;
	bool can;

	can = latch_host_access_begin(dev, &state) && msix_is_where_it_was(dev);
	latch_host_access_end(dev, state);
	return can;
}

/* Makes room for @count vectors; see the head of this file. */
static int grow(struct vfio_latch_device *dev, unsigned int count)
{
	unsigned int old = dev->nr_vectors;
	struct latch_vector *vector;
	unsigned long n;
	int allocated;
	int ret;

	if (count <= old)
		return 0;
	if (compat_msix_can_alloc_at(dev->pdev)) {
		dev->nr_vectors = count;
		return 0;
	}

	if (!msix_can_be_set_up(dev))
		return -EIO;
	free_irqs(dev);
	deallocate(dev);
	allocated = allocate(dev, dev->irq_type, count,
			     latch_irq_count(dev, dev->irq_type));
	ret = allocated < 0 ? allocated : 0;
	if (ret)
		allocated = allocate(dev, dev->irq_type, old, old);
	if (allocated < 0 || request_irqs(dev)) {
		dev_err_ratelimited(&dev->pdev->dev, "interrupts lost while adding vectors\n");
		forget_vectors(dev);
		if (allocated >= 0)
			deallocate(dev);
		dev->nr_vectors = 0;
		dev->irq_type = VFIO_PCI_NUM_IRQS;
		return ret ?: -EIO;
	}
	dev->nr_vectors = allocated;

	xa_for_each(&dev->vectors, n, vector) {
		offer_bypass(dev, vector);
		signal_vector(vector);
	}
	return ret;
}

/**
 * latch_msi_disable - take MSI or MSI-X down
 * @dev: the device; irq_lock is held and one of the two is set up
 */
void latch_msi_disable(struct vfio_latch_device *dev)
{
	lockdep_assert_held(&dev->irq_lock);

	free_irqs(dev);
	forget_vectors(dev);
	deallocate(dev);
	dev->nr_vectors = 0;
	dev->irq_type = VFIO_PCI_NUM_IRQS;
}

static void put_triggers(struct eventfd_ctx **triggers, unsigned int count)
{
	while (count--)
		put_trigger(triggers[count]);
	kfree(triggers);
}

/* Returns all eventfds of a request, or an error if any is bad. */
static struct eventfd_ctx **get_triggers(const s32 *fds, unsigned int count)
{
	struct eventfd_ctx **triggers = kcalloc(count, sizeof(*triggers), GFP_KERNEL_ACCOUNT);
	unsigned int n;
	int ret;

	if (!triggers)
		return ERR_PTR(-ENOMEM);
	for (n = 0; n < count; n++) {
		ret = latch_eventfd_get(fds[n], &triggers[n]);
		if (ret) {
			put_triggers(triggers, n);
			return ERR_PTR(ret);
		}
	}
	return triggers;
}

static int set_eventfds(struct vfio_latch_device *dev, const struct latch_irq_request *request)
{
	unsigned int end = request->start + request->count;
	bool was_set_up = dev->irq_type == request->index;
	struct eventfd_ctx **triggers;
	int ret;

	/* MSI's vectors are one block, allocated at once. */
	if (was_set_up && request->index == VFIO_PCI_MSI_IRQ_INDEX && end > dev->nr_vectors)
		return -EINVAL;
	/* Making room takes the vectors down first, so the function must be there. */
	ret = latch_await(dev);
	if (ret)
		return ret;
	triggers = get_triggers(request->data, request->count);
	if (IS_ERR(triggers))
		return PTR_ERR(triggers);

	ret = was_set_up ? grow(dev, end) : msi_enable(dev, request->index, end);
	if (!ret) {
		ret = set_vectors(dev, request->start, request->count, triggers);
		if (ret && !was_set_up)
			latch_msi_disable(dev);
	}
	put_triggers(triggers, request->count);
	return ret;
}

static int signal_vectors(struct vfio_latch_device *dev, const struct latch_irq_request *request)
{
	const u8 *wanted = request->data;
	unsigned int n;

	if (dev->irq_type != request->index || request->start + request->count > dev->nr_vectors)
		return -EINVAL;
	for (n = 0; n < request->count; n++) {
		struct latch_vector *vector = xa_load(&dev->vectors, request->start + n);

		if (vector && (!wanted || wanted[n]))
			signal_vector(vector);
	}
	return 0;
}

/**
 * latch_msi_set - VFIO_DEVICE_SET_IRQS of MSI and MSI-X
 * @dev: the device; irq_lock is held
 * @request: checked against the number of vectors
 *
 * Return: 0; the number of vectors that were available, if fewer than asked for; -EINVAL if another
 * kind is set up, or for vectors that do not exist; -ENOTTY for masking; -EIO if the function is
 * not there; or the error of an eventfd or a vector.
 */
int latch_msi_set(struct vfio_latch_device *dev, const struct latch_irq_request *request)
{
	u32 data = request->flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
	bool is_set_up = dev->irq_type == request->index;

	lockdep_assert_held(&dev->irq_lock);

	if ((request->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) != VFIO_IRQ_SET_ACTION_TRIGGER)
		return -ENOTTY;

	if (is_set_up && !request->count && data == VFIO_IRQ_SET_DATA_NONE) {
		latch_msi_disable(dev);
		return 0;
	}
	if (!is_set_up && dev->irq_type != VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	if (data != VFIO_IRQ_SET_DATA_EVENTFD)
		return signal_vectors(dev, request);
	if (!request->count)
		return -EINVAL;
	return set_eventfds(dev, request);
}
