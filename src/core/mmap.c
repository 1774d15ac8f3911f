// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of BARs. Pages appear when they are touched, under access_lock held
 * for reading, and are taken away by latch_access_revoke() under access_lock
 * held for writing. So a page is there only while the function answers memory
 * accesses; a fault in between waits, and gets SIGBUS if it ends switched off.
 */
#include <linux/mm.h>

#include "core.h"

/* A fault fills the aligned range of this size around it. */
#define FAULT_RANGE	SZ_2M

static unsigned long pfn_of(struct vfio_latch_device *dev, const struct vm_area_struct *vma,
			    unsigned long address)
{
	u64 at = ((u64)vma->vm_pgoff << PAGE_SHIFT) + (address - vma->vm_start);

	return PHYS_PFN(pci_resource_start(dev->pdev, latch_region_index(at)) +
			latch_region_offset(at));
}

static vm_fault_t insert(struct vfio_latch_device *dev, struct vm_area_struct *vma,
			 unsigned long start, unsigned long end)
{
	unsigned long pfn = pfn_of(dev, vma, start);
	vm_fault_t ret = VM_FAULT_NOPAGE;

	for (; start < end && ret == VM_FAULT_NOPAGE; start += PAGE_SIZE)
		ret = vmf_insert_pfn(vma, start, pfn++);
	return ret;
}

/* Only the page that was touched must be there; its neighbours are a favour. */
static vm_fault_t insert_range(struct vfio_latch_device *dev, struct vm_area_struct *vma,
			       unsigned long address)
{
	unsigned long start = max(ALIGN_DOWN(address, FAULT_RANGE), vma->vm_start);
	unsigned long end = min(ALIGN_DOWN(address, FAULT_RANGE) + FAULT_RANGE, vma->vm_end);
	vm_fault_t ret;

	ret = insert(dev, vma, address, address + PAGE_SIZE);
	if (ret == VM_FAULT_NOPAGE &&
	    insert(dev, vma, address + PAGE_SIZE, end) == VM_FAULT_NOPAGE)
		insert(dev, vma, start, address);
	return ret;
}

static vm_fault_t bar_fault(struct vm_fault *vmf)
{
	struct vfio_latch_device *dev = vmf->vma->vm_private_data;
	vm_fault_t ret = VM_FAULT_SIGBUS;

	down_read(&dev->access_lock);
	if (latch_memory_enabled(dev) && !dev->low_power)
		ret = insert_range(dev, vmf->vma, vmf->address & PAGE_MASK);
	up_read(&dev->access_lock);
	return ret;
}

#ifdef COMPAT_HUGE_PFNMAP
static vm_fault_t bar_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct vfio_latch_device *dev = vmf->vma->vm_private_data;
	unsigned long size = PAGE_SIZE << order;
	unsigned long start = ALIGN_DOWN(vmf->address, size);
	vm_fault_t ret = VM_FAULT_SIGBUS;
	unsigned long pfn;

	if (start < vmf->vma->vm_start || start + size > vmf->vma->vm_end)
		return VM_FAULT_FALLBACK;
	pfn = pfn_of(dev, vmf->vma, start);
	if (!IS_ALIGNED(pfn, 1UL << order))
		return VM_FAULT_FALLBACK;

	down_read(&dev->access_lock);
	if (latch_memory_enabled(dev) && !dev->low_power)
		ret = compat_insert_pfn_order(vmf, pfn, order);
	up_read(&dev->access_lock);
	return ret;
}
#endif

static const struct vm_operations_struct bar_vm_ops = {
	.fault = bar_fault,
#ifdef COMPAT_HUGE_PFNMAP
	.huge_fault = bar_huge_fault,
#endif
};

/**
 * vfio_latch_mmap - map a part of a BAR
 * @vdev: the device, open
 * @vma: the mapping: shared, its offset naming region and page
 *
 * Context: mmap_lock is held for writing.
 * Return: 0; -EINVAL for a private mapping, a region that cannot be mapped or
 * a range outside it; -EBUSY if somebody else has the BAR.
 */
int vfio_latch_mmap(struct vfio_device *vdev, struct vm_area_struct *vma)
{
	struct vfio_latch_device *dev = vfio_latch_from_vdev(vdev);
	u64 at = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 length = vma->vm_end - vma->vm_start;
	unsigned int bar = latch_region_index(at);
	u64 offset = latch_region_offset(at);
	u64 size;
	int ret;

	if (bar > VFIO_PCI_BAR5_REGION_INDEX || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	size = PAGE_ALIGN(latch_bar_size(dev, bar));
	if (offset >= size || length > size - offset)
		return -EINVAL;
	ret = latch_bar_hold(dev, bar);
	if (ret)
		return ret;
	if (!latch_bar_can_mmap(dev, bar))
		return -EINVAL;

	compat_mapping_attach(dev->mapping, vma);
	vma->vm_private_data = dev;
	vma->vm_page_prot = pgprot_decrypted(pgprot_noncached(vma->vm_page_prot));
	vma->vm_ops = &bar_vm_ops;
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP |
			  COMPAT_VM_ALLOW_ANY_UNCACHED);
	return 0;
}
EXPORT_SYMBOL_GPL(vfio_latch_mmap);
