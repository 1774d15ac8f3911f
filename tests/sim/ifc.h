/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fields of the command interface.
 *
 * The layouts are those of the kernel's own header, mlx5_ifc.h, in which a struct has one byte
 * for every bit. Fields are big-endian; none but 64-bit ones crosses a 32-bit word.
 */
#ifndef CX_IFC_H
#define CX_IFC_H

#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
#ifndef BIT_ULL
#define BIT_ULL(nr) (1ULL << (nr))
#endif
#ifndef BIT
#define BIT(nr) (1UL << (nr))
#endif
#include "mlx5/mlx5_ifc.h"

#define IFC_OFFSET(layout, field)	offsetof(struct mlx5_ifc_##layout##_bits, field)
#define IFC_WIDTH(layout, field)	sizeof(((struct mlx5_ifc_##layout##_bits *)0)->field)
#define IFC_BYTES(layout)		(sizeof(struct mlx5_ifc_##layout##_bits) / 8)
/* Where a field, or a struct within, begins in a buffer. */
#define IFC_AT(layout, buffer, field)	((uint8_t *)(buffer) + IFC_OFFSET(layout, field) / 8)

#define GET(layout, buffer, field) \
	ifc_get(buffer, IFC_OFFSET(layout, field), IFC_WIDTH(layout, field))
#define SET(layout, buffer, field, value) \
	ifc_set(buffer, IFC_OFFSET(layout, field), IFC_WIDTH(layout, field), value)

/**
 * ifc_get() - Read the field of WIDTH bits that begins OFFSET bits into a buffer.
 */
uint64_t ifc_get(const void *buffer, size_t offset, size_t width);
void ifc_set(void *buffer, size_t offset, size_t width, uint64_t value);

/*
 * Fields that are newer than Debian 12's header: pre-copy and chunks. Bits from the
 * beginning of the layout that is named.
 */
#define CAP_2_MIGRATABLE			0x80	/* cmd_hca_cap_2 */
#define CAP_2_MIGRATION_MULTI_LOAD		0xc8
#define CAP_2_MIGRATION_TRACKING_STATE		0xc9
#define CAP_2_MIGRATION_IN_CHUNKS		0xd0
#define CAP_2_MIGRATION_STATE			0xd9
#define QUERY_MIGRATION_IN_INCREMENTAL		0x40	/* query_vhca_migration_state_in */
#define QUERY_MIGRATION_IN_CHUNK		0x41
#define QUERY_MIGRATION_OUT_STATE		0x60	/* ..._out: migration_state, 4 bits */
#define QUERY_MIGRATION_OUT_REMAINING		0xc0	/* remaining_total_size, 64 bits */
#define SAVE_IN_INCREMENTAL			0x40	/* save_vhca_state_in */
#define SAVE_IN_SET_TRACK			0x41
#define SAVE_OUT_NEXT_REQUIRED			0x60	/* ..._out: next_required_umem_size, 32 bits */

/* What the kernel keeps in headers that do not compile outside of it: device.h, driver.h. */
enum cx_status {
	CX_OK			= 0x00,
	CX_INTERNAL_ERROR	= 0x01,
	CX_BAD_OPCODE		= 0x02,
	CX_BAD_PARAMETER	= 0x03,
	CX_BAD_SYSTEM_STATE	= 0x04,
	CX_BAD_RESOURCE		= 0x05,
	CX_BUSY			= 0x06,
	CX_LIMIT		= 0x08,
	CX_BAD_RESOURCE_STATE	= 0x09,
	CX_BAD_INDEX		= 0x0a,
	CX_NO_RESOURCES		= 0x0f,
	CX_BAD_QP_STATE		= 0x10,
	CX_BAD_INPUT_LENGTH	= 0x50,
	CX_BAD_OUTPUT_LENGTH	= 0x51,
};

/* Values of migration_state: what a driver may know of, and one of those that it may not. */
enum cx_migration_state {
	MIGRATION_STATE_READY	= 0x2,
	MIGRATION_STATE_INIT	= 0x4,
};

enum cx_event {
	CX_EVENT_COMPLETION	= 0x00,
	CX_EVENT_CQ_ERROR	= 0x04,
	CX_EVENT_QP_ERROR	= 0x05,
	CX_EVENT_COMMAND	= 0x0a,
	CX_EVENT_PAGE_REQUEST	= 0x0b,
	CX_EVENT_OBJECT_CHANGE	= 0x27,
};

enum cx_register {
	CX_REG_HOST_ENDIANNESS	= 0x7004,
	CX_REG_DTOR		= 0xc00e,
};

enum cx_cap_type {
	CX_CAP_GENERAL			= 0x00,
	CX_CAP_DEVICE_EVENT		= 0x14,
	CX_CAP_GENERAL_2		= 0x20,
	CX_CAP_ADV_VIRTUALIZATION	= 0x26,
};

#endif
