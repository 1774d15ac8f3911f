// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of BARs. Pages appear when they are touched, under access_lock held
 * for reading, and are taken away by latch_access_revoke() under access_lock
 * held for writing. So a page is there only while the function answers memory
 * accesses. A fault in between waits, and gets SIGBUS if the function does not
 * answer after the wait.
 *
 * A fault must map the page that was touched. It maps more only to save further
 * faults: the entries of one table where huge mappings exist, else the whole
 * mapping, a bounded piece under each hold of access_lock.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "core.h"

/* Bytes that are mapped under one hold of access_lock, some 100,000 instructions either way. */
#define MAP_PIECE	(COMPAT_MAPS_IN_BULK ? SZ_64M : SZ_2M)

/* vm_pgoff is the first page's frame, also in a mapping that was split. */
static unsigned long pfn_of(const struct vm_area_struct *vma, unsigned long address)
{
	return vma->vm_pgoff + PHYS_PFN(address - vma->vm_start);
}

/*
 * Takes access_lock to map pages of a BAR. Returns VM_FAULT_NOPAGE with it
 * held, or the fault's result. A task that is being killed does not wait;
 * SIGBUS ends its fault also if the kernel touched the page for it.
 */
static vm_fault_t map_begin(struct vfio_latch_device *dev)
{
	if (fatal_signal_pending(current) || down_read_killable(&dev->access_lock))
		return VM_FAULT_SIGBUS;
	if (latch_can_be_mapped(dev))
		return VM_FAULT_NOPAGE;
	up_read(&dev->access_lock);
	return VM_FAULT_SIGBUS;
}

static void map_end(struct vfio_latch_device *dev)
{
	up_read(&dev->access_lock);
}

static vm_fault_t map_page(struct vfio_latch_device *dev, struct vm_area_struct *vma,
			   unsigned long address)
{
	vm_fault_t ret;

	/* If it fails, vmf_insert_pfn() says so. */
	compat_alloc_tables(vma, address, address + PAGE_SIZE);
	ret = map_begin(dev);
	if (ret != VM_FAULT_NOPAGE)
		return ret;
	ret = vmf_insert_pfn(vma, address, pfn_of(vma, address));
	map_end(dev);
	return ret;
}

static bool map_piece(struct vfio_latch_device *dev, struct vm_area_struct *vma,
		      unsigned long start, unsigned long end)
{
	bool is_mapped;

	/* Before the hold, which others wait for. */
	if (compat_alloc_tables(vma, start, end) || map_begin(dev) != VM_FAULT_NOPAGE)
		return false;
	is_mapped = !compat_map_pfns(vma, start, end, pfn_of(vma, start));
	map_end(dev);
	return is_mapped;
}

/* Stops at the first obstacle: another fault goes on. */
static void map_neighbours(struct vfio_latch_device *dev, struct vm_area_struct *vma,
			   unsigned long address)
{
	unsigned long start = vma->vm_start;
	unsigned long end = vma->vm_end;
	unsigned long next;

	if (!COMPAT_MAPS_IN_BULK) {
		start = max(start, ALIGN_DOWN(address, MAP_PIECE));
		end = min(end, ALIGN_DOWN(address, MAP_PIECE) + MAP_PIECE);
	}
	for (; start < end && !fatal_signal_pending(current); start = next) {
		next = min(ALIGN_DOWN(start, MAP_PIECE) + MAP_PIECE, end);
		if (!map_piece(dev, vma, start, next))
			break;
		cond_resched();
	}
}

/* Huge mappings that are made under one hold of access_lock. */
#define HUGE_AT_ONCE	64

static vm_fault_t map_huge(struct vfio_latch_device *dev, struct vm_fault *vmf)
{
	vm_fault_t ret = map_begin(dev);

	if (ret != VM_FAULT_NOPAGE)
		return ret;
	ret = compat_insert_pfn_pmd(vmf, pfn_of(vmf->vma, ALIGN_DOWN(vmf->address, PMD_SIZE)));
	map_end(dev);
	return ret;
}

/* From @start on, whose entry is @pmd. Returns where it has stopped. */
static unsigned long map_huge_piece(struct vfio_latch_device *dev, struct vm_area_struct *vma,
				    pmd_t *pmd, unsigned long start, unsigned long end)
{
	unsigned int n;

	if (map_begin(dev) != VM_FAULT_NOPAGE)
		return end;
	for (n = 0; n < HUGE_AT_ONCE && start < end; n++, start += PMD_SIZE, pmd++) {
		struct vm_fault next = { .vma = vma, .address = start, .pmd = pmd };

		compat_insert_pfn_pmd(&next, pfn_of(vma, start));
	}
	map_end(dev);
	return start;
}

/*
 * The entries beside that of the fault, as far as its table goes. The table stays, since the
 * mapping does.
 */
static void map_huge_neighbours(struct vfio_latch_device *dev, struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long table = ALIGN_DOWN(vmf->address, PUD_SIZE);
	unsigned long start = max(ALIGN(vma->vm_start, PMD_SIZE), table);
	unsigned long end = min(ALIGN_DOWN(vma->vm_end, PMD_SIZE), table + PUD_SIZE);
	pmd_t *first = vmf->pmd - pmd_index(vmf->address);

	while (start < end && !fatal_signal_pending(current)) {
		start = map_huge_piece(dev, vma, first + pmd_index(start), start, end);
		cond_resched();
	}
}

/*
 * Nothing larger than PMD_SIZE is mapped, although kernels can: who then unmaps or protects a page
 * of it has the kernel take the BAR for a page table, at least up to 7.3.
 */
static vm_fault_t bar_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct vfio_latch_device *dev = vmf->vma->vm_private_data;
	unsigned long start = ALIGN_DOWN(vmf->address, PMD_SIZE);
	vm_fault_t ret;
	bool is_new;

	if (order != PMD_ORDER ||
	    start < vmf->vma->vm_start || start + PMD_SIZE > vmf->vma->vm_end ||
	    !IS_ALIGNED(pfn_of(vmf->vma, start), PHYS_PFN(PMD_SIZE)))
		return VM_FAULT_FALLBACK;

	is_new = pmd_none(READ_ONCE(*vmf->pmd));
	ret = map_huge(dev, vmf);
	if (ret == VM_FAULT_NOPAGE && is_new)
		map_huge_neighbours(dev, vmf);
	return ret;
}

/*
 * Where a huge mapping can be there is never a small one, even if the kernel asks for it since the
 * user has disabled huge pages: kernels that check themselves do not survive that both meet.
 */
static vm_fault_t map_huge_instead(struct vm_fault *vmf)
{
	pmd_t pmd;

	if (!COMPAT_HUGE_PFNMAP)
		return VM_FAULT_FALLBACK;
	pmd = READ_ONCE(*vmf->pmd);
	if (pmd_leaf(pmd))
		return VM_FAULT_NOPAGE;
	if (!pmd_none(pmd) || !has_transparent_hugepage())
		return VM_FAULT_FALLBACK;
	return bar_huge_fault(vmf, PMD_ORDER);
}

/*
 * A child faults in pages of its own. fork() would copy a huge entry that it has read before a
 * revocation, and that this then does not find. A user can clear the flag, so it is set for each
 * new mapping, before the entries are copied.
 */
static void bar_open(struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_WIPEONFORK);
}

static vm_fault_t bar_fault(struct vm_fault *vmf)
{
	struct vfio_latch_device *dev = vmf->vma->vm_private_data;
	unsigned long address = vmf->address & PAGE_MASK;
	vm_fault_t ret = map_huge_instead(vmf);

	if (ret != VM_FAULT_FALLBACK)
		return ret;
	ret = map_page(dev, vmf->vma, address);
	if (ret == VM_FAULT_NOPAGE)
		map_neighbours(dev, vmf->vma, address);
	return ret;
}

static const struct vm_operations_struct bar_vm_ops = {
	.fault = bar_fault,
	.open = COMPAT_HUGE_PFNMAP ? bar_open : NULL,
	.huge_fault = COMPAT_HUGE_PFNMAP ? bar_huge_fault : NULL,
};

/**
 * vfio_latch_mmap - map a part of a BAR
 * @vdev: the device, open
 * @vma: the mapping: shared, its offset names region and page
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
	int bar = latch_region_index(at, PCI_STD_NUM_BARS);
	u64 offset = latch_region_offset(at);
	u64 size;
	int ret;

	if (bar < 0 || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	size = PAGE_ALIGN(latch_bar_size(dev, bar));
	if (offset >= size || length > size - offset)
		return -EINVAL;
	ret = latch_bar_hold(dev, bar);
	if (ret)
		return ret;
	if (!latch_bar_can_mmap(dev, bar))
		return -EINVAL;

	/*
	 * No longer the file offset: beyond 1 TiB of a BAR, that is the next region's, and pages
	 * must not be looked up there.
	 */
	vma->vm_pgoff = PHYS_PFN(pci_resource_start(dev->pdev, bar) + offset);
	compat_mapping_attach(dev->mapping, vma);
	vma->vm_private_data = dev;
	vma->vm_page_prot = pgprot_decrypted(pgprot_noncached(vma->vm_page_prot));
	vma->vm_ops = &bar_vm_ops;
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP |
			  COMPAT_VM_ALLOW_ANY_UNCACHED);
	return 0;
}
EXPORT_SYMBOL_GPL(vfio_latch_mmap);
