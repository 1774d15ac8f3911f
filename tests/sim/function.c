// SPDX-License-Identifier: GPL-2.0-only
/* A virtual HCA: its beginning, its reset, its end, and its DMA. */
#include "connectx.h"
#include "hw/pci/msix.h"

/* EQ numbers have 8 bits in events, the others 24. */
#define EQ_MAX		0xff
#define OBJECT_MAX	0xffff

void cx_function_init(struct cx_function *fn)
{
	g_queue_init(&fn->pages);
	cx_table_init(&fn->uars, CX_UAR_FIRST, CX_UAR_FIRST + CX_UAR_COUNT - 1, NULL);
	cx_table_init(&fn->pds, 1, OBJECT_MAX, NULL);
	cx_table_init(&fn->mkeys, 0x100, OBJECT_MAX, cx_mkey_free);
	cx_table_init(&fn->eqs, 1, EQ_MAX, cx_eq_free);
	cx_table_init(&fn->cqs, 0x10, OBJECT_MAX, cx_cq_free);
	cx_table_init(&fn->qps, 0x20, OBJECT_MAX, cx_qp_free);
	cx_table_init(&fn->trackers, 1, OBJECT_MAX, cx_tracker_free);
	cx_caps_init(fn);
}

void cx_function_drop_objects(struct cx_function *fn)
{
	cx_table_clear(&fn->trackers);
	cx_table_clear(&fn->qps);
	cx_table_clear(&fn->cqs);
	cx_table_clear(&fn->eqs);
	cx_table_clear(&fn->mkeys);
	cx_table_clear(&fn->pds);
	cx_table_clear(&fn->uars);
	fn->initialized = false;
}

void cx_function_reset(struct cx_function *fn)
{
	cx_command_queue_reset(fn);
	cx_function_drop_objects(fn);
	g_queue_clear_full(&fn->pages, g_free);
	cx_caps_exit(fn);
	cx_caps_init(fn);
	fn->health_syndrome = 0;
	if (fn->migration)
		cx_migration_reset(fn->migration);
	msix_reset(fn->pci);
}

void cx_firmware_reset(struct cx_function *fn)
{
	struct cx_function *vf;

	cx_function_reset(fn);
	if (fn->id)
		return;
	cx_pages_forget(fn->pf);
	for (unsigned int id = 1; (vf = cx_function_get(fn->pf, id)); id++)
		cx_migration_reset(vf->migration);
}

void cx_function_exit(struct cx_function *fn)
{
	cx_command_queue_reset(fn);
	cx_table_destroy(&fn->trackers);
	cx_table_destroy(&fn->qps);
	cx_table_destroy(&fn->cqs);
	cx_table_destroy(&fn->eqs);
	cx_table_destroy(&fn->mkeys);
	cx_table_destroy(&fn->pds);
	cx_table_destroy(&fn->uars);
	g_queue_clear_full(&fn->pages, g_free);
	cx_caps_exit(fn);
}

bool cx_dma_read(struct cx_function *fn, uint64_t address, void *buffer, size_t length)
{
	return pci_dma_read(fn->pci, address, buffer, length) == MEMTX_OK;
}

bool cx_dma_write(struct cx_function *fn, uint64_t address, const void *buffer, size_t length)
{
	if (pci_dma_write(fn->pci, address, buffer, length) != MEMTX_OK)
		return false;
	if (fn->id)
		cx_tracker_vf_wrote(fn, address, length);
	return true;
}
