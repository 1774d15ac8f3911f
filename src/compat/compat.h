/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernels. The rest of src/ reads as if written for the
 * newest kernel. What an older one lacks is here, under HAVE_* that probe.sh
 * finds out by compiling against the kernel's headers.
 */
#ifndef LATCH_COMPAT_H
#define LATCH_COMPAT_H

#include <linux/eventfd.h>
#include <linux/irqbypass.h>
#include <linux/mm.h>
#include <linux/msi.h>
#include <linux/pci.h>
#include <linux/vfio.h>

#include "have.h"

#if __has_include("linux/unaligned.h")
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

#ifdef HAVE_KSTRTOX_H
#include <linux/kstrtox.h>
#endif

/*
 * The kernel's configuration. A kernel without a VFIO PCI driver of its own has no such options:
 * then their defaults.
 */
#if IS_ENABLED(CONFIG_VFIO_PCI_CORE)
#define COMPAT_INTX	IS_ENABLED(CONFIG_VFIO_PCI_INTX)
#define COMPAT_VGA	IS_ENABLED(CONFIG_VFIO_PCI_VGA)
#define COMPAT_IGD	IS_ENABLED(CONFIG_VFIO_PCI_IGD)
#else
#define COMPAT_INTX	(!IS_ENABLED(CONFIG_S390))
#define COMPAT_VGA	(IS_ENABLED(CONFIG_X86) && IS_ENABLED(CONFIG_VGA_ARB))
#define COMPAT_IGD	IS_ENABLED(CONFIG_X86)
#endif

static inline void compat_eventfd_signal(struct eventfd_ctx *ctx)
{
#ifdef HAVE_EVENTFD_SIGNAL_ONE_ARG
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

#ifndef HAVE_VM_FLAGS_SET
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}
#endif

/* ARM64 only: the hypervisor may map the BAR write-combining for a guest. */
#ifdef VM_ALLOW_ANY_UNCACHED
#define COMPAT_VM_ALLOW_ANY_UNCACHED	VM_ALLOW_ANY_UNCACHED
#else
#define COMPAT_VM_ALLOW_ANY_UNCACHED	0
#endif

/*
 * Huge mappings of BARs: only where the rest of the kernel, above all IOMMU
 * mappings, can look them up.
 */
#if IS_ENABLED(CONFIG_ARCH_SUPPORTS_HUGE_PFNMAP) && defined(HAVE_HUGE_FAULT_ORDER)
#define COMPAT_HUGE_PFNMAP	1
#include <linux/huge_mm.h>
#ifndef HAVE_VMF_INSERT_PFN_PMD_PFN
#include <linux/pfn_t.h>
#endif

static inline vm_fault_t compat_insert_pfn_pmd(struct vm_fault *vmf, unsigned long pfn)
{
#ifdef HAVE_VMF_INSERT_PFN_PMD_PFN
	const unsigned long entry = pfn;
#else
	const pfn_t entry = __pfn_to_pfn_t(pfn, PFN_DEV);
#endif

	/*
	 * A mapping may be there, and read-only: who clears soft-dirty bits does that. Nothing else
	 * must be written: a kernel that lets userfaultfd have a BAR puts tables of marks there.
	 */
	return vmf_insert_pfn_pmd(vmf, entry, vmf->flags & FAULT_FLAG_WRITE &&
					      pmd_leaf(READ_ONCE(*vmf->pmd)));
}
#else
#define COMPAT_HUGE_PFNMAP	0
#ifndef PMD_ORDER
#define PMD_ORDER		(PMD_SHIFT - PAGE_SHIFT)
#endif

static inline vm_fault_t compat_insert_pfn_pmd(struct vm_fault *vmf, unsigned long pfn)
{
	return VM_FAULT_FALLBACK;
}
#endif

/*
 * Small mappings of a range of a BAR, where none exist. Without huge mappings a
 * BAR is mapped whole at its first fault: in bulk where a module can write page
 * table entries. Returns 0 or an error; pages mapped before it stay.
 */
#if !COMPAT_HUGE_PFNMAP && (defined(CONFIG_X86) || defined(CONFIG_ARM64))
#define COMPAT_MAPS_IN_BULK	true

struct compat_next_pte {
	struct mm_struct *mm;
	pte_t pte;
};

static inline void compat_set_pte(struct mm_struct *mm, unsigned long address, pte_t *pte,
				  pte_t value)
{
#ifdef CONFIG_ARM64
	/*
	 * The rest of set_pte_at() needs symbols that are not exported to modules, and is only for
	 * pages that are not special.
	 */
	set_pte(pte, value);
#else
	set_pte_at(mm, address, pte, value);
#endif
}

static inline pte_t compat_following_pte(pte_t pte)
{
#ifdef CONFIG_ARM64
	/* A 52-bit address is not in one piece. */
	return pfn_pte(pte_pfn(pte) + 1, pte_pgprot(pte));
#else
	return __pte(pte_val(pte) + PAGE_SIZE);
#endif
}

static inline int compat_map_pte(pte_t *pte, unsigned long address, void *data)
{
	struct compat_next_pte *next = data;

	if (pte_none(*pte))
		compat_set_pte(next->mm, address, pte, next->pte);
	next->pte = compat_following_pte(next->pte);
	return 0;
}

static inline int compat_map_pfns(struct vm_area_struct *vma, unsigned long start,
				  unsigned long end, unsigned long pfn)
{
	struct compat_next_pte next = {
		.mm = vma->vm_mm,
		.pte = pte_mkspecial(pfn_pte(pfn, vma->vm_page_prot)),
	};

	return apply_to_page_range(vma->vm_mm, start, end - start, compat_map_pte, &next);
}

static inline int compat_map_nothing(pte_t *pte, unsigned long address, void *data)
{
	return 0;
}

/*
 * Allocates the page tables of such a range, so that compat_map_pfns() allocates none: for each of
 * them a memory cgroup may have its client sleep for seconds. Returns 0 or an error.
 */
static inline int compat_alloc_tables(struct vm_area_struct *vma, unsigned long start,
				      unsigned long end)
{
	int ret = 0;

	for (; start < end && !ret; start = ALIGN(start + 1, PMD_SIZE))
		ret = apply_to_page_range(vma->vm_mm, start, PAGE_SIZE, compat_map_nothing, NULL);
	return ret;
}
#else
#define COMPAT_MAPS_IN_BULK	false

/* A range is within one table. */
static inline int compat_alloc_tables(struct vm_area_struct *vma, unsigned long start,
				      unsigned long end)
{
	return 0;
}

static inline int compat_map_pfns(struct vm_area_struct *vma, unsigned long start,
				  unsigned long end, unsigned long pfn)
{
	vm_fault_t ret = VM_FAULT_NOPAGE;

	for (; start < end && ret == VM_FAULT_NOPAGE; start += PAGE_SIZE)
		ret = vmf_insert_pfn(vma, start, pfn++);
	return ret == VM_FAULT_NOPAGE ? 0 : -EFAULT;
}
#endif

/* KVM posts an interrupt whose producer and consumer name the same eventfd. */
static inline int compat_irq_bypass_register(struct irq_bypass_producer *producer,
					     struct eventfd_ctx *ctx, int irq)
{
#ifdef HAVE_IRQ_BYPASS_2ARG
	return irq_bypass_register_producer(producer, ctx, irq);
#else
	int ret;

	producer->token = ctx;
	producer->irq = irq;
	ret = irq_bypass_register_producer(producer);
	/* Unregistering goes by the token, which may be another producer's. */
	if (ret)
		producer->token = NULL;
	return ret;
#endif
}

static inline void compat_irq_bypass_unregister(struct irq_bypass_producer *producer)
{
	irq_bypass_unregister_producer(producer);
#ifndef HAVE_IRQ_BYPASS_2ARG
	producer->token = NULL;
#endif
}

#ifdef HAVE_PCI_MSIX_ALLOC_IRQ_AT
static inline bool compat_msix_can_alloc_at(struct pci_dev *pdev)
{
	return pci_msix_can_alloc_dyn(pdev);
}

static inline int compat_msix_alloc_at(struct pci_dev *pdev, unsigned int n)
{
	struct msi_map map = pci_msix_alloc_irq_at(pdev, n, NULL);

	return map.index < 0 ? map.index : map.virq;
}
#else
static inline bool compat_msix_can_alloc_at(struct pci_dev *pdev)
{
	return false;
}

static inline int compat_msix_alloc_at(struct pci_dev *pdev, unsigned int n)
{
	return -EINVAL;
}
#endif

static inline int compat_set_driver_override(struct pci_dev *pdev, const char *driver)
{
#ifdef HAVE_DEVICE_SET_DRIVER_OVERRIDE
	return device_set_driver_override(&pdev->dev, driver);
#else
	return driver_set_override(&pdev->dev, &pdev->driver_override, driver, strlen(driver));
#endif
}

/* The last step of a device's release, which an older vfio leaves to the driver. */
static inline void compat_free_device(struct vfio_device *vdev)
{
#ifdef HAVE_VFIO_FREE_DEVICE
	vfio_free_device(vdev);
#endif
}

/* A device opened without a group, through iommufd: what an older kernel's headers lack. */
#ifndef HAVE_VFIO_DEVICE_CDEV_OPENED
static inline bool vfio_device_cdev_opened(struct vfio_device *vdev)
{
	return false;
}
#endif

#ifdef VFIO_PCI_HOT_RESET_FLAG_DEV_ID
static inline void compat_set_devid(struct vfio_pci_dependent_device *entry, int devid)
{
	entry->devid = devid;
}
#else
#define VFIO_PCI_HOT_RESET_FLAG_DEV_ID		BIT(0)
#define VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED	BIT(1)
#define VFIO_PCI_DEVID_OWNED			0
#define VFIO_PCI_DEVID_NOT_OWNED		(-1)

static inline void compat_set_devid(struct vfio_pci_dependent_device *entry, int devid) {}
#endif

/*
 * @member's number for the user of @opened: VFIO_PCI_DEVID_OWNED if the user owns it through its
 * group, without a number of its own; VFIO_PCI_DEVID_NOT_OWNED if the user does not own it.
 */
static inline int compat_device_id(struct vfio_device *opened, struct vfio_device *member)
{
	int id = VFIO_PCI_DEVID_NOT_OWNED;

#if IS_ENABLED(CONFIG_VFIO_DEVICE_CDEV) && defined(HAVE_VFIO_DEVICE_CDEV_OPENED)
	if (member)
		id = vfio_iommufd_get_dev_id(member, vfio_iommufd_device_ictx(opened));
	if (id == -ENOENT)
		return VFIO_PCI_DEVID_OWNED;
#endif
	return id < 0 ? VFIO_PCI_DEVID_NOT_OWNED : id;
}

/* Which AtomicOps a function may use: no capability of an older VFIO. */
#ifdef VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP
#define COMPAT_ATOMIC_COMP	1
#else
#define COMPAT_ATOMIC_COMP	0
#define VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP	5
#define VFIO_PCI_ATOMIC_COMP32			BIT(0)
#define VFIO_PCI_ATOMIC_COMP64			BIT(1)
#define VFIO_PCI_ATOMIC_COMP128			BIT(2)

struct vfio_device_info_cap_pci_atomic_comp {
	struct vfio_info_cap_header header;
	__u32 flags;
	__u32 reserved;
};
#endif

/* region_info.c APIs: */
int compat_get_region_info(struct vfio_device *vdev, void __user *arg);

/* mapping.c APIs: */
struct address_space *compat_mapping_get(struct vfio_device *vdev);
void compat_mapping_put(struct address_space *mapping);
void compat_mapping_attach(struct address_space *mapping, struct vm_area_struct *vma);

#endif
