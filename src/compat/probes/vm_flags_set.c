// SPDX-License-Identifier: GPL-2.0-only
/* vm_flags_set() instead of writing vma->vm_flags */
#include <linux/mm.h>

void probe(struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_IO | VM_PFNMAP);
}
