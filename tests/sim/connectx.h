/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ConnectX model: what its files share.
 *
 * All of it runs under QEMU's big lock: register accesses, timers, properties.
 */
#ifndef CONNECTX_H
#define CONNECTX_H

#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/timer.h"
#include "hw/pci/pci.h"
#include "hw/pci/pcie_sriov.h"
#include "qom/object.h"
#include "ifc.h"

#define CX_PF_TYPE	"connectx"
#define CX_VF_TYPE	"connectx-vf"

/* BAR 0, of the PF and of each VF. */
#define CX_BAR_SIZE		0x100000
#define CX_UAR_FIRST		4		/* page index; the init segment is below */
#define CX_UAR_COUNT		0x60
#define CX_WINDOW_OFFSET	0x80000		/* test window, VFs only */
#define CX_WINDOW_REGISTERS	0x80
#define CX_WINDOW_SIZE		0x1000
#define CX_MSIX_TABLE		0xf0000
#define CX_MSIX_PBA		0xf8000

#define CX_COMMAND_SLOTS_LOG	5
#define CX_COMMAND_STRIDE_LOG	6
#define CX_COMMAND_SLOTS	(1 << CX_COMMAND_SLOTS_LOG)
#define CX_COMMAND_MAX		(1 << 20)	/* bytes of input, and of output */

#define CX_CAP_BYTES		0x1000
#define CX_CAP_TYPES		0x40

struct cx_function;
struct cx_pf;
struct cx_eq;
struct cx_cq;
struct cx_qp;
struct cx_migration;
struct cx_window;

/* table.c: numbered objects */
struct cx_table {
	GHashTable *entries;
	uint32_t first, last;
};

void cx_table_init(struct cx_table *table, uint32_t first, uint32_t last, GDestroyNotify free);
void cx_table_destroy(struct cx_table *table);
/* Returns the lowest free number, or 0 when there is none. */
uint32_t cx_table_add(struct cx_table *table, void *object);
void *cx_table_get(struct cx_table *table, uint32_t number);
bool cx_table_remove(struct cx_table *table, uint32_t number);
void cx_table_clear(struct cx_table *table);
uint32_t cx_table_count(struct cx_table *table);

/* One command that the driver has given to the firmware. */
struct cx_command {
	struct cx_function *fn;
	unsigned int slot;
	uint16_t opcode, op_mod;
	uint8_t *in, *out;
	uint32_t in_length, out_length;
	uint8_t token;
	bool notify;			/* complete with an event */
	bool stuck;			/* a fault: not complete until faults are removed */
	uint8_t delivery;		/* status of the delivery itself */
	uint64_t out_mailbox;
	int64_t work;			/* nanoseconds that it takes beyond command-us */
	QEMUTimer *late;		/* completes the command, if it does so late */
};

struct cx_command_queue {
	uint64_t address;
	uint8_t interface_mode;		/* the init segment's "NIC interface" */
	uint32_t held;			/* doorbells rung while the VF is suspended */
	struct cx_command *running[CX_COMMAND_SLOTS];
};

/* What the PF and each VF have alike: a virtual HCA. */
struct cx_function {
	PCIDevice *pci;
	struct cx_pf *pf;
	unsigned int id;		/* the firmware's number: 0 is the PF, n the VF n - 1 */
	MemoryRegion bar, registers;
	uint8_t uar_word[8];		/* a CQ doorbell that comes as two words */

	struct cx_command_queue queue;
	uint8_t *caps[CX_CAP_TYPES];	/* current ones, of those types that there are */
	bool enabled, initialized;

	GQueue pages;			/* addresses that the driver has given */
	struct cx_table uars, pds, mkeys, eqs, cqs, qps, trackers;

	uint8_t health_syndrome;
	bool holds_reset;
	uint32_t health_counter;

	struct cx_migration *migration;	/* VFs only */
	struct cx_window *window;	/* VFs only */
};

struct cx_pf {
	PCIDevice parent_obj;
	struct cx_function fn;
	GQueue vf_pages[256];		/* pages that the PF's driver gave for VFs */
	GList *faults;
	bool migratable[256];		/* VFs, by their number */
	char *trace_path;
	FILE *trace;

	/* properties */
	uint16_t vfs, vectors, vf_vectors;
	uint32_t pages_per_vf, boot_pages, init_pages;
	bool ethernet, migration, precopy, chunks, multi_load, migration_state, tracker;
	uint64_t state_limit, image_limit;
	uint32_t chunk_size, chunk_required;
	uint8_t tracker_max_ranges, tracker_min_space, tracker_max_space, tracker_max_message;
	uint32_t tracker_capacity;
	uint32_t command_timeout_ms, health_poll_ms;
	uint32_t command_us, image_us, image_us_per_mib;
	bool strict;
	struct cx_rules {
		bool restart, track, increment, clean_up, fill, idle, keys, busy, caps;
	} rules;
};

/* Whether the firmware is as particular as this rule of docs/simulator.md says. */
#define CX_RULE(pf, rule) ((pf)->strict && (pf)->rules.rule)

struct cx_vf {
	PCIDevice parent_obj;
	struct cx_function fn;
};

DECLARE_INSTANCE_CHECKER(struct cx_pf, CX_PF, CX_PF_TYPE)
DECLARE_INSTANCE_CHECKER(struct cx_vf, CX_VF, CX_VF_TYPE)

/* pci.c */
void cx_pci_register_types(void);
/* The function with this number; NULL when there is none now. */
struct cx_function *cx_function_get(struct cx_pf *pf, unsigned int id);
uint16_t cx_vhca_id(const struct cx_function *fn);
struct cx_function *cx_function_by_vhca(struct cx_pf *pf, uint16_t vhca_id);

/* function.c */
void cx_function_init(struct cx_function *fn);
void cx_function_exit(struct cx_function *fn);
/* As after power-on or a function level reset. */
void cx_function_reset(struct cx_function *fn);
/* By the driver, through the init segment: the PF's also makes the VFs forget what they hold. */
void cx_firmware_reset(struct cx_function *fn);
/* Objects of the driver are gone, those of TEARDOWN_HCA. */
void cx_function_drop_objects(struct cx_function *fn);
bool cx_dma_read(struct cx_function *fn, uint64_t address, void *buffer, size_t length);
bool cx_dma_write(struct cx_function *fn, uint64_t address, const void *buffer, size_t length);

/* registers.c, init_segment.c, uar.c: BAR 0 */
extern const MemoryRegionOps cx_register_ops;
uint32_t cx_init_segment_read(struct cx_function *fn, hwaddr offset);
void cx_init_segment_write(struct cx_function *fn, hwaddr offset, uint32_t value);
/* From now on a reset by the driver begins, and does not end before it is let go. */
void cx_hold_reset(struct cx_function *fn);
void cx_let_reset_go(struct cx_function *fn);
void cx_uar_write(struct cx_function *fn, hwaddr offset, uint64_t value, unsigned int size);

/* command_queue.c */
void cx_doorbell(struct cx_function *fn, uint32_t slots);
void cx_command_queue_reset(struct cx_function *fn);
/* Commands that a fault held back fail now. */
void cx_command_queue_unstick(struct cx_function *fn);
/* They are executed, but do not complete. Returns false when there are none, or one fails. */
bool cx_command_queue_work_on(struct cx_function *fn);
/* Execute what was held while the VF was suspended. */
void cx_command_queue_resume(struct cx_function *fn);

/* commands.c */
const char *cx_command_name(uint16_t opcode);
/* The opcode of a name or number; 0 when there is none. */
uint16_t cx_command_opcode(const char *name);
enum cx_status cx_command_execute(struct cx_command *cmd);

typedef enum cx_status cx_handler(struct cx_command *cmd);

/* hca.c */
cx_handler cx_query_adapter, cx_enable_hca, cx_disable_hca, cx_init_hca, cx_teardown_hca,
	   cx_query_issi, cx_set_issi, cx_access_register, cx_modify_vport;
/* caps.c */
cx_handler cx_query_hca_cap, cx_set_hca_cap;
void cx_caps_register(ObjectClass *pf_class);
void cx_caps_init(struct cx_function *fn);
void cx_caps_exit(struct cx_function *fn);
/* pages.c */
cx_handler cx_query_pages, cx_manage_pages;
/* Ask the PF's driver for COUNT pages for a VF, or back when negative. */
void cx_pages_request(struct cx_pf *pf, unsigned int id, int32_t count);
/* Those that the PF's driver gave for VFs are no longer the firmware's. */
void cx_pages_forget(struct cx_pf *pf);
/* uar.c, mkey.c, eq.c, cq.c, qp.c */
cx_handler cx_alloc_uar, cx_dealloc_uar;
cx_handler cx_alloc_pd, cx_dealloc_pd, cx_create_mkey, cx_destroy_mkey, cx_query_special_contexts;
cx_handler cx_create_eq, cx_destroy_eq;
cx_handler cx_create_cq, cx_destroy_cq;
cx_handler cx_create_qp, cx_destroy_qp, cx_rst2init_qp, cx_init2rtr_qp, cx_rtr2rts_qp, cx_2err_qp,
	   cx_2rst_qp;
/* vf_migration.c */
cx_handler cx_query_vhca_migration_state, cx_suspend_vhca, cx_resume_vhca, cx_save_vhca_state,
	   cx_load_vhca_state;
/* page_tracker.c */
cx_handler cx_create_general_object, cx_modify_general_object, cx_query_general_object,
	   cx_destroy_general_object;

/* mkey.c: memory that a key describes */
void cx_mkey_free(void *mkey);
bool cx_mkey_read(struct cx_function *fn, uint32_t key, uint64_t va, void *buffer, size_t length);
bool cx_mkey_write(struct cx_function *fn, uint32_t key, uint64_t va, const void *buffer,
		   size_t length);
/* Whether an image of LENGTH bytes can be there: the key describes all of it, with all rights. */
bool cx_mkey_takes_image(struct cx_function *fn, uint32_t key, uint64_t va, uint64_t length);
/* Whether this PD is that of a key. */
bool cx_mkey_is_of(struct cx_function *fn, uint32_t key, uint32_t pd);

/* A queue's buffer in the driver's memory, as a list of pages. */
struct cx_buffer {
	uint64_t *pages;
	uint32_t count;
	unsigned int page_shift;
	uint32_t offset;
};

bool cx_buffer_init(struct cx_buffer *buffer, const void *pas, size_t pas_bytes,
		    unsigned int page_shift, uint32_t offset, uint64_t length);
void cx_buffer_free(struct cx_buffer *buffer);
/* OFFSET and LENGTH do not cross a page. */
uint64_t cx_buffer_address(const struct cx_buffer *buffer, uint64_t offset);

/* eq.c */
void cx_eq_free(void *eq);
void cx_eq_doorbell(struct cx_function *fn, uint32_t value, bool arm);
/* An event for every EQ that asked for its type. DATA has 28 bytes. */
void cx_event(struct cx_function *fn, enum cx_event type, const void *data);
/* Whether an EQ has asked for this type. */
bool cx_event_wanted(struct cx_function *fn, enum cx_event type);
void cx_completion_event(struct cx_function *fn, uint32_t eqn, uint32_t cqn);

/* cq.c */
void cx_cq_free(void *cq);
void cx_cq_doorbell(struct cx_function *fn, uint32_t cqn, uint32_t consumer);
/* Returns false when the CQ is not there or full. */
bool cx_cq_receive(struct cx_function *fn, uint32_t cqn, uint32_t qpn, uint16_t wqe_index,
		   uint32_t bytes, uint32_t immediate);
void cx_cq_error(struct cx_function *fn, uint32_t cqn);

/* qp.c */
enum cx_send_result { CX_SENT, CX_NOT_READY, CX_SEND_FAILED };
void cx_qp_free(void *qp);
/* Send from QPN to the QP it is connected with, which is in the same function. */
enum cx_send_result cx_qp_send(struct cx_function *fn, uint32_t qpn, const void *data,
			       uint32_t length, uint32_t immediate);
/* The QP it is connected with; 0 when none. */
uint32_t cx_qp_peer(struct cx_function *fn, uint32_t qpn);
uint32_t cx_qp_receive_cq(struct cx_function *fn, uint32_t qpn);
void cx_qp_error(struct cx_function *fn, uint32_t qpn);
bool cx_qp_uses_pd(struct cx_function *fn, uint32_t pd);

/* vf_migration.c */
struct cx_migration *cx_migration_new(void);
void cx_migration_free(struct cx_migration *migration);
void cx_migration_reset(struct cx_migration *migration);
bool cx_suspended(const struct cx_function *fn);	/* may not begin anything */
/* The VF that a migration command names; NULL with other commands. */
struct cx_function *cx_migration_subject(struct cx_command *cmd);
/* Called for each command before it is executed, or refused by a fault. */
void cx_migration_attempted(struct cx_command *cmd);
/* The firmware works at an image until the command completes. */
void cx_migration_begin_work(struct cx_command *cmd);
void cx_migration_end_work(struct cx_command *cmd);
/* The state that this command is about grows by LENGTH bytes. */
void cx_migration_grow(struct cx_command *cmd, uint64_t length);
void cx_migration_require(struct cx_command *cmd, uint32_t length);
void cx_migration_never_end(struct cx_command *cmd);
/* The VF has been configured anew: its migration state is INIT until it is saved. */
void cx_migration_reinit(struct cx_function *vf);

/* vf_state.c: what a VF has to migrate */
struct cx_state;
bool cx_state_fill(struct cx_migration *migration, uint64_t size, uint64_t seed);
bool cx_state_touch(struct cx_migration *migration, uint64_t offset, uint64_t length,
		    uint64_t seed);
uint64_t cx_state_digest(const struct cx_migration *migration);
void cx_pattern(void *buffer, uint64_t length, uint64_t seed, uint64_t offset);

/* page_tracker.c */
void cx_tracker_free(void *tracker);
void cx_tracker_vf_wrote(struct cx_function *vf, uint64_t address, uint64_t length);
/* The CQ of tracker reports was polled: there may be room to go on. */
void cx_tracker_continue(struct cx_function *fn);
bool cx_tracker_fail(struct cx_pf *pf, unsigned int vf);
bool cx_tracker_stray(struct cx_pf *pf, unsigned int vf);
bool cx_tracker_unasked(struct cx_pf *pf, unsigned int vf);
bool cx_tracker_flood(struct cx_pf *pf, unsigned int vf);
/* The QP that tracker reports for this VF arrive at; 0 when none. */
uint32_t cx_tracker_host_qp(struct cx_pf *pf, unsigned int vf);
/* The VF that a command about a tracker names; NULL when there is none. */
struct cx_function *cx_tracker_subject(struct cx_command *cmd);

/* test_window.c */
struct cx_window *cx_window_new(void);
/* CX_WINDOW_REGISTERS bytes, which an image carries with the state. */
uint8_t *cx_window_registers(struct cx_function *fn);
uint64_t cx_window_read(struct cx_function *fn, hwaddr offset, unsigned int size);
void cx_window_write(struct cx_function *fn, hwaddr offset, uint64_t value, unsigned int size);

/* faults.c */
enum cx_fault_kind {
	CX_FAULT_NONE, CX_FAULT_STATUS, CX_FAULT_TIMEOUT, CX_FAULT_DELAY, CX_FAULT_GROW,
	CX_FAULT_EMPTY, CX_FAULT_REQUIRED, CX_FAULT_DELIVERY, CX_FAULT_ENDLESS,
};
struct cx_fault_effect {
	enum cx_fault_kind kind;
	uint32_t value;			/* status of command or delivery, milliseconds, or bytes */
};
struct cx_fault_effect cx_fault_for(struct cx_command *cmd);
void cx_faults_register(ObjectClass *pf_class);
void cx_faults_free(struct cx_pf *pf);

/* trace.c */
/* What the command is about, before it is executed. */
struct cx_trace_before {
	struct cx_function *vf;
	bool initiator, responder, tracking, unfinished;
};
struct cx_trace_before cx_trace_before(struct cx_command *cmd);
/* OUTCOME is "executed", or what a fault made of it. */
void cx_trace(struct cx_command *cmd, const struct cx_trace_before *before, const char *outcome);
void cx_trace_register(ObjectClass *pf_class);
void cx_trace_close(struct cx_pf *pf);

#endif
