// SPDX-License-Identifier: GPL-2.0-only
/* Description of a device: VFIO_DEVICE_GET_INFO, _GET_REGION_INFO and _GET_IRQ_INFO. */
#include <linux/uaccess.h>

#include "core.h"

/* What a port can do (PCIe 6.0, 7.5.3.15): nothing, if it does not answer. */
static u32 device_caps_2(struct pci_dev *port)
{
	u32 caps;

	pcie_capability_read_dword(port, PCI_EXP_DEVCAP2, &caps);
	return PCI_POSSIBLE_ERROR(caps) ? 0 : caps;
}

/*
 * Whether a switch between the function and its root port keeps AtomicOps from passing
 * (PCIe 6.0, 6.15).
 */
static bool switch_stops_atomic_ops(struct pci_dev *port)
{
	u16 control = 0;

	if (pci_pcie_type(port) == PCI_EXP_TYPE_UPSTREAM)
		pcie_capability_read_word(port, PCI_EXP_DEVCTL2, &control);
	return !(device_caps_2(port) & PCI_EXP_DEVCAP2_ATOMIC_ROUTE) ||
	       control & PCI_EXP_DEVCTL2_ATOMIC_EGRESS_BLOCK;
}

/*
 * The AtomicOps towards host memory that the root port completes. The PCI core's
 * pci_enable_atomic_ops_to_root() finds that out as well, and switches requests on.
 */
static u32 atomic_completer_flags(struct pci_dev *pdev)
{
	struct pci_dev *root = pcie_find_root_port(pdev), *port;
	u32 caps;

	if (!root)
		return 0;
	for (port = pci_upstream_bridge(pdev); port && port != root;
	     port = pci_upstream_bridge(port))
		if (switch_stops_atomic_ops(port))
			return 0;
	caps = device_caps_2(root);
	return (caps & PCI_EXP_DEVCAP2_ATOMIC_COMP32 ? VFIO_PCI_ATOMIC_COMP32 : 0) |
	       (caps & PCI_EXP_DEVCAP2_ATOMIC_COMP64 ? VFIO_PCI_ATOMIC_COMP64 : 0) |
	       (caps & PCI_EXP_DEVCAP2_ATOMIC_COMP128 ? VFIO_PCI_ATOMIC_COMP128 : 0);
}

/* A VF makes requests if its PF does, which the PF's driver decides (PCIe 6.0, 7.5.3.16). */
static bool may_request_atomic_ops(struct vfio_latch_device *dev)
{
	u16 control;

	if (!dev->is_vf)
		return true;
	pcie_capability_read_word(dev->physfn, PCI_EXP_DEVCTL2, &control);
	return !PCI_POSSIBLE_ERROR(control) && control & PCI_EXP_DEVCTL2_ATOMIC_REQ;
}

/**
 * latch_info_open - find out what GET_INFO says of AtomicOps
 * @dev: the device, enabled
 *
 * Context: first open.
 */
void latch_info_open(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;

	dev->atomic_flags = COMPAT_ATOMIC_COMP && pci_is_pcie(pdev) &&
			    may_request_atomic_ops(dev) ? atomic_completer_flags(pdev) : 0;
}

static int add_device_caps(struct vfio_latch_device *dev, struct vfio_info_cap *caps)
{
	struct vfio_device_info_cap_pci_atomic_comp atomic = {
		.header.id = VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP,
		.header.version = 1,
		.flags = dev->atomic_flags,
	};

	if (!atomic.flags)
		return 0;
	return vfio_info_add_capability(caps, &atomic.header, sizeof(atomic));
}

/**
 * latch_get_info - VFIO_DEVICE_GET_INFO
 * @dev: the device
 * @arg: user address of a struct vfio_device_info
 *
 * Return: 0, -EINVAL if argsz is too small, -EFAULT, -ENOMEM.
 */
int latch_get_info(struct vfio_latch_device *dev, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_device_info, num_irqs);
	struct vfio_device_info info = {};
	struct vfio_info_cap caps = {};
	size_t size;
	int ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	size = min_t(size_t, info.argsz, sizeof(info));

	info.flags = VFIO_DEVICE_FLAGS_PCI;
	if (dev->reset_works)
		info.flags |= VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = latch_nr_regions(dev);
	info.num_irqs = VFIO_PCI_NUM_IRQS;

	ret = add_device_caps(dev, &caps);
	if (ret)
		return ret;
	if (caps.size) {
		info.flags |= VFIO_DEVICE_FLAGS_CAPS;
		ret = latch_put_caps(arg, &caps, &info.argsz, sizeof(info), &info.cap_offset);
		if (ret)
			return ret;
	}
	return copy_to_user(arg, &info, size) ? -EFAULT : 0;
}

static int bar_info(struct vfio_latch_device *dev, struct vfio_region_info *info,
		    struct vfio_info_cap *caps)
{
	static const struct vfio_info_cap_header mappable = {
		.id = VFIO_REGION_INFO_CAP_MSIX_MAPPABLE,
		.version = 1,
	};

	info->size = latch_bar_size(dev, info->index);
	if (!info->size)
		return 0;
	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (!latch_bar_can_mmap(dev, info->index))
		return 0;
	info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	if (!dev->msix_size || info->index != dev->msix_bar)
		return 0;
	/* A BAR has no other capability, so no chain to append to. */
	caps->buf = kmemdup(&mappable, sizeof(mappable), GFP_KERNEL);
	if (!caps->buf)
		return -ENOMEM;
	caps->size = sizeof(mappable);
	return 0;
}

static int driver_region_info(struct vfio_latch_device *dev, struct vfio_region_info *info,
			      struct vfio_info_cap *caps)
{
	const struct latch_region *region = latch_driver_region(dev, info->index);
	struct vfio_region_info_cap_type type = {
		.header.id = VFIO_REGION_INFO_CAP_TYPE,
		.header.version = 1,
		.type = region->type,
		.subtype = region->subtype,
	};

	info->size = region->size;
	info->flags = region->flags;
	return vfio_info_add_capability(caps, &type.header, sizeof(type));
}

/**
 * vfio_latch_region_info - describe a region
 * @vdev: the device, open
 * @info: index is given, the rest is filled
 * @caps: capabilities are appended
 *
 * Context: may sleep.
 * Return: 0, -EINVAL without such a region, -ENOMEM.
 */
int vfio_latch_region_info(struct vfio_device *vdev, struct vfio_region_info *info,
			   struct vfio_info_cap *caps)
{
	struct vfio_latch_device *dev = vfio_latch_from_vdev(vdev);
	int index = latch_user_index(info->index, latch_nr_regions(dev));

	if (index < 0)
		return -EINVAL;
	info->index = index;
	info->offset = (u64)info->index << LATCH_REGION_SHIFT;
	info->size = 0;
	info->flags = 0;

	switch (info->index) {
	case VFIO_PCI_BAR0_REGION_INDEX ... VFIO_PCI_BAR5_REGION_INDEX:
		return bar_info(dev, info, caps);
	case VFIO_PCI_ROM_REGION_INDEX:
		info->size = latch_rom_size(dev);
		if (info->size)
			info->flags = VFIO_REGION_INFO_FLAG_READ;
		return 0;
	case VFIO_PCI_CONFIG_REGION_INDEX:
		info->size = dev->pdev->cfg_size;
		info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
		return 0;
	case VFIO_PCI_VGA_REGION_INDEX:
		if (!dev->has_vga)
			return -EINVAL;
		info->size = LATCH_VGA_REGION_SIZE;
		info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
		return 0;
	default:
		return driver_region_info(dev, info, caps);
	}
}
EXPORT_SYMBOL_GPL(vfio_latch_region_info);

/**
 * latch_irq_count - number of vectors an interrupt index has
 * @dev: the device, open
 * @index: VFIO_PCI_*_IRQ_INDEX
 */
unsigned int latch_irq_count(struct vfio_latch_device *dev, unsigned int index)
{
	const u16 *cap = dev->config->cap;
	u16 flags;

	switch (index) {
	case VFIO_PCI_INTX_IRQ_INDEX:
		return COMPAT_INTX &&
		       latch_shadow_get(dev->config, PCI_INTERRUPT_PIN, 1);
	case VFIO_PCI_MSI_IRQ_INDEX:
		if (!cap[LATCH_CAP_MSI])
			return 0;
		flags = latch_shadow_get(dev->config, cap[LATCH_CAP_MSI] + PCI_MSI_FLAGS, 2);
		return 1 << ((flags & PCI_MSI_FLAGS_QMASK) >> 1);
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return dev->msix_size / PCI_MSIX_ENTRY_SIZE;
	case VFIO_PCI_ERR_IRQ_INDEX:
	case VFIO_PCI_REQ_IRQ_INDEX:
		return 1;
	default:
		return 0;
	}
}

/**
 * latch_get_irq_info - VFIO_DEVICE_GET_IRQ_INFO
 * @dev: the device
 * @arg: user address of a struct vfio_irq_info
 *
 * Return: 0, -EINVAL if argsz is too small or there is no such index, -EFAULT.
 */
int latch_get_irq_info(struct vfio_latch_device *dev, void __user *arg)
{
	struct vfio_irq_info info;

	if (copy_from_user(&info, arg, sizeof(info)))
		return -EFAULT;
	if (info.argsz < sizeof(info) || info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;

	info.flags = VFIO_IRQ_INFO_EVENTFD;
	if (info.index == VFIO_PCI_INTX_IRQ_INDEX)
		info.flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	else if (info.index != VFIO_PCI_MSIX_IRQ_INDEX || !dev->msix_size)
		info.flags |= VFIO_IRQ_INFO_NORESIZE;
	info.count = latch_irq_count(dev, info.index);

	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}
