/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iommufd.h: an iommufd's contexts, address spaces (IOAS) and page tables (HWPT), as thin as a test
 * needs them. Debian 12's headers know none of it.
 *
 * Functions that end in _try return a negative errno on failure; all others fail the test.
 */
#ifndef VMTEST_IOMMUFD_H
#define VMTEST_IOMMUFD_H

#include <stddef.h>
#include <stdint.h>

#define HWPT_PASID	(1 << 3)

/* A new context. Loading the driver has loaded iommufd, too. */
int iommufd_open(void);
/* Any object of it by its id. */
int iommufd_destroy_try(int iommufd, uint32_t id);

uint32_t ioas_new(int iommufd);
/* Memory for DMA: page aligned, zeroed, mapped at IOVA. */
void *ioas_memory(int iommufd, uint32_t ioas, uint64_t iova, size_t size);
/* Both: a new IOAS with such memory. */
void *ioas_new_memory(int iommufd, uint32_t *ioas, uint64_t iova, size_t size);
int ioas_map_try(int iommufd, uint32_t ioas, void *memory, uint64_t iova, size_t size);
void ioas_unmap(int iommufd, uint32_t ioas, uint64_t iova, size_t size);
/* Where in physical memory this is, for devices without an IOMMU. */
int ioas_physical_try(int iommufd, uint32_t ioas, uint64_t iova, uint64_t *physical);

/* A page table of the device's IOMMU, with the mappings of IOAS. */
int hwpt_new_try(int iommufd, uint32_t devid, uint32_t ioas, uint32_t flags, uint32_t *hwpt);
uint32_t hwpt_new(int iommufd, uint32_t devid, uint32_t ioas, uint32_t flags);

#endif
