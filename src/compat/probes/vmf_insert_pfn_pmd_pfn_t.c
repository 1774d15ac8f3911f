// SPDX-License-Identifier: GPL-2.0-only
/* vmf_insert_pfn_pmd() and vmf_insert_pfn_pud() take a pfn_t */
#include <linux/mm.h>
#include <linux/huge_mm.h>
#include <linux/pfn_t.h>

vm_fault_t probe(struct vm_fault *vmf, pfn_t pfn)
{
	return vmf_insert_pfn_pmd(vmf, pfn, false) | vmf_insert_pfn_pud(vmf, pfn, false);
}
