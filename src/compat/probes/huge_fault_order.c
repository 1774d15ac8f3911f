// SPDX-License-Identifier: GPL-2.0-only
/* vm_operations_struct.huge_fault takes an order, not an enum page_entry_size */
#include <linux/mm.h>

/* C accepts the enum as an unsigned int: so this fails to compile where the enum exists. */
enum page_entry_size { PE_SIZE_PTE };

vm_fault_t huge_fault(struct vm_fault *vmf, unsigned int order);

const struct vm_operations_struct probe = {
	.huge_fault = huge_fault,
};
